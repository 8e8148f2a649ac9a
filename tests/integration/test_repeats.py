"""AWS delivers at least once: every handler is given each of its events twice, and the second changes nothing.

A function without a case here fails the first test. One that is not idempotent by its keys needs Powertools'
idempotency utility; see docs/decisions.md.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina
import yaml

from ingest.kernel import container as module
from local.upstreams import HWMON, Upstreams, World
from scheduler.kernel.handlers import check_freshness
from scheduler.operations.handlers import dead_letters
from tests.integration.common.test_events import Bus
from tests.integration.conftest import repositories
from tests.integration.ingest.functions import (
    QUIET,
    ROOT,
    Functions,
    make_functions,
    small_world,
    stored,
    untroubled,
)
from tests.integration.ingest.test_publishing import RECORDS
from tests.lambdas import Context
from watchkeeper.clock import utc_now
from watchkeeper.kernel.repositories.progress import Source

SERVICES = Path(__file__).parents[2] / "services"
WRITING = ("Put", "Update", "Delete", "BatchWrite", "Send", "Invoke", "Publish")


def functions_of(service: str) -> dict[str, Any]:
    functions: dict[str, Any] = yaml.safe_load((SERVICES / service / "functions.yml").read_text())
    return functions


@dataclass
class Place:
    """Everything an event can act on."""

    functions: Functions
    monkeypatch: pytest.MonkeyPatch

    def load(self) -> None:
        self.functions.invoke("fetch-patches", {"mode": "recent"})
        self.functions.invoke("fetch-discussions", {"mode": "recent"})
        self.functions.work()


@pytest.fixture
def world(tables: None, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with Upstreams(World()) as upstreams, stamina.set_testing(True):
        small_world(upstreams)
        yield Place(make_functions(upstreams, monkeypatch), monkeypatch)
    module.container.cache_clear()


Outcome = Callable[[], object]
"""Delivers the event, and says what there is then."""


def of_schedule(name: str, **event: Any) -> Callable[[Place], Outcome]:
    def case(world: Place) -> Outcome:
        if name == "refresh-discussions":
            world.load()

        def deliver() -> object:
            world.functions.invoke(name, event)
            world.functions.work()
            assert world.functions.failures == 0
            return stored()

        return deliver

    return case


def of_message(queue: str, **work: Any) -> Callable[[Place], Outcome]:
    def case(world: Place) -> Outcome:
        world.load()

        def deliver() -> object:
            world.functions.send(queue, work)
            world.functions.work()
            assert world.functions.failures == 0
            return stored()

        return deliver

    return case


def of_stream(world: Place) -> Outcome:
    world.monkeypatch.setenv("EVENT_BUS", "bus")
    from ingest.kernel.handlers import publish_changes

    publish_changes._publisher.cache_clear()
    bus = Bus()

    def deliver() -> object:
        """The ids, by which consumers know what they have seen."""
        publish_changes.handler({"Records": RECORDS}, Context())
        return bus.heard()

    return deliver


def of_clock(world: Place) -> Outcome:
    world.monkeypatch.setenv("LISTS", HWMON)
    check_freshness._progress.cache_clear()
    check_freshness._watched.cache_clear()
    repositories()["progress"].save(Source(f"lore:{HWMON}", last_success=utc_now() - timedelta(hours=4)))
    return lambda: check_freshness.handler({}, Context())


def of_operator(world: Place) -> Outcome:
    queues, sqs = world.functions.queues, untroubled("sqs")
    dlq = sqs.create_queue(QueueName="threads-dlq")["QueueUrl"]
    configured = {"threads": {"dlq": dlq, "queue": queues["threads"], "function": "fetch-threads"}}
    world.monkeypatch.setenv("DEAD_LETTER_QUEUES", json.dumps(configured))
    world.monkeypatch.setenv("REDRIVEN_FUNCTIONS", "fetch-threads")
    dead_letters._dead_letters.cache_clear()
    sqs.send_message(QueueUrl=dlq, MessageBody=json.dumps({"message_ids": [QUIET]}))

    def deliver() -> object:
        dead_letters.handler({"action": "redrive", "queue": "threads"}, Context())
        asked = sqs.get_queue_attributes(QueueUrl=queues["threads"], AttributeNames=["ApproximateNumberOfMessages"])
        return asked["Attributes"]["ApproximateNumberOfMessages"]

    return deliver


def of_reader(world: Place) -> Outcome:
    """It may do nothing but read."""
    allowed = [
        action.partition(":")[2]
        for statement in functions_of("api")["kernel"]["iamRoleStatements"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if not action.startswith("xray:")
    ]
    assert allowed
    assert not [action for action in allowed if action.startswith(WRITING)]
    return lambda: None


CASES: dict[str, list[Callable[[Place], Outcome]]] = {
    "ingest/fetch-patches": [
        of_schedule("fetch-patches", mode="recent"),
        of_schedule("fetch-patches", mode="full"),
        of_message("patches", task="patches", project=HWMON, mode="recent"),
        of_message("patches", task="statistics", project=HWMON, weeks=["2026-W41", "2026-W41"]),
    ],
    "ingest/fetch-discussions": [
        of_schedule("fetch-discussions", mode="recent"),
        of_message("discussions", task="discussions", list=HWMON, mode="refresh"),
        of_message("discussions", task="statistics", weeks=[f"{HWMON}#2026-W41"] * 2),
    ],
    "ingest/fetch-threads": [
        of_message("threads", message_ids=[ROOT, "nobody@x"]),
        of_message("threads", message_ids=["nobody@x"], if_missing=True),
        of_message("threads", tracked=["orphan@x"]),
    ],
    "ingest/refresh-discussions": [of_schedule("refresh-discussions")],
    "ingest/publish-changes": [of_stream],
    "scheduler/check-freshness": [of_clock],
    "scheduler/dead-letters": [of_operator],
    "api/kernel": [of_reader],
}


def test_every_function_has_a_case() -> None:
    services = [path.parent.name for path in SERVICES.glob("*/functions.yml")]
    assert set(CASES) == {f"{service}/{name}" for service in services for name in functions_of(service)}


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{name}-{number}") for name in CASES for number, case in enumerate(CASES[name])]
)
def test_the_same_event_twice_is_as_good_as_once(world: Place, case: Callable[[Place], Outcome]) -> None:
    deliver = case(world)

    once = deliver()

    assert deliver() == once
