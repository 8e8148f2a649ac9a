"""The store passes the tests that pyeventsourcing has for those who record its events."""

from collections.abc import Sequence
from itertools import islice
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.persistence import AggregateRecorder, IntegrityError, StoredEvent
from eventsourcing.tests.persistence import AggregateRecorderTestCase

from tests.contracts.event_store import AT
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.store import ConcurrencyConflict, DynamoDBEventStore, EventStore, Head


class Recorder(AggregateRecorder):
    """Their places may begin with any number, ours begin with one."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> None:
        if not stored_events:
            return
        head = self._store.open(str(stored_events[0].originator_id)).head
        first = self._first(head) or stored_events[0].originator_version
        try:
            self._store.append(head, [_event(one, one.originator_version - first + 1) for one in stored_events])
        except (ConcurrencyConflict, ValueError) as error:
            raise IntegrityError from error

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        events = [_stored(event, originator_id) for event in self._store.read(str(originator_id))]
        wanted = [
            one
            for one in events
            if (gt is None or one.originator_version > gt) and (lte is None or one.originator_version <= lte)
        ]
        return list(islice(reversed(wanted) if desc else wanted, limit))

    def _first(self, head: Head) -> int | None:
        """Their number of the aggregate's first event."""
        return next((int(event.data["version"]) for event in self._store.read(head.aggregate_id, up_to=1)), None)


def _event(stored: StoredEvent, sequence: int) -> Event:
    return Event(
        id=f"{stored.originator_id}/{sequence}",
        type=stored.topic,
        version=1,
        occurred_at=AT,
        correlation_id="correlation",
        data={"version": stored.originator_version, "state": stored.state.decode()},
        aggregate_id=str(stored.originator_id),
        aggregate_type="originator",
        sequence=sequence,
        causation_id="cause",
        actor="tests",
    )


def _stored(event: Event, originator_id: UUID | str) -> StoredEvent:
    return StoredEvent(originator_id, int(event.data["version"]), event.type, str(event.data["state"]).encode())


class TestAggregateRecorder(AggregateRecorderTestCase):
    test_performance = None  # type: ignore[assignment]

    @pytest.fixture(autouse=True)
    def on(self, store: DynamoDBEventStore) -> None:
        self._store = store

    def create_recorder(self) -> AggregateRecorder:
        return Recorder(self._store)


del AggregateRecorderTestCase  # or it would be collected
