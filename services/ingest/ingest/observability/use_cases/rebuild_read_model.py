"""Rebuild a read model from all events in the store, in as many calls as it takes."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from math import inf
from typing import Any

from watchkeeper.clock import Clock, to_iso
from watchkeeper.dynamodb import Item, Table
from watchkeeper.errors import ItemNotFound
from watchkeeper.eventsourcing.read_models import ReadModels, Row, Stamp
from watchkeeper.eventsourcing.rebuilding import Progress, Rebuild, progress_of
from watchkeeper.logs import logger
from watchkeeper.observability.projections import ALERT_HISTORY, METRIC_SERIES, REBUILT, Fold, Occurrence

_OVER_BY_THEIR_KEY = frozenset({METRIC_SERIES, ALERT_HISTORY})
"""Models in which most rows of the past have expired, at a time that depends only on their key: expired rows are not
written again. In other models, skipping one would resurrect the row of an earlier event that has not expired."""


class ReadModelRebuilding:
    def __init__(
        self,
        store: Table,
        models: ReadModels,
        clock: Clock,
        sleep: Callable[[float], object],
        requests_end_seconds: float,
    ) -> None:
        self._store = store
        self._models = models
        self._clock = clock
        self._sleep = sleep
        self._requests_end_seconds = requests_end_seconds

    def unfinished(self) -> dict[str, Progress]:
        """The progress of unfinished rebuilds, by model."""
        every = self._models.generations().items()
        return {model: progress for model, kept in every if (progress := progress_of(kept))}

    def go_on(self, model: str, has_time: Callable[[], bool], *, leave_out: bool = False) -> Progress:
        """Start a rebuild, or continue the unfinished one, for as long as there is time; unreadable events stop it
        unless it may ``leave_out`` them.

        Raises ``ItemNotFound`` for an unknown model, or one that cannot be rebuilt, and ``ConditionFailed`` when
        somebody else is rebuilding it.
        """
        if model not in REBUILT:
            raise ItemNotFound(f"there is no read model {model!r} to rebuild; they are {', '.join(REBUILT)}")
        now = self._clock()
        fold = partial(_ItemsFold, model, now)
        rebuild = Rebuild(self._store, self._models, model, fold, self._sleep, self._requests_end_seconds)
        return rebuild.run(to_iso(now), has_time, partial(_log, model), leave_out=leave_out)


class _ItemsFold:
    """A fold over items of the store."""

    def __init__(self, model: str, now: datetime) -> None:
        self._fold = Fold([model])
        self._over_by = int(now.timestamp()) if model in _OVER_BY_THEIR_KEY else 0

    def add(self, item: Item) -> None:
        if self._fold.takes(str(item["eventType"])):
            self._fold.add(Occurrence.of_item(item))

    def rows(self) -> Iterable[tuple[Row, Stamp]]:
        return (found for found in self._fold.winners() if (found[0].expires_at or inf) > self._over_by)


def described(model: str, progress: Progress) -> dict[str, Any]:
    """Progress for an operator to read."""
    return {
        "model": model,
        "generation": progress.generation,
        "events": progress.events,
        "rows": progress.rows,
        "unreadable": progress.unreadable,
        "switched": progress.switched,
        "done": progress.done,
        **({"stopped": _why_stopped(progress)} if progress.stopped else {}),
    }


def _why_stopped(progress: Progress) -> str:
    return (
        f"{progress.unreadable:,} events cannot be read, and would be left out; the log names them. The model is read "
        "as before. Call again with a release that can read them to start over, or with leave_out to continue."
    )


def _log(model: str, progress: Progress) -> None:
    logger.info("a read model is being made anew", **described(model, progress))
