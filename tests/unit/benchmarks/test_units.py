"""The units a request costs, against values computed by hand from DynamoDB's rules."""

import base64
from typing import Any

import pytest

from benchmarks.units import Index, TableDefinition, UnitMeter, definitions, item_size, read_units, write_units

KB = 1024


def text(octets: int) -> dict[str, str]:
    return {"S": "x" * octets}


def item(identity: str = "1", **attributes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"id": {"S": identity}, **attributes}


@pytest.fixture
def meter() -> UnitMeter:
    by_state = Index(("state", "sort"), frozenset({"id", "state", "sort", "record"}))
    keys_only = Index(("mail",), frozenset({"id", "mail"}))
    return UnitMeter({"t": TableDefinition(("id",), {"ByState": by_state, "ByMail": keys_only})})


def put(meter: UnitMeter, new: dict[str, Any]) -> int:
    before = meter.used.write_units()
    meter.record("PutItem", {"TableName": "t", "Item": new}, {})
    return meter.used.write_units() - before


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        ({"S": ""}, 0),
        ({"S": "Łódź"}, 7),
        ({"B": base64.b64encode(bytes(300)).decode()}, 300),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "1500000000"}, 2),
        ({"N": "1234567"}, 5),
        ({"N": "-12.5"}, 4),
        ({"SS": ["ab", "c"]}, 3),
        ({"L": [{"S": "ab"}, {"BOOL": True}]}, 3 + 2 + 2 + 1),
        ({"M": {"k": {"S": "ab"}}}, 3 + 1 + 1 + 2),
    ],
)
def test_an_attribute_is_as_large_as_its_name_and_its_value(value: dict[str, Any], octets: int) -> None:
    assert item_size({"name": value}) == 4 + octets


def test_a_write_is_charged_by_started_kilobytes_of_the_larger_image() -> None:
    assert write_units(None) == 1
    assert write_units({"a": text(KB - 1)}) == 1
    assert write_units({"a": text(KB)}) == 2
    assert write_units({"a": text(5 * KB - 1)}, {"a": text(10)}) == 5


def test_a_read_is_charged_by_started_four_kilobytes_of_all_items_together() -> None:
    small = {"a": text(KB - 1)}
    assert read_units([], consistent=True) == 1
    assert read_units([], consistent=False) == 0.5
    assert read_units([small] * 4, consistent=True) == 1
    assert read_units([small] * 5, consistent=True) == 2
    assert read_units([small] * 5, consistent=False) == 1


def test_an_item_outside_every_index_costs_the_table_only(meter: UnitMeter) -> None:
    assert put(meter, item(record=text(1500))) == 2


def test_each_index_an_item_is_in_costs_its_projected_part(meter: UnitMeter) -> None:
    whole = item(state=text(3), sort=text(3), mail=text(3), record=text(1500), body=text(3000))
    # 4.5 KB in the table: 5; record and keys in ByState: 2; keys alone in ByMail: 1
    assert put(meter, whole) == 5 + 2 + 1


def test_an_index_is_not_charged_for_what_it_does_not_project(meter: UnitMeter) -> None:
    whole = item(state=text(3), sort=text(3), record=text(1500), body=text(10))
    put(meter, whole)

    assert put(meter, whole | {"body": text(20)}) == 2
    assert put(meter, whole | {"record": text(1400), "body": text(20)}) == 2 + 2


def test_a_write_that_changes_nothing_costs_the_table_but_no_index(meter: UnitMeter) -> None:
    whole = item(state=text(3), sort=text(3), mail=text(3))
    put(meter, whole)

    assert put(meter, whole) == 1


def test_a_changed_index_key_is_a_removal_and_an_addition(meter: UnitMeter) -> None:
    whole = item(state={"S": "new"}, sort=text(3), record=text(1500))
    put(meter, whole)

    assert put(meter, whole | {"state": {"S": "accepted"}}) == 2 + (2 + 2)


def test_an_item_that_leaves_an_index_is_charged_for_the_removal(meter: UnitMeter) -> None:
    put(meter, item(state=text(3), sort=text(3), record=text(1500)))

    assert put(meter, item(sort=text(3), record=text(1500))) == 2 + 2


def test_a_deletion_is_charged_for_the_old_item_and_its_entries(meter: UnitMeter) -> None:
    put(meter, item(mail=text(3), body=text(2000)))
    meter.used = meter.new_account()
    meter.record("DeleteItem", {"TableName": "t", "Key": item()}, {})

    assert meter.used.write_units() == 2 + 1
    assert meter.items("t") == []


def test_a_failed_condition_is_charged_for_the_stored_item_and_changes_nothing(meter: UnitMeter) -> None:
    put(meter, item(body=text(2000)))
    meter.used = meter.new_account()
    meter.record("PutItem", {"TableName": "t", "Item": item(body=text(5000))}, {}, succeeded=False)

    assert meter.used.write_units() == 2
    assert meter.items("t") == [item(body=text(2000))]


