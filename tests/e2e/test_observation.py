"""What the deployed functions log about themselves: one correlation id through all steps, and nobody's address."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from local.functions import log_lines
from local.upstreams import HWMON
from local.workspace import REPOSITORY
from tests.e2e.system import System
from tests.e2e.waiting import wait_for
from watchkeeper.kernel.events import PatchReceived

SERVICES = ("ingest", "api", "scheduler")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")


def functions() -> Iterator[str]:
    for service in SERVICES:
        yield from yaml.safe_load((REPOSITORY / "services" / service / "functions.yml").read_text())


def lines(system: System, function: str) -> Iterator[dict[str, Any]]:
    """What a function logged, without its metrics and what Lambda itself writes."""
    for line in log_lines(system.cloud, function, 100_000, False):
        _, _, text = line.partition(" ")
        if text.startswith('{"level"'):
            yield json.loads(text)


def followed(system: System, function: str, correlation_id: str) -> list[str]:
    return [line["message"] for line in lines(system, function) if line.get("correlation_id") == correlation_id]


def test_work_is_followed_from_whoever_asked_for_it_through_the_queue(system: System) -> None:
    system.cloud.invoke("fetch-patches", {"mode": "recent", "correlation_id": "asked-by-hand"})

    wait_for("the work", lambda: "work done" in followed(system, "fetch-patches", "asked-by-hand"), 60)
    system.end_delays()
    system.settle()


def test_work_is_followed_from_whoever_asked_for_it_to_whoever_hears_of_it(system: System) -> None:
    letter = {"list": HWMON, "subject": "[PATCH] hwmon: Followed to the bus"}
    patch = system.upstreams.change("patches", letter)["deliveries"][0]["id"]
    system.cloud.invoke("fetch-patches", {"mode": "recent", "correlation_id": "asked-for-a-patch"})

    event = system.bus.wait_for(PatchReceived, patch_id=patch)
    system.end_delays()
    system.settle()

    assert event.envelope["correlation_id"] == "asked-for-a-patch"


def test_a_request_is_followed_by_the_id_it_came_with(system: System) -> None:
    answer = system.api.get("kernel/freshness", headers={"X-Correlation-Id": "asked-by-a-person"})

    assert answer.headers["X-Correlation-Id"] == "asked-by-a-person"
    wait_for("the line", lambda: followed(system, "kernel", "asked-by-a-person") == ["answered"])


def test_events_carry_an_id(system: System) -> None:
    wait_for("an event", lambda: bool(system.bus.heard()))

    assert [event for event in system.bus.heard() if not event.envelope["correlation_id"]] == []


def test_no_function_logs_an_address(system: System) -> None:
    """Of mails by dozens of people, and of threads asked for by ids that look like addresses."""
    asked_for = [patch["message_id"] for patch in system.api.items("patches")[:3]]
    system.cloud.invoke("fetch-threads", {"message_ids": asked_for})
    system.cloud.invoke("fetch-threads", {"message_ids": ["nobody@knows.example"]})

    logged = {name: "\n".join(log_lines(system.cloud, name, 100_000, False)) for name in functions()}

    assert all(logged[name] for name in ("fetch-patches", "fetch-discussions", "fetch-threads", "kernel"))
    assert {name: found for name, text in logged.items() if (found := ADDRESS.findall(text))} == {}
