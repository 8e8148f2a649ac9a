"""Finding assets: sorted by the index of volume or staleness, with the other filters in code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from api.web.cursors import Position
from api.web.paging import Slice, take
from watchkeeper.clock import to_iso
from watchkeeper.markets.models import Asset
from watchkeeper.markets.repositories.assets import NEVER, AssetRepository

_ROWS_PER_READ = 250
"""Where rows are filtered in code."""


@dataclass(frozen=True, slots=True)
class AssetFilter:
    """Filters for assets; ``None`` means no filter."""

    status: str
    exchange: str | None = None
    text: str | None = None
    top: int | None = None
    stale_days: int | None = None

    @property
    def is_answered_by_index(self) -> bool:
        return self.exchange is None and self.text is None

    def matches(self, asset: Asset) -> bool:
        return self._is_of_exchange(asset) and self._is_named(asset)

    def _is_of_exchange(self, asset: Asset) -> bool:
        return self.exchange is None or self.exchange.casefold() == asset.exchange.casefold()

    def _is_named(self, asset: Asset) -> bool:
        """Symbols match in any vendor's spelling."""
        if self.text is None:
            return True
        text = self.text.casefold()
        return text in asset.name.casefold() or text.replace("-", ".") in asset.symbol.casefold()


@dataclass(frozen=True, slots=True)
class Listed:
    asset: Asset
    rank: int | None = None
    """By volume among the assets with its status, from 1."""


VolumePlace = tuple[str, int, int]
"""Symbol, volume and rank."""
StalenessPlace = tuple[str, str]
"""Symbol and the date of the last pollenation."""


def by_volume(
    assets: AssetRepository, wanted: AssetFilter, now: datetime, *, limit: int, after: VolumePlace | None
) -> Slice[Listed]:
    """Matching assets, most traded first."""
    stale_since = _stale_since(wanted, now)
    plain = wanted.is_answered_by_index and stale_since is None

    def matches(listed: Listed) -> bool:
        return wanted.matches(listed.asset) and _is_stale(listed.asset, stale_since)

    ranked = _ranked(assets, wanted.status, after, limit + 1 if plain else _ROWS_PER_READ)
    top = takewhile(lambda row: wanted.top is None or row[0][2] <= wanted.top, ranked)
    rows: Iterator[tuple[Position, Listed]] = ((place, listed) for place, listed in top)
    return take(rows, matches, limit)


def by_staleness(
    assets: AssetRepository, wanted: AssetFilter, now: datetime, *, limit: int, after: StalenessPlace | None
) -> Slice[Listed]:
    """Matching assets, those whose fundamentals were requested the longest ago first."""
    found = assets.stalest(
        wanted.status,
        until=_stale_since(wanted, now),
        start=_start(wanted.status, "lastPollenationDate", after),
        page_size=limit + 1 if wanted.is_answered_by_index else _ROWS_PER_READ,
    )
    rows = (((str(key["symbol"]), str(key["lastPollenationDate"])), Listed(asset)) for key, asset in found)
    return take(rows, lambda listed: wanted.matches(listed.asset), limit)


def _ranked(
    assets: AssetRepository, status: str, after: VolumePlace | None, page_size: int
) -> Iterator[tuple[VolumePlace, Listed]]:
    start = _start(status, "volume", after)
    before = after[2] if after else 0
    for rank, (key, asset) in enumerate(assets.most_traded(status, start=start, page_size=page_size), before + 1):
        yield (str(key["symbol"]), int(key["volume"]), rank), Listed(asset, rank)


def _start(status: str, sort: str, after: VolumePlace | StalenessPlace | None) -> Mapping[str, Any] | None:
    return {"symbol": after[0], "status": status, sort: after[1]} if after else None


def _stale_since(wanted: AssetFilter, now: datetime) -> datetime | None:
    return None if wanted.stale_days is None else now - timedelta(days=wanted.stale_days)


def _is_stale(asset: Asset, since: datetime | None) -> bool:
    """As in the staleness index: to the second, and an asset that was never pollenated is the stalest."""
    last = to_iso(asset.last_pollenated) if asset.last_pollenated else NEVER
    return since is None or last <= to_iso(since)
