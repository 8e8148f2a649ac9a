"""Work on its way into a queue: SQS's limits kept, nothing lost without a word."""

import json
from typing import Any

import pytest

from tests.integration.faults import Faults, Plan, answer, broken, denied, first, garbage, lost, throttled, timed_out
from watchkeeper import aws, correlation
from watchkeeper.budgets import WORKERS
from watchkeeper.errors import DatabaseError, LimitExceeded, NoAnswer, Throttled
from watchkeeper.queues import MAX_MESSAGE_BYTES, SqsWorkQueue


@pytest.fixture
def url(faults: Faults, cloud: None) -> str:
    return aws.sqs_client().create_queue(QueueName="work")["QueueUrl"]


@pytest.fixture
def queue(url: str) -> SqsWorkQueue:
    return SqsWorkQueue(aws.sqs_client, url)


def received(url: str) -> list[Any]:
    return [json.loads(one["Body"]) for one in aws.sqs_client().receive_message(QueueUrl=url).get("Messages", [])]


@pytest.mark.parametrize("text", ["\x00\x01\x1f", "\ufffe\uffff", "\u2028 \x7f \x85", "ü€😀", "\n\r\t"])
def test_characters_sqs_refuses_arrive_as_they_were(queue: SqsWorkQueue, url: str, text: str) -> None:
    queue.send({"message_ids": [text]})

    [message] = aws.sqs_client().receive_message(QueueUrl=url)["Messages"]
    assert message["Body"].isascii()
    assert message["Body"].isprintable()
    assert json.loads(message["Body"]) == {"message_ids": [text]}


def test_a_message_is_sent_up_to_the_ceiling_and_not_above(queue: SqsWorkQueue, faults: Faults) -> None:
    around = len('{"text":""}')

    with faults.injected(lambda _: None, "sqs"), correlation.following("x" * 64):
        queue.send({"text": "x" * (MAX_MESSAGE_BYTES - around)})
        with pytest.raises(LimitExceeded, match=f"{MAX_MESSAGE_BYTES + 1} octets"):
            queue.send({"text": "x" * (MAX_MESSAGE_BYTES - around + 1)})

    [send] = faults.sends
    attributes = json.dumps(send.body["MessageAttributes"])
    assert len(send.body["MessageBody"]) + len(attributes) <= 256 * 1024


@pytest.mark.parametrize(("delay", "sent"), [(-5, 0), (0, 0), (900, 900), (901, 900), (1920, 900)])
def test_a_delay_is_one_sqs_takes(queue: SqsWorkQueue, faults: Faults, delay: int, sent: int) -> None:
    with faults.injected(lambda _: None, "sqs"):
        queue.send({}, delay=delay)

    assert [send.body["DelaySeconds"] for send in faults.sends] == [sent]


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        (throttled, Throttled),
        (timed_out, NoAnswer),
        (broken, NoAnswer),
        (denied, DatabaseError),
        (garbage, DatabaseError),
        (lambda _: answer(200, {}), DatabaseError),
    ],
)
def test_a_message_nobody_says_was_sent_is_an_error(
    queue: SqsWorkQueue, faults: Faults, plan: Plan, error: type[DatabaseError]
) -> None:
    with faults.injected(plan, "sqs"), pytest.raises(DatabaseError) as raised:
        queue.send({"message_ids": []})

    assert type(raised.value) is error
    assert max(faults.calls) <= WORKERS.call_seconds


def test_a_message_whose_answer_was_lost_is_sent_again(queue: SqsWorkQueue, url: str, faults: Faults) -> None:
    with faults.injected(first(1, lost), "sqs"):
        queue.send({"message_ids": ["a@x"]})

    assert {"message_ids": ["a@x"]} in received(url)
