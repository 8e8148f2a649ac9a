"""The table: limits kept, leftovers sent again, errors translated, all within a budget."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.faults import (
    Faults,
    Plan,
    answer,
    broken,
    denied,
    every,
    first,
    garbage,
    half_unprocessed,
    lost,
    nothing_processed,
    reset,
    throttled,
    throttled_for_long,
    timed_out,
    unreachable,
)
from tests.integration.tables import definitions, table_name
from watchkeeper import aws, progress
from watchkeeper.budgets import PEOPLE, WORKERS, Budget, Deadline, budget_named
from watchkeeper.dynamodb import MAX_ITEM_BYTES, Between, Item, Keys, Span, Table, item_size
from watchkeeper.errors import (
    ConditionFailed,
    ConfigurationError,
    DatabaseError,
    LimitExceeded,
    NoAnswer,
    OutOfTime,
    Throttled,
)
from watchkeeper.eventsourcing import read_models, store
from watchkeeper.kernel.repositories import discussions, patches, threading

PROGRESS = table_name("progress")


@pytest.fixture
def table(faults: Faults, tables: None) -> Table:
    return Table(aws.dynamodb_client(), PROGRESS)


KEYS = Keys("pk", "sk")


def rows(count: int) -> list[Item]:
    return [
        {"pk": "P", "sk": f"{number:05d}", "number": number, "flag": True, "octets": b"\x00\xff"}
        for number in range(count)
    ]


def test_values_come_back_as_they_were(table: Table) -> None:
    [row] = rows(1)
    table.put(row, keys=KEYS)

    assert table.get({"pk": "P", "sk": "00000"}) == row
    assert table.get({"pk": "P", "sk": "none"}) is None


CALLS: tuple[Callable[[Table], object], ...] = (
    lambda table: table.get({"pk": "P", "sk": "1"}),
    lambda table: table.put({"pk": "P", "sk": "1"}, keys=KEYS),
    lambda table: table.update({"pk": "P", "sk": "1"}, {"number": 1}, keys=KEYS),
    lambda table: table.batch_get([{"pk": "P", "sk": "1"}]),
    lambda table: table.batch_put([{"pk": "P", "sk": "1"}], keys=KEYS),
    lambda table: list(table.query({"pk": "P"})),
)


def batch_sizes(faults: Faults) -> list[int]:
    return [len(send.body["RequestItems"][PROGRESS]) for send in faults.sends]


def test_batches_are_cut_to_what_dynamodb_takes(table: Table, faults: Faults) -> None:
    with faults.injected(lambda _: None, operation="BatchWriteItem"):
        table.batch_put(rows(60), keys=KEYS)

    assert batch_sizes(faults) == [25, 25, 10]
    assert len(table.batch_get({"pk": "P", "sk": f"{number:05d}"} for number in range(120))) == 60


def test_large_items_make_smaller_batches(table: Table, faults: Faults) -> None:
    large: list[Item] = [{"pk": "L", "sk": str(number), "text": "x" * 390_000} for number in range(50)]
    with faults.injected(lambda _: answer(200, {"UnprocessedItems": {}}), operation="BatchWriteItem"):
        table.batch_put(large, keys=KEYS)

    assert all(len(send.request.body) < 16_000_000 for send in faults.sends)
    assert sum(batch_sizes(faults)) == 50


def test_unprocessed_items_are_sent_again(table: Table, faults: Faults) -> None:
    with faults.injected(half_unprocessed):
        table.batch_put(rows(24), keys=KEYS)

    assert batch_sizes(faults) == [24, 12, 6, 3, 2, 1]
    assert list(table.query({"pk": "P"})) == rows(24)


def test_unprocessed_keys_are_asked_again(table: Table, faults: Faults) -> None:
    table.batch_put(rows(10), keys=KEYS)

    with faults.injected(half_unprocessed):
        found = table.batch_get({"pk": "P", "sk": f"{number:05d}"} for number in range(10))

    assert sorted(str(item["sk"]) for item in found) == [f"{number:05d}" for number in range(10)]


@pytest.mark.parametrize("budget", [PEOPLE, WORKERS])
def test_items_that_stay_unprocessed_are_an_error_within_the_budget(
    faults: Faults, tables: None, budget: Budget
) -> None:
    table = Table(aws.dynamodb_client(budget), PROGRESS, budget=budget)
    start = faults.clock.now

    with faults.injected(nothing_processed), pytest.raises(Throttled):
        table.batch_put(rows(2), keys=KEYS)

    assert len(faults.sends) > 3
    assert faults.clock.now - start <= budget.batch_seconds


@pytest.mark.parametrize("budget", [PEOPLE, WORKERS])
@pytest.mark.parametrize("leftovers", [0, 3])
def test_no_call_takes_longer_than_its_budget(faults: Faults, tables: None, budget: Budget, leftovers: int) -> None:
    table = Table(aws.dynamodb_client(budget), PROGRESS, budget=budget)

    for fault in (throttled, throttled_for_long, broken, timed_out, unreachable, lost):
        faults.sends.clear()
        faults.calls.clear()
        start = faults.clock.now
        with faults.injected(either(leftovers, nothing_processed, fault)), pytest.raises(DatabaseError):
            table.batch_get([{"pk": "P", "sk": "00000"}])

        assert len(faults.sends) == leftovers + budget.attempts
        assert max(faults.calls) <= budget.call_seconds
        assert faults.clock.now - start <= budget.batch_seconds


def either(count: int, before: Plan, after: Plan) -> Plan:
    return lambda send: before(send) if send.number < count else after(send)


def test_nobody_who_waits_does_so_for_more_than_five_seconds() -> None:
    assert PEOPLE.call_seconds <= PEOPLE.batch_seconds <= 5
    assert PEOPLE.request_seconds + PEOPLE.call_seconds <= 5


def test_budgets_are_known_by_name() -> None:
    assert (budget_named("people"), budget_named("workers")) == (PEOPLE, WORKERS)
    with pytest.raises(ConfigurationError, match="no budget 'patient'; there are people, workers"):
        budget_named("patient")


def test_one_time_out_of_somebody_who_waits_does_not_end_the_request() -> None:
    longest_pause = 1.0
    assert PEOPLE.connect_seconds + PEOPLE.read_seconds + longest_pause < PEOPLE.request_seconds


def test_what_a_batch_left_undone_is_not_asked_for_after_the_deadline(faults: Faults, tables: None) -> None:
    deadline = Deadline()
    deadline.start(PEOPLE.leftover_seconds / 2)
    table = Table(aws.dynamodb_client(PEOPLE), PROGRESS, budget=PEOPLE, deadline=deadline)
    start = faults.clock.now

    with faults.injected(nothing_processed), pytest.raises(OutOfTime):
        table.batch_get([{"pk": "P", "sk": "00000"}])

    assert faults.clock.now - start < PEOPLE.leftover_seconds


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (throttled, Throttled),
        (timed_out, NoAnswer),
        (unreachable, NoAnswer),
        (reset, NoAnswer),
        (broken, NoAnswer),
        (garbage, DatabaseError),
        (denied, DatabaseError),
    ],
)
def test_whatever_goes_wrong_is_an_error_of_ours(
    table: Table, faults: Faults, fault: Plan, error: type[DatabaseError]
) -> None:
    for call in CALLS:
        with faults.injected(fault), pytest.raises(DatabaseError) as raised:
            call(table)

        assert type(raised.value) is error


@pytest.mark.parametrize("body", [[], "text", 7, {"message": "Welcome"}, {"Responses": 3}, {"UnprocessedItems": []}])
def test_json_that_is_no_answer_is_never_taken_for_one(table: Table, faults: Faults, body: object) -> None:
    for call in CALLS:
        with faults.injected(lambda _: answer(200, body)), pytest.raises(DatabaseError):
            call(table)


def test_a_mistake_of_ours_is_not_taken_for_garbage(table: Table, faults: Faults) -> None:
    nobody: Any = None
    with faults.injected(lambda _: None), pytest.raises(TypeError):
        table.get({"pk": nobody, "sk": "1"})

    assert faults.sends == []


def test_a_table_that_is_throttled_for_a_moment_is_waited_for(table: Table, faults: Faults) -> None:
    with faults.injected(first(2, throttled)):
        table.put(rows(1)[0], keys=KEYS)

    assert table.get({"pk": "P", "sk": "00000"})


def test_every_answer_to_a_write_may_be_lost(table: Table, faults: Faults) -> None:
    with faults.injected(every(2, lost)):
        table.batch_put(rows(60), keys=KEYS)

    assert list(table.query({"pk": "P"})) == rows(60)


def test_a_missing_table_is_an_error_of_ours(tables: None) -> None:
    with pytest.raises(DatabaseError, match="ResourceNotFoundException"):
        Table(aws.dynamodb_client(), "nowhere").get({"pk": "1", "sk": "1"})


def test_a_condition_that_does_not_hold_writes_nothing(table: Table) -> None:
    table.put(rows(1)[0], keys=KEYS)

    with pytest.raises(ConditionFailed):
        table.put({"pk": "P", "sk": "00000"}, keys=KEYS, condition="attribute_not_exists(pk)")
    with pytest.raises(ConditionFailed):
        table.update({"pk": "P", "sk": "none"}, {"number": 1}, keys=KEYS, condition="attribute_exists(pk)")

    assert table.get({"pk": "P", "sk": "00000"}) == rows(1)[0]


def test_an_update_sets_and_removes(table: Table) -> None:
    table.put(rows(1)[0], keys=KEYS)
    table.update({"pk": "P", "sk": "00000"}, {"number": 7, "flag": None, "new": "text"}, keys=KEYS)

    assert table.get({"pk": "P", "sk": "00000"}) == {
        "pk": "P", "sk": "00000", "number": 7, "new": "text", "octets": b"\x00\xff",
    }  # fmt: skip


def test_queries_follow_pages_and_keep_bounds(table: Table) -> None:
    table.batch_put(({"pk": "Q", "sk": f"{number:05d}", "text": "x" * 60_000} for number in range(40)), keys=KEYS)

    everything = list(table.query({"pk": "Q"}))
    some = table.query_page({"pk": "Q"}, sort=("sk", Between("00010", "00020")), descending=True, limit=4)

    assert len(everything) == 40
    assert [item["sk"] for item in some.items] == ["00020", "00019", "00018", "00017"]
    assert some.last_key == {"pk": "Q", "sk": "00017"}


def numbered(table: Table, bounds: Span) -> list[object]:
    return [item["eventSequence"] for item in table.query({"aggregateId": "A"}, sort=("eventSequence", bounds))]


def test_bounds_may_be_whole_numbers(tables: None) -> None:
    table, keys = Table(aws.dynamodb_client(), table_name("event-store")), Keys("aggregateId", "eventSequence")
    table.batch_put(({"aggregateId": "A", "eventSequence": number} for number in range(-12, 13)), keys=keys)

    assert numbered(table, Span(9, 11)) == [9, 10, 11]
    assert numbered(table, Span(0, 0)) == [0]
    assert numbered(table, Span(None, -11)) == [-12, -11]
    assert numbered(table, Span(11)) == [11, 12]
    assert numbered(table, Span()) == list(range(-12, 13))
    assert numbered(table, Span(11, 9)) == []


@pytest.mark.parametrize(
    ("bounds", "is_empty"),
    [
        (Span(9, 10), False),
        (Span(10, 9), True),
        (Between("10", "9"), False),
        (Between("9", "10"), True),
        (Between("", ""), False),
        (Between(), False),
        (Span(0, 0), False),
        (Span(None, 0), False),
        (Span(0, None), False),
        (Span(), False),
    ],
)
def test_bounds_are_empty_by_the_order_of_what_they_are(bounds: Between | Span, is_empty: bool) -> None:
    assert bounds.is_empty is is_empty


def test_a_scan_can_be_gone_on_with_page_by_page(table: Table, faults: Faults) -> None:
    table.batch_put(({"pk": "Q", "sk": f"{number:05d}", "text": "x" * 90_000} for number in range(30)), keys=KEYS)

    with faults.injected(lambda _: None, operation="Scan"):
        first_page = table.scan_page(consistent=True)
        second_page = table.scan_page(start=first_page.last_key, consistent=True)
        third_page = table.scan_page(start=second_page.last_key)

    pages = (first_page, second_page, third_page)
    assert [item["sk"] for page in pages for item in page.items] == [f"{number:05d}" for number in range(30)]
    assert first_page.last_key == {"pk": "Q", "sk": first_page.items[-1]["sk"]}
    assert third_page.last_key is None
    assert [send.body["ConsistentRead"] for send in faults.sends] == [True, True, False]
    assert list(table.scan()) == [item for page in pages for item in page.items]


def test_a_scan_reads_pages_without_items(table: Table, faults: Faults) -> None:
    row = {"pk": {"S": "P"}, "sk": {"S": "1"}}
    pages = [{"Items": [], "LastEvaluatedKey": row}, {"Items": [row]}]

    with faults.injected(lambda send: answer(200, pages[send.number]), operation="Scan"):
        assert list(table.scan()) == [{"pk": "P", "sk": "1"}]


def test_an_update_may_expect_what_attributes_are_before_it_whatever_their_names(table: Table) -> None:
    key: Item = {"pk": "P", "sk": "1"}
    table.update(key, {"talks-1": "x"}, keys=KEYS, expected={"talks-1": None, "state": None})

    for expected in ({"talks-1": None}, {"talks-1": "y"}, {"talks-1": "x", "state": "y"}):
        with pytest.raises(ConditionFailed):
            table.update(key, {"talks-1": "z"}, keys=KEYS, expected=expected)
    with pytest.raises(ConditionFailed):
        table.update(
            key,
            {"talks-1": "z"},
            keys=KEYS,
            expected={"talks-1": "x"},
            condition="sk = :no OR pk = :no",
            values={":no": ""},
        )
    table.update(key, {"talks-1": None}, keys=KEYS, expected={"talks-1": "x"}, condition="attribute_exists(pk)")

    assert table.get(key) == key


def test_reserved_words_are_named_in_conditions_with_a_sign_before(table: Table) -> None:
    is_newer = "attribute_not_exists(pk) OR #sequence < :sequence"
    table.put({"pk": "P", "sk": "1", "sequence": 2}, keys=KEYS, condition=is_newer, values={":sequence": 2})

    with pytest.raises(ConditionFailed):
        table.put({"pk": "P", "sk": "1", "sequence": 1}, keys=KEYS, condition=is_newer, values={":sequence": 1})
    with pytest.raises(ConditionFailed):
        table.update(
            {"pk": "P", "sk": "1"}, {"state": "x"}, keys=KEYS, condition="#sequence = :one", values={":one": 1}
        )
    table.update({"pk": "P", "sk": "1"}, {"state": "x"}, keys=KEYS, condition="#sequence = :two", values={":two": 2})
    table.delete({"pk": "P", "sk": "1"}, condition="#state = :x", values={":x": "x"})

    assert table.get({"pk": "P", "sk": "1"}) is None


class TestLimits:
    """DynamoDB's, which moto keeps only in part."""

    def test_an_item_of_400_kb_is_sent_and_one_octet_more_is_not(self, table: Table, faults: Faults) -> None:
        item: Item = {"pk": "L", "sk": "1", "text": ""}
        text = "x" * (MAX_ITEM_BYTES - item_size(item))
        larger: Item = {**item, "text": f"{text}x"}

        with faults.injected(lambda _: answer(200, {})):  # moto's limit is another
            table.put({**item, "text": text}, keys=KEYS)
            with pytest.raises(LimitExceeded, match=r"progress.*pk='L', sk='1'.*409601 octets"):
                table.put(larger, keys=KEYS)

        assert len(faults.sends) == 1

    def test_a_batch_goes_on_without_what_breaks_a_limit(self, table: Table) -> None:
        large: Item = {"pk": "P", "sk": "large", "text": "x" * MAX_ITEM_BYTES}
        refused: list[tuple[Item, LimitExceeded]] = []

        table.batch_put([large, *rows(60)], keys=KEYS, refused=lambda *one: refused.append(one))

        assert list(table.query({"pk": "P"})) == rows(60)
        assert [item["sk"] for item, _ in refused] == ["large"]

    def test_a_batch_whose_writer_sets_nothing_aside_stops_at_it(self, table: Table) -> None:
        with pytest.raises(LimitExceeded):
            table.batch_put([*rows(3), {"pk": "P", "sk": ""}], keys=KEYS)

    def test_of_the_same_key_twice_in_a_batch_the_last_is_written(self, table: Table, faults: Faults) -> None:
        again: list[Item] = [{**row, "number": 99} for row in rows(20)]

        with faults.injected(lambda _: None):
            table.batch_put([*rows(20), *again], keys=KEYS)

        assert list(table.query({"pk": "P"})) == again
        for send in faults.sends:
            keys = [write["PutRequest"]["Item"]["sk"]["S"] for write in send.body["RequestItems"][PROGRESS]]
            assert len(keys) == len(set(keys))

    @pytest.mark.parametrize(
        ("item", "reason"),
        [
            ({"pk": "", "sk": "1"}, "pk has 0 octets"),
            ({"pk": "P", "sk": ""}, "sk has 0 octets"),
            ({"pk": "x" * 2049, "sk": "1"}, "pk has 2049 octets, not 1 to 2048"),
            ({"pk": "P", "sk": "ä" * 513}, "sk has 1026 octets, not 1 to 1024"),
            ({"pk": "P", "sk": "1", "by_index": ""}, "by_index has 0 octets"),
            ({"pk": "P", "sk": "1", "by_index": "x" * 2049}, "by_index has 2049 octets"),
            ({"pk": "P", "sk": "1", "order": "x" * 1025}, "order has 1025 octets"),
            ({"pk": "P", "sk": "1", "number": 10**38}, "number is no number of 38 digits"),
        ],
    )
    def test_what_dynamodb_would_refuse_is_not_sent(
        self, table: Table, faults: Faults, item: Item, reason: str
    ) -> None:
        keys = Keys("pk", "sk", index_partitions=("by_index",), index_sorts=("order",))

        with faults.injected(lambda _: None), pytest.raises(LimitExceeded, match=reason):
            table.put(item, keys=keys)
        with faults.injected(lambda _: None), pytest.raises(LimitExceeded, match=reason):
            table.update({"pk": item["pk"], "sk": item["sk"]}, item, keys=keys)

        assert faults.sends == []

    def test_the_longest_keys_and_numbers_are_taken(self, table: Table) -> None:
        item: Item = {"pk": "x" * 2048, "sk": "x" * 1024, "number": 10**38 - 1}

        table.put(item, keys=KEYS)

        assert table.get({"pk": item["pk"], "sk": item["sk"]}) == item

    @pytest.mark.parametrize(
        ("name", "keys"),
        [
            ("patches", patches.PATCH_KEYS),
            ("series", patches.SERIES_KEYS),
            ("discussions", discussions.KEYS),
            ("threading", threading.KEYS),
            ("progress", progress.KEYS),
            ("event-store", store.KEYS),
            ("read-models", read_models.KEYS),
        ],
    )
    def test_every_key_of_the_tables_is_guarded(self, name: str, keys: Keys) -> None:
        [definition] = [one for one in definitions() if one["TableName"] == table_name(name)]
        indexes = definition.get("GlobalSecondaryIndexes", [])

        def attributes(kind: str, schemas: list[Any]) -> set[str]:
            return {key["AttributeName"] for schema in schemas for key in schema if key["KeyType"] == kind}

        [own], in_indexes = [definition["KeySchema"]], [index["KeySchema"] for index in indexes]
        assert {keys.partition} == attributes("HASH", [own])
        assert {keys.sort} - {None} == attributes("RANGE", [own])
        assert set(keys.index_partitions) == attributes("HASH", in_indexes)
        assert set(keys.index_sorts) == attributes("RANGE", in_indexes)

    def test_a_query_reads_pages_without_items(self, table: Table, faults: Faults) -> None:
        row = {"pk": {"S": "P"}, "sk": {"S": "1"}}
        pages = [
            {"Items": [], "Count": 0, "LastEvaluatedKey": row},
            {"Items": [row], "Count": 1, "LastEvaluatedKey": row},
            {"Items": [], "Count": 0},
        ]

        with faults.injected(lambda send: answer(200, pages[send.number]), operation="Query"):
            assert list(table.query({"pk": "P"})) == [{"pk": "P", "sk": "1"}]
