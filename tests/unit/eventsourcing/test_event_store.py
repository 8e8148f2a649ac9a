import pytest

from tests.contracts.event_store import EventStoreContract
from tests.fakes.event_store import InMemoryEventStore
from watchkeeper.eventsourcing.store import EventStore


class TestInMemoryEventStore(EventStoreContract):
    @pytest.fixture
    def store(self) -> EventStore:
        return InMemoryEventStore()
