"""The repository: loads aggregates from the event store, and appends what they decide."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from watchkeeper.clock import Clock
from watchkeeper.errors import DatabaseError, HistoryError, ItemNotFound, LimitExceeded, WatchkeeperError
from watchkeeper.events import event_id
from watchkeeper.eventsourcing.aggregate import AggregateRoot, EventData
from watchkeeper.eventsourcing.event import Cause, Event
from watchkeeper.eventsourcing.store import (
    MALFORMED,
    ConcurrencyConflict,
    EventStore,
    Head,
    HistoryUnreadable,
    Snapshot,
)
from watchkeeper.eventsourcing.upcasting import UnknownEvent, Upcasters
from watchkeeper.logs import logger

A = TypeVar("A", bound=AggregateRoot)
T = TypeVar("T")

ATTEMPTS = 100
PATIENCE_SECONDS = 10.0
"""A command is retried this often, and for this long, after concurrency conflicts: enough for sixteen writers that
never pause."""

_SHORTEST_PAUSE_SECONDS = 0.02
_JITTER_SECONDS = 0.1
"""Without exponential back-off: among many writers, those that had waited longest would lose to newcomers."""


class HistoryIncomplete(WatchkeeperError):
    """Not all events that the head counts are visible yet: the items of a transaction appear one by one."""


_OUTRUN = (ConcurrencyConflict, HistoryIncomplete)


@dataclass(frozen=True, slots=True)
class Processed(Generic[A]):
    """The result of a command."""

    aggregate: A
    """The aggregate afterwards."""
    already_processed: bool = False
    """It had been processed before: nothing was appended now, and what ``decide`` recorded was discarded."""


@dataclass(frozen=True, slots=True)
class _Loaded(Generic[A]):
    aggregate: A
    head: Head
    snapshot_at: int
    """The version of the snapshot it was loaded from; 0 without one."""


class EventSourcedRepository(Generic[A]):
    """The aggregates of one type. Loading reads at most one snapshot, and the events after it."""

    def __init__(
        self,
        store: EventStore,
        aggregate: type[A],
        clock: Clock,
        *,
        upcasters: Upcasters | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._store = store
        self._aggregate = aggregate
        self._clock = clock
        self._events: Mapping[str, type[EventData]] = {event.type: event for event in aggregate.events}
        self._upcasters = upcasters or Upcasters()
        self._patience_seconds = patience_seconds

    def get(self, aggregate_id: str) -> A:
        """Raises ``ItemNotFound`` for one without events."""
        if (found := self.find(aggregate_id)) is None:
            raise ItemNotFound(f"there is no {aggregate_id}")
        return found

    def find(self, aggregate_id: str) -> A | None:
        aggregate = self._read(aggregate_id)
        return None if aggregate.is_new else aggregate

    def execute(
        self,
        aggregate_id: str,
        decide: Callable[[A], object],
        *,
        cause: Cause,
        command_id: str | None = None,
        issued_at: datetime | None = None,
    ) -> A:
        """Have the aggregate decide, and append what it recorded; returns the aggregate afterwards.

        If there are no events yet, ``decide`` gets a new aggregate. After a concurrency conflict it is called again
        with the reloaded aggregate, so it must have no other side effects. If it raises, nothing is appended. A command
        with an id that was processed before changes nothing, whatever ``decide`` would record now; for ``issued_at``
        see the store's ``append``. Raises ``ConcurrencyConflict`` when conflicts persist, and ``HistoryError`` for an
        aggregate that cannot be read, or whose events are still incomplete after the last retry.
        """
        return self.process(aggregate_id, decide, cause=cause, command_id=command_id, issued_at=issued_at).aggregate

    def process(
        self,
        aggregate_id: str,
        decide: Callable[[A], object],
        *,
        cause: Cause,
        command_id: str | None = None,
        issued_at: datetime | None = None,
    ) -> Processed[A]:
        """Like ``execute``, but also says whether the command had been processed before."""
        return self._patiently(lambda: self._once(aggregate_id, decide, cause, command_id, issued_at))

    def _read(self, aggregate_id: str) -> A:
        return self._patiently(lambda: self._load(aggregate_id).aggregate)

    def _patiently(self, attempt: Callable[[], T]) -> T:
        """After a conflict, retry once immediately, and from then on after pauses."""
        try:
            return attempt()
        except _OUTRUN:
            import stamina  # conflicts are rare, and cold starts should not pay for this
        again = stamina.RetryingCaller(
            attempts=ATTEMPTS - 1,
            timeout=self._patience_seconds,
            wait_initial=_SHORTEST_PAUSE_SECONDS,
            wait_exp_base=1,
            wait_jitter=_JITTER_SECONDS,
        )
        try:
            return again(_OUTRUN, attempt)
        except HistoryIncomplete as error:
            raise HistoryUnreadable(f"events are missing: {error}") from error

    def _once(
        self,
        aggregate_id: str,
        decide: Callable[[A], object],
        cause: Cause,
        command_id: str | None,
        issued_at: datetime | None,
    ) -> Processed[A]:
        loaded = self._load(aggregate_id)
        try:
            decide(loaded.aggregate)
        except WatchkeeperError:
            if command_id and self._store.has_processed(loaded.head, command_id, issued_at):
                # Its own earlier effect is why it is rejected now.
                return Processed(self._read(aggregate_id), already_processed=True)
            raise
        events = self._events_of(loaded.aggregate, loaded.head.version, cause)
        if self._store.append(loaded.head, events, command_id=command_id, issued_at=issued_at).already_processed:
            return Processed(self._read(aggregate_id), already_processed=True)
        loaded.aggregate.recorded.clear()
        self._keep_snapshot(loaded)
        return Processed(loaded.aggregate)

    def _load(self, aggregate_id: str) -> _Loaded[A]:
        opened = self._store.open(aggregate_id)
        aggregate = self._restored(aggregate_id, opened.snapshot)
        read_from = aggregate.version
        for event in self._store.read(aggregate_id, after=read_from, up_to=opened.head.version):
            aggregate.replay(self._data_of(event))
        if aggregate.version != opened.head.version:
            raise HistoryIncomplete(f"{aggregate_id} has {opened.head.version} events, not {aggregate.version}")
        return _Loaded(aggregate, opened.head, read_from)

    def _restored(self, aggregate_id: str, snapshot: Snapshot | None) -> A:
        """From the snapshot; a new one if there is no snapshot that this release can read."""
        aggregate = self._aggregate(aggregate_id)
        if snapshot is None or snapshot.schema_version != self._aggregate.snapshot_version:
            return aggregate
        try:
            aggregate.restore(snapshot.state)
        except MALFORMED as error:
            logger.error("a snapshot cannot be read", aggregate_type=aggregate.kind, reason=type(error).__name__)
            return self._aggregate(aggregate_id)
        aggregate.version = snapshot.version
        return aggregate

    def _data_of(self, event: Event) -> EventData:
        named = f"event {event.sequence} of {event.aggregate_id} cannot be read"
        try:
            return self._known(event)
        except HistoryError as error:
            raise type(error)(f"{named}: {error}") from error
        except MALFORMED as error:
            raise HistoryUnreadable(f"{named}: {type(error).__name__}") from error

    def _known(self, event: Event) -> EventData:
        known = self._events.get(event.type)
        if known is None:
            raise UnknownEvent(f"{self._aggregate.kind} knows no {event.type}")
        return known.of(self._upcasters.upcast(event, known.version).data)

    def _events_of(self, aggregate: A, version: int, cause: Cause) -> list[Event]:
        now = self._clock()
        return [
            Event(
                id=event_id(f"{aggregate.id}/{sequence}", data.type),
                type=data.type,
                version=data.version,
                occurred_at=now,
                correlation_id=cause.correlation_id,
                data=data.encoded(),
                aggregate_id=aggregate.id,
                aggregate_type=aggregate.kind,
                sequence=sequence,
                causation_id=cause.causation_id,
                actor=cause.actor,
            )
            for sequence, data in enumerate(aggregate.recorded, version + 1)
        ]

    def _keep_snapshot(self, loaded: _Loaded[A]) -> None:
        """Snapshots are only an optimisation: failing to store one does not fail the command."""
        aggregate, every = loaded.aggregate, self._aggregate.snapshot_every
        if aggregate.version // every == loaded.snapshot_at // every:
            return
        try:
            self._store.keep_snapshot(
                Snapshot(aggregate.id, aggregate.version, self._aggregate.snapshot_version, aggregate.state())
            )
        except (DatabaseError, LimitExceeded) as error:
            logger.warning("a snapshot was not kept", aggregate_type=aggregate.kind, reason=type(error).__name__)
