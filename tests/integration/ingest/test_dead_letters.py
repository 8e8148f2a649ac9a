"""Work that fails for the last time becomes a letter that says why; what fails earlier comes again."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ingest.kernel.handlers.forms import Form, Work
from ingest.kernel.handlers.work import each_message
from tests.lambdas import Context, sqs_record
from watchkeeper import aws
from watchkeeper.dead_letters import FAILURE
from watchkeeper.entry import LambdaContext, entry_point

NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture
def dlq(cloud: None, monkeypatch: pytest.MonkeyPatch) -> str:
    url = aws.sqs_client().create_queue(QueueName="work-dlq")["QueueUrl"]
    monkeypatch.setenv("DEAD_LETTERS_URL", url)
    return url


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    return each_message(event, context, {None: Form()}, do)


def do(work: Work) -> None:
    if work["fails"]:
        raise ValueError("it cannot be done")


def letters(url: str) -> list[Any]:
    answer = aws.sqs_client().receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
    )
    return list(answer.get("Messages", []))


def deliver(*records: Mapping[str, Any]) -> dict[str, Any]:
    return handler({"Records": list(records)}, Context(function_name="watchkeeper-test-fetch-patches"))


def work(name: str, *, fails: bool, receives: int = 1) -> Mapping[str, Any]:
    body = json.dumps({"name": name, "fails": fails})
    return sqs_record(name, body, receives=receives, correlation_id=f"cause-of-{name}")


def test_what_fails_for_the_last_time_is_a_letter_and_no_failure_of_the_batch(dlq: str) -> None:
    answer = deliver(work("good", fails=False), work("bad", fails=True, receives=5), work("new", fails=True))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "new"}]}
    [letter] = letters(dlq)
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    failure = json.loads(attributes[FAILURE])
    assert json.loads(letter["Body"]) == {"name": "bad", "fails": True}
    assert attributes["correlation_id"] == "cause-of-bad"
    assert (failure["function"], failure["error"], failure["message"], failure["receives"]) == (
        "watchkeeper-test-fetch-patches",
        "ValueError",
        "it cannot be done",
        5,
    )
    assert (failure["request_id"], failure["sent_at"]) == ("request-1", "2026-01-01T00:00:00Z")


def test_rubbish_is_a_letter_as_it_came(dlq: str) -> None:
    assert deliver(sqs_record("rubbish", "rubbish {", receives=5)) == NOTHING_FAILED

    assert [letter["Body"] for letter in letters(dlq)] == ["rubbish {"]


def test_what_cannot_even_be_written_is_left_to_sqs(dlq: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEAD_LETTERS_URL", f"{dlq}-that-is-not-there")

    answer = deliver(work("bad", fails=True, receives=5))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert letters(dlq) == []


def test_a_letter_nobody_says_was_written_is_left_to_sqs(dlq: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws.sqs_client(), "send_message", lambda **_: {})

    assert deliver(work("bad", fails=True, receives=5)) == {"batchItemFailures": [{"itemIdentifier": "bad"}]}


def test_what_can_be_done_on_the_last_receive_is_done(dlq: str) -> None:
    assert deliver(work("late", fails=False, receives=5)) == NOTHING_FAILED

    assert letters(dlq) == []
