"""Fundamentals as comma-separated values (RFC 4180), for spreadsheets."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO

from api.markets.fundamentals import Told, Wanted, day_of
from api.web.cells import guarded
from watchkeeper.markets.numbers import NotANumber, number, text_of

CONTENT_TYPE = "text/csv"

_MARK = "\ufeff"
"""A byte order mark: Excel reads a file without one in the machine's legacy encoding."""


def table(wanted: Wanted, rows: Sequence[Told]) -> str:
    """First the columns that identify a row, then every field that any of the rows has."""
    names = _fields(rows)
    text = StringIO(_MARK, newline="")
    text.seek(0, 2)
    writer = csv.writer(text, lineterminator="\r\n")
    day = "last_updated" if wanted.period is None else "fiscal_date_ending"
    writer.writerow(["symbol", "statement", *_period_name(wanted), day, *map(guarded, names)])
    for row in rows:
        own = [wanted.symbol, wanted.statement, *_period(wanted), day_of(row).isoformat()]
        writer.writerow([*own, *(_cell(row.values.get(name, "")) for name in names)])
    return text.getvalue()


def filename(wanted: Wanted) -> str:
    return "-".join([wanted.symbol, wanted.statement, *_period(wanted)]) + ".csv"


def _period_name(wanted: Wanted) -> list[str]:
    return ["period"] if wanted.period else []


def _period(wanted: Wanted) -> list[str]:
    return [wanted.period] if wanted.period else []


def _fields(rows: Iterable[Told]) -> list[str]:
    """Ordered as in the newest row that has them."""
    seen: Mapping[str, None] = {name: None for row in rows for name in row.values}
    return list(seen)


def _cell(text: str) -> str:
    """Numbers unchanged, including negative ones; texts guarded against formulas."""
    return text if _is_figure(text) else guarded(text)


def _is_figure(text: str) -> bool:
    """Whether it is in the form in which numbers are stored."""
    try:
        figure = number(text)
    except NotANumber:
        return False
    return figure is not None and text_of(figure) == text
