"""What is stored for ever is read for ever."""

from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ingest.observability.events import an_event
from tests.unit.observability.samples import SAMPLES, at, every
from watchkeeper.dynamodb import Item
from watchkeeper.eventsourcing.aggregate import AggregateRoot, EventData
from watchkeeper.eventsourcing.store import event_item
from watchkeeper.eventsourcing.upcasting import UnknownEvent
from watchkeeper.observability import ids
from watchkeeper.observability.alerts import Alert, AlertRule
from watchkeeper.observability.events import CATALOGUE, VERSIONS, newest
from watchkeeper.observability.health import SystemHealth
from watchkeeper.observability.metrics import Metric, Sample
from watchkeeper.observability.projections import MODELS, Occurrence, rows
from watchkeeper.observability.security import SecurityEvent
from watchkeeper.observability.series import Series

GOLDEN = Path(__file__).parent / "golden"
AGGREGATES: tuple[type[AggregateRoot], ...] = (Metric, AlertRule, Alert, SecurityEvent, SystemHealth)


def golden(event: type[EventData]) -> Any:
    return orjson.loads((GOLDEN / f"{event.type}.v{event.version}.json").read_bytes())


def test_every_event_of_the_catalogue_has_its_type_a_golden_file_and_a_sample() -> None:
    assert {event.type for event in CATALOGUE} == {event.__name__ for event in CATALOGUE}
    assert {f"{event.type}.v{event.version}.json" for event in CATALOGUE} <= {file.name for file in GOLDEN.iterdir()}
    assert {type(sample) for sample in SAMPLES} == set(CATALOGUE)


def test_every_event_of_the_catalogue_is_of_one_aggregate() -> None:
    told = [event for aggregate in AGGREGATES for event in aggregate.events]

    assert sorted(event.type for event in told) == sorted(event.type for event in CATALOGUE)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.type)
def test_a_stored_event_is_read_as_it_was_meant_and_written_as_it_was_stored(sample: EventData) -> None:
    stored = golden(type(sample))

    assert type(sample).of(stored) == sample
    assert sample.encoded() == stored


@pytest.mark.parametrize("name", ["api.latency", "ingest.run.seconds.of_a_long_name"])
def test_an_event_of_a_value_is_stored_in_less_than_a_kilobyte(name: str) -> None:
    series = Series.named(
        name, {"environment": "pre-release-2", "availability": "eu-central-1", "service": "checkout-api"}
    )
    metric = Metric(ids.metric(series))
    for second in range(40, 43):
        metric.take([Sample(at(0, second), Decimal(f"1234.5{second}"), "Milliseconds")], at(1))
    told = metric.recorded[-1].encoded()
    stored = an_event(metric.id, 1_234_567, **told)
    item = event_item(replace(stored, id="i" * 36, correlation_id="c" * 36, causation_id="d" * 36, actor="a" * 36))

    assert [rollup["count"] for rollup in told["rollups"]] == [3, 3, 3], "of more values than one, which takes more"
    assert size(item) < 1024


def size(item: Item) -> int:
    """Bytes of an item as DynamoDB counts them, of a number one for each two digits and two more."""
    values = [
        len(str(value).encode()) if isinstance(value, str) else len(str(value)) // 2 + 2 for value in item.values()
    ]
    return sum(len(name) for name in item) + sum(values)


@pytest.mark.parametrize("file", sorted(GOLDEN.iterdir()), ids=lambda file: file.stem)
def test_an_event_of_any_release_is_read_and_projected(file: Path) -> None:
    kind, _, version = file.stem.partition(".v")
    data = orjson.loads(file.read_bytes())
    stored = an_event("type:id", kind=kind, version=int(version), **data)
    (event,) = (event for event in CATALOGUE if event.type == kind)

    known = newest(stored)
    occurrence = Occurrence.of_item(event_item(stored))

    assert event.of(known.data).encoded() == known.data
    assert occurrence == Occurrence.of(known)
    assert {row.model for row in rows(occurrence)} == {model for model, types in MODELS.items() if kind in types}


def test_every_step_starts_from_a_version_there_is_a_golden_file_of() -> None:
    files = {file.stem for file in GOLDEN.iterdir()}
    versions = [(kind, version) for kind, newest in VERSIONS.items() for version in range(1, newest + 1)]

    assert {f"{kind}.v{version}" for kind, version in versions} == files


def test_what_nobody_knows_is_not_made_newer() -> None:
    for unknown in (an_event(kind="AlertForgotten"), an_event(version=99), an_event(version=0)):
        with pytest.raises(UnknownEvent):
            newest(unknown)


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_an_aggregate_of_stored_events_is_the_same_from_a_snapshot(aggregate: type[AggregateRoot]) -> None:
    loaded = aggregate("type:id")
    for event in aggregate.events:
        loaded.replay(event.of(golden(event)))

    restored = aggregate("type:id")
    restored.restore(orjson.loads(orjson.dumps(loaded.state())))

    assert loaded.version == len(aggregate.events)
    assert restored.state() == loaded.state()


@pytest.mark.parametrize("event", CATALOGUE)
@settings(deadline=None)
@given(st.data())
def test_an_event_comes_back_from_json_as_it_was(event: type[EventData], data: st.DataObject) -> None:
    happened = data.draw(every(event))

    stored = orjson.dumps(happened.encoded())

    assert event.of(orjson.loads(stored)) == happened


@pytest.mark.parametrize("event", CATALOGUE)
def test_what_is_no_such_event_is_an_error_of_reading(event: type[EventData]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        event.of({"name": "x"})


def spoilt(stored: Any) -> Iterator[Any]:
    """It with each of its parts in turn missing, or something else."""
    members = list(stored.items()) if isinstance(stored, dict) else list(enumerate(stored))
    for name, part in members:
        if isinstance(stored, dict):
            yield {key: value for key, value in stored.items() if key != name}
        for other in ("x", 7, None, [], {}, *(spoilt(part) if isinstance(part, dict | list) else ())):
            changed = copy(stored)
            changed[name] = other
            yield changed


@pytest.mark.parametrize("event", CATALOGUE)
def test_a_spoilt_event_is_read_or_is_an_error_of_reading(event: type[EventData]) -> None:
    refused = 0
    for data in spoilt(golden(event)):
        try:
            event.of(data)
        except (KeyError, TypeError, ValueError):
            refused += 1

    assert refused
