"""Events of old releases are upcast to this one's, step by step; what is stored stays unchanged."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes.event_store import InMemoryEventStore
from tests.fakes.turtle import CAUSE, Turtle
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import Head
from watchkeeper.eventsourcing.upcasting import Data, UnknownEvent, Upcasters

AT = datetime(2026, 11, 20, tzinfo=UTC)


def stored(version: int, data: Mapping[str, Any], sequence: int = 1) -> Event:
    return Event(
        id=f"id-{sequence}",
        type="Walked",
        version=version,
        occurred_at=AT,
        correlation_id="correlation",
        data=data,
        aggregate_id="turtle:1",
        aggregate_type="turtle",
        sequence=sequence,
        causation_id="cause",
        actor="tests",
    )


STEPS: dict[str, tuple[Callable[[Data], Data], Data, Data]] = {
    "a field is added": (lambda data: {**data, "who": "unknown"}, {"steps": 1}, {"steps": 1, "who": "unknown"}),
    "a field goes": (
        lambda data: {name: value for name, value in data.items() if name != "mood"},
        {"steps": 1, "mood": "good"},
        {"steps": 1},
    ),
    "a field is renamed": (lambda data: {"steps": data["distance"]}, {"distance": 1}, {"steps": 1}),
    "a field is split": (
        lambda data: dict(zip(("steps", "who"), data["walk"].split(" of "), strict=True)),
        {"walk": "1 of ada"},
        {"steps": "1", "who": "ada"},
    ),
    "a unit changes": (lambda data: {**data, "steps": data["steps"] * 100}, {"steps": 1}, {"steps": 100}),
    "a field gets a structure": (lambda data: {"who": {"name": data["who"]}}, {"who": "ada"}, {"who": {"name": "ada"}}),
}


@pytest.mark.parametrize("kind", STEPS)
def test_a_step_makes_one_version_into_the_next(kind: str) -> None:
    step, before, after = STEPS[kind]
    event = stored(1, before)

    upcast = Upcasters({("Walked", 1): step}).upcast(event, 2)

    assert upcast == stored(2, after)
    assert event == stored(1, before), "what is stored stays as it is"


def test_the_newest_version_needs_no_step() -> None:
    event = stored(1, {"steps": 1})

    assert Upcasters().upcast(event, 1) is event


def test_a_step_that_is_missing_is_named() -> None:
    with pytest.raises(UnknownEvent, match="version 2 of Walked"):
        Upcasters({("Walked", 1): dict, ("Flown", 2): dict}).upcast(stored(1, {}), 3)


def test_events_of_all_versions_make_one_aggregate_and_stay_as_they_were_stored() -> None:
    upcasters = Upcasters(
        {
            ("Walked", 1): lambda data: {"steps": data["metres"] * 2},
            ("Walked", 2): lambda data: {**data, "who": "unknown"},
        }
    )
    store = InMemoryEventStore()
    events = [stored(1, {"metres": 5}, 1), stored(2, {"steps": 3}, 2), stored(3, {"steps": 1, "who": "ada"}, 3)]
    store.append(Head("turtle:1"), events)
    turtles = EventSourcedRepository(store, Turtle, lambda: AT, upcasters=upcasters)

    turtle = turtles.execute("turtle:1", lambda turtle: turtle.walk(1, "bob"), cause=CAUSE)

    assert (turtle.steps, turtle.walks) == (15, ["unknown", "unknown", "ada", "bob"])
    assert list(_versions(store)) == [1, 2, 3, 3]


def _versions(store: InMemoryEventStore) -> Iterator[int]:
    return (event.version for event in store.read("turtle:1"))
