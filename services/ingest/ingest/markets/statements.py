"""AlphaVantage's statements and overviews: every value is a string, ``"None"`` or ``"-"`` where it is missing.

Its fields come and go. Unknown fields are kept if they have a single value; what looks like a figure but is not one is
left out, and counted.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Any

import orjson

from ingest.errors import RowRefused, Unreadable
from ingest.markets.fields import NO_DAY, Unfit, day
from watchkeeper.markets.models import Overview, Period, Report, Statement
from watchkeeper.markets.numbers import MISSING, NotANumber, number, text_of
from watchkeeper.markets.symbols import from_alphavantage

NO_FIGURE = "it begins like a figure and is none"
NO_SINGLE_VALUE = "it is no single value"
NO_FIELD = "its name is no field's"
TOO_MUCH = "there are more fields than a statement has"
NO_REPORT = "the report is no object"
TWICE = "the period stands there twice"
REASONS = frozenset({NO_FIGURE, NO_SINGLE_VALUE, NO_FIELD, TOO_MUCH, NO_REPORT, TWICE, NO_DAY})
"""Why a value or a report is refused."""

_LISTS: Mapping[bool, Mapping[Period, str]] = {
    False: {Period.ANNUAL: "annualReports", Period.QUARTERLY: "quarterlyReports"},
    True: {Period.ANNUAL: "annualEarnings", Period.QUARTERLY: "quarterlyEarnings"},
}
"""The fields that list the reports of each period, by whether the answer is one of earnings."""

_TEXTS = frozenset(
    {
        "Address",
        "AssetType",
        "CIK",
        "Country",
        "Currency",
        "Description",
        "Exchange",
        "FiscalYearEnd",
        "Industry",
        "LastSplitFactor",
        "Name",
        "OfficialSite",
        "Sector",
        "reportTime",
        "reportedCurrency",
    }
)
"""Fields that do not hold figures, whatever they begin with: ``3M Company``, ``0000051143``, ``2:1``."""

_MOST_FIELDS = 200
_LONGEST_FIELD = 80
_LONGEST_TEXT = 500
_LONGEST_DESCRIPTION = 4_000
_FIELD = re.compile(rf"\w[\w .()/&%-]{{0,{_LONGEST_FIELD - 1}}}")
_NO_NUMBER = re.compile(r"[+-]?(?:s?nan\d*|inf(?:inity)?)", re.ASCII | re.IGNORECASE)
_LIKE_A_FIGURE = re.compile(r"[+-]?\.?\d", re.ASCII)
_A_YEAR = range(350, 381)
"""Days between the ends of two fiscal years; 52- or 53-week years do not always end in the same month."""


@dataclass(frozen=True, slots=True)
class Parsed:
    reports: list[Report]
    refused: list[RowRefused]
    left_out: int
    """Reports without information: of a year that has not ended, or without any value."""


@dataclass(frozen=True, slots=True)
class ParsedOverview:
    overview: Overview
    refused: list[RowRefused]


def parse_reports(statement: Statement, body: Mapping[str, Any], symbol: str) -> Parsed:
    """All reports of a statement. Raises ``Unreadable`` if it is of another symbol, or nothing in it is readable.

    Of two reports for one period the first is used: the lists begin with the newest. Values are refused by field and
    period, reports by period. Empty lists are valid: there is no data, as for most funds.
    """
    _require_symbol(body.get("symbol"), symbol)
    reading = _Reading(statement, symbol)
    lists = _LISTS[statement is Statement.EARNINGS]
    for period, name in lists.items():
        rows = body.get(name)
        if rows is None and any(body.get(other) for other in lists.values()):
            continue  # a company may report only annually, or only quarterly
        if not isinstance(rows, list):
            raise Unreadable(f"AlphaVantage answered a statement without its {period} reports")
        reading.take(period, rows)
    if reading.refused and not reading.reports:
        raise Unreadable("AlphaVantage answered a statement without one readable report")
    return Parsed(reading.reports, reading.refused, reading.left_out)


def parse_overview(body: Mapping[str, Any], symbol: str, today: date) -> ParsedOverview:
    """The overview of the company: empty, if it only has the symbol. Raises ``Unreadable`` if it is of another symbol,
    or nothing in it is readable."""
    _require_symbol(body.get("Symbol"), symbol)
    refused: list[RowRefused] = []
    values = _values(body, refused, without="Symbol", of="overview")
    if refused and not values:
        raise Unreadable("AlphaVantage answered an overview without one readable value")
    return ParsedOverview(Overview(symbol, today, values), refused)


def digest_of(stored: Sequence[Report] | Overview) -> str:
    """Short, and the same for anything that is stored the same: reports in any order, an overview on any day."""
    parts: list[Any]
    if isinstance(stored, Overview):
        parts = [stored.symbol, dict(stored.values)]
    else:
        parts = sorted(
            ([one.symbol, one.statement, one.period, one.fiscal_date_ending, dict(one.values)] for one in stored),
            key=lambda part: (part[1], part[2], part[3]),
        )
    return blake2b(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


class _Reading:
    """What is accepted from one answer, and what is refused."""

    def __init__(self, statement: Statement, symbol: str) -> None:
        self._statement = statement
        self._symbol = symbol
        self.reports: list[Report] = []
        self.refused: list[RowRefused] = []
        self.left_out = 0

    def take(self, period: Period, rows: Iterable[object]) -> None:
        dated = self._dated(period, rows)
        if self._statement is Statement.EARNINGS and period is Period.ANNUAL and (partial := _partial_year(dated)):
            del dated[partial]
            self.left_out += 1
        for ending, row in dated.items():
            values = _values(row, self.refused, without="fiscalDateEnding", of=f"{period} {ending}")
            if values.keys() - {"reportedCurrency"}:
                self.reports.append(Report(self._symbol, self._statement, period, ending, values))
            else:
                self.left_out += 1

    def _dated(self, period: Period, rows: Iterable[object]) -> dict[date, Mapping[str, Any]]:
        dated: dict[date, Mapping[str, Any]] = {}
        for row in rows:
            if not isinstance(row, dict):
                self.refused.append(RowRefused(str(period), NO_REPORT))
                continue
            try:
                ending = day(row.get("fiscalDateEnding"))
            except Unfit as error:
                self.refused.append(RowRefused(str(period), str(error)))
                continue
            if ending in dated:
                self.refused.append(RowRefused(f"{period} {ending}", TWICE))
            else:
                dated[ending] = row
        return dated


def _partial_year(dated: Iterable[date]) -> date | None:
    """The newest annual entry, if it holds earnings so far in a year that has not ended: it ends in a different month
    than the year before, and not a year after it."""
    newest = sorted(dated, reverse=True)[:2]
    if len(newest) < 2 or newest[0].month == newest[1].month or (newest[0] - newest[1]).days in _A_YEAR:
        return None
    return newest[0]


def _require_symbol(told: object, symbol: str) -> None:
    if not isinstance(told, str) or from_alphavantage(told) != symbol:
        raise Unreadable("AlphaVantage answered of another symbol than was asked for")


def _values(row: Mapping[str, Any], refused: list[RowRefused], *, without: str, of: str) -> dict[str, str]:
    """The values there are; ``of`` is part of the subjects of refused ones."""
    values: dict[str, str] = {}
    for name, raw in row.items():
        if name == without:
            continue
        try:
            value = _value(_field(name), raw)
        except Unfit as error:
            refused.append(RowRefused(f"{name[:_LONGEST_FIELD]} {of}", str(error)))
            continue
        if value is not None and len(values) >= _MOST_FIELDS:
            refused.append(RowRefused(of, TOO_MUCH))
            break
        if value is not None:
            values[name] = value
    return values


def _field(name: str) -> str:
    if not _FIELD.fullmatch(name):
        raise Unfit(NO_FIELD)
    return name


def _value(name: str, raw: object) -> str | None:
    """The value as it is stored; ``None`` if there is none. Raises ``Unfit``."""
    if isinstance(raw, str) and raw.strip() in MISSING:
        return None
    if name not in _TEXTS or not isinstance(raw, str):
        try:
            figure = number(raw)
        except NotANumber:
            return _text(name, raw)
        return None if figure is None else text_of(figure)
    return _text(name, raw)


def _text(name: str, raw: object) -> str:
    """A value that is not a figure, and does not seem to be meant as one."""
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, int | float):
        raise Unfit(NO_FIGURE)
    if not isinstance(raw, str):
        raise Unfit(NO_SINGLE_VALUE)
    value = raw.strip()
    if _NO_NUMBER.fullmatch(value) or (name not in _TEXTS and _LIKE_A_FIGURE.match(value) and not _is_day(value)):
        raise Unfit(NO_FIGURE)
    return value[: _LONGEST_DESCRIPTION if name == "Description" else _LONGEST_TEXT].rstrip()


def _is_day(value: str) -> bool:
    try:
        day(value)
    except Unfit:
        return False
    return True
