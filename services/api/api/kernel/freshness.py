"""How fresh the facts are, so clearly that "nothing new" can be trusted."""

from collections.abc import Sequence
from datetime import datetime

from api.kernel import views
from api.web.sources import gaps, refusals
from watchkeeper.progress import LIVE, ProgressRepository, Run, Source

_LONG = frozenset({"newest", "seen", "weeks"})
"""Parts of a cursor that grow with the traffic and mean nothing to a reader."""


def freshness(
    progress: ProgressRepository, projects: Sequence[str], lists: Sequence[str], now: datetime
) -> views.Freshness:
    """Every source that is or was watched, including those that have not been read yet."""
    watched = {f"patchwork:{project}" for project in projects} | {f"lore:{name}" for name in lists}
    stored = {source.name: source for source in progress.sources()}
    sources = [stored.get(name, Source(name)) for name in sorted(watched | stored.keys())]
    current = [source for source in sources if source.name in watched]
    return views.Freshness(
        now=now,
        as_of=_as_of(current),
        complete=all(map(_is_complete, current)),
        sources=[_state(source, now, watched=source.name in watched) for source in sources],
    )


def _as_of(sources: Sequence[Source]) -> datetime | None:
    successes = [source.last_success for source in sources if source.last_success]
    return min(successes) if successes and len(successes) == len(sources) else None


def _is_complete(source: Source) -> bool:
    troubled = source.gaps or source.error or source.failing_since or source.blocked_since
    return source.phase == LIVE and not troubled


def _state(source: Source, now: datetime, *, watched: bool) -> views.SourceState:
    return views.SourceState(
        name=source.name,
        kind=source.name.partition(":")[0],
        watched=watched,
        phase=source.phase,
        position={name: value for name, value in source.cursor.items() if name not in _LONG},
        last_success=source.last_success,
        age_seconds=max(0, int((now - source.last_success).total_seconds())) if source.last_success else None,
        error=source.error,
        failing_since=source.failing_since,
        blocked_since=source.blocked_since,
        gaps=gaps(source),
        refusals=refusals(source),
        run=_run(source.run) if source.run else None,
    )


def _run(run: Run) -> views.RunState:
    return views.RunState(
        id=run.id,
        mode=run.mode,
        started_at=run.started_at,
        finished_at=run.finished_at,
        fetched=run.fetched,
        stored=run.stored,
        unchanged=run.unchanged,
        refused=run.refused,
    )
