"""What a dead letter of a work queue says, and that it can always be written and read."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from tests.lambdas import sqs_record
from watchkeeper.correlation import following
from watchkeeper.dead_letters import FAILURE, LONGEST_MESSAGE, DeadLetterWriter, Failure, dead_letter_writer
from watchkeeper.errors import ConfigurationError
from watchkeeper.redaction import redacted_text

FAILED_AT = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@dataclass
class FakeSqs:
    broken: Exception | None = None
    answer: dict[str, str] = field(default_factory=lambda: {"MessageId": "1"})
    sent: list[dict[str, Any]] = field(default_factory=list)

    def send_message(self, **request: Any) -> dict[str, str]:
        if self.broken:
            raise self.broken
        self.sent.append(request)
        return self.answer


def keep(sqs: FakeSqs, error: Exception, receives: int = 5) -> bool:
    writer = DeadLetterWriter(cast("Any", sqs), "https://queue/dlq", 5, lambda: FAILED_AT)
    record = sqs_record("m1", '{"task":  "patches"}', receives=receives)
    with following("began-there"):
        return writer.keep(record, error, function="watchkeeper-test-fetch-patches", request_id="request-1")


def letter_of(error: Exception) -> dict[str, Any]:
    sqs = FakeSqs()
    assert keep(sqs, error)
    [sent] = sqs.sent
    return sent


def test_a_letter_is_the_message_itself_with_the_reason_beside_it() -> None:
    letter = letter_of(ValueError("no such mode"))

    attributes = letter["MessageAttributes"]
    assert (letter["QueueUrl"], letter["MessageBody"]) == ("https://queue/dlq", '{"task":  "patches"}')
    assert attributes["correlation_id"] == {"DataType": "String", "StringValue": "began-there"}
    assert Failure.from_json(attributes[FAILURE]["StringValue"]) == Failure(
        function="watchkeeper-test-fetch-patches",
        error="ValueError",
        message="no such mode",
        at="2026-11-20T12:30:00Z",
        sent_at="2026-01-01T00:00:00Z",
        request_id="request-1",
        receives=5,
    )


@given(st.text())
def test_a_letter_can_be_written_whatever_the_error_says(said: str) -> None:
    text = letter_of(ValueError(said))["MessageAttributes"][FAILURE]["StringValue"]

    failure = Failure.from_json(text)
    assert failure is not None
    assert len(failure.message) <= LONGEST_MESSAGE
    assert all(" " <= character <= "~" for character in text), "SQS takes no control characters"


def test_a_letter_holds_no_secret_and_no_address() -> None:
    letter = letter_of(ValueError("refused ann@example.org with token=hunter2hunter2"))

    text = letter["MessageAttributes"][FAILURE]["StringValue"]
    assert "refused" in text
    assert "ann@example.org" not in text
    assert "hunter2" not in text


@pytest.mark.parametrize(("receives", "last"), [(1, False), (4, False), (5, True), (6, True)])
def test_a_message_becomes_a_letter_on_its_last_receive(receives: int, last: bool) -> None:
    sqs = FakeSqs()

    assert keep(sqs, ValueError(), receives) is last
    assert len(sqs.sent) == last


@pytest.mark.parametrize(
    "trouble",
    [
        ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "SendMessage"),
        ReadTimeoutError(endpoint_url="https://sqs"),
        ResponseParserError("<html>"),
    ],
)
def test_a_letter_that_cannot_be_written_leaves_the_message_to_sqs(trouble: Exception) -> None:
    assert not keep(FakeSqs(broken=trouble), ValueError("why"))


def test_a_letter_nobody_says_was_written_leaves_the_message_to_sqs() -> None:
    """botocore takes a page of HTML with status 200 for success."""
    assert not keep(FakeSqs(answer={}), ValueError("why"))


@pytest.mark.parametrize("shift", range(40))
def test_a_long_error_is_looked_through_at_its_beginning_alone(monkeypatch: pytest.MonkeyPatch, shift: int) -> None:
    looked_through: list[str] = []

    def counted(text: str) -> str:
        looked_through.append(text)
        return redacted_text(text)

    monkeypatch.setattr("watchkeeper.dead_letters.redacted_text", counted)
    secret = "https://ann:hunter2hunter2@example.org/" + "p" * 60
    letter = letter_of(ValueError("x" * shift + f" {secret}" * 10_000))

    failure = Failure.from_json(letter["MessageAttributes"][FAILURE]["StringValue"])
    assert failure is not None
    assert "hunter" not in failure.message
    assert [len(text) <= 4 * LONGEST_MESSAGE for text in looked_through] == [True]


@pytest.mark.parametrize("text", ["x", " ", "\n"])
def test_a_long_error_without_words_is_cut_all_the_same(text: str) -> None:
    failure = Failure.from_json(
        letter_of(ValueError(text * 5 * LONGEST_MESSAGE))["MessageAttributes"][FAILURE]["StringValue"]
    )

    assert failure is not None
    assert len(failure.message) == LONGEST_MESSAGE


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"function": "x"}', '{"receives": null}', "[" * 100_000])
def test_what_is_no_failure_is_read_as_none(text: str) -> None:
    assert Failure.from_json(text) is None


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({}, "DEAD_LETTERS_URL"),
        ({"DEAD_LETTERS_URL": "https://queue/dlq"}, "MAX_RECEIVES"),
        ({"DEAD_LETTERS_URL": "https://queue/dlq", "MAX_RECEIVES": "0"}, "MAX_RECEIVES"),
        ({"DEAD_LETTERS_URL": "https://queue/dlq", "MAX_RECEIVES": "many"}, "MAX_RECEIVES"),
    ],
)
def test_a_missing_setting_is_named(environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        dead_letter_writer(cast("Any", FakeSqs()), environment)
