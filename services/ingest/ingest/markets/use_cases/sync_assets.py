"""Bring the list of assets up to date: new and changed ones are stored, and missing ones become inactive.

The list is complete, or there is an error. One that is much shorter than the last is rejected: everything it lacks
would become inactive.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from ingest.errors import Implausible, RowRefused, UpstreamError
from ingest.markets.alpaca import Alpaca, parse_asset
from ingest.reading import FULL, Reading
from watchkeeper.clock import Clock
from watchkeeper.logs import logger
from watchkeeper.markets.models import INACTIVE, Asset
from watchkeeper.markets.repositories.assets import AssetRepository

BELIEVED = 0.8
"""The share of the last list's number of assets that the next one must reach."""

_LISTED = "listed"
_WRITERS = 8
_CHUNK = 400


@dataclass(frozen=True, slots=True)
class AssetSync:
    client: Alpaca
    assets: AssetRepository
    clock: Clock

    def read(self, reading: Reading, *, believe: bool = False) -> None:
        """``believe`` accepts a short list, for an operator. Raises ``UpstreamError``; then nothing is stored."""
        reading.start(FULL)
        rows = self.client.assets()
        listed, unreadable = _listed(rows, reading)
        self._doubt(len(listed), int(reading.cursor.get(_LISTED, 0)), believe=believe)
        volumes = self._volumes(listed, reading)
        stored = {asset.symbol: asset for asset in self.assets.all()}
        wanted = [_wanted(asset, stored.get(asset.symbol), volumes) for asset in listed.values()]
        gone = list(_gone(stored.values(), listed.keys() | unreadable, self.clock()))
        written = self._store([*wanted, *gone], stored, reading)
        reading.count(fetched=len(rows), stored=written, unchanged=len(wanted) + len(gone) - written)
        reading.go_live()
        reading.finish({_LISTED: len(listed)}, complete=True)

    def _doubt(self, now: int, before: int, *, believe: bool) -> None:
        if now and (believe or now >= BELIEVED * before):
            return
        raise Implausible(f"{now} assets are listed, after {before}: less than {BELIEVED:.0%} of them")

    def _volumes(self, listed: Iterable[str], reading: Reading) -> dict[str, int]:
        """They rank the assets. Without them the list is still valid, and the volumes stay as they were."""
        try:
            return self.client.volumes(sorted(listed))
        except UpstreamError as error:
            logger.warning("volumes are missing", reason=str(error))
            reading.note_gap(f"volumes are missing: {error}")
            return {}

    def _store(self, wanted: Sequence[Asset], stored: dict[str, Asset], reading: Reading) -> int:
        """How many were written."""
        new = [asset for asset in wanted if asset.symbol not in stored]
        changed = [asset for asset in wanted if asset.symbol in stored and asset != stored[asset.symbol]]
        for some in _chunks(new):
            reading.keep_lease()
            self.assets.add(some)
        with ThreadPoolExecutor(_WRITERS) as pool:
            for some in _chunks(changed):
                reading.keep_lease()
                list(pool.map(self._change, some, [stored[asset.symbol] for asset in some]))
        return len(new) + len(changed)

    def _change(self, asset: Asset, before: Asset) -> None:
        if asset.id != before.id:  # first, since afterwards the change could not be detected any more
            logger.info("a symbol is another company's now", symbol=asset.symbol)
            self.assets.forget_pollenation(asset.symbol)
        self.assets.change(asset)


def _listed(rows: Iterable[object], reading: Reading) -> tuple[dict[str, Asset], set[str]]:
    """What could be read, by symbol, the first of duplicates; and the symbols and ids of what could not."""
    listed: dict[str, Asset] = {}
    unreadable: set[str] = set()
    for row in rows:
        try:
            asset = parse_asset(row)
            if asset.symbol in listed:
                raise RowRefused(asset.symbol, "the symbol is listed twice")
            listed[asset.symbol] = asset
        except RowRefused as refused:
            unreadable |= {refused.subject, str(row.get("id")) if isinstance(row, dict) else ""}
            reading.refuse(refused)
    return listed, unreadable


def _wanted(asset: Asset, before: Asset | None, volumes: dict[str, int]) -> Asset:
    """As it is to be stored: fields that are not in the list are kept."""
    if before is None:
        return replace(asset, volume=volumes.get(asset.symbol, 0))
    return replace(
        asset,
        volume=volumes.get(asset.symbol, before.volume),
        last_pollenated=before.last_pollenated,
        no_data=before.no_data,
    )


def _gone(stored: Iterable[Asset], listed: Set[str], now: datetime) -> Iterator[Asset]:
    """``listed`` has symbols, and for unreadable rows also ids. A listed asset may have another status than active."""
    for asset in stored:
        if asset.status != INACTIVE and listed.isdisjoint((asset.symbol, asset.id)):
            yield replace(asset, status=INACTIVE, vanished_at=now.replace(microsecond=0))


def _chunks(assets: Iterable[Asset]) -> Iterator[list[Asset]]:
    left = iter(assets)
    while some := list(islice(left, _CHUNK)):
        yield some
