"""Counting dead letters: each queue's count is published on the bus, with the service it belongs to."""

import json
from collections.abc import Iterator

import pytest

from scheduler import facts
from scheduler.operations.handlers import check_dead_letters
from tests.integration.common.test_events import Bus
from tests.lambdas import Context
from watchkeeper import aws
from watchkeeper.errors import ConfigurationError


@pytest.fixture
def bus(cloud: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    monkeypatch.setenv("EVENT_BUS", "bus")
    forget()
    yield Bus("facts")
    forget()


def forget() -> None:
    facts.publisher.cache_clear()
    check_dead_letters._queues.cache_clear()


def test_every_queue_is_told_of(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    watch(monkeypatch, patches="ingest", erasures="api")
    letters("patches", 3)

    assert check_dead_letters.handler({}, Context()) == {"letters": {"patches": 3, "erasures": 0}}
    told = bus.told()
    assert [one["type"] for one in told] == ["DeadLettersCounted"] * 2
    assert sorted((one["data"] for one in told), key=lambda data: str(data["queue"])) == [
        {"queue": "erasures", "service": "api", "waiting": 0},
        {"queue": "patches", "service": "ingest", "waiting": 3},
    ]


def test_letters_that_somebody_looks_at_are_counted(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    watch(monkeypatch, patches="ingest")
    letters("patches", 2)
    aws.sqs_client().receive_message(QueueUrl=url_of("patches"), VisibilityTimeout=60)

    assert check_dead_letters.handler({}, Context()) == {"letters": {"patches": 2}}


def test_a_run_that_is_tried_again_tells_the_same_and_the_next_one_anew(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(monkeypatch, patches="ingest", erasures="api")
    check_dead_letters.handler({}, Context("a"))
    first = bus.heard()

    check_dead_letters.handler({}, Context("a"))
    assert bus.heard() == first
    check_dead_letters.handler({}, Context("b"))
    assert not {*bus.heard()} & {*first}


@pytest.mark.parametrize("configured", ["", "{", "[1]", '{"patches": 1}', '{"patches": {"dlq": "url"}}'])
def test_queues_that_are_not_described_are_told(bus: Bus, monkeypatch: pytest.MonkeyPatch, configured: str) -> None:
    monkeypatch.setenv("DEAD_LETTER_QUEUES", configured)

    with pytest.raises(ConfigurationError, match="DEAD_LETTER_QUEUES"):
        check_dead_letters.handler({}, Context())


def watch(monkeypatch: pytest.MonkeyPatch, **services: str) -> None:
    for name in services:
        aws.sqs_client().create_queue(QueueName=f"{name}-dlq")
    watched = {name: {"dlq": url_of(name), "service": service} for name, service in services.items()}
    monkeypatch.setenv("DEAD_LETTER_QUEUES", json.dumps(watched))


def letters(name: str, number: int) -> None:
    for one in range(number):
        aws.sqs_client().send_message(QueueUrl=url_of(name), MessageBody=str(one))


def url_of(name: str) -> str:
    return aws.sqs_client().get_queue_url(QueueName=f"{name}-dlq")["QueueUrl"]
