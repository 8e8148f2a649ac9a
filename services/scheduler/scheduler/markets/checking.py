"""Counting and storing the coverage of the tracked assets, and measuring the age of the sources."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from scheduler.markets.freshness import Freshness, freshness
from watchkeeper.clock import Clock, utc_now
from watchkeeper.dynamodb import Value
from watchkeeper.logs import logger
from watchkeeper.markets.coverage import Coverage, counted
from watchkeeper.markets.models import ACTIVE, Asset
from watchkeeper.metrics import ASSETS_BY_AGE, FRESHNESS_AGE, measure
from watchkeeper.progress import Source


class Assets(Protocol):
    def stalest(self, status: str) -> Iterator[tuple[dict[str, Value], Asset]]: ...


class Coverages(Protocol):
    def put(self, coverage: Coverage) -> None: ...


class Sources(Protocol):
    def sources(self) -> list[Source]: ...


@dataclass(frozen=True, slots=True)
class CoverageCheck:
    assets: Assets
    coverages: Coverages
    progress: Sources
    clock: Clock = utc_now

    def count(self) -> Coverage:
        """Count without storing anything."""
        return counted((asset for _, asset in self.assets.stalest(ACTIVE)), self.clock())

    def run(self) -> tuple[Coverage, list[Freshness]]:
        coverage = self.count()
        self.coverages.put(coverage)
        for age, number in coverage.assets.items():
            measure(ASSETS_BY_AGE, number, age=age)
        found = list(freshness(self.progress.sources(), coverage, self.clock()))
        for one in found:
            _report(one)
        return coverage, found


def _report(one: Freshness) -> None:
    measure(FRESHNESS_AGE, one.age, source=one.source)
    if one.stale or one.blocked:
        logger.warning("source is not fresh", source=one.source, age=round(one.age), blocked=one.blocked)
