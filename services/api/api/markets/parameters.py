"""Parameters of the markets watch's routes: their types, limits, documentation and interpretation."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from api.web.parameters import span
from api.web.problems import InvalidParameter
from watchkeeper.clock import from_iso
from watchkeeper.errors import ItemNotFound
from watchkeeper.markets import symbols

MAX_NEWS_DAYS = 31
MAX_EARNINGS_DAYS = 366
MAX_SERIES_DAYS = {"hour": 31, "day": 366, "week": 366}
"""The longest range of a sentiment series, by bucket length."""

_NEWS_DAYS = 7
_EARNINGS_DAYS = 14
_SERIES_DAYS = 30
_MARGIN = timedelta(days=366)
"""Days this close to the limits of the calendar are rejected, because other days are computed from them."""

SymbolSegment = Annotated[
    str,
    Path(
        min_length=1, max_length=64, description="A ticker symbol in any vendor's spelling: `BRK.B`, `BRK-B`, `brk.b`"
    ),
]
Status = Annotated[Literal["active", "inactive"], Query(description="Assets that are listed, or no longer are")]
Exchange = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,32}$", description="An exchange by Alpaca's name, such as `NYSE`")
]
Text = Annotated[
    str | None, Query(min_length=1, max_length=100, description="Text in symbol or name, case-insensitive")
]
Top = Annotated[
    int | None, Query(ge=1, le=2000, description="Only this many of the most traded; not with `order=staleness`")
]
StaleDays = Annotated[
    int | None,
    Query(ge=0, le=36500, description="Only assets whose fundamentals were not requested for this many days, or never"),
]
AssetOrder = Annotated[
    Literal["volume", "staleness"], Query(description="Most traded first, each with its rank; or stalest first")
]
StatementName = Annotated[
    Literal["income_statement", "balance_sheet", "cash_flow", "earnings", "overview"],
    Query(description="The statement; `overview` is the company's description, one for each time it changed"),
]
PeriodName = Annotated[Literal["annual", "quarterly"], Query(description="Fiscal years or quarters; not for overviews")]
SinceDay = Annotated[str | None, Query(max_length=40, description="From this day on (ISO 8601)")]
UntilDay = Annotated[str | None, Query(max_length=40, description="Up to this day, inclusive")]
SinceNewsDay = Annotated[
    str | None, Query(max_length=40, description="From this day on, in UTC. Default: a week up to `until`")
]
UntilNewsDay = Annotated[
    str | None,
    Query(max_length=40, description=f"Up to this day, inclusive; at most {MAX_NEWS_DAYS} days. Default: today"),
]
SeriesPeriod = Annotated[Literal["hour", "day", "week"], Query(description="The length of a bucket")]
Score = Annotated[Decimal | None, Query(ge=-1, le=1, description="The score of an article for a symbol, -1 to 1")]
FromDay = Annotated[str | None, Query(alias="from", max_length=40, description="From this day on. Default: today")]
ToDay = Annotated[
    str | None,
    Query(
        alias="to",
        max_length=40,
        description=f"Up to this day, inclusive; at most {MAX_EARNINGS_DAYS} days. "
        f"Default: {_EARNINGS_DAYS} days after `from`",
    ),
]
Symbol = Annotated[
    str | None, Query(min_length=1, max_length=64, description="Only this company, in any vendor's spelling")
]
Withdrawn = Annotated[bool, Query(description="Also days that the calendar no longer lists")]


@dataclass(frozen=True, slots=True)
class Days:
    """From a day to another, both inclusive."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Moments:
    """From a moment to another, exclusive; either may be open."""

    since: datetime | None
    until: datetime | None


def symbol_in_path(segment: str) -> str:
    """Raises ``ItemNotFound`` for a malformed symbol."""
    if (symbol := _symbol(segment)) is None:
        raise ItemNotFound("no symbol")
    return symbol


def symbol_in_query(text: str) -> str:
    """Raises ``InvalidParameter``."""
    if (symbol := _symbol(text)) is None:
        raise InvalidParameter("symbol", "is not a ticker symbol")
    return symbol


def day(text: str | None, parameter: str) -> date | None:
    """Empty means not given. Raises ``InvalidParameter``."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidParameter(parameter, "is not an ISO 8601 date") from error


def moments(since: str | None, until: str | None) -> Moments:
    """Raises ``InvalidParameter``."""
    between = span(since, until)
    end = from_iso(between.high) if between.high else None
    return Moments(
        since=from_iso(between.low) if between.low else None,
        until=_near(end, "until") + timedelta(seconds=1) if end else None,
    )


def fiscal_days(since: str | None, until: str | None) -> tuple[date | None, date | None]:
    """Raises ``InvalidParameter``."""
    first, last = day(since, "since"), day(until, "until")
    if first and last and last < first:
        raise InvalidParameter("until", "is before `since`")
    return first, last


def news_days(since: str | None, until: str | None, today: date) -> Days:
    """Raises ``InvalidParameter``."""
    last = _near_day(day(until, "until") or today, "until")
    first = day(since, "since") or last - timedelta(days=_NEWS_DAYS - 1)
    return _bounded(Days(first, last), MAX_NEWS_DAYS, "until", "since")


def earnings_days(since: str | None, until: str | None, today: date) -> Days:
    """Raises ``InvalidParameter``."""
    first = _near_day(day(since, "from") or today, "from")
    last = day(until, "to") or first + timedelta(days=_EARNINGS_DAYS)
    return _bounded(Days(first, last), MAX_EARNINGS_DAYS, "to", "from")


def series_moments(since: str | None, until: str | None, period: str, now: datetime) -> tuple[datetime, datetime]:
    """From a moment to another, exclusive. Raises ``InvalidParameter``."""
    given = moments(since, until)
    end = given.until or now + timedelta(seconds=1)
    start = given.since or end - timedelta(days=_SERIES_DAYS)
    if start >= end:
        raise InvalidParameter("since", "is after `until`")
    most = MAX_SERIES_DAYS[period]
    if end - start > timedelta(days=most):
        raise InvalidParameter("since", f"is more than {most} days before `until`, too many for buckets of a {period}")
    return start, end


def scores(lowest: Decimal | None, highest: Decimal | None) -> tuple[Decimal, Decimal]:
    """Raises ``InvalidParameter``."""
    low, high = Decimal(-1) if lowest is None else lowest, Decimal(1) if highest is None else highest
    if low > high:
        raise InvalidParameter("max_score", "is below `min_score`")
    return low, high


def _symbol(text: str) -> str | None:
    return symbols.from_alphavantage(text) if text.isascii() else None


def _bounded(days: Days, most: int, end: str, beginning: str) -> Days:
    if days.last < days.first:
        raise InvalidParameter(end, f"is before `{beginning}`")
    if (days.last - days.first).days >= most:
        raise InvalidParameter(end, f"makes the range longer than {most} days")
    return days


def _near_day(found: date, parameter: str) -> date:
    _near(datetime(found.year, found.month, found.day, tzinfo=UTC), parameter)
    return found


def _near(moment: datetime, parameter: str) -> datetime:
    if not datetime.min.replace(tzinfo=UTC) + _MARGIN < moment < datetime.max.replace(tzinfo=UTC) - _MARGIN:
        raise InvalidParameter(parameter, "is too far away")
    return moment
