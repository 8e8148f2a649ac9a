"""The event store on the local cloud, in a table of its own: these events are not published."""

from collections.abc import Iterator

import pytest

from tests.contracts.event_store import EventStoreContract
from tests.e2e.system import System
from tests.integration.tables import definitions, table_name
from watchkeeper.dynamodb import Table
from watchkeeper.eventsourcing.store import DynamoDBEventStore, EventStore


@pytest.fixture(scope="module")
def table(system: System) -> Iterator[Table]:
    client, name = system.cloud.dynamodb, system.cloud.name("event-store-of-tests")
    [definition] = [one for one in definitions() if one["TableName"] == table_name("event-store")]
    client.create_table(
        **{key: value for key, value in definition.items() if key != "StreamSpecification"} | {"TableName": name}
    )
    client.get_waiter("table_exists").wait(TableName=name)
    yield Table(client, name)
    client.delete_table(TableName=name)


class TestEventStoreOnTheLocalCloud(EventStoreContract):
    @pytest.fixture
    def store(self, table: Table) -> EventStore:
        return DynamoDBEventStore(table)
