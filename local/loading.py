"""Bring facts in, and tell how it goes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from local.cloud import LocalCloud
from local.progress import SourceProgress, source_progress, waiting, watched_sources

PAUSE = 2.0


@dataclass(frozen=True)
class Outcome:
    finished: bool
    sources: list[SourceProgress]
    seconds: float


def mode_of_next_load(cloud: LocalCloud) -> str:
    """Everything, until every source was loaded once."""
    finished = {source.name for source in source_progress(cloud) if source.finished_at}
    return "recent" if finished.issuperset(watched_sources(cloud)) else "full"


def start_load(cloud: LocalCloud, mode: str) -> datetime:
    """Ask for it and return the moment from which on a run counts as ours."""
    moment = datetime.now(UTC)
    for function in ("fetch-patches", "fetch-discussions"):
        cloud.invoke_later(function, {"mode": mode})
    return moment


def follow_load(cloud: LocalCloud, since: datetime, seconds: float, tell: Callable[[str], None]) -> Outcome:
    """Tell what changed until all sources are through and the queues are empty, or the time is up."""
    begin = time.monotonic()
    wanted = set(watched_sources(cloud))
    told: list[str] = []
    while True:
        sources = [source for source in source_progress(cloud) if source.name in wanted]
        queues = waiting(cloud)
        lines = [str(source) for source in sources]
        idle = all(queue.is_idle for queue in queues)
        if not idle:
            lines.append("ready+taken+delayed: " + ", ".join(map(str, queues)))
        for line in lines:
            if line not in told:
                tell(line)
        told = lines
        spent = time.monotonic() - begin
        finished = idle and all_finished(sources, wanted, since)
        if finished or spent > seconds:
            return Outcome(finished, sources, spent)
        time.sleep(PAUSE)


def all_finished(sources: list[SourceProgress], wanted: set[str], since: datetime) -> bool:
    moment = since.strftime("%Y-%m-%dT%H:%M:%S")
    return wanted <= {source.name for source in sources if source.has_finished_since(moment)}
