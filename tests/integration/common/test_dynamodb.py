"""The table: limits kept, leftovers sent again, errors translated."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
import stamina
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Between, Item, Table
from watchkeeper.errors import ConditionFailed, DatabaseError, Throttled


@pytest.fixture
def table(tables: None) -> Table:
    return Table(aws.dynamodb_client(), table_name("progress"))


def rows(count: int) -> list[Item]:
    return [
        {"pk": "P", "sk": f"{number:05d}", "number": number, "flag": True, "octets": b"\x00\xff"}
        for number in range(count)
    ]


class Answer(AWSResponse):
    """What the server is made to say."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__("https://dynamodb.test", status, HTTPHeaders(), None)
        self._content = orjson.dumps(body)


@contextmanager
def answering(operation: str, plan: Callable[[int, Any], Answer | None]) -> Iterator[list[Any]]:
    """Answer the operation's requests by ``plan(number, body)``; ``None`` lets one through. Yields their bodies."""
    seen: list[Any] = []

    def handle(request: Any, **_: Any) -> Answer | None:
        body = orjson.loads(request.body)
        seen.append(body)
        return plan(len(seen) - 1, body)

    events: Any = aws.dynamodb_client().meta.events
    events.register_first(f"before-send.dynamodb.{operation}", handle)
    try:
        with stamina.set_testing(True, attempts=8, cap=True):
            yield seen
    finally:
        events.unregister(f"before-send.dynamodb.{operation}", handle)


def throttled(*_: Any) -> Answer:
    return Answer(400, {"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"})


def test_values_come_back_as_they_were(table: Table) -> None:
    [row] = rows(1)
    table.put(row)

    assert table.get({"pk": "P", "sk": "00000"}) == row
    assert table.get({"pk": "P", "sk": "none"}) is None


def test_batches_are_cut_to_what_dynamodb_takes(table: Table) -> None:
    with answering("BatchWriteItem", lambda *_: None) as sent:
        table.batch_put(rows(60))

    assert [len(body["RequestItems"][table.name]) for body in sent] == [25, 25, 10]
    assert len(table.batch_get({"pk": "P", "sk": f"{number:05d}"} for number in range(120))) == 60


def test_large_items_make_smaller_batches(table: Table) -> None:
    large: list[Item] = [{"pk": "L", "sk": str(number), "text": "x" * 390_000} for number in range(50)]
    with answering("BatchWriteItem", lambda *_: Answer(200, {"UnprocessedItems": {}})) as sent:
        table.batch_put(large)

    assert all(sum(len(orjson.dumps(one)) for one in body["RequestItems"][table.name]) < 16_000_000 for body in sent)
    assert sum(len(body["RequestItems"][table.name]) for body in sent) == 50


def test_unprocessed_items_are_sent_again(table: Table) -> None:
    def leave_half(number: int, body: Any) -> Answer | None:
        writes = body["RequestItems"][table.name]
        return Answer(200, {"UnprocessedItems": {table.name: writes[: len(writes) // 2]}}) if number < 3 else None

    with answering("BatchWriteItem", leave_half) as sent:
        table.batch_put(rows(24))

    assert [len(body["RequestItems"][table.name]) for body in sent] == [24, 12, 6, 3]


def test_items_that_stay_unprocessed_are_an_error(table: Table) -> None:
    def leave_all(_: int, body: Any) -> Answer:
        return Answer(200, {"UnprocessedItems": body["RequestItems"]})

    with answering("BatchWriteItem", leave_all), pytest.raises(Throttled):
        table.batch_put(rows(2))


def test_unprocessed_keys_are_asked_again(table: Table) -> None:
    table.batch_put(rows(10))

    def leave_all_once(number: int, body: Any) -> Answer | None:
        return Answer(200, {"Responses": {}, "UnprocessedKeys": body["RequestItems"]}) if number == 0 else None

    with answering("BatchGetItem", leave_all_once):
        found = table.batch_get({"pk": "P", "sk": f"{number:05d}"} for number in range(10))

    assert len(found) == 10


def test_a_table_that_stays_throttled_is_an_error_of_ours(table: Table) -> None:
    with answering("PutItem", throttled) as sent, pytest.raises(Throttled):
        table.put(rows(1)[0])

    assert len(sent) == 3


def test_a_table_that_is_throttled_for_a_moment_is_waited_for(table: Table) -> None:
    with answering("PutItem", lambda number, _: throttled() if number < 2 else None):
        table.put(rows(1)[0])

    assert table.get({"pk": "P", "sk": "00000"})


def test_a_missing_table_is_an_error_of_ours(tables: None) -> None:
    with pytest.raises(DatabaseError, match="ResourceNotFoundException"):
        Table(aws.dynamodb_client(), "nowhere").get({"pk": "1", "sk": "1"})


def test_a_condition_that_does_not_hold_writes_nothing(table: Table) -> None:
    table.put(rows(1)[0])

    with pytest.raises(ConditionFailed):
        table.put({"pk": "P", "sk": "00000"}, condition="attribute_not_exists(pk)")
    with pytest.raises(ConditionFailed):
        table.update({"pk": "P", "sk": "none"}, {"number": 1}, condition="attribute_exists(pk)")

    assert table.get({"pk": "P", "sk": "00000"}) == rows(1)[0]


def test_an_update_sets_and_removes(table: Table) -> None:
    table.put(rows(1)[0])
    table.update({"pk": "P", "sk": "00000"}, {"number": 7, "flag": None, "new": "text"})

    assert table.get({"pk": "P", "sk": "00000"}) == {
        "pk": "P", "sk": "00000", "number": 7, "new": "text", "octets": b"\x00\xff",
    }  # fmt: skip


def test_queries_follow_pages_and_keep_bounds(table: Table) -> None:
    table.batch_put({"pk": "Q", "sk": f"{number:05d}", "text": "x" * 60_000} for number in range(40))

    everything = list(table.query({"pk": "Q"}))
    some = table.query_page({"pk": "Q"}, sort=("sk", Between("00010", "00020")), descending=True, limit=4)

    assert len(everything) == 40
    assert [item["sk"] for item in some.items] == ["00020", "00019", "00018", "00017"]
    assert some.last_key == {"pk": "Q", "sk": "00017"}
