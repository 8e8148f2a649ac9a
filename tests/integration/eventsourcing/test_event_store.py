"""The event store in DynamoDB: what it promises, what it costs, and where it stops."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from benchmarks.units import meter
from tests.contracts.event_store import AT, EventStoreContract, following, said, say
from tests.fakes.event_store import InMemoryEventStore
from tests.integration.conftest import empty_cloud
from tests.integration.faults import Faults, burst, every, lost, reset, throttled
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Item, Table, item_size
from watchkeeper.errors import HistoryError, LimitExceeded, NoAnswer
from watchkeeper.eventsourcing.store import (
    CLOCKS_DIFFER,
    COMMANDS_IN_HEAD,
    COMMANDS_KEPT,
    KEYS,
    ConcurrencyConflict,
    DynamoDBEventStore,
    EventStore,
    Head,
    Snapshot,
    event_of,
    is_event,
)

TABLE = table_name("event-store")
TALK = Head("talk:1")
TYPICAL_ID = f"metric:{'n' * 60}{{{'d' * 130}}}"
LONGEST_ID = f"metric:{'n' * 64}{{{','.join(['k' * 32 + '=' + 'v' * 64] * 5)}}}"
"""A series of five dimensions, each as long as may be."""


class TestDynamoDBEventStore(EventStoreContract):
    @pytest.fixture
    def store(self, store: DynamoDBEventStore) -> EventStore:
        return store


def filled(store: EventStore, head: Head, *, commands: int = COMMANDS_IN_HEAD) -> Head:
    for _ in range(commands):
        head = say(store, head, "x", command_id=f"old {head.version}").head
    return head


def items(table: Table) -> dict[int, Item]:
    return {int(item["eventSequence"]): item for item in table.scan(consistent=True)}


class TestReading:
    def test_more_than_a_page_is_read_in_order(self, store: DynamoDBEventStore) -> None:
        head = TALK
        for number in range(4):
            head = say(store, head, *(f"{number}{place}" + "x" * 100_000 for place in range(7))).head

        assert [event.sequence for event in store.read("talk:1")] == list(range(1, 29))
        assert [event.sequence for event in store.read("talk:1", after=2, up_to=26)] == list(range(3, 27))

    @pytest.mark.parametrize(
        "item",
        [
            {"eventSequence": 1, "eventType": "Said"},
            {"eventSequence": 0, "commands": b""},
            {"eventSequence": 0, "commands": b"", "version": "many"},
            {"eventSequence": -1, "version": 1, "schemaVersion": 1, "state": "{"},
        ],
    )
    def test_what_is_none_of_ours_is_an_error_of_ours(
        self, store: DynamoDBEventStore, table: Table, item: Item
    ) -> None:
        table.put({"aggregateId": "talk:1", **item}, keys=KEYS)

        with pytest.raises(HistoryError, match="cannot be read"):
            list(store.read(store.open("talk:1").head.aggregate_id))

    def test_a_scan_tells_events_from_all_else(self, store: DynamoDBEventStore, table: Table) -> None:
        filled(store, TALK, commands=COMMANDS_IN_HEAD + 1)
        store.keep_snapshot(Snapshot("talk:1", 1, 1, {}))

        found = list(table.scan())

        assert len(found) == COMMANDS_IN_HEAD + 1 + len(("head", "page", "snapshot"))
        assert [event_of(item) for item in found if is_event(item)] == list(store.read("talk:1"))


class TestLimits:
    def test_events_that_are_too_large_are_refused_with_all_others_of_their_command(
        self, store: DynamoDBEventStore, table: Table
    ) -> None:
        one, together = ["small", "x" * 410_000], ["x" * 250_000] * 17
        for texts in (one, together):
            with pytest.raises(LimitExceeded):
                say(store, TALK, *texts, command_id="command")

        assert items(table) == {}

    @pytest.mark.parametrize("aggregate_id", ["talk:1", TYPICAL_ID, LONGEST_ID])
    def test_no_head_and_no_page_is_larger_than_a_write_unit(
        self, store: DynamoDBEventStore, table: Table, aggregate_id: str
    ) -> None:
        head = filled(store, filled(store, Head(aggregate_id)))
        page = min(items(table))

        assert item_size(items(table)[0]) <= 1024
        assert item_size(items(table)[page]) <= 1024
        assert len(head.commands) == COMMANDS_IN_HEAD * 6

    def test_pages_never_meet_the_snapshot_or_one_another(self, store: DynamoDBEventStore, table: Table) -> None:
        store.keep_snapshot(Snapshot("talk:1", 1, 1, {}))

        filled(store, TALK, commands=2 * COMMANDS_IN_HEAD + 1)

        assert sorted(items(table))[:4] == [-1 - 2 * COMMANDS_IN_HEAD, -1 - COMMANDS_IN_HEAD, -1, 0]


class TestUnits:
    @pytest.mark.parametrize(
        ("texts", "units"),
        [(["short"], 4), (["short"] * 3, 8), (["x" * 900], 6), (["x" * 10_000], 22)],
        ids=["a short event", "three of them", "more than a kilobyte", "ten kilobytes"],
    )
    def test_an_append_costs(self, store: DynamoDBEventStore, texts: list[str], units: int) -> None:
        head = say(store, TALK, "first").head

        assert self.units(lambda: say(store, head, *texts, command_id="command")) == units

    def test_the_first_append_costs_no_more(self, store: DynamoDBEventStore) -> None:
        assert self.units(lambda: say(store, TALK, "first", command_id="command")) == 4

    def test_one_in_sixty_four_costs_two_more(self, store: DynamoDBEventStore) -> None:
        head = filled(store, TALK)

        assert self.units(lambda: say(store, head, "with a page", command_id="command")) == 6

    def test_a_command_that_is_known_costs_nothing_to_write(self, store: DynamoDBEventStore) -> None:
        head = say(store, TALK, "once", command_id="command").head

        assert self.units(lambda: say(store, head, "once", command_id="command")) == 0

    def units(self, append: Callable[[], object]) -> int:
        client, counting = aws.dynamodb_client(), meter()
        counting.know(TABLE, client.scan(TableName=TABLE)["Items"])
        with counting.watching(client):
            append()
        return counting.used.write_units(TABLE)


class TestTime:
    def test_commands_are_known_for_thirty_days_and_their_pages_expire_then(self, table: Table) -> None:
        now = AT
        store = DynamoDBEventStore(table, lambda: now)
        head = filled(store, filled(store, TALK))
        [page] = [item for number, item in items(table).items() if number < -1]

        now = AT + COMMANDS_KEPT - timedelta(seconds=1)
        known = store.has_processed(head, "old 0")
        now = AT + COMMANDS_KEPT + timedelta(seconds=1)

        assert known
        assert page["expires_at"] == int((AT + COMMANDS_KEPT).timestamp())
        assert store.has_processed(head, "old 64"), "the head forgets nothing by time"
        assert say(store, store.open("talk:1").head, "old 64", command_id="old 64").already_processed

    def test_pages_that_are_gone_are_not_looked_for(self, table: Table, faults: Faults) -> None:
        now = AT
        store = DynamoDBEventStore(table, lambda: now)
        head = filled(store, TALK, commands=COMMANDS_IN_HEAD + 1)

        now = AT + COMMANDS_KEPT + timedelta(days=1)
        with faults.injected(lambda _: None):
            say(store, head, "new", command_id="new")

        assert [send.operation for send in faults.sends] == ["TransactWriteItems"]

    def test_a_command_newer_than_all_pages_is_not_looked_for_there(self, table: Table, faults: Faults) -> None:
        store = DynamoDBEventStore(table, lambda: AT)
        head = filled(store, TALK, commands=COMMANDS_IN_HEAD + 1)
        newer = AT + CLOCKS_DIFFER + timedelta(seconds=1)

        with faults.injected(lambda _: None):
            fresh = store.has_processed(head, "old 0", issued_at=newer)

        assert not fresh, "it is another, of the same name"
        assert faults.sends == []

    def test_a_conflict_without_a_command_looks_at_the_newest_pages_alone(self, table: Table, faults: Faults) -> None:
        now = AT
        store = DynamoDBEventStore(table, lambda: now)
        head = filled(store, TALK, commands=COMMANDS_IN_HEAD + 1)
        say(store, head, "faster")

        now = AT + timedelta(days=1)
        with faults.injected(lambda _: None), pytest.raises(ConcurrencyConflict):
            say(store, head, "late")

        assert [send.operation for send in faults.sends] == ["TransactWriteItems", "Query"]

    @pytest.mark.parametrize("issued_at", [None, AT - timedelta(days=1), AT + CLOCKS_DIFFER])
    def test_a_command_that_may_be_as_old_as_a_page_is_looked_for_there(
        self, table: Table, issued_at: datetime | None
    ) -> None:
        store = DynamoDBEventStore(table, lambda: AT)
        head = filled(store, TALK, commands=COMMANDS_IN_HEAD + 1)

        assert store.has_processed(head, "old 0", issued_at=issued_at)

    @pytest.mark.parametrize(("given", "known"), [(76, True), (77, False)])
    def test_pages_older_than_a_command_are_not_looked_at(
        self, table: Table, faults: Faults, given: int, known: bool
    ) -> None:
        """However many there are: one was made every minute, and that of the 75th holds the command."""
        store = DynamoDBEventStore(table, lambda: AT + timedelta(minutes=200))
        head = filled(store, TALK, commands=COMMANDS_IN_HEAD + 1)
        [page] = [item for number, item in items(table).items() if number < -1]
        for minute in range(200):
            made_at = AT + timedelta(minutes=minute)
            commands = page["commands"] if minute == 75 else b""
            expires_at = int((made_at + COMMANDS_KEPT).timestamp())
            older = {"eventSequence": -1000 - minute, "commands": commands, "expires_at": expires_at}
            table.put({**page, **older}, keys=KEYS)
        table.delete({name: page[name] for name in ("aggregateId", "eventSequence")})

        with faults.injected(lambda _: None):
            assert store.has_processed(head, "old 0", issued_at=AT + timedelta(minutes=given)) is known
            assert not store.has_processed(head, "new", issued_at=AT + timedelta(minutes=200))

        assert [send.operation for send in faults.sends] == ["Query"] * 5

    def test_a_page_written_later_lets_older_ones_be_looked_at(self, table: Table) -> None:
        moments = iter(AT + timedelta(hours=number) for number in range(1000))
        store = DynamoDBEventStore(table, lambda: next(moments))

        head = filled(store, TALK, commands=2 * COMMANDS_IN_HEAD + 1)

        assert all(store.has_processed(head, f"old {number}") for number in range(2 * COMMANDS_IN_HEAD + 1))

    def test_a_head_is_the_same_when_it_is_read_again(self, table: Table) -> None:
        store = DynamoDBEventStore(table, utc_now)
        head = filled(store, TALK, commands=COMMANDS_IN_HEAD + 1)

        assert store.open("talk:1").head == head


class TestFullHead:
    def test_of_two_commands_that_find_it_full_one_writes_the_page(
        self, store: DynamoDBEventStore, table: Table
    ) -> None:
        full = filled(store, TALK)
        won = say(store, full, "won", command_id="won").head

        with pytest.raises(ConcurrencyConflict):
            say(store, full, "lost", command_id="lost")
        say(store, won, "lost", command_id="lost")

        now = store.open("talk:1").head
        assert [number for number in items(table) if number < -1] == [-1 - COMMANDS_IN_HEAD]
        assert all(store.has_processed(now, command) for command in ("won", "lost", "old 0", "old 63"))

    def test_a_repeated_command_is_known_when_its_answer_was_lost_with_the_page(
        self, store: DynamoDBEventStore, table: Table, faults: Faults
    ) -> None:
        full = filled(store, TALK)

        with faults.injected(lost, operation="TransactWriteItems"), pytest.raises(NoAnswer):
            say(store, full, "once", command_id="new")

        assert say(store, full, "once", command_id="new").already_processed
        assert say(store, full, "once", command_id="old 0").already_processed
        assert len(said(store, "talk:1")) == COMMANDS_IN_HEAD + 1


class TestLostAnswers:
    @pytest.mark.parametrize("command_id", ["command", None])
    def test_an_append_that_was_done_is_done_once(
        self, store: DynamoDBEventStore, faults: Faults, command_id: str | None
    ) -> None:
        with faults.injected(burst(0, 1, lost), operation="TransactWriteItems"):
            appended = say(store, TALK, "one", "two", command_id=command_id)

        assert appended.head.version == 2
        assert said(store, "talk:1") == ["one", "two"]
        assert say(store, appended.head, "three").head.version == 3

    def test_every_second_answer_may_be_lost(self, store: DynamoDBEventStore, faults: Faults) -> None:
        head = TALK
        with faults.injected(every(2, lost)):
            for number in range(20):
                head = say(store, head, str(number), command_id=str(number)).head

        assert said(store, "talk:1") == [str(number) for number in range(20)]

    def test_somebody_else_may_append_before_the_command_is_sent_again(
        self, store: DynamoDBEventStore, faults: Faults
    ) -> None:
        with faults.injected(lost, operation="TransactWriteItems"), pytest.raises(NoAnswer):
            say(store, TALK, "mine", command_id="mine")
        say(store, store.open("talk:1").head, "yours", command_id="yours")

        assert say(store, TALK, "mine", command_id="mine").already_processed
        assert said(store, "talk:1") == ["mine", "yours"]

    @pytest.mark.parametrize("fault", [throttled, reset])
    def test_what_was_not_done_is_done_at_the_next_attempt(
        self, store: DynamoDBEventStore, faults: Faults, fault: Callable[..., None]
    ) -> None:
        with faults.injected(burst(0, 1, fault), operation="TransactWriteItems"):
            assert not say(store, TALK, "one", command_id="command").already_processed

        assert said(store, "talk:1") == ["one"]


COMMANDS = st.integers(0, 5)
OFF = st.sampled_from([None, timedelta(0), CLOCKS_DIFFER, timedelta(hours=-30)])


class StoreMachine(RuleBasedStateMachine):
    """The table against plain lists: whatever is asked of both in whatever order, both say the same. A head remembers
    two commands here, so that there are pages."""

    table: Table

    @initialize()
    def begin(self) -> None:
        StoreMachine.runs += 1
        self.id = f"talk:{StoreMachine.runs}"
        self.moment: datetime = AT
        self.store = DynamoDBEventStore(self.table, lambda: self.moment)
        self.model = InMemoryEventStore()
        self.heads = [(Head(self.id), Head(self.id))]
        self.issued: dict[int | None, datetime] = {}
        """When each command came first."""
        self.snapshot_state = 0

    runs = 0

    @rule(
        back=st.sampled_from([0, 0, 0, 1, 5]),
        count=st.integers(0, 3),
        command=COMMANDS | st.none(),
        off=OFF,
    )
    def append(self, back: int, count: int, command: int | None, off: timedelta | None) -> None:
        ours, plain = self.heads[max(0, len(self.heads) - 1 - back)] if count else self.heads[-1]
        issued_at = self._issued_at(command, off)
        command_id = None if command is None else f"command {command}"
        texts = [f"{command} {number}" for number in range(count)]

        outcome, expected = (
            self._outcome(self.store, ours, texts, command_id, issued_at),
            self._outcome(self.model, plain, texts, command_id, issued_at),
        )

        assert outcome == expected

    @rule(version=st.integers(1, 9), schema_version=st.integers(1, 2))
    def keep_snapshot(self, version: int, schema_version: int) -> None:
        self.snapshot_state += 1
        for store in (self.store, self.model):
            store.keep_snapshot(Snapshot(self.id, version, schema_version, {"number": self.snapshot_state}))

    @rule(after=st.integers(-1, 9), up_to=st.integers(0, 9) | st.none())
    def read(self, after: int, up_to: int | None) -> None:
        found = list(self.store.read(self.id, after=after, up_to=up_to))
        assert found == list(self.model.read(self.id, after=after, up_to=up_to))

    @rule(hours=st.integers(1, 20))
    def time_passes(self, hours: int) -> None:
        self.moment += timedelta(hours=hours)

    @rule(command=COMMANDS, off=OFF)
    def ask(self, command: int, off: timedelta | None) -> None:
        (ours, plain), issued_at = self.heads[-1], self._issued_at(command, off)
        found = self.store.has_processed(ours, f"command {command}", issued_at)
        assert found == self.model.has_processed(plain, f"command {command}")

    @invariant()
    def they_agree(self) -> None:
        ours, plain = self.store.open(self.id), self.model.open(self.id)
        assert (ours.head.version, ours.snapshot) == (plain.head.version, plain.snapshot)
        assert ours.head == self.heads[-1][0]

    def _issued_at(self, command: int | None, off: timedelta | None) -> datetime | None:
        """As far from when it came first as clocks may be, or before that; or nobody knows."""
        first = self.issued.setdefault(command, self.moment)
        return None if off is None else first + off

    def _outcome(
        self, store: EventStore, head: Head, texts: list[str], command_id: str | None, issued_at: datetime | None
    ) -> object:
        try:
            appended = store.append(head, following(head, *texts), command_id=command_id, issued_at=issued_at)
        except ConcurrencyConflict as conflict:
            return conflict.expected, conflict.current
        if store is self.store and appended.head.version > self.heads[-1][0].version:
            self.heads.append((appended.head, Head(self.id, appended.head.version)))
        return "repeated" if appended.already_processed else appended.head.version


def test_the_table_does_what_plain_lists_do(monkeypatch: pytest.MonkeyPatch) -> None:
    few = settings(max_examples=10, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    monkeypatch.setattr("watchkeeper.eventsourcing.store._TOKENS", 2 * 6)
    with empty_cloud(monkeypatch):
        table = Table(aws.dynamodb_client(), TABLE)
        run_state_machine_as_test(type("Machine", (StoreMachine,), {"table": table}), settings=few)


def test_the_head_alone_decides_who_writes_a_sequence(store: DynamoDBEventStore, table: Table) -> None:
    """Even an event that is not there yet is not written by who has not seen the head."""
    say(store, TALK, "one")
    table.delete({"aggregateId": "talk:1", "eventSequence": 1})

    with pytest.raises(ConcurrencyConflict):
        say(store, TALK, "another")


def test_an_event_that_is_there_is_never_written_over(store: DynamoDBEventStore, table: Table) -> None:
    say(store, TALK, "one")
    table.delete({"aggregateId": "talk:1", "eventSequence": 0})

    with pytest.raises(ConcurrencyConflict):
        say(store, TALK, "another")

    assert said(store, "talk:1") == ["one"]
