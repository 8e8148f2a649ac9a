"""The export's function on a table in memory, and what is in it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.integration.api.asking import Asker
from tests.integration.api.events import USER
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Table, Write
from watchkeeper.ferments.models import Batch, Event, EventKind
from watchkeeper.people.table import KEYS

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BATCH = "01KAG1C2SR0000000000000001"


def a_batch(name: str = "Ginger", batch: str = BATCH, user: str = USER, **more: object) -> Batch:
    return Batch(batch, user, name, NOON, NOON, **more)  # type: ignore[arg-type]


def an_event(number: int, text: str = "", batch: str = BATCH, user: str = USER) -> Event:
    return Event(f"01KAG1C2SR{number:016d}", batch, user, EventKind.NOTE, NOON, text=text)


class Owned:
    """Puts things where the other functions would."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def write(self, *writes: Write) -> None:
        for one in writes:
            self.table.write([one], keys=KEYS)


@pytest.fixture
def owned(people_environment: None) -> Owned:
    return Owned(Table(aws.dynamodb_client(), table_name("people")))


@pytest.fixture
def ask(people_environment: None) -> Iterator[Asker]:
    from api.ferments.exporting.container import container

    container.cache_clear()
    from api.ferments.exporting.handler import handler

    yield Asker(handler, "/api/v1/ferments")
    container.cache_clear()
