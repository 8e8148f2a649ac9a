"""How old the newest facts of each source are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchkeeper.markets.coverage import Coverage
from watchkeeper.progress import Source

FUNDAMENTALS = "alphavantage:fundamentals"
"""Fundamentals are read asset by asset: their age is that of the newest pollenation."""

STALE_AFTER: Mapping[str, timedelta] = {
    "alpaca:assets": timedelta(hours=50),
    "alphavantage:earnings-calendar": timedelta(hours=50),
    "alphavantage:news": timedelta(hours=32),
    FUNDAMENTALS: timedelta(hours=50),
}
"""The interval between runs of each, plus a Sunday and some hours; with few calls, news are read five times a day."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """A source and its age: seconds since the start of the last run that read everything."""

    source: str
    age: float
    stale: bool
    blocked: bool = False


def freshness(sources: Iterable[Source], coverage: Coverage, now: datetime) -> Iterator[Freshness]:
    """A source that never succeeded is as old as its first attempt; one that was never attempted has no age."""
    for source in sources:
        if source.name in STALE_AFTER and source.name != FUNDAMENTALS:
            started = source.run.started_at if source.run else now
            since = source.last_success or source.failing_since or started
            yield _aged(source.name, now - since, blocked=source.blocked_since is not None)
    if coverage.newest:
        yield _aged(FUNDAMENTALS, now - coverage.newest)


def _aged(source: str, age: timedelta, *, blocked: bool = False) -> Freshness:
    return Freshness(source, age.total_seconds(), age > STALE_AFTER[source], blocked)
