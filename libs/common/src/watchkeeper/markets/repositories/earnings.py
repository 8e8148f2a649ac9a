"""The earnings calendar: one item for each company and the day it reports.

| access pattern | key condition |
|---|---|
| a company's reports | table: `asset_symbol`, `earnings_date` |
| all reports of some days | `upcoming-earnings-index`: `earnings_month`, `earnings_date_symbol`, month by month |

A fiscal period is reported once. When the day moves, one transaction deletes the item of the old day and puts that of
the new one.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from watchkeeper import records
from watchkeeper.clock import to_iso
from watchkeeper.dynamodb import Between, Delete, Item, Keys, Put, Table, Value
from watchkeeper.errors import ConditionFailed
from watchkeeper.markets.models import Earnings

KEYS = Keys(
    "asset_symbol",
    "earnings_date",
    index_partitions=("earnings_month",),
    index_sorts=("earnings_date_symbol",),
)

UPCOMING_INDEX = "upcoming-earnings-index"

_ATTRIBUTES = frozenset({"symbol", "earnings_date", "processed_at"})
_PAGE = 500


class EarningsRepository:
    def __init__(self, table: Table) -> None:
        self._table = table

    def of_asset(self, symbol: str, *, since: date | None = None) -> list[Earnings]:
        """By day."""
        between = Between(since.isoformat() if since else None, None)
        return [
            earnings_from_item(item)
            for item in self._table.query({"asset_symbol": symbol}, sort=("earnings_date", between), consistent=True)
        ]

    def between(
        self, first: date, last: date, *, after: str | None = None, page_size: int = _PAGE
    ) -> Iterator[tuple[str, Earnings]]:
        """Reports of these days, both included, by day and symbol, each with its place; ``after`` is the place to
        continue from."""
        for month in _months(first if after is None else date.fromisoformat(after[:10]), last):
            low, high = after or first.isoformat(), f"{last.isoformat()}#~"
            bounds = Between(low, high)
            found = self._table.query(
                {"earnings_month": month},
                index=UPCOMING_INDEX,
                sort=("earnings_date_symbol", bounds),
                page_size=page_size,
            )
            for item in found:
                place = str(item["earnings_date_symbol"])
                if place != after:
                    yield place, earnings_from_item(item)

    def put(self, earnings: list[Earnings]) -> None:
        """Store reports, replacing those of the same days, none of which may have been processed already."""
        self._table.batch_put(map(_item, earnings), keys=KEYS)

    def change(self, earnings: Earnings) -> None:
        """Store what the calendar says about a known day; whether it was processed is kept."""
        self._table.update(_key(earnings), _told(earnings), keys=KEYS)

    def move(self, old: Earnings, new: Earnings) -> None:
        """Move a report from its old day to its new one. Raises ``ConditionFailed`` if the old one no longer exists, or
        has been processed meanwhile."""
        self._table.write(
            [
                Delete(_key(old), condition=f"attribute_exists(asset_symbol) AND {_as_processed(old)}"),
                Put(_item(new)),
            ],
            keys=KEYS,
        )

    def swap(self, earnings: Sequence[Earnings]) -> None:
        """Store reports that have changed places, all of them or none."""
        self._table.write([Put(_item(one)) for one in earnings], keys=KEYS)

    def mark_processed(self, earnings: Earnings, at: datetime) -> bool:
        """Note that the period's fundamentals are stored; ``False`` if that was noted already, or there is no such
        item."""
        try:
            self._table.update(
                _key(earnings),
                {"processed_at": to_iso(at)},
                keys=KEYS,
                condition="attribute_exists(asset_symbol) AND attribute_not_exists(processed_at)",
            )
        except ConditionFailed:
            return False
        return True


def _as_processed(earnings: Earnings) -> str:
    return f"attribute_{'exists' if earnings.processed_at else 'not_exists'}(processed_at)"


def _key(earnings: Earnings) -> dict[str, str]:
    return {"asset_symbol": earnings.symbol, "earnings_date": earnings.earnings_date.isoformat()}


def _told(earnings: Earnings) -> dict[str, Value]:
    day = earnings.earnings_date.isoformat()
    return {
        "earnings_month": day[:7],
        "earnings_date_symbol": f"{day}#{earnings.symbol}",
        "record": records.encode(earnings, without=_ATTRIBUTES),
    }


def _item(earnings: Earnings) -> Item:
    processed: Mapping[str, Any] = {"processed_at": to_iso(earnings.processed_at)} if earnings.processed_at else {}
    return {**_key(earnings), **_told(earnings), **processed}


def earnings_from_item(item: Item) -> Earnings:
    record = records.loads(str(item["record"]))
    return Earnings(
        symbol=str(item["asset_symbol"]),
        earnings_date=date.fromisoformat(str(item["earnings_date"])),
        fiscal_date_ending=date.fromisoformat(record["fiscal_date_ending"]),
        name=record.get("name", ""),
        estimate=records.decimal(record.get("estimate")),
        currency=record.get("currency", ""),
        time_of_day=record.get("time_of_day", ""),
        moved_from=date.fromisoformat(record["moved_from"]) if "moved_from" in record else None,
        withdrawn_at=records.moment(record.get("withdrawn_at")),
        processed_at=records.moment(item.get("processed_at")),
    )


def _months(first: date, last: date) -> Iterator[str]:
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        yield f"{year:04d}-{month:02d}"
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
