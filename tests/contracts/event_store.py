"""The contract of every event store, modelled on pyeventsourcing's tests of recorders: a subclass has the store."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from watchkeeper.errors import LimitExceeded
from watchkeeper.events import event_id
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.store import (
    MAX_DATA_BYTES,
    MAX_EVENTS_PER_APPEND,
    Appended,
    ConcurrencyConflict,
    EventStore,
    Head,
    Opened,
    Snapshot,
)

AT = datetime(2026, 11, 20, 21, 5, 12, tzinfo=UTC)


def following(head: Head, *texts: str) -> list[Event]:
    """An event for each text."""
    return [
        Event(
            id=event_id(f"{head.aggregate_id}/{sequence}", "Said"),
            type="Said",
            version=1,
            occurred_at=AT,
            correlation_id="correlation",
            data={"text": text},
            aggregate_id=head.aggregate_id,
            aggregate_type="talk",
            sequence=sequence,
            causation_id="cause",
            actor="tests",
        )
        for sequence, text in enumerate(texts, head.version + 1)
    ]


def say(store: EventStore, head: Head, *texts: str, command_id: str | None = None) -> Appended:
    return store.append(head, following(head, *texts), command_id=command_id)


def said(store: EventStore, aggregate_id: str) -> list[str]:
    return [str(event.data["text"]) for event in store.read(aggregate_id)]


class EventStoreContract:
    @pytest.fixture
    def store(self) -> EventStore:
        raise NotImplementedError

    @pytest.fixture
    def head(self) -> Head:
        """Of an aggregate of the test's own."""
        return Head(f"talk:{uuid4()}")

    def test_an_aggregate_nobody_knows_has_no_events(self, store: EventStore, head: Head) -> None:
        assert store.open(head.aggregate_id) == Opened(head)
        assert list(store.read(head.aggregate_id)) == []
        assert not store.has_processed(head, "command")

    def test_events_are_read_as_they_were_appended(self, store: EventStore, head: Head) -> None:
        first, others = following(head, "it says “ä”"), ["two", "three"]

        after = store.append(head, first).head
        rest = following(after, *others)
        last = store.append(after, rest).head

        assert list(store.read(head.aggregate_id)) == first + rest
        assert (after.version, last.version) == (1, 3)
        assert store.open(head.aggregate_id).head.version == 3

    def test_reading_begins_and_ends_where_it_is_told_to(self, store: EventStore, head: Head) -> None:
        say(store, head, *map(str, range(1, 13)))

        def places(after: int = 0, up_to: int | None = None) -> list[int]:
            return [event.sequence for event in store.read(head.aggregate_id, after=after, up_to=up_to)]

        assert places() == list(range(1, 13))
        assert places(after=9) == [10, 11, 12]
        assert places(up_to=2) == [1, 2]
        assert places(after=3, up_to=4) == [4]
        assert places(after=4, up_to=4) == places(after=5, up_to=4) == places(after=12) == []
        assert places(after=-1) == places(), "heads and snapshots are no events"

    def test_aggregates_know_nothing_of_each_other(self, store: EventStore, head: Head) -> None:
        longer = Head(f"{head.aggregate_id}+")
        say(store, head, "mine", command_id="command")
        say(store, longer, "yours", "too", command_id="command")

        assert said(store, head.aggregate_id) == ["mine"]
        assert said(store, longer.aggregate_id) == ["yours", "too"]

    def test_nothing_to_append_is_no_append(self, store: EventStore, head: Head) -> None:
        assert store.append(head, [], command_id="command") == Appended(head)
        assert store.open(head.aggregate_id) == Opened(head)

    def test_a_gap_is_refused(self, store: EventStore, head: Head) -> None:
        one, two, three = following(head, "one", "two", "three")

        for events in ([two], [one, three], [two, one], [one, one]):
            with pytest.raises(ValueError, match="do not follow"):
                store.append(head, events)

        assert store.open(head.aggregate_id) == Opened(head)

    def test_events_of_another_aggregate_are_refused(self, store: EventStore, head: Head) -> None:
        with pytest.raises(ValueError, match="do not follow"):
            store.append(head, following(Head("talk:another"), "stray"))

    def test_who_has_not_seen_the_last_event_is_told_so_and_writes_nothing(self, store: EventStore, head: Head) -> None:
        after = say(store, head, "one").head
        say(store, after, "two", "three")

        for stale in (head, after):
            with pytest.raises(ConcurrencyConflict) as raised:
                say(store, stale, "late", "later", command_id="late")
            conflict = raised.value
            assert (conflict.aggregate_id, conflict.expected, conflict.current) == (
                head.aggregate_id,
                stale.version,
                3,
            )

        assert said(store, head.aggregate_id) == ["one", "two", "three"]
        now = store.open(head.aggregate_id).head
        assert not store.has_processed(now, "late")
        assert not say(store, now, "at last", command_id="late").already_processed

    def test_nobody_appends_to_what_is_not_there(self, store: EventStore, head: Head) -> None:
        ahead = Head(head.aggregate_id, 2)

        with pytest.raises(ConcurrencyConflict) as raised:
            say(store, ahead, "three")

        assert raised.value.current == 0
        assert said(store, head.aggregate_id) == []

    def test_a_command_appends_its_events_once(self, store: EventStore, head: Head) -> None:
        first = say(store, head, "one", "two", command_id="command")

        again = say(store, first.head, "three", command_id="command")
        stale = say(store, head, "one", "two", command_id="command")

        assert (first.already_processed, again.already_processed, stale.already_processed) == (False, True, True)
        assert again.head.version == 2
        assert said(store, head.aggregate_id) == ["one", "two"]
        assert store.has_processed(store.open(head.aggregate_id).head, "command")

    def test_a_command_is_known_when_nothing_comes_of_it_any_more(self, store: EventStore, head: Head) -> None:
        now = say(store, head, "one", command_id="command").head

        assert say(store, now, command_id="command").already_processed
        assert not say(store, now, command_id="another").already_processed

    def test_a_command_is_known_after_hundreds_of_others(self, store: EventStore, head: Head) -> None:
        after = first = say(store, head, "first", command_id="first").head
        for number in range(200):
            after = say(store, after, str(number), command_id=f"command {number}").head

        now = store.open(head.aggregate_id).head
        assert all(
            say(store, seen, "again", command_id=command).already_processed
            for command in ("first", "command 63", "command 64", "command 199")
            for seen in (now, first, head)
        )
        assert store.has_processed(now, "first")
        assert not store.has_processed(now, "command 200")
        assert store.open(head.aggregate_id).head.version == 201

    def test_of_one_command_at_the_same_time_one_appends(self, store: EventStore, head: Head) -> None:
        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(lambda _: say(store, head, "once", command_id="command"), range(8)))

        assert [outcome.already_processed for outcome in outcomes].count(False) == 1
        assert said(store, head.aggregate_id) == ["once"]

    def test_of_several_commands_at_the_same_time_one_appends(self, store: EventStore, head: Head) -> None:
        def try_to(number: int) -> bool:
            try:
                say(store, head, str(number), str(number), command_id=str(number))
            except ConcurrencyConflict:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            done = [number for number, won in enumerate(pool.map(try_to, range(8))) if won]

        assert len(done) == 1
        assert said(store, head.aggregate_id) == [str(done[0])] * 2

    def test_commands_without_an_id_are_never_the_same(self, store: EventStore, head: Head) -> None:
        after = say(store, head, "hello").head

        assert not say(store, after, "hello").already_processed
        assert said(store, head.aggregate_id) == ["hello", "hello"]

    def test_all_events_of_a_command_are_appended_or_none(self, store: EventStore, head: Head) -> None:
        with pytest.raises(LimitExceeded):
            say(store, head, *["one of many"] * (MAX_EVENTS_PER_APPEND + 1), command_id="command")

        assert store.open(head.aggregate_id) == Opened(head)
        assert said(store, head.aggregate_id) == []
        assert not say(store, head, "few", command_id="command").already_processed

    def test_an_event_is_as_large_as_a_bus_takes(self, store: EventStore, head: Head) -> None:
        longest = "ä" * ((MAX_DATA_BYTES - len('{"text":""}')) // 2)

        with pytest.raises(LimitExceeded, match="larger than a bus takes"):
            say(store, head, longest + "ä")
        say(store, head, longest)

        assert said(store, head.aggregate_id) == [longest]

    def test_as_many_events_as_a_transaction_takes_are_appended_whatever_the_head_holds(
        self, store: EventStore, head: Head
    ) -> None:
        after = head
        for number in range(64):
            after = say(store, after, str(number)).head

        full = say(store, after, *["more"] * MAX_EVENTS_PER_APPEND).head

        assert full.version == 64 + MAX_EVENTS_PER_APPEND
        for one in (after, full, head):
            with pytest.raises(LimitExceeded):
                say(store, one, *["more"] * (MAX_EVENTS_PER_APPEND + 1))

    def test_the_newest_snapshot_is_found_beside_the_head(self, store: EventStore, head: Head) -> None:
        say(store, head, "one", "two")
        older, newer = (Snapshot(head.aggregate_id, version, 1, {"texts": version}) for version in (1, 2))

        store.keep_snapshot(newer)
        store.keep_snapshot(older)
        store.keep_snapshot(Snapshot(head.aggregate_id, 2, 1, {"texts": "another"}))

        opened = store.open(head.aggregate_id)
        assert (opened.snapshot, opened.head.version) == (newer, 2)
        assert said(store, head.aggregate_id) == ["one", "two"]

    def test_a_snapshot_of_a_newer_schema_version_takes_the_place_of_any(self, store: EventStore, head: Head) -> None:
        newer = Snapshot(head.aggregate_id, 1, 2, {})
        store.keep_snapshot(Snapshot(head.aggregate_id, 2, 1, {}))

        store.keep_snapshot(newer)

        assert store.open(head.aggregate_id).snapshot == newer
