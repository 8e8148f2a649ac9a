"""The function of the ferments watch, on a table, a bucket and a queue in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from moto.sqs.models import sqs_backends

from tests.integration.api.asking import Asker
from tests.integration.faults import Clock
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Item, Table

PREFIX = "/api/v1/ferments"
UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
"""A ULID of nothing."""


@pytest.fixture(autouse=True)
def timeless(clock: Clock) -> None:
    """No request runs out of time, however busy the machine is, and nothing waits before it tries again."""


@pytest.fixture
def ferments(people_environment: None) -> Iterator[Asker]:
    from api.ferments import container
    from api.web.secrets import secret

    container.container.cache_clear()
    secret.cache_clear()

    from api.ferments.handler import handler

    yield Asker(handler, PREFIX)
    container.container.cache_clear()


@pytest.fixture
def people(people_environment: None) -> Table:
    return Table(aws.dynamodb_client(), table_name("people"))


@dataclass(frozen=True)
class Stored:
    """What there is in the table, whoever has it."""

    def __call__(self, kind: str = "") -> list[Item]:
        """The items whose sort keys begin so."""
        found: Any = aws.dynamodb_client().scan(TableName=table_name("people"), ConsistentRead=True)
        plain = [{name: next(iter(value.values())) for name, value in item.items()} for item in found["Items"]]
        return [item for item in plain if str(item["SK"]).startswith(kind)]


@pytest.fixture
def stored(people_environment: None) -> Stored:
    return Stored()


@dataclass(frozen=True)
class Queue:
    def __call__(self) -> list[Any]:
        """The messages there are, those that are held back included, each with its attributes and its delay."""
        return [
            {
                **orjson.loads(one.body),
                "_attributes": one.message_attributes,
                "_delay": round(((one.delayed_until or 0) - (one.sent_timestamp or 0)) / 1000),
            }
            for one in sqs_backends["123456789012"]["us-east-1"].queues["watchkeeper-test-erasures"]._messages
        ]


@pytest.fixture
def erasures(people_environment: None) -> Queue:
    return Queue()


@pytest.fixture
def batch(ferments: Asker) -> str:
    """The path of a new batch."""
    return f"/batches/{begin(ferments)['id']}"


def begin(ferments: Asker, **members: Any) -> Any:
    reply = ferments.post("/batches", {"name": "Ginger", **members})
    assert reply.status == 201, reply.text
    return reply.json


def event_kinds(ferments: Asker, batch: str) -> list[str]:
    return [event["kind"] for event in ferments.get(f"{batch}/events").json["items"]]