def test_an_update_is_charged_by_the_item_it_leads_to(meter: UnitMeter) -> None:
    put(meter, item(body=text(100)))
    meter.used = meter.new_account()
    meter.record("UpdateItem", {"TableName": "t", "Key": item()}, {"Attributes": item(body=text(3000))})

    assert meter.used.write_units() == 3


def test_a_batch_is_one_request_and_is_charged_item_by_item(meter: UnitMeter) -> None:
    writes = [{"PutRequest": {"Item": item(str(number), body=text(1500))}} for number in range(3)]
    left = {"t": [writes[2]]}
    meter.record("BatchWriteItem", {"RequestItems": {"t": writes}}, {"UnprocessedItems": left})
    asked = {"RequestItems": {"t": {"Keys": [item("0"), item("1"), item("9")], "ConsistentRead": True}}}
    meter.record("BatchGetItem", asked, {"Responses": {"t": meter.items("t")}, "UnprocessedKeys": {}})

    assert meter.used.write_units() == 2 + 2
    assert meter.used.read_units() == 1 + 1 + 1
    assert meter.used["t"].requests == {"BatchWriteItem": 1, "BatchGetItem": 1}
    assert meter.used["t"].items_written == 2


def test_reads_are_charged_by_what_was_found(meter: UnitMeter) -> None:
    found = [item(body=text(3000)), item("2", body=text(3000))]
    meter.record("Query", {"TableName": "t"}, {"Items": found})
    meter.record("GetItem", {"TableName": "t", "Key": item(), "ConsistentRead": True}, {"Item": found[0]})
    meter.record("GetItem", {"TableName": "t", "Key": item("3")}, {})

    assert meter.used.read_units() == 1 + 1 + 0.5


def test_a_transaction_is_one_request_and_costs_twice_but_for_the_indexes(meter: UnitMeter) -> None:
    put(meter, item("2", body=text(1500)))
    put(meter, item("3", body=text(2500)))
    meter.used = meter.new_account()
    writes = [
        {"Put": {"TableName": "t", "Item": item("1", mail=text(3), body=text(1500))}},
        {"ConditionCheck": {"TableName": "t", "Key": item("2")}},
        {"Delete": {"TableName": "t", "Key": item("3")}},
    ]
    meter.record("TransactWriteItems", {"TransactItems": writes}, {})

    assert meter.used.write_units() == (2 * 2 + 1) + 2 * 2 + 2 * 3
    assert meter.used["t"].requests == {"TransactWriteItems": 1}
    assert meter.used["t"].items_written == 2
    assert meter.items("t") == [item("2", body=text(1500)), item("1", mail=text(3), body=text(1500))]


def test_an_update_in_a_transaction_is_charged_by_the_item_that_is_there_then() -> None:
    seen = item(body=text(3000))
    meter = UnitMeter({"t": TableDefinition(("id",))}, lambda table, _: {"t": seen}[table])
    meter.record("TransactWriteItems", {"TransactItems": [{"Update": {"TableName": "t", "Key": item()}}]}, {})

    assert meter.used.write_units() == 2 * 3
    assert meter.items("t") == [seen]


def test_what_would_be_counted_wrongly_is_refused(meter: UnitMeter) -> None:
    with pytest.raises(ValueError, match="TransactGetItems"):
        meter.record("TransactGetItems", {}, {})
    with pytest.raises(ValueError, match="TransactWriteItems"):
        meter.record("TransactWriteItems", {}, {}, succeeded=False)
    with pytest.raises(ValueError, match="update in a transaction"):
        meter.record("TransactWriteItems", {"TransactItems": [{"Update": {"TableName": "t", "Key": item()}}]}, {})


def test_the_floor_counts_each_stored_item_once(meter: UnitMeter) -> None:
    for size in (100, 2000):
        put(meter, item(mail=text(3), body=text(size)))

    assert meter.floor("t") == 2 + 1


def test_octets_are_those_of_the_items_and_of_what_their_indexes_project(meter: UnitMeter) -> None:
    put(meter, item(mail=text(10), body=text(100)))

    assert meter.octets("t") == (2 + 1) + (4 + 10) + (4 + 100)
    assert meter.index_octets("t") == (2 + 1) + (4 + 10)


def test_the_definitions_are_those_of_the_services() -> None:
    patches = definitions()["watchkeeper-test-patches"]
    full = {name: text(3) for name in ("id", "message_id", "project_id", "series_id", "sort", "status_id")}

    assert len(patches.indexes) == 5
    assert patches.indexes["MessageIdIndex"].entry({**full, "record": text(9)}) == {
        "id": text(3),
        "message_id": text(3),
    }
    # Without a submitter it is in four of the five indexes.
    assert patches.units(None, full | {"record": text(1500)}) == 2 + 3 * 2 + 1
