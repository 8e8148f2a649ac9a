"""Rebuilding a read model from the event store, while it is being read and new events keep arriving.

A rebuild can stop at any point and continue in another call: its progress is stored with the generations. It reads the
store page by page, projects each page into a fresh generation, and switches reads to that once the last page is
written. Finally it deletes the previous generation, when nobody reads it any more.

Events that cannot be read stop it before the switch, unless it is told to leave them out: the current generation may
have rows of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from watchkeeper.dynamodb import Item, Table
from watchkeeper.errors import HistoryError
from watchkeeper.eventsourcing.read_models import Generations, ReadModels, Row, Stamp
from watchkeeper.eventsourcing.store import MALFORMED, is_event
from watchkeeper.logs import logger

WRITERS = 8
"""Rows written in parallel."""

REQUESTS_END_SECONDS = 10
"""After this, no request still reads the previous generation: API requests take five seconds at most."""

_UNREADABLE = (HistoryError, *MALFORMED)


class Fold(Protocol):
    """The rows of a model that some events yield."""

    def add(self, item: Item) -> None:
        """Add an event as the store holds it. Raises ``HistoryError`` or one of ``MALFORMED`` for one that cannot be
        projected, unless only building its rows shows that."""

    def rows(self) -> Iterable[tuple[Row, Stamp]]:
        """One for each key: the one with the highest sequence. Raises the same as ``add``."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a rebuild."""

    generation: str
    started_at: str
    cursor: Mapping[str, Any] | None = None
    """The key of the last item read from the store or, once ``switched``, from the read models; ``None`` before the
    first."""
    events: int = 0
    rows: int = 0
    """How many were written, not counting those that live projection had already written."""
    unreadable: int = 0
    """Events that could not be projected, and were left out."""
    complete: bool = False
    """The whole store has been read."""
    switched: bool = False
    """Reads use the fresh generation; what remains is to delete the previous one."""
    done: bool = False

    @property
    def stopped(self) -> bool:
        """Whether it waits for permission to leave out unreadable events."""
        return self.complete and not self.switched and self.unreadable > 0


def progress_of(generations: Generations) -> Progress | None:
    """The progress of an unfinished rebuild. ``None`` also if another release stored it in another format: then the
    rebuild begins anew."""
    if generations.rebuild is None:
        return None
    try:
        return Progress(**generations.rebuild)
    except TypeError:
        return None


class Rebuild:
    def __init__(
        self,
        store: Table,
        models: ReadModels,
        model: str,
        new_fold: Callable[[], Fold],
        sleep: Callable[[float], object],
        requests_end_seconds: float = REQUESTS_END_SECONDS,
    ) -> None:
        self._store = store
        self._models = models
        self._model = model
        self._new_fold = new_fold
        self._sleep = sleep
        self._requests_end_seconds = requests_end_seconds

    def run(
        self, now: str, has_time: Callable[[], bool], tell: Callable[[Progress], None], *, leave_out: bool = False
    ) -> Progress:
        """Start a rebuild, or continue the unfinished one, for as long as there is time; its progress by then.

        Once it has ``stopped``, it continues if it may ``leave_out`` unreadable events, and otherwise starts over:
        a newer release may be able to read them. Raises ``ConditionFailed`` when somebody else changed the generations
        meanwhile: then it can be run again.
        """
        generations, progress = self._begun(now, leave_out)
        while not progress.complete:
            progress = self._read_page(progress)
            tell(progress)
            generations = self._keep(generations, progress)
            if not (progress.complete or has_time()):
                return progress
        if progress.stopped and not leave_out:
            return progress
        if not progress.switched:
            generations, progress = self._switch(generations, progress)
        return self._clear(generations, progress, has_time)

    def _begun(self, now: str, leave_out: bool) -> tuple[Generations, Progress]:
        generations = self._models.generations()[self._model]
        if (kept := progress_of(generations)) and (leave_out or not kept.stopped):
            return generations, kept
        fresh = str(max(map(int, generations.written)) + 1)
        progress = Progress(fresh, now)
        return self._keep(generations, progress, written=(generations.read, fresh)), progress

    def _read_page(self, progress: Progress) -> Progress:
        """Project a page of the store."""
        page = self._store.scan_page(start=progress.cursor, consistent=True)
        events = list(filter(is_event, page.items))
        rows, unreadable = self._project(events)
        written = self._write(rows, progress.generation)
        return replace(
            progress,
            cursor=page.last_key,
            complete=page.last_key is None,
            events=progress.events + len(events),
            rows=progress.rows + written,
            unreadable=progress.unreadable + unreadable,
        )

    def _project(self, events: Sequence[Item]) -> tuple[list[tuple[Row, Stamp]], int]:
        """The rows of the events, and how many events cannot be projected. To check each of them would take far longer
        than to fold them, so that is done only if it is necessary."""
        try:
            return self._folded(events), 0
        except _UNREADABLE:
            readable = list(filter(self._is_readable, events))
            return self._folded(readable), len(events) - len(readable)

    def _is_readable(self, event: Item) -> bool:
        try:
            self._folded([event])
        except _UNREADABLE as error:
            logger.warning("an event was left out", event_id=event.get("eventId"), reason=type(error).__name__)
            return False
        return True

    def _folded(self, events: Iterable[Item]) -> list[tuple[Row, Stamp]]:
        fold = self._new_fold()
        for event in events:
            fold.add(event)
        return list(fold.rows())

    def _write(self, rows: Iterable[tuple[Row, Stamp]], generation: str) -> int:
        with ThreadPoolExecutor(WRITERS) as pool:
            return sum(pool.map(lambda one: self._models.put(one[0], generation, one[1]), rows))

    def _switch(self, generations: Generations, progress: Progress) -> tuple[Generations, Progress]:
        progress = replace(progress, switched=True)
        fresh = progress.generation
        return self._keep(generations, progress, read=fresh, written=(fresh,)), progress

    def _clear(self, generations: Generations, progress: Progress, has_time: Callable[[], bool]) -> Progress:
        is_clear = False
        while not is_clear:
            if not has_time():
                return progress
            if progress.cursor is None:
                self._sleep(self._requests_end_seconds)
            cursor = self._models.delete_before(self._model, progress.generation, progress.cursor)
            progress, is_clear = replace(progress, cursor=cursor), cursor is None
            if not is_clear:
                generations = self._keep(generations, progress)
        self._models.change(self._model, generations, replace(generations, rebuild=None))
        return replace(progress, done=True)

    def _keep(self, before: Generations, progress: Progress, **changes: Any) -> Generations:
        return self._models.change(self._model, before, replace(before, rebuild=asdict(progress), **changes))
