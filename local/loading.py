"""Load facts, and report the progress."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from local.cloud import LocalCloud
from local.progress import SourceProgress, source_progress, waiting, watched_sources

PAUSE = 2.0
PATIENCE = 10.0
"""Seconds without work after which a failing source is not waited for: it is retried later."""


@dataclass(frozen=True)
class Outcome:
    finished: bool
    sources: list[SourceProgress]
    seconds: float


def start_load(cloud: LocalCloud, mode: str) -> datetime:
    """Request it and return the time from which a run counts as ours."""
    moment = datetime.now(UTC)
    for function in ("fetch-patches", "fetch-discussions"):
        cloud.invoke_later(function, {"mode": mode})
    return moment


def follow_load(cloud: LocalCloud, since: datetime, seconds: float | None, tell: Callable[[str], None]) -> Outcome:
    """Report changes until all sources are read and the queues are empty, or the remaining ones fail, or the time is
    up."""
    begin = busy = time.monotonic()
    wanted = set(watched_sources(cloud))
    told: list[str] = []
    while True:
        sources = [source for source in source_progress(cloud) if source.name in wanted]
        queues = waiting(cloud)
        lines = [str(source) for source in sources]
        empty = all(queue.is_empty for queue in queues)
        busy = busy if all(queue.is_at_rest for queue in queues) else time.monotonic()
        if not empty:
            lines.append(f"left in the queues: {', '.join(map(str, queues))}")
        for line in lines:
            if line not in told:
                tell(line)
        told = lines
        spent = time.monotonic() - begin
        finished = empty and all_finished(sources, wanted, since)
        if (
            finished
            or (seconds and spent > seconds)
            or (time.monotonic() - busy > PATIENCE and any_fails(sources, since))
        ):
            return Outcome(finished, sources, spent)
        time.sleep(PAUSE)


def all_finished(sources: list[SourceProgress], wanted: set[str], since: datetime) -> bool:
    return wanted <= {source.name for source in sources if source.has_finished_since(_text(since))}


def any_fails(sources: list[SourceProgress], since: datetime) -> bool:
    return any(source.error and not source.has_finished_since(_text(since)) for source in sources)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
