"""Query parameters: their types, limits, documentation and interpretation."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from api.web.parameters import is_day, to_iso_or_refuse
from api.web.problems import InvalidParameter
from watchkeeper.clock import from_iso, to_iso
from watchkeeper.observability.models import Period
from watchkeeper.observability.projections import ALERT_HISTORY_DAYS, SECURITY_EVENTS_DAYS
from watchkeeper.observability.series import KEY, NAME, VALUE

MAX_SERIES = 10
LONGEST = {Period.MINUTE: timedelta(days=1), Period.HOUR: timedelta(days=31), Period.DAY: timedelta(days=455)}
"""The longest span of a metric's history, by bucket length."""
USUAL = {Period.MINUTE: timedelta(hours=1), Period.HOUR: timedelta(days=1), Period.DAY: timedelta(days=30)}
"""The default span, by bucket length."""

_HISTORY = timedelta(days=30)
_FROM_HISTORY = f"Start of the range: a day or a date-time. Default: {_HISTORY.days} days before `to` or now"
_NAME = f"^{NAME}$"
_DIMENSION = f"^{KEY}:{VALUE}$"

MetricSegment = Annotated[str, Path(min_length=1, max_length=64, description="The name of a metric")]

Beginning = Annotated[str | None, Query(pattern=_NAME, description="Only metrics whose names start with this")]
Dimensions = Annotated[
    list[Annotated[str, Query(pattern=_DIMENSION)]] | None,
    Query(alias="dimension", max_length=5, description="Only series with this dimension, as `key:value`. Repeatable"),
]
Exact = Annotated[
    bool,
    Query(
        description="Only the series that has exactly the given dimensions; without `dimension`, the one without any"
    ),
]
StaleSince = Annotated[
    str | None,
    Query(alias="stale_since", max_length=40, description="Only series without a value since this time (ISO 8601)"),
]
PeriodName = Annotated[Literal["minute", "hour", "day"], Query(description="The length of a bucket")]
Statistic = Annotated[
    Literal["avg", "sum", "min", "max", "count"], Query(description="The statistic of the values in a bucket")
]
FromMoment = Annotated[
    str | None,
    Query(
        alias="from",
        max_length=40,
        description="Start of the range: a day or a date-time (ISO 8601). Default: an hour (`minute`), a day "
        "(`hour`) or 30 days (`day`) before `to` or now",
    ),
]
ToMoment = Annotated[
    str | None,
    Query(alias="to", max_length=40, description="End of the range: a day (inclusive) or a date-time. Default: now"),
]
ToAnyMoment = Annotated[
    str | None,
    Query(
        alias="to",
        max_length=40,
        description="End of the range: a day (inclusive) or a date-time. Default: none, as events may be dated ahead",
    ),
]
FromHistory = Annotated[str | None, Query(alias="from", max_length=40, description=_FROM_HISTORY)]
FromDetection = Annotated[
    str | None,
    Query(
        alias="from",
        max_length=40,
        description=f"{_FROM_HISTORY}. If `state` names only `detected` or `triaged`, the default is the oldest event",
    ),
]

Metric = Annotated[str | None, Query(pattern=_NAME, description="Only for this metric")]
Rule = Annotated[str | None, Query(min_length=1, max_length=64, description="Only for the rule with this `id`")]
Retired = Annotated[bool, Query(description="Include retired rules, which are kept for 30 days")]
AlertStates = Annotated[
    list[Literal["quiet", "pending", "open", "acknowledged", "resolved"]] | None,
    Query(alias="state", max_length=5, description="Any of these states. Default: `open` and `acknowledged`"),
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
    str | None, Query(min_length=1, max_length=100, description="Only errors in this function, or in `projections`")
]


@dataclass(frozen=True, slots=True)
class Span:
    """From one moment to another, both inclusive."""

    since: datetime
    until: datetime

    def iso(self) -> tuple[str, str]:
        return to_iso(self.since), to_iso(self.until)


def series_span(since: str | None, until: str | None, period: Period, now: datetime) -> Span:
    """Aligned to the start of a bucket. Raises ``InvalidParameter``."""
    span = _span(since, until, now, USUAL[period])
    if min(span.until, now) - span.since > LONGEST[period]:
        days = "a day" if period is Period.MINUTE else f"{LONGEST[period].days} days"
        raise InvalidParameter("from", f"is too early: with period `{period}` the span is at most {days}")
    return Span(period.start(span.since), span.until)


def history_span(since: str | None, until: str | None, now: datetime) -> Span:
    """For the history of alerts, limited to its retention."""
    return _kept_span(since, until, now, ALERT_HISTORY_DAYS)


def security_span(since: str | None, until: str | None, now: datetime, *, only_open: bool = False) -> Span:
    """Open events are never missed for being old: for those the default is the whole retention."""
    usual = timedelta(days=SECURITY_EVENTS_DAYS) if only_open else _HISTORY
    return _kept_span(since, until, now, SECURITY_EVENTS_DAYS, usual)


def errors_span(since: str | None, until: str | None, now: datetime) -> Span:
    """In terms of the failed events' own times: an event may have been old when it failed, or dated ahead, so neither
    end is limited. An error's retention starts at the failure."""
    return _span(since, until or _NO_END, now, _HISTORY)


def wanted_dimensions(given: list[str] | None) -> dict[str, str]:
    """Raises ``InvalidParameter`` for a key with two values."""
    wanted: dict[str, str] = {}
    for one in given or []:
        key, _, value = one.partition(":")
        if wanted.setdefault(key, value) != value:
            raise InvalidParameter("dimension", f"`{key}` has two values")
    return wanted


def stale_since(text: str | None) -> datetime | None:
    """Raises ``InvalidParameter``."""
    return from_iso(to_iso_or_refuse(text, "stale_since")) if text else None


def _kept_span(since: str | None, until: str | None, now: datetime, days: int, usual: timedelta = _HISTORY) -> Span:
    span = _span(since, until, now, usual)
    return Span(max(span.since, now - timedelta(days=days)), min(span.until, now + timedelta(days=1)))


def _span(since: str | None, until: str | None, now: datetime, usual: timedelta) -> Span:
    """The given range; without a start, the ``usual`` length before its end or now."""
    last = _end(until, now)
    first = _start(since, min(last, now) - usual)
    if first <= last:
        return Span(first, last)
    raise InvalidParameter("to", "is before `from`") if until else InvalidParameter("from", "is in the future")


def _start(text: str | None, otherwise: datetime) -> datetime:
    return from_iso(to_iso_or_refuse(text, "from")) if text else otherwise


def _end(text: str | None, now: datetime) -> datetime:
    """A day extends to its end."""
    if not text:
        return now
    moment = to_iso_or_refuse(text, "to")
    last = from_iso(f"{moment[:10]}T23:59:59Z" if is_day(text) else moment)
    if last.year < _FIRST_YEAR:
        raise InvalidParameter("to", "is too long ago")
    return last


_NO_END = "9999-12-31T23:59:59Z"
_FIRST_YEAR = 2000
"""The default start is subtracted from the end, which must not underflow."""
