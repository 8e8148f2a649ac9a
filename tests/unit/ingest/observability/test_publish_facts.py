"""Of all that is written about sources and breakers, what happened becomes a fact, and the same change the same one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.changes import Change, Published
from ingest.errors import UpstreamBlocked, UpstreamUnavailable
from ingest.observability.use_cases.publish_facts import publish_facts
from ingest.reading import failed
from watchkeeper import records
from watchkeeper.dynamodb import Item
from watchkeeper.events import DeliveryFailed, DomainEvent
from watchkeeper.progress import Run, Source

AT = datetime(2026, 11, 20, 21, tzinfo=UTC)
RUNNING = Run("run-1", "recent", AT - timedelta(seconds=90), fetched=5, stored=3, unchanged=1, refused=1)
ENDED = replace(RUNNING, finished_at=AT)
SOURCE = Source("lore:linux-hwmon", run=RUNNING)


class Bus:
    """Takes all but those of some types."""

    def __init__(self, *refused: str) -> None:
        self.told: list[DomainEvent] = []
        self._refused = refused

    def publish(self, events: Sequence[DomainEvent]) -> None:
        failed = [event for event in events if event.type in self._refused]
        self.told += [event for event in events if event not in failed]
        if failed:
            raise DeliveryFailed(failed, "refused")


def item(source: Source | None, pk: str = "SOURCE", **more: str) -> Item | None:
    return {"pk": pk, "sk": source.name, "record": records.encode(source), **more} if source else None


def change(old: Item | None, new: Item | None, table: str = "progress", number: int = 1) -> Change:
    return Change(f"event-{number}", str(number), table, AT, old, new)


def told(*changes: Change) -> list[tuple[str, dict[str, Any]]]:
    bus = Bus()
    assert publish_facts(changes, bus, "the-publication").failed == {}
    return [(event.type, dict(event.data)) for event in bus.told]


def of_source(old: Source | None, new: Source | None, pk: str = "SOURCE") -> list[str]:
    return [name for name, _ in told(change(item(old, pk), item(new, pk)))]


@pytest.mark.parametrize("pk", ["SOURCE", "SOURCE#markets"])
def test_a_run_that_ends_is_told_with_what_became_of_the_rows(pk: str) -> None:
    ended = replace(SOURCE, run=ENDED)

    assert told(change(item(SOURCE, pk), item(ended, pk))) == [
        (
            "RunFinished",
            {
                "source": "lore:linux-hwmon",
                "mode": "recent",
                "seconds": 90.0,
                "fetched": 5,
                "stored": 3,
                "unchanged": 1,
                "refused": 1,
            },
        )
    ]


def test_a_run_is_told_once_however_often_its_source_is_written() -> None:
    ended = replace(SOURCE, run=ENDED)

    assert of_source(None, ended) == ["RunFinished"], "a source that is read in one call"
    assert of_source(ended, replace(ended, phase="live")) == []
    assert of_source(SOURCE, replace(SOURCE, cursor={"page": 2})) == []
    assert of_source(ended, replace(SOURCE, run=replace(RUNNING, id="run-2"))) == []
    assert of_source(ended, replace(SOURCE, run=replace(ENDED, id="run-2"))) == ["RunFinished"]


def test_every_failed_attempt_is_told_and_whether_the_source_is_blocked() -> None:
    once = failed(SOURCE, UpstreamUnavailable("503"), AT)
    blocked = failed(once, UpstreamBlocked("403 with token=abcdefghijkl"), AT)
    again = failed(blocked, UpstreamUnavailable("503"), AT)
    steps = [SOURCE, once, blocked, again, failed(again, UpstreamUnavailable("503"), AT)]

    facts = told(*(change(item(old), item(new)) for old, new in pairwise(steps)))

    assert [(name, data["source"], data["blocked"]) for name, data in facts] == [
        ("ReadingFailed", SOURCE.name, is_blocked) for is_blocked in (False, True, False, False)
    ]
    assert "abcdefghijkl" not in facts[1][1]["error"]


def test_a_source_that_is_written_while_it_fails_or_is_well_again_tells_no_failure() -> None:
    failing = failed(SOURCE, UpstreamUnavailable("503"), AT)

    assert of_source(failing, replace(failing, cursor={"page": 2})) == []
    assert of_source(failing, SOURCE) == []


def test_leases_figures_and_budgets_tell_nothing() -> None:
    lease: Item = {"pk": "LEASE", "sk": "lore", "holder": "run-1", "expires_at": 1}
    week: Item = {"pk": "STATS#mail#linux-hwmon", "sk": "2026-W47", "record": "{}"}

    assert told(change(None, lease), change(lease, None), change(None, week)) == []
    assert of_source(SOURCE, None) == []


def breaker(state: str | None) -> Item | None:
    return {"id": "alphavantage www.alphavantage.example", "state": state, "failure_count": 5} if state else None


@pytest.mark.parametrize(
    ("old", "new", "types"),
    [
        (None, "OPEN", ["CircuitOpened"]),
        ("CLOSED", "OPEN", ["CircuitOpened"]),
        ("OPEN", "HALF_OPEN", []),
        ("HALF_OPEN", "OPEN", []),
        ("OPEN", "OPEN", []),
        ("HALF_OPEN", "CLOSED", ["CircuitClosed"]),
        ("OPEN", "CLOSED", ["CircuitClosed"]),
        ("OPEN", None, ["CircuitClosed"]),
        ("CLOSED", "CLOSED", []),
        ("CLOSED", None, []),
        (None, "CLOSED", []),
    ],
)
def test_a_breaker_that_opens_or_closes_is_told_by_its_upstream(
    old: str | None, new: str | None, types: list[str]
) -> None:
    assert told(change(breaker(old), breaker(new), "breakers")) == [
        (name, {"upstream": "alphavantage"}) for name in types
    ]


@given(st.lists(st.sampled_from(["OPEN", "HALF_OPEN", "CLOSED", None]), max_size=20))
def test_no_breaker_opens_twice_without_closing(states: list[str | None]) -> None:
    steps = [(old, new) for old, new in pairwise([None, *states]) if old or new]

    names = [name for name, _ in told(*(change(breaker(old), breaker(new), "breakers") for old, new in steps))]

    assert ("CircuitOpened", "CircuitOpened") not in set(pairwise(names))


def test_the_same_change_is_the_same_fact_and_another_one_another() -> None:
    bus, failing = Bus(), item(failed(replace(SOURCE, run=ENDED), UpstreamUnavailable("503"), AT))

    for _ in range(2):
        publish_facts([change(item(SOURCE), failing)], bus, "the-publication")
    publish_facts([change(item(SOURCE), failing, number=2)], bus, "the-publication")

    first, again, other = bus.told[:2], bus.told[2:4], bus.told[4:]
    assert first == again
    assert len({event.id for event in (*first, *other)}) == 4


def test_a_fact_follows_from_what_wrote_the_row() -> None:
    bus, ended = Bus(), replace(SOURCE, run=ENDED)

    publish_facts([change(None, item(ended, correlation_id="the-run")), change(None, item(ended))], bus, "publication")

    assert [event.correlation_id for event in bus.told] == ["the-run", "publication"]
    assert {event.occurred_at for event in bus.told} == {AT}


def test_what_cannot_be_read_or_told_is_named_and_keeps_no_other_from_it() -> None:
    bus, ended = Bus("CircuitOpened"), item(replace(SOURCE, run=ENDED))
    unreadable: Item = {"pk": "SOURCE", "sk": "lore:x", "record": "rubbish"}
    changes = [
        change(None, unreadable, number=1),
        change(None, breaker("OPEN"), "breakers", number=2),
        change(None, ended, number=3),
        change(None, ended, "somebody-elses", number=4),
    ]

    published = publish_facts(changes, bus, "publication")

    assert published == Published(
        1,
        {
            "1": "the item cannot be read: JSONDecodeError",
            "2": "1 events were not delivered: refused",
            "4": "the item cannot be read: KeyError",
        },
    )
    assert [event.type for event in bus.told] == ["RunFinished"]
