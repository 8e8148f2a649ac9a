"""Events onto the bus: those of an aggregate in their order, whatever the bus refuses."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper import budgets
from watchkeeper.events import PATIENCE_SECONDS, DeliveryFailed, DomainEvent, EventBridgePublisher, EventPublisher
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.publishing import publish_in_order

AT = datetime(2026, 11, 20, tzinfo=UTC)
NEVER = object()
"""No bus takes an event that holds it: it is no JSON."""


def event(aggregate: str, sequence: int, **data: object) -> Event:
    return Event(
        id=f"{aggregate}{sequence}",
        type="Said",
        version=1,
        occurred_at=AT,
        correlation_id="correlation",
        data=data,
        aggregate_id=aggregate,
        aggregate_type="talk",
        sequence=sequence,
        causation_id="cause",
        actor="tests",
    )


class Clock:
    """Pauses only move it on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


CLOCK = Clock()


class Bus:
    """A publisher that refuses events as often as is said."""

    def __init__(self, refused: Mapping[str, float] | None = None, *, seconds: float = 0) -> None:
        self.refused = Counter(refused)
        self.seconds = seconds
        self.taken: list[str] = []
        self.asked: list[list[str]] = []

    def publish(self, events: Sequence[DomainEvent]) -> None:
        self.asked.append([one.id for one in events])
        CLOCK.sleep(self.seconds)
        never = {one.id: "too large" for one in events if NEVER in one.data.values()}
        failed = [one for one in events if one.id in never or not self.takes(one.id)]
        if failed:
            raise DeliveryFailed(failed, "busy", never)

    def takes(self, event_id: str) -> bool:
        if self.refused[event_id] > 0:
            self.refused[event_id] -= 1
            return False
        self.taken.append(event_id)
        return True


class Client(Bus):
    """EventBridge, which may take some entries of a request and refuse others."""

    def put_events(self, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803 -- as boto3 has it
        ids = [orjson.loads(entry["Detail"])["id"] for entry in Entries]
        self.asked.append(ids)
        CLOCK.sleep(self.seconds)
        answers = [{"EventId": one} if self.takes(one) else {"ErrorCode": "ThrottlingException"} for one in ids]
        return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}


def eventbridge(client: Bus) -> EventPublisher:
    return EventBridgePublisher(cast("Any", client), "events", "observability")


def itself(bus: Bus) -> EventPublisher:
    return bus


PUBLISHERS: dict[str, tuple[type[Bus], Callable[[Bus], EventPublisher]]] = {
    "a bus": (Bus, itself),
    "EventBridge": (Client, eventbridge),
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "time", CLOCK)


def ids(*events: Event) -> list[str]:
    return [one.id for one in events]


def of(aggregate: str, some: Collection[str]) -> list[str]:
    return [one for one in some if one.startswith(aggregate)]


def test_of_each_aggregate_one_event_is_asked_for_at_a_time() -> None:
    bus = Bus()

    result = publish_in_order([event("a", 1), event("a", 2), event("b", 1), event("a", 3), event("b", 2)], bus)

    assert (result.published, result.failed, result.undeliverable) == (5, {}, {})
    assert bus.asked == [["a1", "b1"], ["a2", "b2"], ["a3"]]


def test_ten_aggregates_share_a_request() -> None:
    client = Client()
    events = [event(aggregate, number) for number in range(2) for aggregate in "abcdefghijk"]

    publish_in_order(events, eventbridge(client))

    assert [len(some) for some in client.asked] == [10, 1, 10, 1]


def test_nothing_asks_nobody() -> None:
    bus = Bus()

    assert publish_in_order([], bus).published == 0
    assert bus.asked == []


@pytest.mark.parametrize(("kind", "publisher"), PUBLISHERS.values(), ids=PUBLISHERS)
def test_after_a_refusal_the_rest_of_its_aggregate_is_held_back(
    kind: type[Bus], publisher: Callable[[Bus], EventPublisher]
) -> None:
    events = [event("ab"[number % 2], number) for number in range(30)]
    bus = kind({"a2": 100})

    result = publish_in_order(events, publisher(bus))

    assert list(result.failed) == [f"a{number}" for number in range(2, 30, 2)]
    assert of("a", bus.taken) == ["a0"]
    assert of("b", bus.taken) == of("b", ids(*events))
    assert result.published == 1 + 15


def test_an_entry_that_is_taken_at_another_attempt_is_heard_before_the_next_of_its_aggregate() -> None:
    events = [event("a", number) for number in range(5)]
    client = Client({"a1": 2})

    result = publish_in_order(events, eventbridge(client))

    assert result.failed == {}
    assert client.taken == ids(*events)


def test_what_can_never_be_delivered_holds_up_nobody() -> None:
    events = [event("a", number, **({"x": NEVER} if number in (0, 12) else {})) for number in range(15)]
    bus = Bus()

    result = publish_in_order(events, bus)

    assert result.undeliverable == {"a0": "too large", "a12": "too large"}
    assert (result.failed, result.published) == ({}, 13)
    assert bus.taken == [f"a{number}" for number in range(15) if number not in (0, 12)]


def test_what_can_never_be_delivered_is_not_looked_at_before_its_turn() -> None:
    result = publish_in_order([event("a", 1), event("a", 2, x=NEVER)], Bus({"a1": 1}))

    assert result.undeliverable == {}
    assert result.failed.keys() == {"a1", "a2"}


def test_an_aggregate_of_which_all_are_held_back_asks_for_nothing_more() -> None:
    bus = Bus({"a0": 1})

    publish_in_order([event("a", number) for number in range(50)], bus)

    assert bus.asked == [["a0"]]


def test_a_bus_that_is_slow_is_not_asked_again_and_again() -> None:
    bus = Bus(seconds=0.75 * PATIENCE_SECONDS)

    result = publish_in_order([event("a", number) for number in range(100)], bus)

    assert bus.taken == ["a0", "a1"]
    assert result.published == 2
    assert len(result.failed) == 98
    assert all(reason.endswith("there was no time left") for reason in result.failed.values())


@pytest.mark.parametrize(("kind", "publisher"), PUBLISHERS.values(), ids=PUBLISHERS)
@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0, 0, 0, 1, 3, 4, 9, NEVER])), max_size=30))
def test_sent_again_until_all_are_taken_every_aggregate_is_heard_in_order_and_once(
    kind: type[Bus], publisher: Callable[[Bus], EventPublisher], told: list[tuple[str, Any]]
) -> None:
    """Each event is refused so many times: by EventBridge up to four times within one publication."""
    counts: dict[str, int] = defaultdict(int)
    events, refused = [], {}
    for aggregate, times in told:
        counts[aggregate] += 1
        events.append(event(aggregate, counts[aggregate], **({"x": NEVER} if times is NEVER else {})))
        refused[events[-1].id] = 0 if times is NEVER else times
    bus, left, never = kind(refused), events, set[str]()

    for _ in range(1 + sum(refused.values())):
        result = publish_in_order(left, publisher(bus))
        assert result.published + len(result.failed) + len(result.undeliverable) == len(left)
        never |= result.undeliverable.keys()
        left = [one for one in left if one.id in result.failed]

    for aggregate in counts:
        assert of(aggregate, bus.taken) == [one for one in of(aggregate, ids(*events)) if one not in never]
    assert never == {one.id for one in events if one.data}
