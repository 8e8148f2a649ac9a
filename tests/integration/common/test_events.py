"""The bus: what can be delivered is, what cannot is named, and nobody waits longer than the budget."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from tests.integration.faults import (
    Faults,
    Plan,
    Send,
    all_refused,
    answer,
    broken,
    burst,
    denied,
    every,
    first,
    garbage,
    half_refused,
    lost,
    throttled,
    timed_out,
)
from watchkeeper import aws
from watchkeeper.budgets import WORKERS
from watchkeeper.events import MAX_EVENT_BYTES, PATIENCE_SECONDS, DeliveryFailed, DomainEvent, EventBridgePublisher


def event(number: int, **data: Any) -> DomainEvent:
    return DomainEvent(f"id-{number:03}", "PatchReceived", 1, datetime(2026, 7, 1, tzinfo=UTC), "cause", data)


EVENTS = [event(number) for number in range(25)]
IDS = [one.id for one in EVENTS]


class Bus:
    """A bus, and a queue that hears all of a source on it."""

    def __init__(self, source: str = "kernel") -> None:
        self._sqs, events = aws.sqs_client(), aws.events_client()
        events.create_event_bus(Name="bus")
        self._url = self._sqs.create_queue(QueueName="listener")["QueueUrl"]
        asked = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        events.put_rule(Name="all", EventBusName="bus", EventPattern=json.dumps({"source": [f"watchkeeper.{source}"]}))
        target: Any = {"Id": "queue", "Arn": asked["Attributes"]["QueueArn"]}
        events.put_targets(Rule="all", EventBusName="bus", Targets=[target])
        self.publisher = EventBridgePublisher(events, "bus", source)

    def heard(self) -> list[str]:
        """The ids of what was told since."""
        return sorted({detail["id"] for detail in self.told()})

    def told(self) -> list[dict[str, Any]]:
        """What was told since, as often as it was."""
        return list(self._details())

    def _details(self) -> Iterator[dict[str, Any]]:
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                yield json.loads(message["Body"])["detail"]


@pytest.fixture
def bus(faults: Faults, cloud: None) -> Bus:
    return Bus()


def entries(send: Send) -> list[dict[str, Any]]:
    return list(send.body["Entries"])


def test_a_request_holds_ten_events_and_256_kb(bus: Bus, faults: Faults) -> None:
    large = [event(100 + number, text="x" * 100_000) for number in range(5)]

    with faults.injected(lambda _: None, "events"):
        bus.publisher.publish([*EVENTS, *large])

    assert [len(entries(send)) for send in faults.sends] == [10, 10, 7, 2, 1]
    assert bus.heard() == [*IDS, *(one.id for one in large)]


@pytest.mark.parametrize(
    "plan",
    [
        half_refused,
        first(2, throttled),
        every(2, broken),
        every(3, timed_out),
        every(2, lost),
        burst(1, 2, all_refused),
    ],
    ids=["half refused", "throttled", "broken", "timed out", "answers lost", "refused for a moment"],
)
def test_what_passes_is_outlived(bus: Bus, faults: Faults, plan: Plan) -> None:
    with faults.injected(plan, "events"):
        bus.publisher.publish(EVENTS)

    assert bus.heard() == IDS


@pytest.mark.parametrize("plan", [throttled, broken, timed_out, lost, garbage, denied, all_refused])
def test_a_bus_that_does_not_answer_is_left_alone_within_the_budget(bus: Bus, faults: Faults, plan: Plan) -> None:
    start = faults.clock.now
    with faults.injected(plan, "events"), pytest.raises(DeliveryFailed) as raised:
        bus.publisher.publish(EVENTS)

    assert [one.id for one in raised.value.failed] == IDS
    assert faults.clock.now - start <= PATIENCE_SECONDS + WORKERS.call_seconds
    assert len(faults.sends) <= 12


def test_an_answer_that_does_not_speak_of_every_event_delivers_none(bus: Bus, faults: Faults) -> None:
    answers: list[object] = [[], [{}] * 10, [{"EventId": "1"}] * 9, [{"EventId": "1"}] * 11, "text", None, [7] * 10]
    said = iter(answers)
    with faults.injected(lambda _: answer(200, {"FailedEntryCount": 0, "Entries": next(said)}), "events"):
        for _ in answers:
            with pytest.raises(DeliveryFailed, match="10 events"):
                bus.publisher.publish(EVENTS[:10])


def test_events_no_bus_takes_hold_up_no_other(bus: Bus) -> None:
    too_large, no_json = event(200, text="x" * MAX_EVENT_BYTES), event(201, text="\ud800")

    with pytest.raises(DeliveryFailed, match="larger than 262144 bytes") as raised:
        bus.publisher.publish([*EVENTS[:5], too_large, *EVENTS[5:15], no_json, *EVENTS[15:]])

    assert bus.heard() == IDS
    assert raised.value.failed == [too_large, no_json]


def test_an_event_the_bus_always_refuses_holds_up_no_other(bus: Bus, faults: Faults) -> None:
    def refuse_the_third(send: Send) -> AWSResponse | None:
        details = [json.loads(one["Detail"])["id"] for one in entries(send)]
        results = [{"ErrorCode": "MalformedDetail"} if one == IDS[3] else {"EventId": one} for one in details]
        return answer(200, {"FailedEntryCount": details.count(IDS[3]), "Entries": results})

    with faults.injected(refuse_the_third, "events"), pytest.raises(DeliveryFailed, match="MalformedDetail") as raised:
        bus.publisher.publish(EVENTS)

    assert raised.value.failed == [EVENTS[3]]
    sent = {json.loads(one["Detail"])["id"] for send in faults.sends for one in entries(send)}
    assert sent == set(IDS)


def test_a_slow_bus_gets_what_there_is_time_for(bus: Bus, faults: Faults) -> None:
    def slow(send: Send) -> None:
        faults.clock.sleep(11)

    start = faults.clock.now
    with faults.injected(slow, "events"), pytest.raises(DeliveryFailed, match=r"5 events .* no time left") as raised:
        bus.publisher.publish(EVENTS)

    assert bus.heard() == IDS[:20]
    assert raised.value.failed == EVENTS[20:]
    assert faults.clock.now - start <= PATIENCE_SECONDS + WORKERS.call_seconds


def test_an_event_of_256_kb_is_sent_and_one_byte_more_is_not(bus: Bus, faults: Faults) -> None:
    with faults.injected(lambda _: None, "events"):
        bus.publisher.publish([event(1)])
        [entry] = entries(faults.sends[0])
        around = 14 + sum(len(entry[name]) for name in ("Source", "DetailType", "Detail")) + len('"text":""')
        bus.publisher.publish([event(1, text="x" * (MAX_EVENT_BYTES - around))])
        with pytest.raises(DeliveryFailed):
            bus.publisher.publish([event(1, text="x" * (MAX_EVENT_BYTES - around + 1))])

    assert len(faults.sends) == 2


def test_what_can_never_be_delivered_is_told_from_what_can_later(bus: Bus, faults: Faults) -> None:
    too_large, no_json = event(100, text="x" * MAX_EVENT_BYTES), event(101, thing=object())

    with faults.injected(all_refused, "events"), pytest.raises(DeliveryFailed) as raised:
        bus.publisher.publish([EVENTS[0], too_large, no_json])

    assert raised.value.failed == [EVENTS[0], too_large, no_json]
    assert raised.value.undeliverable.keys() == {too_large.id, no_json.id}
    assert "larger than" in raised.value.undeliverable[too_large.id]
    assert raised.value.undeliverable[no_json.id] == "it is no JSON"
