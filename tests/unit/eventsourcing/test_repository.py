"""Aggregates and commands: decided on the current state, retried after conflicts, and processed once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import stamina

from tests.fakes.event_store import InMemoryEventStore
from tests.fakes.turtle import CAUSE, Backwards, Turtle, Walked
from watchkeeper.errors import DatabaseError, HistoryError, ItemNotFound, LimitExceeded, NoAnswer
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.repository import ATTEMPTS, EventSourcedRepository
from watchkeeper.eventsourcing.store import Appended, ConcurrencyConflict, Head, HistoryUnreadable, Snapshot
from watchkeeper.eventsourcing.upcasting import UnknownEvent

AT = datetime(2026, 11, 20, 21, 5, 12, tzinfo=UTC)
ID = "turtle:1"


class Store(InMemoryEventStore):
    """Somebody else can be faster, and reading is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.before_append: Callable[[], object] = lambda: None
        self.appends = 0
        self.reads: list[int] = []
        self.hidden = 0
        """So many readings lack the last event."""
        self.snapshot_error: Exception | None = None

    def append(
        self, head: Head, events: Sequence[Event], *, command_id: str | None = None, issued_at: datetime | None = None
    ) -> Appended:
        self.appends += 1
        self.before_append()
        return super().append(head, events, command_id=command_id, issued_at=issued_at)

    def read(self, aggregate_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[Event]:
        self.reads.append(after)
        found = list(super().read(aggregate_id, after=after, up_to=up_to))
        if self.hidden:
            self.hidden -= 1
            found.pop()
        return iter(found)

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        if self.snapshot_error:
            raise self.snapshot_error
        super().keep_snapshot(snapshot)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def turtles(store: Store) -> Iterator[EventSourcedRepository[Turtle]]:
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield EventSourcedRepository(store, Turtle, lambda: AT)


Turtles = EventSourcedRepository[Turtle]


def walk(steps: int, who: str = "") -> Callable[[Turtle], None]:
    return lambda turtle: turtle.walk(steps, who)


def faster(store: Store, times: int) -> Iterator[None]:
    """Somebody else appends first, so many times."""
    for _ in range(times):
        head = store.open(ID).head
        InMemoryEventStore.append(store, head, [stored(sequence=head.version + 1)])
        yield
    while True:
        yield


def stored(**changes: Any) -> Event:
    fields = {
        "id": "other",
        "type": "Walked",
        "version": 3,
        "occurred_at": AT,
        "correlation_id": "other",
        "data": {"steps": 1, "who": "other"},
        "aggregate_id": ID,
        "aggregate_type": "turtle",
        "causation_id": "other",
        "actor": "other",
        "sequence": 1,
    }
    return Event(**{**fields, **changes})


class TestFinding:
    def test_what_nothing_happened_to_is_not_there(self, turtles: Turtles) -> None:
        assert turtles.find(ID) is None
        with pytest.raises(ItemNotFound, match="turtle:1"):
            turtles.get(ID)

    def test_an_aggregate_is_what_its_events_made_of_it(self, turtles: Turtles) -> None:
        turtles.execute(ID, walk(3), cause=CAUSE)
        turtles.execute(ID, walk(4), cause=CAUSE)

        found = turtles.get(ID)

        assert (found.id, found.version, found.steps, found.recorded) == (ID, 2, 7, [])

    def test_an_event_that_is_not_to_be_seen_yet_is_waited_for(self, turtles: Turtles, store: Store) -> None:
        turtles.execute(ID, walk(3), cause=CAUSE)
        store.hidden = 1
        assert turtles.get(ID).steps == 3

        store.hidden = 1
        assert turtles.execute(ID, walk(4), cause=CAUSE).steps == 7

    def test_an_event_that_is_never_to_be_seen_is_an_error(self, turtles: Turtles, store: Store) -> None:
        turtles.execute(ID, walk(3), cause=CAUSE)
        store.hidden = 1000

        with pytest.raises(HistoryUnreadable, match="events are missing: turtle:1 has 1 events, not 0"):
            turtles.get(ID)
        with pytest.raises(HistoryUnreadable):
            turtles.execute(ID, walk(4), cause=CAUSE)


class TestExecuting:
    def test_what_is_recorded_is_appended_in_order(self, turtles: Turtles, store: Store) -> None:
        def twice(turtle: Turtle) -> None:
            assert turtle.is_new
            turtle.walk(1, "first")
            turtle.walk(2, "second")

        executed = turtles.execute(ID, twice, cause=CAUSE)

        first, second = store.read(ID)
        assert (executed.steps, executed.version, executed.recorded) == (3, 2, [])
        assert (first.sequence, first.data) == (1, {"steps": 1, "who": "first"})
        assert (second.sequence, second.data) == (2, {"steps": 2, "who": "second"})
        assert (first.type, first.version, first.occurred_at) == ("Walked", 3, AT)
        assert (first.aggregate_id, first.aggregate_type) == (ID, "turtle")
        assert (first.correlation_id, first.causation_id, first.actor) == ("correlation", "cause", "somebody")
        assert first.id != second.id

    def test_a_refused_command_appends_nothing(self, turtles: Turtles, store: Store) -> None:
        def partly(turtle: Turtle) -> None:
            turtle.walk(1)
            turtle.walk(-1)

        with pytest.raises(Backwards):
            turtles.execute(ID, partly, cause=CAUSE, command_id="command")

        assert store.appends == 0
        assert turtles.find(ID) is None

    def test_a_command_that_decides_nothing_appends_nothing(self, turtles: Turtles, store: Store) -> None:
        assert turtles.execute(ID, walk(0), cause=CAUSE).is_new
        assert list(store.read(ID)) == []

    def test_who_loses_decides_anew_on_what_is_there_by_then(self, turtles: Turtles, store: Store) -> None:
        store.before_append = faster(store, 3).__next__
        seen: list[int] = []

        def look_and_walk(turtle: Turtle) -> None:
            seen.append(turtle.steps)
            turtle.walk(10)

        executed = turtles.execute(ID, look_and_walk, cause=CAUSE)

        assert seen == [0, 1, 2, 3]
        assert (executed.steps, executed.version) == (13, 4)

    def test_who_always_loses_is_told_so(self, turtles: Turtles, store: Store) -> None:
        store.before_append = faster(store, 1000).__next__

        with pytest.raises(ConcurrencyConflict) as raised:
            turtles.execute(ID, walk(10), cause=CAUSE)

        assert store.appends == ATTEMPTS
        assert raised.value.current == ATTEMPTS

    def test_who_has_no_patience_soon_gives_up(self, store: Store) -> None:
        impatient = EventSourcedRepository(store, Turtle, lambda: AT, patience_seconds=0.001)
        store.before_append = faster(store, 1000).__next__

        with pytest.raises(ConcurrencyConflict):
            impatient.execute(ID, walk(10), cause=CAUSE)

        assert store.appends <= 3

    def test_other_failures_are_not_tried_again(self, turtles: Turtles, store: Store) -> None:
        def fail() -> None:
            raise NoAnswer("lost")

        store.before_append = fail
        with pytest.raises(NoAnswer):
            turtles.execute(ID, walk(1), cause=CAUSE)

        assert store.appends == 1


class TestRepeatedCommands:
    def test_a_command_is_done_once(self, turtles: Turtles) -> None:
        turtles.execute(ID, walk(1), cause=CAUSE, command_id="command")
        turtles.execute(ID, walk(2), cause=CAUSE, command_id="another")

        again = turtles.execute(ID, walk(100), cause=CAUSE, command_id="command")

        assert (again.steps, again.version, again.recorded) == (3, 2, [])

    def test_whether_it_was_done_before_is_told(self, turtles: Turtles) -> None:
        def walk_once(turtle: Turtle) -> None:
            turtle.walk(1 if turtle.is_new else 0)

        def process(command_id: str | None) -> tuple[int, bool]:
            processed = turtles.process(ID, walk_once, cause=CAUSE, command_id=command_id)
            return processed.aggregate.steps, processed.already_processed

        assert process("command") == (1, False)
        assert process("command") == (1, True), "although nothing comes of it now"
        assert process("another") == process(None) == (1, False)

    def test_it_is_done_even_if_it_could_not_be_done_again(self, turtles: Turtles) -> None:
        def begin(turtle: Turtle) -> None:
            turtle.walk(1 if turtle.is_new else -1)

        turtles.execute(ID, begin, cause=CAUSE, command_id="begin")

        again = turtles.process(ID, begin, cause=CAUSE, command_id="begin")
        assert (again.aggregate.steps, again.already_processed) == (1, True)
        with pytest.raises(Backwards):
            turtles.execute(ID, begin, cause=CAUSE, command_id="begin anew")
        with pytest.raises(Backwards):
            turtles.execute(ID, begin, cause=CAUSE)


class TestSnapshots:
    def test_one_is_kept_each_time_there_are_so_many_events_more(self, turtles: Turtles, store: Store) -> None:
        versions = set()
        for _ in range(12):
            turtles.execute(ID, walk(1), cause=CAUSE)
            if snapshot := store.open(ID).snapshot:
                versions.add(snapshot.version)

        assert versions == {5, 10}

    def test_a_command_of_many_events_may_step_over_it(self, turtles: Turtles, store: Store) -> None:
        def far(turtle: Turtle) -> None:
            for _ in range(7):
                turtle.walk(1)

        turtles.execute(ID, far, cause=CAUSE)

        snapshot = store.open(ID).snapshot
        assert snapshot == Snapshot(ID, 7, 2, {"steps": 7, "walks": [""] * 7})

    def test_only_what_came_after_it_is_read(self, turtles: Turtles, store: Store) -> None:
        for number in range(7):
            turtles.execute(ID, walk(1, str(number)), cause=CAUSE)
        store.reads.clear()

        found = turtles.get(ID)

        assert store.reads == [5]
        assert (found.steps, found.version, found.walks) == (7, 7, list("0123456"))

    @pytest.mark.parametrize("schema_version", [1, 3])
    def test_one_of_another_schema_version_is_not_used(
        self, turtles: Turtles, store: Store, schema_version: int
    ) -> None:
        turtles.execute(ID, walk(1), cause=CAUSE)
        store.keep_snapshot(Snapshot(ID, 1, schema_version, {"strange": True}))

        assert turtles.get(ID).steps == 1
        assert store.reads[-1] == 0

    def test_one_that_cannot_be_read_is_passed_over_and_replaced(self, turtles: Turtles, store: Store) -> None:
        for _ in range(6):
            turtles.execute(ID, walk(1), cause=CAUSE)
        store._snapshots[ID] = Snapshot(ID, 5, 2, {"walks": []})

        assert turtles.get(ID).walks == [""] * 6
        turtles.execute(ID, walk(1), cause=CAUSE)

        assert store.open(ID).snapshot == Snapshot(ID, 7, 2, {"steps": 7, "walks": [""] * 7})

    def test_one_of_an_older_form_is_replaced_by_the_next_command(self, turtles: Turtles, store: Store) -> None:
        for _ in range(6):
            turtles.execute(ID, walk(1), cause=CAUSE)
        [kept] = [snapshot] if (snapshot := store.open(ID).snapshot) else []
        store._snapshots[ID] = replace(kept, schema_version=1, state={})

        turtles.execute(ID, walk(1), cause=CAUSE)

        assert store.open(ID).snapshot == Snapshot(ID, 7, 2, {"steps": 7, "walks": [""] * 7})

    @pytest.mark.parametrize("error", [NoAnswer("lost"), LimitExceeded("too large"), DatabaseError("denied")])
    def test_one_that_cannot_be_kept_is_no_failure(self, turtles: Turtles, store: Store, error: Exception) -> None:
        store.snapshot_error = error

        for _ in range(6):
            executed = turtles.execute(ID, walk(1), cause=CAUSE)

        assert (executed.steps, store.open(ID).snapshot) == (6, None)

    def test_one_that_runs_ahead_of_the_head_that_was_read_is_waited_for(self, turtles: Turtles, store: Store) -> None:
        turtles.execute(ID, walk(1), cause=CAUSE)
        store.keep_snapshot(Snapshot(ID, 2, 2, {"steps": 2, "walks": ["", ""]}))

        with pytest.raises(HistoryUnreadable, match="1 events, not 2"):
            turtles.execute(ID, walk(1), cause=CAUSE)


class TestStoredEvents:
    def append(self, store: Store, **changes: Any) -> None:
        InMemoryEventStore.append(store, Head(ID), [stored(**changes)])

    def test_an_event_nobody_knows_is_an_error(self, turtles: Turtles, store: Store) -> None:
        self.append(store, type="Flown")

        with pytest.raises(UnknownEvent, match="event 1 of turtle:1 cannot be read: turtle knows no Flown"):
            turtles.get(ID)

    def test_an_event_of_a_later_release_is_an_error(self, turtles: Turtles, store: Store) -> None:
        self.append(store, version=4)

        with pytest.raises(UnknownEvent, match="version 4 of Walked is newer than our 3"):
            turtles.get(ID)

    @pytest.mark.parametrize("data", [{}, {"steps": "many", "who": ""}, {"steps": None, "who": ""}])
    def test_an_event_that_says_nothing_of_sense_is_an_error_of_ours(
        self, turtles: Turtles, store: Store, data: dict[str, Any]
    ) -> None:
        self.append(store, data=data)

        with pytest.raises(HistoryUnreadable, match="event 1 of turtle:1 cannot be read"):
            turtles.get(ID)

    def test_what_cannot_be_read_is_no_trouble_that_passes(self) -> None:
        assert issubclass(HistoryUnreadable, HistoryError)
        assert issubclass(UnknownEvent, HistoryError)
        assert not issubclass(HistoryError, DatabaseError)


def test_events_say_what_they_are_made_of() -> None:
    walked = Walked(3, "ada")

    assert Walked.of(walked.encoded()) == walked
