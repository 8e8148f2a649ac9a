"""The stand-in answers queries and scans as DynamoDB does: in order, between bounds, page by page."""

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.stand_in import ConditionNotMet, Store, TransactionCancelled

ASSETS = "watchkeeper-test-assets"
FUNDAMENTALS = "watchkeeper-test-foundationalData"


def asset(symbol: str, volume: int, record: str = "{}") -> dict[str, Any]:
    dates = {"lastPollenationDate": {"S": "2026-11-20T00:00:00Z"}}
    return {"symbol": {"S": symbol}, "status": {"S": "active"}, "volume": {"N": str(volume)}, **dates} | {
        "record": {"S": record}
    }


def stored(*items: dict[str, Any], table: str = ASSETS) -> Store:
    store = Store()
    for item in items:
        store.answer("PutItem", {"TableName": table, "Item": item})
    return store


def pages(store: Store, operation: str, request: dict[str, Any]) -> Iterator[list[Any]]:
    start: dict[str, Any] = {}
    while True:
        answer = store.answer(operation, {**request, **start})
        yield answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def by_volume(**more: Any) -> dict[str, Any]:
    return {
        "TableName": ASSETS,
        "IndexName": "priority-index",
        "ExpressionAttributeValues": {":pk": {"S": "active"}},
    } | more


def symbols(page: list[Any]) -> str:
    return "".join(item["symbol"]["S"] for item in page)


@pytest.mark.parametrize(("forward", "expected"), [(True, ["AB", "CD", "E"]), (False, ["ED", "CB", "A"])])
def test_pages_of_an_index_go_on_where_the_last_one_ended(forward: bool, expected: list[str]) -> None:
    store = stored(asset("E", 100), asset("C", 20), asset("D", 20), asset("A", 3), asset("B", 20))

    found = pages(store, "Query", by_volume(Limit=2, ScanIndexForward=forward))

    assert [symbols(page) for page in found] == expected


def test_an_index_follows_what_is_written() -> None:
    store = stored(asset("A", 1), asset("B", 2))
    names, values = {"#0": "volume"}, {":0": {"N": "3"}}
    update = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values, "UpdateExpression": "SET #0 = :0"}
    store.answer("UpdateItem", {"TableName": ASSETS, "Key": {"symbol": {"S": "A"}}, **update})

    assert [symbols(page) for page in pages(store, "Query", by_volume())] == ["BA"]


def test_an_index_of_keys_answers_no_more_than_those() -> None:
    ((item,),) = pages(stored(asset("A", 1)), "Query", by_volume())

    assert item.keys() == {"symbol", "status", "volume"}


def test_bounds_are_part_of_what_is_asked_for() -> None:
    reports = [{"symbol": {"S": "A"}, "statement": {"S": f"earnings#{year}"}} for year in (2023, 2024, 2025, 2026)]
    bounds = {":pk": {"S": "A"}, ":low": {"S": "earnings#2024"}, ":high": {"S": "earnings#2025"}}
    store = stored(*reports, table=FUNDAMENTALS)

    ((first, last),) = pages(store, "Query", {"TableName": FUNDAMENTALS, "ExpressionAttributeValues": bounds})

    assert (first, last) == (reports[1], reports[2])


def test_a_scan_comes_in_pages_of_a_megabyte() -> None:
    store = stored(*(asset(name, 1, "x" * 400_000) for name in "ABCDE"))

    found = [symbols(page) for page in pages(store, "Scan", {"TableName": ASSETS})]

    assert found == ["ABC", "DE"]


def test_numbers_are_compared_as_numbers() -> None:
    store = stored(asset("A", 9))
    values = {":new": {"N": "10"}}
    put = {"TableName": ASSETS, "Item": asset("A", 10), "ExpressionAttributeValues": values}

    store.answer("PutItem", put | {"ConditionExpression": "volume < :new"})

    with pytest.raises(ConditionNotMet):
        store.answer("PutItem", put | {"ConditionExpression": "volume > :new"})


def test_a_transaction_writes_all_or_nothing_and_says_what_did_not_hold() -> None:
    store = stored(asset("A", 1))
    is_new = {"ConditionExpression": "attribute_not_exists(symbol)"}
    writes = [{"Put": {"TableName": ASSETS, "Item": asset(symbol, 2), **is_new}} for symbol in "BA"]

    with pytest.raises(TransactionCancelled) as cancelled:
        store.answer("TransactWriteItems", {"TransactItems": writes})

    assert cancelled.value.met == [True, False]
    assert store.items(ASSETS) == [asset("A", 1)]

    store.answer("TransactWriteItems", {"TransactItems": writes[:1]})

    assert store.items(ASSETS) == [asset("A", 1), asset("B", 2)]


def test_a_condition_may_name_an_attribute_by_an_alias() -> None:
    store = stored(asset("A", 9))
    names, values = {"#volume": "volume"}, {":new": {"N": "8"}}
    put = {"TableName": ASSETS, "Item": asset("A", 8), "ExpressionAttributeValues": values}

    with pytest.raises(ConditionNotMet):
        store.answer("PutItem", put | {"ConditionExpression": "#volume < :new", "ExpressionAttributeNames": names})
