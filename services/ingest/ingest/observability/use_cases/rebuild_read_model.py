"""Make a read model anew from all events there are, in as many calls as it takes."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from math import inf
from typing import Any

from watchkeeper.clock import Clock, to_iso
from watchkeeper.dynamodb import Item, Table
from watchkeeper.errors import ItemNotFound
from watchkeeper.eventsourcing.read_models import ReadModels, Row, Stamp
from watchkeeper.eventsourcing.rebuilding import Progress, Rebuild
from watchkeeper.logs import logger
from watchkeeper.observability.projections import ALERT_HISTORY, METRIC_SERIES, REBUILT, Fold, Occurrence

_OVER_BY_THEIR_KEY = frozenset({METRIC_SERIES, ALERT_HISTORY})
"""Models of which most rows there ever were are over, and a row's key says when. They need not be written again. In
other models an earlier event's row, which is not over, would come back."""


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
        """How far the rebuilds are that are not done, by model."""
        every = self._models.generations().items()
        return {model: Progress(**kept.rebuild) for model, kept in every if kept.rebuild is not None}

    def go_on(self, model: str, has_time: Callable[[], bool], *, leave_out: bool = False) -> Progress:
        """Begin, or go on with what is not done, for as long as there is time; past events that cannot be read only if
        it is to ``leave_out`` those.

        Raises ``ItemNotFound`` for a model there is none of, or that events do not make, and ``ConditionFailed`` when
        somebody else is at it.
        """
        if model not in REBUILT:
            raise ItemNotFound(f"there is no read model {model!r} to be made anew; they are {', '.join(REBUILT)}")
        now = self._clock()
        fold = partial(_ItemsFold, model, now)
        rebuild = Rebuild(self._store, self._models, model, fold, self._sleep, self._requests_end_seconds)
        return rebuild.run(to_iso(now), has_time, partial(_log, model), leave_out=leave_out)


class _ItemsFold:
    """A fold of what the store holds."""

    def __init__(self, model: str, now: datetime) -> None:
        self._fold = Fold([model])
        self._over_by = int(now.timestamp()) if model in _OVER_BY_THEIR_KEY else 0

    def add(self, item: Item) -> None:
        if self._fold.takes(str(item["eventType"])):
            self._fold.add(Occurrence.of_item(item))

    def rows(self) -> Iterable[tuple[Row, Stamp]]:
        return (found for found in self._fold.winners() if (found[0].expires_at or inf) > self._over_by)


def described(model: str, progress: Progress) -> dict[str, Any]:
    """Progress as an operator reads it."""
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
        "as before. Call again with a release that reads them, and it begins anew, or with leave_out, and it goes on."
    )


def _log(model: str, progress: Progress) -> None:
    logger.info("a read model is being made anew", **described(model, progress))
