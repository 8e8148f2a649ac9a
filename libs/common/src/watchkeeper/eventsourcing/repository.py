"""Aggregates out of the event store, and what they decided back into it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from watchkeeper.clock import Clock
from watchkeeper.errors import DatabaseError, ItemNotFound, LimitExceeded, WatchkeeperError
from watchkeeper.events import event_id
from watchkeeper.eventsourcing.aggregate import AggregateRoot, EventData
from watchkeeper.eventsourcing.event import Cause, Event
from watchkeeper.eventsourcing.store import ConcurrencyConflict, EventStore, Head, HistoryUnreadable, Snapshot
from watchkeeper.eventsourcing.upcasting import UnknownEvent, Upcasters
from watchkeeper.logs import logger

A = TypeVar("A", bound=AggregateRoot)

ATTEMPTS = 100
PATIENCE_SECONDS = 10.0
"""A command is decided anew so often after others were faster, and not later than this: enough for sixteen writers who
never stop."""

_SHORTEST_PAUSE_SECONDS = 0.02
_JITTER_SECONDS = 0.1
"""Pauses do not grow: among many writers those who had waited longest would lose to those who have just begun."""


class HistoryIncomplete(DatabaseError):
    """Not all events that the head tells of can be read: what a transaction wrote appears item by item."""


_OUTRUN = (ConcurrencyConflict, HistoryIncomplete)


@dataclass(frozen=True, slots=True)
class _Loaded(Generic[A]):
    aggregate: A
    head: Head
    snapshot_at: int
    """The version of the snapshot it was made from; 0 without one."""


class EventSourcedRepository(Generic[A]):
    """The aggregates of one type. Loading reads one snapshot at the most, and the events after it."""

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
        """Raises ``ItemNotFound`` for one nothing ever happened to."""
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
        given_at: datetime | None = None,
    ) -> A:
        """Have the aggregate decide, and append what it recorded; the aggregate as it is then.

        ``decide`` gets one with no events yet where nothing ever happened. When somebody else appends meanwhile it is
        asked again, of the aggregate as it is by then: it must do nothing but tell the aggregate. What it raises ends
        the command; nothing is appended. A command with an id that was taken before changes nothing, whatever
        ``decide`` would record now; ``given_at`` is as the store's ``append`` has it. Raises ``ConcurrencyConflict``
        when others are faster all the time.
        """
        return self._patiently(lambda: self._once(aggregate_id, decide, cause, command_id, given_at))

    def _read(self, aggregate_id: str) -> A:
        return self._patiently(lambda: self._load(aggregate_id).aggregate)

    def _patiently(self, attempt: Callable[[], A]) -> A:
        """Once more at once when others were faster, and from then on after pauses."""
        try:
            return attempt()
        except _OUTRUN:
            import stamina  # few commands meet others, and no start is to wait for this
        again = stamina.RetryingCaller(
            attempts=ATTEMPTS - 1,
            timeout=self._patience_seconds,
            wait_initial=_SHORTEST_PAUSE_SECONDS,
            wait_exp_base=1,
            wait_jitter=_JITTER_SECONDS,
        )
        return again(_OUTRUN, attempt)

    def _once(
        self,
        aggregate_id: str,
        decide: Callable[[A], object],
        cause: Cause,
        command_id: str | None,
        given_at: datetime | None,
    ) -> A:
        loaded = self._load(aggregate_id)
        try:
            decide(loaded.aggregate)
        except WatchkeeperError:
            if command_id and self._store.took(loaded.head, command_id, given_at):
                return self._read(aggregate_id)  # what it did is why it cannot be done again
            raise
        events = self._events_of(loaded.aggregate, loaded.head.version, cause)
        if self._store.append(loaded.head, events, command_id=command_id, given_at=given_at).repeated:
            return self._read(aggregate_id)
        loaded.aggregate.recorded.clear()
        self._keep_snapshot(loaded)
        return loaded.aggregate

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
        """As the snapshot has it; without one that this release can read, as nothing has happened to it yet."""
        aggregate = self._aggregate(aggregate_id)
        if snapshot is None or snapshot.form != self._aggregate.snapshot_version:
            return aggregate
        try:
            aggregate.restore(snapshot.state)
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            logger.error("a snapshot cannot be read", aggregate_type=aggregate.kind, reason=type(error).__name__)
            return self._aggregate(aggregate_id)
        aggregate.version = snapshot.version
        return aggregate

    def _data_of(self, event: Event) -> EventData:
        known = self._events.get(event.type)
        if known is None:
            raise UnknownEvent(f"{self._aggregate.kind} knows no {event.type}")
        try:
            return known.of(self._upcasters.upcast(event, known.version).data)
        except (KeyError, TypeError, ValueError) as error:
            reason = f"event {event.sequence} of {event.aggregate_id} cannot be read: {type(error).__name__}"
            raise HistoryUnreadable(reason) from error

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
        """A snapshot saves time and is nothing else: one that cannot be kept is no failure of the command."""
        aggregate, every = loaded.aggregate, self._aggregate.snapshot_every
        if aggregate.version // every == loaded.snapshot_at // every:
            return
        try:
            self._store.keep_snapshot(
                Snapshot(aggregate.id, aggregate.version, self._aggregate.snapshot_version, aggregate.state())
            )
        except (DatabaseError, LimitExceeded) as error:
            logger.warning("a snapshot was not kept", aggregate_type=aggregate.kind, reason=type(error).__name__)
