"""The function `watch-access` on a bus in memory."""

from collections.abc import Iterator

import pytest

from api.observability.access import handler
from tests.integration.common.test_events import Bus
from tests.integration.faults import Faults, Plan, all_refused, broken, denied, throttled
from tests.lambdas import Context
from tests.unit.api.observability.test_refused_requests import delivered, line
from watchkeeper.events import DeliveryFailed


@pytest.fixture
def bus(faults: Faults, cloud: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    monkeypatch.setenv("EVENT_BUS", "bus")
    handler._publisher.cache_clear()
    yield Bus("facts")
    handler._publisher.cache_clear()


def test_refused_requests_are_told(bus: Bus) -> None:
    event = delivered(line(1, 401), line(2, 401), line(3, 403, "GET /a"), {"id": "4", "message": "rubbish"})

    assert handler.handler(event, Context()) == {"refusals": 3, "unreadable": 1}
    told = bus.told()
    assert {one["type"] for one in told} == {"RequestRefused"}
    assert sorted((one["data"]["status"], one["data"]["route"], one["data"]["count"]) for one in told) == [
        (401, "GET /api/v1/kernel/{proxy+}", 2),
        (403, "GET /a", 1),
    ]


def test_a_delivery_twice_is_the_same_facts_twice(bus: Bus) -> None:
    handler.handler(delivered(line(1, 401)), Context("a"))
    first = bus.heard()

    handler.handler(delivered(line(1, 401)), Context("b"))

    assert bus.heard() == first


@pytest.mark.parametrize("plan", [throttled, broken, denied, all_refused])
def test_a_bus_that_refuses_has_them_delivered_again(bus: Bus, faults: Faults, plan: Plan) -> None:
    with faults.injected(plan, "events"), pytest.raises(DeliveryFailed):
        handler.handler(delivered(line(1, 401)), Context())

    handler.handler(delivered(line(1, 401)), Context())
    assert len(bus.heard()) == 1
