"""Assets, by their symbol.

| access pattern | key condition |
|---|---|
| one asset, or some | table: `symbol` |
| all assets | table, scanned |
| the stalest of a status | `status-index`: `status`, `lastPollenationDate` ascending |
| the most traded of a status | `priority-index`: `status`, `volume` descending |

``lastPollenationDate`` is not part of the table's key: changing it would mean a deletion and a new item, and in between
the asset would exist twice, or not at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from watchkeeper import records
from watchkeeper.clock import from_iso, to_iso
from watchkeeper.dynamodb import Between, Item, Key, Keys, Table, Value
from watchkeeper.errors import ConditionFailed, ItemNotFound
from watchkeeper.markets.models import Asset

KEYS = Keys("symbol", index_partitions=("status",), index_sorts=("lastPollenationDate",))

STATUS_INDEX = "status-index"
PRIORITY_INDEX = "priority-index"
NEVER = "0001-01-01T00:00:00Z"
"""A key cannot be empty: the date of the last pollenation of an asset that had none."""

_PAGE = 500
_ATTRIBUTES = frozenset({"symbol", "status", "volume", "last_pollenated", "no_data"})


class AssetRepository:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, symbol: str, *, consistent: bool = False) -> Asset:
        """Raises ``ItemNotFound``."""
        item = self._table.get({"symbol": symbol}, consistent=consistent)
        if item is None:
            raise ItemNotFound(f"no asset {symbol}")
        return asset_from_item(item)

    def get_many(self, symbols: Iterable[str]) -> dict[str, Asset]:
        """Those of the assets that exist."""
        items = self._table.batch_get(({"symbol": symbol} for symbol in symbols), consistent=False)
        return {asset.symbol: asset for asset in map(asset_from_item, items)}

    def all(self) -> Iterator[Asset]:
        return map(asset_from_item, self._table.scan())

    def add(self, assets: Iterable[Asset]) -> None:
        """Store new assets; one that exists already is replaced completely."""
        self._table.batch_put(map(_item, assets), keys=KEYS)

    def change(self, asset: Asset) -> None:
        """Store what is listed about an asset; its last pollenation is kept. Raises ``LimitExceeded``."""
        self._table.update({"symbol": asset.symbol}, _listed(asset), keys=KEYS)

    def forget_pollenation(self, symbol: str) -> None:
        """For a symbol that now belongs to another company."""
        self._table.update({"symbol": symbol}, {"lastPollenationDate": NEVER, "no_data": None}, keys=KEYS)

    def pollenated(self, symbol: str, at: datetime, *, no_data: bool) -> None:
        """Note when the fundamentals were requested, unless a later time was noted already, or the asset is gone."""
        try:
            self._table.update(
                {"symbol": symbol},
                {"lastPollenationDate": to_iso(at), "no_data": no_data or None},
                keys=KEYS,
                condition="lastPollenationDate < :at",
                values={":at": to_iso(at)},
            )
        except ConditionFailed:
            return

    def most_traded(
        self, status: str, *, start: Mapping[str, Any] | None = None, page_size: int = _PAGE
    ) -> Iterator[tuple[dict[str, Value], Asset]]:
        """Assets by descending volume, each with where the next one starts. The index holds only keys: anything else
        would be written again with each pollenation. So the assets are read by their symbols."""
        key = {"status": status}
        for items in self._pages(PRIORITY_INDEX, key, None, start, page_size, descending=True):
            assets = self.get_many(str(item["symbol"]) for item in items)
            for item in items:
                if asset := assets.get(str(item["symbol"])):
                    yield {name: item[name] for name in ("symbol", "status", "volume")}, asset

    def stalest(
        self,
        status: str,
        *,
        until: datetime | None = None,
        start: Mapping[str, Any] | None = None,
        page_size: int = _PAGE,
    ) -> Iterator[tuple[dict[str, Value], Asset]]:
        """Assets by the date of their last pollenation, those without one first, up to ``until``; each with where the
        next one starts."""
        bounds = Between(None, to_iso(until)) if until else None
        sort = ("lastPollenationDate", bounds) if bounds else None
        for items in self._pages(STATUS_INDEX, {"status": status}, sort, start, page_size):
            for item in items:
                yield {name: item[name] for name in ("symbol", "status", "lastPollenationDate")}, asset_from_item(item)

    def _pages(
        self,
        index: str,
        key: Key,
        sort: tuple[str, Between] | None,
        start: Mapping[str, Any] | None,
        page_size: int,
        *,
        descending: bool = False,
    ) -> Iterator[list[Item]]:
        last: Item | None = dict(start) if start else None
        while True:
            page = self._table.query_page(
                key, index=index, sort=sort, descending=descending, limit=page_size, start=last
            )
            yield page.items
            if page.last_key is None:
                return
            last = page.last_key


def _item(asset: Asset) -> Item:
    at = to_iso(asset.last_pollenated) if asset.last_pollenated else NEVER
    item: Item = {"symbol": asset.symbol, **_listed(asset), "lastPollenationDate": at}
    return {**item, "no_data": True} if asset.no_data else item


def _listed(asset: Asset) -> dict[str, Value]:
    return {
        "status": asset.status,
        "volume": asset.volume,
        "record": records.encode(asset, without=_ATTRIBUTES),
    }


def asset_from_item(item: Item) -> Asset:
    record = records.loads(str(item["record"]))
    at = str(item["lastPollenationDate"])
    return Asset(
        symbol=str(item["symbol"]),
        id=record.get("id", ""),
        name=record.get("name", ""),
        status=str(item["status"]),
        exchange=record.get("exchange", ""),
        asset_class=record.get("asset_class", ""),
        tradable=record.get("tradable", False),
        marginable=record.get("marginable", False),
        shortable=record.get("shortable", False),
        fractionable=record.get("fractionable", False),
        borrow_status=record.get("borrow_status"),
        margin_requirement_long=records.decimal(record.get("margin_requirement_long")),
        margin_requirement_short=records.decimal(record.get("margin_requirement_short")),
        attributes=tuple(record.get("attributes", ())),
        vanished_at=records.moment(record.get("vanished_at")),
        volume=int(item["volume"]),
        last_pollenated=None if at == NEVER else from_iso(at),
        no_data=bool(item.get("no_data", False)),
    )
