"""Writes that are done together or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.faults import (
    Faults,
    Plan,
    Send,
    answer,
    broken,
    denied,
    first,
    garbage,
    half_unprocessed,
    lost,
    nothing_processed,
    throttled,
    timed_out,
)
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.budgets import PEOPLE, WORKERS, Budget
from watchkeeper.dynamodb import MAX_ITEM_BYTES, Check, Delete, Item, Put, Table, Update, Write
from watchkeeper.errors import (
    ConditionFailed,
    DatabaseError,
    LimitExceeded,
    NoAnswer,
    Throttled,
    TransactionConflict,
    Unavailable,
)
from watchkeeper.people.table import EXISTS, IS_NEW, KEYS, swept

PEOPLE_TABLE = table_name("people")


@pytest.fixture
def table(faults: Faults, tables: None) -> Table:
    return Table(aws.dynamodb_client(), PEOPLE_TABLE)


def key(name: str) -> dict[str, str]:
    return {"PK": "USER#u", "SK": name}


def item(name: str, number: int = 0) -> Item:
    return {**key(name), "number": number}


def stored(table: Table) -> dict[str, object]:
    return {str(one["SK"]): one["number"] for one in table.query({"PK": "USER#u"}, consistent=True)}


def cancelled(*codes: str | None) -> Plan:
    """What DynamoDB says of a transaction, write by write."""
    reasons = [{"Code": code or "None"} for code in codes]
    told = {"__type": "com.amazonaws#TransactionCanceledException", "CancellationReasons": reasons}
    return lambda _: answer(400, told)


def operations(faults: Faults) -> list[str]:
    return [send.operation for send in faults.sends]


SINGLE: list[tuple[Write, str]] = [
    (Put(item("a", 1)), "PutItem"),
    (Update(key("a"), {"number": 1}), "UpdateItem"),
    (Delete(key("a")), "DeleteItem"),
    (Check(key("b"), IS_NEW), "TransactWriteItems"),
]


@pytest.mark.parametrize(("write", "operation"), SINGLE, ids=[operation for _, operation in SINGLE])
def test_one_write_is_sent_as_what_it_is(table: Table, faults: Faults, write: Write, operation: str) -> None:
    with faults.injected(lambda _: None):
        table.write([write], keys=KEYS)

    assert operations(faults) == [operation]


def test_nothing_to_write_asks_nothing(table: Table, faults: Faults) -> None:
    with faults.injected(denied):
        table.write([], keys=KEYS)

    assert faults.sends == []


def test_several_are_all_done(table: Table, faults: Faults) -> None:
    table.batch_put([item("changed", 1), item("gone"), item("counted", 5), item("held")], keys=KEYS)

    with faults.injected(lambda _: None):
        table.write(
            [
                Put(item("new"), IS_NEW),
                Update(key("changed"), {"number": 2, "rest": None}),
                Update(key("counted"), add={"number": 3}),
                Delete(key("gone"), EXISTS),
                Check(key("held"), EXISTS),
            ],
            keys=KEYS,
        )

    assert operations(faults) == ["TransactWriteItems"]
    assert stored(table) == {"new": 0, "changed": 2, "counted": 8, "held": 0}


REFUSED: dict[str, tuple[Write, ...]] = {
    "a put": (Put(item("new")), Put(item("a", 2), IS_NEW)),
    "an update": (Put(item("new")), Update(key("none"), {"number": 1}, condition=EXISTS)),
    "a delete": (Put(item("new")), Delete(key("none"), EXISTS)),
    "a check": (Put(item("new")), Check(key("a"), IS_NEW)),
}


@pytest.mark.parametrize("writes", REFUSED.values(), ids=REFUSED)
def test_one_whose_condition_does_not_hold_stops_all_and_is_named(table: Table, writes: tuple[Write, ...]) -> None:
    table.put(item("a", 1), keys=KEYS)

    with pytest.raises(ConditionFailed) as raised:
        table.write(writes, keys=KEYS)

    assert raised.value.failed == (1,)
    assert stored(table) == {"a": 1}


@pytest.mark.parametrize("write", [write for write, _ in SINGLE[:3]], ids=["put", "update", "delete"])
def test_a_single_one_whose_condition_does_not_hold_is_the_first(table: Table, write: Any) -> None:
    table.put(item("a", 7), keys=KEYS)

    with pytest.raises(ConditionFailed) as raised:
        table.write(
            [type(write)(*_without_condition(write), condition="number_of = :it", values={":it": 1})], keys=KEYS
        )

    assert raised.value.failed == (0,)
    assert stored(table) == {"a": 7}


def _without_condition(write: Put | Update | Delete) -> tuple[Any, ...]:
    match write:
        case Put():
            return (write.item,)
        case Update():
            return (write.key, write.changes)
    return (write.key,)


def test_a_condition_may_ask_for_values(table: Table) -> None:
    table.put({**item("a"), "colour": "red"}, keys=KEYS)
    change = Update(key("a"), {"colour": "blue"}, condition="colour = :was", values={":was": "red"})

    table.write([change, Put(item("b"))], keys=KEYS)
    with pytest.raises(ConditionFailed) as raised:
        table.write([Put(item("c")), change], keys=KEYS)

    assert raised.value.failed == (1,)
    assert set(stored(table)) == {"a", "b"}


def test_all_that_failed_are_named_and_told_before_what_would_pass(table: Table, faults: Faults) -> None:
    plan = cancelled("TransactionConflict", "ConditionalCheckFailed", None, "ConditionalCheckFailed")

    with faults.injected(plan), pytest.raises(ConditionFailed) as raised:
        table.write([Put(item(name)) for name in "abcd"], keys=KEYS)

    assert raised.value.failed == (1, 3)
    assert len(faults.sends) == 1


CODES: list[tuple[Plan, type[DatabaseError]]] = [
    (cancelled("ThrottlingError", None), Throttled),
    (cancelled(None, "ProvisionedThroughputExceeded"), Throttled),
    (cancelled("ValidationError", None), DatabaseError),
    (cancelled("ItemCollectionSizeLimitExceeded", None), DatabaseError),
    (cancelled(), DatabaseError),
    (lambda _: answer(400, {"__type": "TransactionCanceledException"}), DatabaseError),
    (throttled, Throttled),
    (broken, NoAnswer),
    (timed_out, NoAnswer),
    (denied, DatabaseError),
    (garbage, DatabaseError),
]


@pytest.mark.parametrize(("plan", "error"), CODES)
def test_what_went_wrong_is_told(table: Table, faults: Faults, plan: Plan, error: type[DatabaseError]) -> None:
    with faults.injected(plan), pytest.raises(DatabaseError) as raised:
        table.write([Put(item("a")), Put(item("b"))], keys=KEYS)

    assert type(raised.value) is error
    assert "TransactWriteItems" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert stored(table) == {}


CONFLICTS: dict[str, Plan] = {
    "of one of its items": cancelled(None, "TransactionConflict"),
    "with a single write": lambda _: answer(400, {"__type": "TransactionConflictException"}),
}


@pytest.mark.parametrize("plan", CONFLICTS.values(), ids=CONFLICTS)
def test_a_conflict_that_passes_is_outlived(table: Table, faults: Faults, plan: Plan) -> None:
    with faults.injected(first(3, plan)):
        table.write([Put(item("a")), Put(item("b"))], keys=KEYS)

    assert len(faults.sends) == 4
    assert stored(table) == {"a": 0, "b": 0}


def test_a_single_write_outlives_a_conflict_too(table: Table, faults: Faults) -> None:
    with faults.injected(first(3, CONFLICTS["with a single write"])):
        table.write([Put(item("a"), IS_NEW)], keys=KEYS)

    assert stored(table) == {"a": 0}


def test_a_write_whose_answer_was_lost_is_not_told_as_refused(table: Table, faults: Faults) -> None:
    """The first attempt made it; at the second its condition does not hold any more."""
    with faults.injected(first(1, lost)), pytest.raises(NoAnswer):
        table.write([Put(item("a"), IS_NEW)], keys=KEYS)

    assert stored(table) == {"a": 0}


@pytest.mark.parametrize("budget", [PEOPLE, WORKERS])
def test_a_conflict_that_lasts_is_an_error_within_the_budget(faults: Faults, tables: None, budget: Budget) -> None:
    table = Table(aws.dynamodb_client(budget), PEOPLE_TABLE, budget=budget)
    start = faults.clock.now

    with faults.injected(cancelled("TransactionConflict", None)), pytest.raises(TransactionConflict) as raised:
        table.write([Put(item("a")), Put(item("b"))], keys=KEYS)

    assert isinstance(raised.value, Unavailable)
    assert len(faults.sends) > 2
    assert faults.clock.now - start <= budget.batch_seconds


def test_a_transaction_whose_answer_was_lost_is_not_done_twice(table: Table, faults: Faults) -> None:
    """botocore sends it again under the same token, by which DynamoDB knows it."""
    table.put(item("counted"), keys=KEYS)
    tokens: list[str] = []

    def note(send: Send) -> Any:
        tokens.append(send.body["ClientRequestToken"])
        return answer(200, {}) if len(tokens) > 1 else lost(send)

    with faults.injected(note, operation="TransactWriteItems"):
        table.write([Update(key("counted"), add={"number": 1}), Put(item("b"))], keys=KEYS)

    assert len(tokens) == 2
    assert len(set(tokens)) == 1
    assert stored(table)["counted"] == 1


TOO_MUCH: dict[str, Callable[[], list[Write]]] = {
    "too many": lambda: [Put(item(f"{number}")) for number in range(101)],
    "too large": lambda: [Put(item("a")), Put({**item("b"), "text": "x" * MAX_ITEM_BYTES})],
    "a change too large": lambda: [Put(item("a")), Update(key("b"), {"text": "x" * MAX_ITEM_BYTES})],
    "an empty key": lambda: [Put(item("a")), Put(item(""))],
    "an index key too long": lambda: [Put(item("a")), Put({**item("b"), "GSI1SK": "x" * 1025})],
    "a number too long": lambda: [Put(item("a")), Put(item("b", 10**38))],
}


@pytest.mark.parametrize("writes", TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_dynamodb_would_not_take_is_not_sent(
    table: Table, faults: Faults, writes: Callable[[], list[Write]]
) -> None:
    with faults.injected(lambda _: None), pytest.raises(LimitExceeded):
        table.write(writes(), keys=KEYS)

    assert faults.sends == []


def test_as_many_as_dynamodb_takes_are_written(table: Table) -> None:
    table.write([Put(item(f"{number}")) for number in range(100)], keys=KEYS)

    assert len(stored(table)) == 100


# Deleting


def test_a_delete_finds_nothing_and_is_content(table: Table) -> None:
    table.delete(key("a"))

    with pytest.raises(ConditionFailed):
        table.delete(key("a"), condition=EXISTS)


def test_an_update_adds_to_what_is_there_and_tells_the_sum(table: Table) -> None:
    assert table.update(key("a"), {}, keys=KEYS, add={"number": 2})["number"] == 2
    assert table.update(key("a"), {"other": "x"}, keys=KEYS, add={"number": 3})["number"] == 5


def test_many_are_deleted_by_their_keys_or_as_whole_items(table: Table, faults: Faults) -> None:
    table.batch_put([item(f"{number:03}") for number in range(60)], keys=KEYS)

    with faults.injected(lambda _: None, operation="BatchWriteItem"):
        table.batch_delete([*table.query({"PK": "USER#u"}), key("000"), key("none")], keys=KEYS)

    sizes = [len(send.body["RequestItems"][PEOPLE_TABLE]) for send in faults.sends]
    assert sizes == [25, 25, 11]
    assert stored(table) == {}


def test_deletes_that_were_left_over_are_sent_again(table: Table, faults: Faults) -> None:
    table.batch_put([item(f"{number}") for number in range(10)], keys=KEYS)

    with faults.injected(half_unprocessed):
        table.batch_delete(table.query({"PK": "USER#u"}), keys=KEYS)

    assert stored(table) == {}


def test_deletes_that_stay_left_over_are_an_error(table: Table, faults: Faults) -> None:
    with faults.injected(nothing_processed), pytest.raises(Throttled):
        table.batch_delete([key("a")], keys=KEYS)

    assert faults.clock.now - 1000 <= WORKERS.batch_seconds


def test_sweeping_goes_on_until_nothing_is_found(table: Table) -> None:
    table.batch_put([item(f"{number:03}") for number in range(250)], keys=KEYS)

    steps = list(swept(table, lambda: table.query({"PK": "USER#u"}, consistent=True)))

    assert steps == [100, 100, 50]
    assert stored(table) == {}


def test_more_than_four_megabytes_at_once_are_not_sent(table: Table, faults: Faults) -> None:
    large = [Put({**item(str(number)), "text": "x" * 400_000}) for number in range(11)]

    with faults.injected(lambda _: None), pytest.raises(LimitExceeded, match="octets at once"):
        table.write(large, keys=KEYS)
    table.write(large[:10], keys=KEYS)

    assert faults.sends == []
    assert len(stored(table)) == 10
