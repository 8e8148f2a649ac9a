"""A stream's batch on its way to the bus: everything that can be published is, and the answer says where to retry."""

from collections.abc import Mapping
from typing import Any

import pytest

from ingest.changes import NotTold
from ingest.kernel.handlers import publish_changes
from tests.integration.api.builders import a_patch
from tests.integration.common.test_events import Bus, entries
from tests.integration.faults import (
    Faults,
    Plan,
    all_refused,
    broken,
    burst,
    first,
    garbage,
    half_refused,
    throttled,
    timed_out,
)
from tests.lambdas import Context
from watchkeeper.events import MAX_EVENT_BYTES
from watchkeeper.kernel.repositories.patches import _patch_item

DONE: Mapping[str, Any] = {"batchItemFailures": []}


@pytest.fixture
def bus(faults: Faults, cloud: None, monkeypatch: pytest.MonkeyPatch) -> Bus:
    monkeypatch.setenv("EVENT_BUS", "bus")
    publish_changes._publisher.cache_clear()
    return Bus()


def record(number: int, **changes: Any) -> dict[str, Any]:
    patch = a_patch(number, **changes)
    image = {name: {"S": str(value)} for name, value in _patch_item(patch, patch.date).items()}
    return {
        "eventID": f"event-{number}",
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/watchkeeper-test-patches/stream/2026",
        "dynamodb": {"NewImage": image, "SequenceNumber": str(1000 + number), "ApproximateCreationDateTime": 1.0},
    }


RECORDS = [record(number) for number in range(30)]


def publish(records: list[dict[str, Any]]) -> Mapping[str, Any]:
    return publish_changes.handler({"Records": records}, Context())


def from_on(number: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": str(1000 + number)}]}


@pytest.mark.parametrize("plan", [half_refused, first(2, throttled), burst(1, 2, timed_out)])
def test_what_passes_is_outlived(bus: Bus, faults: Faults, plan: Plan) -> None:
    with faults.injected(plan, "events"):
        assert publish(RECORDS) == DONE

    assert len(bus.heard()) == 30


@pytest.mark.parametrize("plan", [throttled, broken, timed_out, garbage, all_refused])
def test_a_bus_that_is_down_gets_the_batch_again(bus: Bus, faults: Faults, plan: Plan) -> None:
    with faults.injected(plan, "events"):
        assert publish(RECORDS) == from_on(0)
    assert bus.heard() == []

    assert publish(RECORDS) == DONE
    assert len(bus.heard()) == 30


@pytest.mark.parametrize("plan", [throttled, all_refused])
def test_records_sent_again_by_an_operator_fail_aloud(bus: Bus, faults: Faults, plan: Plan) -> None:
    """Nobody reads what they are answered with: an invocation that fails becomes another letter."""
    event = {"Records": RECORDS, "redriven": True}

    with faults.injected(plan, "events"), pytest.raises(NotTold, match="30 of 30 changes"):
        publish_changes.handler(event, Context())

    assert publish_changes.handler(event, Context()) == DONE
    assert len(bus.heard()) == 30


def test_a_bus_that_goes_down_gets_the_rest_again(bus: Bus, faults: Faults) -> None:
    with faults.injected(burst(2, 9, broken), "events"):
        assert publish(RECORDS) == from_on(20)
    told = bus.heard()
    assert len(told) == 20

    assert publish(RECORDS[20:]) == DONE
    assert len({*told, *bus.heard()}) == 30


POISON = {
    "too large": record(12, name="x" * MAX_EVENT_BYTES),
    "an item that cannot be read": {
        **record(12),
        "dynamodb": {**record(12)["dynamodb"], "NewImage": {"id": {"S": "x"}}},
    },
    "a type that is none of ours": {
        **record(12),
        "dynamodb": {**record(12)["dynamodb"], "NewImage": {"id": {"L": []}}},
    },
    "a time that is none": {**record(12), "dynamodb": {**record(12)["dynamodb"], "ApproximateCreationDateTime": "x"}},
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_a_change_that_cannot_be_told_keeps_no_other_from_it(bus: Bus, faults: Faults, poison: dict[str, Any]) -> None:
    with faults.injected(lambda _: None, "events"):
        assert publish([*RECORDS[:12], poison, *RECORDS[13:]]) == from_on(12)

    assert len(bus.heard()) == 29
    assert sum(len(entries(send)) for send in faults.sends) == 29
