"""AWS fails at the scheduler's functions: they say so and come again, and no letter is lost."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto.sqs.models import sqs_backends

from scheduler import facts
from scheduler.kernel.handlers import check_freshness
from scheduler.operations.handlers import check_dead_letters, dead_letters
from tests.integration.common.test_events import Bus
from tests.integration.conftest import repositories
from tests.integration.faults import (
    Faults,
    Plan,
    all_refused,
    broken,
    burst,
    denied,
    every,
    first,
    garbage,
    lost,
    reset,
    throttled,
    timed_out,
    unreachable,
)
from tests.lambdas import Context
from watchkeeper import aws
from watchkeeper.budgets import WORKERS
from watchkeeper.clock import utc_now
from watchkeeper.events import DeliveryFailed
from watchkeeper.progress import Source

PASSING: dict[str, Plan] = {
    "throttled": first(2, throttled),
    "broken": every(3, broken),
    "reset": every(3, reset),
    "timed out": every(3, timed_out),
    "answers lost": every(3, lost),
}
PERMANENT: dict[str, Plan] = {
    "throttled": throttled,
    "broken": broken,
    "timed out": timed_out,
    "unreachable": unreachable,
    "garbled": garbage,
    "denied": denied,
}


@pytest.fixture
def bus(faults: Faults, cloud: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    monkeypatch.setenv("EVENT_BUS", "bus")
    facts.publisher.cache_clear()
    yield Bus("facts")
    facts.publisher.cache_clear()


@pytest.fixture
def sources(faults: Faults, tables: None, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTS", "fresh,late")
    check_freshness._progress.cache_clear()
    check_freshness._watched.cache_clear()
    for name, hours in (("fresh", 1), ("late", 4)):
        repositories()["progress"].save(Source(f"lore:{name}", last_success=utc_now() - timedelta(hours=hours)))


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize("plan", PASSING.values(), ids=PASSING)
def test_freshness_is_measured_all_the_same(faults: Faults, plan: Plan) -> None:
    with faults.injected(plan):
        assert check_freshness.handler({}, Context()) == {"sources": 2, "stale": ["lore:late"]}

    assert max(faults.calls) <= WORKERS.call_seconds


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize("plan", PERMANENT.values(), ids=PERMANENT)
def test_freshness_that_cannot_be_measured_is_never_said_to_be_good(faults: Faults, plan: Plan) -> None:
    with faults.injected(plan), pytest.raises(Exception, match="Query on watchkeeper-test-progress failed"):
        check_freshness.handler({}, Context())

    assert max(faults.calls) <= WORKERS.call_seconds
    assert check_freshness.handler({}, Context())["stale"] == ["lore:late"]


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize("plan", [throttled, broken, timed_out, garbage, all_refused, denied])
def test_a_bus_that_refuses_has_freshness_measured_again(faults: Faults, bus: Bus, plan: Plan) -> None:
    with faults.injected(plan, "events"), pytest.raises(DeliveryFailed, match="2 events were not delivered"):
        check_freshness.handler({}, Context())
    assert bus.heard() == []

    check_freshness.handler({}, Context())
    assert len(bus.heard()) == 2


@pytest.fixture
def counted(queues: dict[str, str], bus: Bus, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    watched = {name: {"dlq": url, "service": "ingest"} for name, url in queues.items()}
    monkeypatch.setenv("DEAD_LETTER_QUEUES", json.dumps(watched))
    check_dead_letters._queues.cache_clear()
    yield
    check_dead_letters._queues.cache_clear()


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("plan", PASSING.values(), ids=PASSING)
def test_letters_are_counted_all_the_same(faults: Faults, bus: Bus, plan: Plan) -> None:
    with faults.injected(plan, "sqs"):
        assert check_dead_letters.handler({}, Context())["letters"] == {"threads": 0, "threads-dlq": 12}

    assert {one["data"]["queue"]: one["data"]["waiting"] for one in bus.told()} == {"threads": 0, "threads-dlq": 12}


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("plan", PERMANENT.values(), ids=PERMANENT)
@pytest.mark.parametrize("service", ["sqs", "events"])
def test_letters_that_cannot_be_counted_or_told_are_never_said_to_be_none(
    faults: Faults, bus: Bus, plan: Plan, service: str
) -> None:
    with faults.injected(plan, service), pytest.raises(Exception, match=r"GetQueueAttributes failed|not delivered"):
        check_dead_letters.handler({}, Context())

    assert bus.heard() == []


@pytest.fixture
def queues(faults: Faults, cloud: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    urls = {name: aws.sqs_client().create_queue(QueueName=name)["QueueUrl"] for name in ("threads", "threads-dlq")}
    configured = {"threads": {"dlq": urls["threads-dlq"], "queue": urls["threads"], "function": "fetch-threads"}}
    monkeypatch.setenv("DEAD_LETTER_QUEUES", json.dumps(configured))
    monkeypatch.setenv("REDRIVEN_FUNCTIONS", "fetch-threads")
    dead_letters._dead_letters.cache_clear()
    for number in range(12):
        aws.sqs_client().send_message(QueueUrl=urls["threads-dlq"], MessageBody=json.dumps({"message_ids": [number]}))
    yield urls
    dead_letters._dead_letters.cache_clear()


REDRIVE: dict[str, Any] = {"action": "redrive", "queue": "threads"}

TROUBLE: dict[str, Plan] = {
    **PASSING,
    "throttled for long": burst(4, 6, throttled),
    "down": burst(7, 6, broken),
    "many answers lost": burst(5, 9, lost),
    "permission gone": burst(3, 2, denied),
    "garbled": burst(2, 3, garbage),
    **{f"always {name}": burst(0, 40, plan) for name, plan in PERMANENT.items()},
}


def sent(url: str) -> set[int]:
    """What work waits in a queue, however often."""
    found: set[int] = set()
    while messages := aws.sqs_client().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.update(json.loads(message["Body"])["message_ids"])
            aws.sqs_client().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


@pytest.mark.parametrize("plan", TROUBLE.values(), ids=TROUBLE)
def test_letters_are_sent_again_or_stay(queues: dict[str, str], faults: Faults, plan: Plan) -> None:
    """Whether an operator is told so or the function fails: no letter is ever in neither queue."""
    redriven_under(queues, faults, plan)


@pytest.mark.parametrize("plan", [garbage, lost, every(2, garbage), denied])
def test_a_letter_nobody_says_was_sent_stays(queues: dict[str, str], faults: Faults, plan: Plan) -> None:
    redriven_under(queues, faults, plan, "SendMessage")


def redriven_under(queues: dict[str, str], faults: Faults, plan: Plan, operation: str = "") -> None:
    with faults.injected(plan, "sqs", operation):
        try:
            dead_letters.handler(REDRIVE, Context())
        except Exception:
            assert faults.sends

    assert sent(queues["threads"]) | held(queues["threads-dlq"]) == set(range(12))
    assert max(faults.calls) <= WORKERS.call_seconds


def held(url: str) -> set[int]:
    """All letters of a queue, also those that a call holds."""
    queue = sqs_backends["123456789012"]["us-east-1"].get_queue(url.rpartition("/")[2])
    return {number for message in queue._messages for number in json.loads(message.body)["message_ids"]}
