"""The earnings calendar: who reports when, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Protocol

from local.upstreams.markets.books import Books
from local.upstreams.markets.companies import Company
from local.upstreams.markets.earnings import estimate, time_of_day
from local.upstreams.markets.fiscal import months_later

Row = dict[str, object]

HORIZONS = {"3month": (92, 1), "6month": (183, 2), "12month": (365, 4)}
"""Days, and the most reports of a company in them."""
COLUMNS = ("symbol", "name", "reportDate", "fiscalDateEnding", "estimate", "currency", "timeOfTheDay")
_DASH_IS_LATER = timedelta(days=6)


class Reporting(Protocol):
    def next_reports(self, company: Company, until: date) -> Iterable[tuple[date, date]]:
        """Fiscal periods and the dates of their reports."""
        ...

    def books(self, company: Company) -> Books: ...


def upcoming(world: Reporting, companies: Iterable[Company], today: date, horizon: str, symbol: str = "") -> list[Row]:
    """By symbol; `symbol` asks for one, exactly as it is spelled there."""
    days, most = HORIZONS[horizon]
    until = today + timedelta(days=days)
    rows = [row for company in companies for row in _rows(world, company, until, most)]
    return sorted((row for row in rows if symbol in ("", row["symbol"])), key=lambda row: str(row["symbol"]))


def _rows(world: Reporting, company: Company, until: date, most: int) -> Iterator[Row]:
    for end, day in islice(world.next_reports(company, until), most):
        guess = "" if company.index % 9 in (1, 2, 4, 6, 8) else f"{estimate(world.books(company), end):.2f}"
        row: Row = {
            "symbol": company.symbol if company.two_spellings else company.dashed,
            "name": company.legal_name.upper(),
            "reportDate": day.isoformat(),
            "fiscalDateEnding": (months_later(end, 3) if company.early else end).isoformat(),
            "estimate": guess,
            "currency": company.currency,
            "timeOfTheDay": time_of_day(company) if company.index % 12 == 0 else "",
        }
        yield row
        if company.two_spellings:
            yield row | {"symbol": company.dashed, "reportDate": (day + _DASH_IS_LATER).isoformat()}


def as_csv(rows: Sequence[object]) -> str:
    """Columns that only some rows have come last; what is no row is written as one cell."""
    named = [row for row in rows if isinstance(row, dict)]
    columns = list(dict.fromkeys([*COLUMNS, *(name for row in named for name in row)]))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] if isinstance(row, dict) else [row] for row in rows)
    return out.getvalue()
