"""Parameters of the queries: their types, limits and documentation, and what they mean."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from api.web.parameters import is_day, to_iso_or_refuse
from api.web.problems import InvalidParameter
from watchkeeper.clock import from_iso, to_iso
from watchkeeper.observability.models import Period
from watchkeeper.observability.projections import ALERT_HISTORY_DAYS, ERRORS_DAYS, SECURITY_EVENTS_DAYS
from watchkeeper.observability.series import KEY, NAME, VALUE

MAX_SERIES = 10
LONGEST = {Period.MINUTE: timedelta(days=1), Period.HOUR: timedelta(days=31), Period.DAY: timedelta(days=455)}
"""The longest span of a metric's history, by what its buckets are."""
USUAL = {Period.MINUTE: timedelta(hours=1), Period.HOUR: timedelta(days=1), Period.DAY: timedelta(days=30)}
"""The span if nothing else is asked for."""

_HISTORY = timedelta(days=30)
_NAME = f"^{NAME}$"
_DIMENSION = f"^{KEY}:{VALUE}$"

MetricSegment = Annotated[str, Path(min_length=1, max_length=64, description="The name of a metric")]

Beginning = Annotated[str | None, Query(pattern=_NAME, description="Only metrics whose names begin so")]
Dimensions = Annotated[
    list[Annotated[str, Query(pattern=_DIMENSION)]] | None,
    Query(alias="dimension", max_length=5, description="Only series with this dimension, as `key:value`; all of them"),
]
StaleSince = Annotated[
    str | None,
    Query(alias="stale_since", max_length=40, description="Only series without a value since this moment (ISO 8601)"),
]
PeriodName = Annotated[Literal["minute", "hour", "day"], Query(description="How long a bucket is")]
Statistic = Annotated[
    Literal["avg", "sum", "min", "max", "count"], Query(description="What is told of the values in a bucket")
]
FromMoment = Annotated[
    str | None,
    Query(
        alias="from",
        max_length=40,
        description="From this day or moment on (ISO 8601); an hour by minute, a day by hour, 30 days by day, if not "
        "given",
    ),
]
ToMoment = Annotated[
    str | None,
    Query(alias="to", max_length=40, description="Up to the end of this day, or this moment; now if not given"),
]
FromHistory = Annotated[
    str | None,
    Query(alias="from", max_length=40, description=f"From this day or moment on; {_HISTORY.days} days if not given"),
]

Metric = Annotated[str | None, Query(pattern=_NAME, description="Only of this metric")]
Rule = Annotated[str | None, Query(min_length=1, max_length=64, description="Only of this rule, by its `id`")]
Retired = Annotated[bool, Query(description="Also rules that were retired, which are kept for 30 days")]
AlertStates = Annotated[
    list[Literal["quiet", "pending", "open", "acknowledged", "resolved"]] | None,
    Query(alias="state", max_length=5, description="States, any of them; open and acknowledged ones if not given"),
]
AlertSeverities = Annotated[
    list[Literal["info", "warning", "critical"]] | None,
    Query(alias="severity", max_length=3, description="Severities, any of them"),
]
SecurityStates = Annotated[
    list[Literal["detected", "triaged", "closed"]] | None,
    Query(alias="state", max_length=3, description="States, any of them"),
]
SecuritySeverities = Annotated[
    list[Literal["low", "medium", "high", "critical"]] | None,
    Query(alias="severity", max_length=4, description="Severities, any of them"),
]
Where = Annotated[
    str | None, Query(min_length=1, max_length=100, description="Only what failed there: a function, or `projections`")
]


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment to another, both included."""

    since: datetime
    until: datetime

    def iso(self) -> tuple[str, str]:
        return to_iso(self.since), to_iso(self.until)


def series_span(since: str | None, until: str | None, period: Period, now: datetime) -> Span:
    """From the beginning of a bucket on. Raises ``InvalidParameter``."""
    last = _end(until, now)
    first = _start(since, last - USUAL[period])
    _require_order(first, last)
    if last - first > LONGEST[period]:
        most = LONGEST[period].days
        raise InvalidParameter("from", f"is more than {most} days before `to`, too many for buckets of a {period}")
    return Span(period.start(first), last)


def history_span(since: str | None, until: str | None, now: datetime) -> Span:
    """Of what happened to alerts. What is further back than it is kept is not looked for."""
    return _kept_span(since, until, now, ALERT_HISTORY_DAYS)


def security_span(since: str | None, until: str | None, now: datetime) -> Span:
    return _kept_span(since, until, now, SECURITY_EVENTS_DAYS)


def errors_span(since: str | None, until: str | None, now: datetime) -> Span:
    return _kept_span(since, until, now, ERRORS_DAYS)


def wanted_dimensions(given: list[str] | None) -> dict[str, str]:
    """Raises ``InvalidParameter`` for one that would have two values."""
    wanted: dict[str, str] = {}
    for one in given or []:
        key, _, value = one.partition(":")
        if wanted.setdefault(key, value) != value:
            raise InvalidParameter("dimension", f"`{key}` has two values")
    return wanted


def stale_since(text: str | None) -> datetime | None:
    """Raises ``InvalidParameter``."""
    return from_iso(to_iso_or_refuse(text, "stale_since")) if text else None


def _kept_span(since: str | None, until: str | None, now: datetime, days: int) -> Span:
    last = _end(until, now)
    first = _start(since, now - _HISTORY if last > now - _HISTORY else last - _HISTORY)
    _require_order(first, last)
    return Span(max(first, now - timedelta(days=days)), min(last, now + timedelta(days=1)))


def _start(text: str | None, otherwise: datetime) -> datetime:
    return from_iso(to_iso_or_refuse(text, "from")) if text else otherwise


def _end(text: str | None, now: datetime) -> datetime:
    """A day counts to its end."""
    if not text:
        return now
    moment = to_iso_or_refuse(text, "to")
    last = from_iso(f"{moment[:10]}T23:59:59Z" if is_day(text) else moment)
    if last.year < _FIRST_YEAR:
        raise InvalidParameter("to", "is too long ago")
    return last


def _require_order(first: datetime, last: datetime) -> None:
    if first > last:
        raise InvalidParameter("to", "is before `from`")


_FIRST_YEAR = 2000
"""Others are counted from it."""
