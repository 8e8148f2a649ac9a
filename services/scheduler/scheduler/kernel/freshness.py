"""How old the newest facts of each source are."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.progress import Source

STALE_AFTER_SECONDS = 3 * 3600
"""Three hourly runs without success."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """A source and its age: seconds since the start of the last run that read everything."""

    source: str
    age: float
    stale: bool
    blocked: bool


def freshness(sources: Iterable[Source], watched: Container[str], now: datetime) -> Iterator[Freshness]:
    """A source that never succeeded is as old as its first attempt. Only ``watched`` sources can be late: not those
    read on demand, nor those no longer read."""
    for source in sources:
        if source.name not in watched:
            continue
        started = source.run.started_at if source.run else now
        since = source.last_success or source.failing_since or started
        age = (now - since).total_seconds()
        yield Freshness(source.name, age, age > STALE_AFTER_SECONDS, source.blocked_since is not None)
