"""How many of the tracked assets have fundamentals, and how old these are.

| access pattern | key condition |
|---|---|
| the latest count of the coverage | table: `pk = COVERAGE`, `sk = markets` |
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchkeeper import records
from watchkeeper.clock import from_iso
from watchkeeper.dynamodb import Keys, Table
from watchkeeper.markets.models import Asset

KEYS = Keys("pk", "sk")

_KEY = {"pk": "COVERAGE", "sk": "markets"}
_AGES = (("1d", 1), ("7d", 7), ("30d", 30), ("90d", 90))
OLDER, NEVER, NO_DATA = "older", "never", "no_data"
AGES = (*(name for name, _ in _AGES), OLDER, NEVER, NO_DATA)
"""By when the fundamentals of an asset were last requested; each asset is counted under the first that fits, except
that those without any data have their own."""


@dataclass(frozen=True, slots=True)
class Coverage:
    counted_at: datetime
    assets: Mapping[str, int]
    """Active assets by age: a number for each of ``AGES``."""
    oldest: datetime | None
    """The earliest of the assets' last requests."""
    newest: datetime | None

    @property
    def total(self) -> int:
        return sum(self.assets.values())

    @property
    def fresh(self) -> int:
        """Those requested within a quarter, the time between two reports of a company."""
        return sum(self.assets[name] for name, _ in _AGES)


def counted(assets: Iterable[Asset], now: datetime) -> Coverage:
    numbers = dict.fromkeys(AGES, 0)
    oldest: datetime | None = None
    newest: datetime | None = None
    for asset in assets:
        numbers[_age(asset, now)] += 1
        if asset.last_pollenated:
            oldest = min(oldest or asset.last_pollenated, asset.last_pollenated)
            newest = max(newest or asset.last_pollenated, asset.last_pollenated)
    return Coverage(now, numbers, oldest, newest)


def _age(asset: Asset, now: datetime) -> str:
    if asset.last_pollenated is None:
        return NEVER
    if asset.no_data:
        return NO_DATA
    age = now - asset.last_pollenated
    return next((name for name, days in _AGES if age <= timedelta(days=days)), OLDER)


class CoverageRepository:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self) -> Coverage | None:
        """``None`` if it was never counted."""
        item = self._table.get(_KEY, consistent=False)
        if item is None:
            return None
        record = records.loads(str(item["record"]))
        return Coverage(
            counted_at=from_iso(record["counted_at"]),
            assets={name: int(record["assets"].get(name, 0)) for name in AGES},
            oldest=records.moment(record.get("oldest")),
            newest=records.moment(record.get("newest")),
        )

    def put(self, coverage: Coverage) -> None:
        self._table.put({**_KEY, "record": records.encode(coverage)}, keys=KEYS)
