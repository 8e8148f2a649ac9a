import copy
from types import SimpleNamespace
from typing import Any

import moto.dynamodb.models
import pytest
from moto.dynamodb.models.table import Table as MotoTable

from tests.integration.faults import Clock
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Table
from watchkeeper.eventsourcing.read_models import ReadModels
from watchkeeper.eventsourcing.store import DynamoDBEventStore


@pytest.fixture(autouse=True)
def cheap_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each transaction moto copies whole tables, with all their items and streams, to put them back if it fails.
    Puts replace items and change none: a copy of what holds them will do."""
    monkeypatch.setattr(moto.dynamodb.models, "copy", SimpleNamespace(deepcopy=_copied, copy=copy.copy))


def _copied(value: Any) -> Any:
    if not isinstance(value, MotoTable):
        return copy.deepcopy(value)
    table: Any = copy.copy(value)
    table.items = copy.copy(value.items)
    for key, rows in table.items.items():
        table.items[key] = dict(rows)
    return table


@pytest.fixture
def table(clock: Clock, atomic_tables: None) -> Table:
    """The event store's."""
    return Table(aws.dynamodb_client(), table_name("event-store"))


@pytest.fixture
def store(table: Table) -> DynamoDBEventStore:
    return DynamoDBEventStore(table)


@pytest.fixture
def models(table: Table) -> ReadModels:
    return ReadModels(Table(aws.dynamodb_client(), table_name("read-models")))
