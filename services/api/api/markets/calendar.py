"""The earnings calendar."""

from api.markets.parameters import Days
from api.web.paging import Slice, take
from watchkeeper.markets.models import Earnings
from watchkeeper.markets.repositories.earnings import EarningsRepository

_ROWS_PER_READ = 250
"""Where rows are filtered in code."""


def reports(
    calendar: EarningsRepository, days: Days, *, symbol: str | None, withdrawn: bool, limit: int, after: str | None
) -> Slice[Earnings]:
    """By day, then by symbol; ``after`` is the position where the previous page ended."""

    def matches(earnings: Earnings) -> bool:
        return withdrawn or earnings.withdrawn_at is None

    if symbol is None:
        page_size = limit + 1 if withdrawn else _ROWS_PER_READ
        return take(calendar.between(days.first, days.last, after=after, page_size=page_size), matches, limit)
    own = ((one.earnings_date.isoformat(), one) for one in calendar.of_asset(symbol, since=days.first))
    rest = ((place, one) for place, one in own if one.earnings_date <= days.last and place > (after or ""))
    return take(rest, matches, limit)
