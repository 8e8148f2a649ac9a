"""Events onto the bus: those of an aggregate in their order, whatever the bus refuses."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper import budgets
from watchkeeper.events import PATIENCE_SECONDS, DeliveryFailed, DomainEvent
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.publishing import publish_in_order

AT = datetime(2026, 11, 20, tzinfo=UTC)


def event(aggregate: str, sequence: int) -> Event:
    return Event(
        id=f"{aggregate}{sequence}",
        type="Said",
        version=1,
        occurred_at=AT,
        correlation_id="correlation",
        data={},
        aggregate_id=aggregate,
        aggregate_type="talk",
        sequence=sequence,
        causation_id="cause",
        actor="tests",
    )


class Bus:
    """It refuses the events with these ids, for now or for ever."""

    def __init__(self, *refused: str, undeliverable: Sequence[str] = ()) -> None:
        self.refused = set(refused)
        self.undeliverable = dict.fromkeys(undeliverable, "too large")
        self.taken: list[str] = []
        self.requests: list[int] = []

    def publish(self, events: Sequence[DomainEvent]) -> None:
        self.requests.append(len(events))
        failed = [one for one in events if one.id in self.refused or one.id in self.undeliverable]
        self.taken += [one.id for one in events if one not in failed]
        if failed:
            never = {one.id: self.undeliverable[one.id] for one in failed if one.id in self.undeliverable}
            raise DeliveryFailed(failed, "busy", never)


def ids(*events: Event) -> list[str]:
    return [one.id for one in events]


def test_all_that_can_be_is_published_in_order() -> None:
    bus, events = Bus(), [event("ab"[number % 2], number) for number in range(25)]

    published = publish_in_order(events, bus)

    assert (published.events, published.failed, published.undeliverable) == (25, {}, {})
    assert bus.taken == ids(*events)
    assert bus.requests == [10, 10, 5]


def test_nothing_asks_nobody() -> None:
    bus = Bus()

    assert publish_in_order([], bus).events == 0
    assert bus.requests == []


def test_after_a_refusal_the_rest_of_its_aggregate_is_held_back() -> None:
    events = [event("ab"[number % 2], number) for number in range(30)]
    bus = Bus("a2")

    published = publish_in_order(events, bus)

    held_back = [one.id for one in events if one.aggregate_id == "a" and one.sequence >= 2]
    assert list(published.failed) == held_back
    assert [one for one in bus.taken if one.startswith("a")] == ["a0", "a4", "a6", "a8"], "it was asked for ten"
    assert [one for one in bus.taken if one.startswith("b")] == [one.id for one in events if one.aggregate_id == "b"]
    assert published.events == 1 + 15


def test_what_can_never_be_delivered_holds_up_nobody() -> None:
    events = [event("a", number) for number in range(15)]
    bus = Bus(undeliverable=["a0", "a12"])

    published = publish_in_order(events, bus)

    assert published.undeliverable == {"a0": "too large", "a12": "too large"}
    assert (published.failed, published.events) == ({}, 13)
    assert bus.taken == [f"a{number}" for number in range(15) if number not in (0, 12)]


def test_what_can_never_be_delivered_is_not_looked_at_before_its_turn() -> None:
    events = [event("a", number) for number in range(15)]
    bus = Bus("a3", undeliverable=["a5", "a12"])

    published = publish_in_order(events, bus)

    assert published.undeliverable == {}
    assert {"a5", "a12"} <= published.failed.keys()


def test_an_aggregate_of_which_all_are_held_back_asks_for_nothing_more() -> None:
    bus = Bus("a0")

    publish_in_order([event("a", number) for number in range(50)], bus)

    assert bus.requests == [10]


def test_a_bus_that_is_slow_is_not_asked_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(budgets, "time", SimpleNamespace(monotonic=lambda: now))

    class SlowBus(Bus):
        def publish(self, events: Sequence[DomainEvent]) -> None:
            nonlocal now
            now += 0.75 * PATIENCE_SECONDS
            super().publish(events)

    bus = SlowBus()
    published = publish_in_order([event(str(number), 1) for number in range(100)], bus)

    assert bus.requests == [10, 10]
    assert published.events == 20
    assert len(published.failed) == 80
    assert set(published.failed.values()) == {"there was no time left"}


NUMBERS = st.lists(st.sampled_from("abc"), max_size=40)


@settings(max_examples=50)
@given(NUMBERS, st.sets(st.integers(0, 39)), st.sets(st.integers(0, 39)))
def test_sent_again_until_all_are_taken_every_aggregate_is_heard_in_order(
    aggregates: list[str], refused: set[int], never: set[int]
) -> None:
    counts: dict[str, int] = defaultdict(int)
    events = []
    for aggregate in aggregates:
        counts[aggregate] += 1
        events.append(event(aggregate, counts[aggregate]))
    by_place = dict(enumerate(ids(*events)))
    bus = Bus(
        *(by_place[place] for place in refused - never if place in by_place),
        undeliverable=[by_place[place] for place in never if place in by_place],
    )

    published = publish_in_order(events, bus)

    again = [one for one in events if one.id in published.failed]
    assert published.events + len(published.failed) + len(published.undeliverable) == len(events)
    for aggregate in counts:
        own = [one.id for one in events if one.aggregate_id == aggregate]
        held = [one.id for one in again if one.aggregate_id == aggregate]
        assert held == own[len(own) - len(held) :], "once one is refused, so are all after it"
        settled = own[: len(own) - len(held)]
        assert [one for one in settled if one not in published.undeliverable] == [
            one for one in bus.taken if one in settled
        ]
    bus.refused.clear()
    rest = publish_in_order(again, bus)
    assert rest.failed == {}
    assert set(bus.taken) | published.undeliverable.keys() | rest.undeliverable.keys() == set(ids(*events))
