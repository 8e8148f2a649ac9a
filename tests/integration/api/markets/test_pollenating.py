"""Asking for a company's fundamentals: who may, and what is put on the bus."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.api.asking import Asker
from tests.integration.api.markets.builders import an_asset
from tests.integration.api.markets.conftest import BUS
from watchkeeper import aws
from watchkeeper.budgets import PEOPLE
from watchkeeper.markets.repositories.assets import AssetRepository


@pytest.fixture
def bus(ask: Asker, assets: AssetRepository) -> list[dict[str, Any]]:
    """The entries it was given, as they come."""
    assets.add([an_asset("BRK.B")])
    client = aws.events_client(PEOPLE)
    client.create_event_bus(Name=BUS)
    entries: list[dict[str, Any]] = []

    def note(params: Any, **_: Any) -> None:
        entries.extend(json.loads(params["body"])["Entries"])

    client.meta.events.register("before-call.eventbridge.PutEvents", note)
    return entries


@pytest.mark.parametrize("group", ["Developer", "Admin"])
def test_a_request_is_accepted_and_put_on_the_bus(ask: Asker, bus: list[dict[str, Any]], group: str) -> None:
    asking = replace(ask, groups=("Viewer", group))
    reply = asking.post("/assets/brk-b/pollenate", headers={"X-Correlation-Id": "cause"})

    assert reply.status == 202
    (entry,) = bus
    event = json.loads(entry["Detail"])
    assert reply.json == {"event_id": event["id"], "symbol": "BRK.B", "requested_at": "2026-11-20T12:00:00Z"}
    assert (entry["Source"], entry["DetailType"]) == ("watchkeeper.markets", "pollenationNeeded")
    assert (entry["EventBusName"], event["correlation_id"]) == (BUS, "cause")
    assert event["occurred_at"] == "2026-11-20T12:00:00Z"
    assert event["data"] == {"symbol": "BRK.B", "reason": "request", "score": None}
    assert reply.headers["Cache-Control"] == "no-store"


def test_asked_twice_in_a_second_it_is_one_event(developer: Asker, bus: list[dict[str, Any]]) -> None:
    first, second = (developer.post("/assets/BRK.B/pollenate") for _ in range(2))
    other = developer.as_("somebody-else").post("/assets/BRK.B/pollenate")

    assert len(bus) == 3
    assert first.json["event_id"] == second.json["event_id"] != other.json["event_id"]


@pytest.mark.parametrize("groups", [(), ("Viewer",), ("developer",), ("DeveloperAdmin",)])
def test_others_may_not(ask: Asker, bus: list[dict[str, Any]], groups: tuple[str, ...]) -> None:
    for symbol in ("BRK.B", "NONE"):
        reply = replace(ask, groups=groups).post(f"/assets/{symbol}/pollenate")

        assert reply.status == 403
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert reply.json["type"] == "urn:watchkeeper:problem:forbidden"
    assert bus == []


def test_nobody_who_has_not_signed_in_may(developer: Asker, bus: list[dict[str, Any]]) -> None:
    assert developer.as_("").post("/assets/BRK.B/pollenate").status == 401
    assert bus == []


@pytest.mark.parametrize("symbol", ["NONE", "FOREX:USD"])
def test_an_asset_that_is_not_known_cannot_be_asked_for(
    developer: Asker, bus: list[dict[str, Any]], symbol: str
) -> None:
    assert developer.post(f"/assets/{symbol}/pollenate").status == 404
    assert bus == []
