"""AlphaVantage's earnings calendar: CSV, whose columns come and go.

An empty or broken table must never be mistaken for one without reports.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import StringIO

from ingest.errors import RowRefused, UpstreamGarbled
from ingest.markets.fields import NO_DAY, Unfit, day, text
from watchkeeper.markets.models import Earnings
from watchkeeper.markets.numbers import NotANumber, number
from watchkeeper.markets.symbols import from_alphavantage

NO_SYMBOL = "its symbol is none"
NO_ESTIMATE = "its estimate is no number, and left out"
OTHER_SPELLING = "the symbol stands there in AlphaVantage's own spelling too"
TWICE = "the period stands there twice"
SAME_DAY = "another period is reported on the same day"
REASONS = frozenset({NO_SYMBOL, NO_ESTIMATE, OTHER_SPELLING, TWICE, SAME_DAY, NO_DAY})
"""Why rows are refused; with ``NO_ESTIMATE`` the row is accepted without its estimate."""

_SYMBOL, _REPORTED, _ENDING = "symbol", "reportdate", "fiscaldateending"
_NEEDED = (_SYMBOL, _REPORTED, _ENDING)
_LONGEST_NAME = 200
_LONGEST_WORD = 30


@dataclass(frozen=True, slots=True)
class Calendar:
    """At most one row for each symbol and fiscal period, and for each symbol and day."""

    rows: list[Earnings]
    refused: list[RowRefused]


def parse_calendar(table: str) -> Calendar:
    """Raises ``UpstreamGarbled`` if it is not such a table, is truncated, or has no row with a symbol and dates."""
    refused: list[RowRefused] = []
    rows: list[tuple[str, Earnings]] = []
    for row in _table(table):
        try:
            rows.append((row[_SYMBOL], _earnings(row, refused)))
        except Unfit as error:
            refused.append(RowRefused(_subject(row), str(error)))
    if not rows:
        raise UpstreamGarbled("AlphaVantage answered a calendar without one readable row")
    return Calendar(_one_for_each(rows, refused), refused)


def _table(table: str) -> Iterator[dict[str, str]]:
    """Rows by column name, in lower case; unknown columns are allowed, and rows with fewer columns than the others have
    ``""`` for the missing ones."""
    lines = csv.reader(StringIO(table.removeprefix("\ufeff"), newline=""))
    try:
        names = [name.strip().lower() for name in next(lines, [])]
        if not all(name in names for name in _NEEDED):
            raise UpstreamGarbled("AlphaVantage answered a calendar without the columns it has")
        last = names
        for last in filter(None, lines):
            yield dict(zip(names, [*last, *[""] * (len(names) - len(last))], strict=False))
    except csv.Error:
        last = []
    if len(last) < len(names):
        raise UpstreamGarbled("AlphaVantage answered a calendar that is cut")


def _earnings(row: Mapping[str, str], refused: list[RowRefused]) -> Earnings:
    symbol = from_alphavantage(row[_SYMBOL])
    if symbol is None:
        raise Unfit(NO_SYMBOL)
    return Earnings(
        symbol=symbol,
        earnings_date=day(row[_REPORTED]),
        fiscal_date_ending=day(row[_ENDING]),
        name=text(row.get("name"), _LONGEST_NAME),
        estimate=_estimate(row, refused),
        currency=text(row.get("currency"), _LONGEST_WORD),
        time_of_day=text(row.get("timeoftheday"), _LONGEST_WORD),
    )


def _estimate(row: Mapping[str, str], refused: list[RowRefused]) -> Decimal | None:
    try:
        return number(row.get("estimate"))
    except NotANumber:
        refused.append(RowRefused(_subject(row), NO_ESTIMATE))
        return None


def _one_for_each(rows: list[tuple[str, Earnings]], refused: list[RowRefused]) -> list[Earnings]:
    """AlphaVantage's own spelling of a symbol, with a dash, wins over the other; then the first row does."""
    periods: dict[tuple[str, date], str] = {}
    days: set[tuple[str, date]] = set()
    taken: list[Earnings] = []
    for spelling, row in sorted(rows, key=lambda row: "-" not in row[0]):
        period, on = (row.symbol, row.fiscal_date_ending), (row.symbol, row.earnings_date)
        if period in periods:
            same = "-" in periods[period] and "-" not in spelling
            refused.append(RowRefused(spelling.strip()[:_LONGEST_WORD], OTHER_SPELLING if same else TWICE))
        elif on in days:
            refused.append(RowRefused(spelling.strip()[:_LONGEST_WORD], SAME_DAY))
        else:
            periods[period] = spelling
            days.add(on)
            taken.append(row)
    return taken


def _subject(row: Mapping[str, str]) -> str:
    return row[_SYMBOL].strip()[:_LONGEST_WORD] or "?"
