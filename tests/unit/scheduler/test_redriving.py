"""A letter's work goes to where it failed, under its correlation id, or stays with the reason."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from scheduler.operations.errors import NotSent
from scheduler.operations.letters import Letter, Reader
from scheduler.operations.redriving import Machines, Redriver
from scheduler.operations.streams import LARGEST_EVENT, TRIMMED, Streams
from tests.unit.scheduler.messages import (
    SENT_AT,
    STREAM,
    failed_changes,
    failed_invocation,
    message,
    undelivered,
    undelivered_schedule,
)

KNOWN = frozenset({"fetch-patches", "publish-changes"})
QUEUE = "https://queue/threads"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:watchkeeper-test-projections"


@dataclass
class FakeAws:
    """Takes messages and invocations, unless it is broken."""

    broken: Exception | None = None
    status: int = 202
    sent: list[dict[str, Any]] = field(default_factory=list)

    def send_message(self, **request: Any) -> dict[str, str]:
        self._take(request)
        return {"MessageId": "1"}

    def invoke(self, **request: Any) -> dict[str, int]:
        self._take(request)
        return {"StatusCode": self.status}

    def start_execution(self, **request: Any) -> dict[str, str]:
        self._take(request)
        return {"executionArn": "arn"}

    def _take(self, request: dict[str, Any]) -> None:
        if self.broken:
            raise self.broken
        self.sent.append(request)


@dataclass
class FakeStream:
    """Pages of records; an error stands for a page that is refused."""

    pages: list[list[dict[str, Any]] | Exception]
    asked: list[dict[str, Any]] = field(default_factory=list)

    def get_shard_iterator(self, **request: Any) -> dict[str, str]:
        self.asked.append(request)
        return {"ShardIterator": "0"}

    def get_records(self, ShardIterator: str) -> dict[str, Any]:  # noqa: N803 -- botocore's name
        number = int(ShardIterator)
        page = self.pages[number]
        if isinstance(page, Exception):
            raise page
        following = {"NextShardIterator": str(number + 1)} if number + 1 < len(self.pages) else {}
        return {"Records": page, **following}


def change(number: int, **more: Any) -> dict[str, Any]:
    return {"eventID": f"e{number}", "dynamodb": {"SequenceNumber": str(number), **more}}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetRecords")


def redriver(aws: FakeAws, *pages: list[dict[str, Any]] | Exception) -> Redriver:
    streams, machines = Streams(FakeStream(list(pages))), Machines(aws, {"projections": MACHINE})
    functions = sqs = cast("Any", aws)
    return Redriver(sqs, functions, streams, machines, "watchkeeper-test-", KNOWN, {"pollenation": QUEUE})


def failure(body: object) -> Letter:
    return Reader("failures", None, "watchkeeper-test-").read(message(body))


def work(body: str, **attributes: str) -> Letter:
    return Reader("threads", "fetch-threads", "watchkeeper-test-").read(message(body, attributes))


def not_projected(body: object) -> Letter:
    return Reader("projections", None, "watchkeeper-test-", MACHINE).read(message(body))


def events(aws: FakeAws) -> Iterator[Any]:
    assert {request["InvocationType"] for request in aws.sent} == {"Event"}
    return (json.loads(request["Payload"]) for request in aws.sent)


def test_work_goes_to_its_queue_as_it_was_without_the_failure() -> None:
    aws = FakeAws()

    redriver(aws).send(work('{"task":  1}', correlation_id="began-there", failure="{}"), QUEUE)

    given = {"correlation_id": "began-there", "first_sent_at": SENT_AT}
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in given.items()}
    assert aws.sent == [
        {"QueueUrl": QUEUE, "MessageBody": '{"task":  1}', "MessageAttributes": attributes, "DelaySeconds": 0}
    ]


def test_work_starts_with_all_its_attempts_again() -> None:
    aws = FakeAws()

    redriver(aws).send(work('{"attempt": 5, "number": 18446744073709551617, "text": "\\ud800\\u00e9"}'), QUEUE)

    assert [sent["MessageBody"] for sent in aws.sent] == ['{"number":18446744073709551617,"text":"\\ud800\\u00e9"}']


def test_work_without_a_correlation_id_is_sent_without_one() -> None:
    aws = FakeAws()

    redriver(aws).send(work("rubbish"), QUEUE)

    assert [(sent["MessageBody"], sent["MessageAttributes"].keys()) for sent in aws.sent] == [
        ("rubbish", {"first_sent_at"})
    ]


@pytest.mark.parametrize("sent_at", [None, "", "\x00", "0001-01-01T00:00:00+14:00"])
def test_work_that_was_sent_at_no_time_is_sent_without_one(sent_at: str | None) -> None:
    aws = FakeAws()

    redriver(aws).send(replace(work("rubbish"), sent_at=sent_at), QUEUE)

    assert [sent["MessageAttributes"] for sent in aws.sent] == [{}]


def test_an_invocation_is_made_again_under_its_correlation_id() -> None:
    aws = FakeAws()

    redriver(aws).send(failure(failed_invocation("fetch-patches", {"mode": "full"})), None)

    assert [request["FunctionName"] for request in aws.sent] == ["watchkeeper-test-fetch-patches"]
    assert list(events(aws)) == [{"mode": "full", "correlation_id": "8f3c-request"}]


@pytest.mark.parametrize("payload", [None, [], "text", 3])
def test_a_payload_that_is_no_object_stays(payload: object) -> None:
    aws = FakeAws()

    with pytest.raises(NotSent, match="a JSON object"):
        redriver(aws).send(failure(failed_invocation("fetch-patches", payload)), None)
    assert aws.sent == []


@pytest.mark.parametrize(
    "payload", ['{"n":18446744073709551617}', '{"n":0.1,"s":"\\ud800","t":"\\u00e9"}', '{"n":-9223372036854775809}']
)
def test_a_payload_is_sent_as_it_was_in_ascii(payload: str) -> None:
    aws = FakeAws()
    record = json.dumps(failed_invocation("fetch-patches", "payload", requestId=None))

    redriver(aws).send(failure(record.replace('"payload"', payload)), None)

    assert [request["Payload"].replace(b" ", b"") for request in aws.sent] == [payload.encode()]


@pytest.mark.parametrize("status", [200, 204, 500])
def test_an_invocation_that_was_not_taken_is_the_reason(status: int) -> None:
    with pytest.raises(NotSent, match="Invoke failed"):
        redriver(FakeAws(status=status)).send(failure(failed_invocation("fetch-patches", {})), None)


def test_a_schedule_is_delivered_again() -> None:
    aws = FakeAws()
    letter = Reader("failures", None, "watchkeeper-test-").read(undelivered_schedule("fetch-patches", {"mode": "full"}))

    redriver(aws).send(letter, None)

    assert list(events(aws)) == [{"mode": "full"}]


TOLD = {"id": "e1", "type": "pollenationNeeded", "correlation_id": "began-there", "data": {"symbol": "QUIL"}}


@pytest.mark.parametrize("letter", [TOLD, {"detail-type": "pollenationNeeded", "detail": TOLD}], ids=["alone", "whole"])
def test_an_event_that_did_not_reach_its_queue_is_put_there_under_its_correlation_id(letter: object) -> None:
    aws = FakeAws()
    undeliverable = undelivered("arn:aws:sqs:us-east-1:123456789012:watchkeeper-test-pollenation", letter)

    redriver(aws).send(Reader("failures", None, "watchkeeper-test-").read(undeliverable), None)

    (sent,) = aws.sent
    assert (sent["QueueUrl"], json.loads(sent["MessageBody"])) == (QUEUE, TOLD)
    assert sent["MessageAttributes"]["correlation_id"]["StringValue"] == "began-there"


def test_an_event_for_a_queue_that_is_not_ours_stays() -> None:
    aws = FakeAws()
    letter = undelivered("arn:aws:sqs:us-east-1:123456789012:somebody-elses", TOLD)

    with pytest.raises(NotSent, match="of this kind cannot be redriven"):
        redriver(aws).send(Reader("failures", None, "watchkeeper-test-").read(letter), None)
    assert aws.sent == []


SOURCED = {"detail-type": "AlertRaised", "source": "watchkeeper.observability", "detail": {"id": "e1"}}


def test_an_event_that_was_not_projected_starts_the_machine_under_the_letter_s_name() -> None:
    aws = FakeAws()
    letter = not_projected(SOURCED)

    redriver(aws).send(letter, None)

    assert aws.sent == [{"stateMachineArn": MACHINE, "name": "redrive-letter-1", "input": letter.body}]


@pytest.mark.parametrize("body", ["rubbish", "[]", "7"])
def test_what_is_no_event_starts_no_machine(body: str) -> None:
    aws = FakeAws()

    with pytest.raises(NotSent, match="not an event that a state machine can be started with"):
        redriver(aws).send(not_projected(body), None)
    assert aws.sent == []


def test_an_event_that_never_reached_the_machine_starts_it() -> None:
    aws = FakeAws()
    letter = Reader("failures", None, "watchkeeper-test-").read(undelivered(MACHINE, SOURCED))

    redriver(aws).send(letter, None)

    assert aws.sent == [{"stateMachineArn": MACHINE, "name": "redrive-letter-1", "input": letter.body}]


def test_a_machine_that_is_not_known_is_not_started() -> None:
    aws = FakeAws()
    letter = Reader("failures", None, "watchkeeper-test-").read(undelivered(f"{MACHINE}-of-others", SOURCED))

    with pytest.raises(NotSent, match="not an event that a state machine"):
        redriver(aws).send(letter, None)
    assert aws.sent == []


def test_changes_are_read_again_from_the_first_to_the_last_and_given_as_lambda_gives_them() -> None:
    aws = FakeAws()
    created = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    pages = [[change(100, ApproximateCreationDateTime=created)], [], [change(200), change(300, B=b"\x00"), change(400)]]

    redriver(aws, *pages).send(failure(failed_changes("100", "300")), None)

    [event] = events(aws)
    assert event["redriven"] is True, "nobody reads what the function answers"
    assert event["correlation_id"] == "c9b8-request"
    assert [record["eventID"] for record in event["Records"]] == ["e100", "e200", "e300"]
    assert {record["eventSourceARN"] for record in event["Records"]} == {STREAM}
    assert event["Records"][0]["dynamodb"]["ApproximateCreationDateTime"] == created.timestamp()
    assert event["Records"][2]["dynamodb"]["B"] == "AA=="


def test_changes_too_large_for_one_invocation_go_in_several_in_order() -> None:
    aws = FakeAws()
    large = [change(number, NewImage="x" * (LARGEST_EVENT // 3)) for number in (100, 200, 300)]

    redriver(aws, large).send(failure(failed_changes("100", "300")), None)

    assert [[record["eventID"] for record in event["Records"]] for event in events(aws)] == [["e100", "e200"], ["e300"]]


@pytest.mark.parametrize(
    "pages",
    [
        [refusal("TrimmedDataAccessException")],
        [refusal("ResourceNotFoundException")],
        [[change(100), change(200)]],
        [[change(400)]],
        [[]] * 200,
    ],
)
def test_changes_that_are_gone_stay_with_the_reason(pages: list[list[dict[str, Any]] | Exception]) -> None:
    aws = FakeAws()

    with pytest.raises(NotSent, match=TRIMMED):
        redriver(aws, *pages).send(failure(failed_changes("100", "300")), None)
    assert aws.sent == []


@pytest.mark.parametrize(
    "page",
    [
        ResponseParserError("<html>"),
        ReadTimeoutError(endpoint_url="https://aws"),
        refusal("AccessDenied"),
        [{"eventID": "e1"}],
        [change(100), "rubbish"],
    ],
)
def test_changes_that_cannot_be_read_stay(page: Any) -> None:
    aws = FakeAws()

    with pytest.raises(NotSent, match="the stream could not be read"):
        redriver(aws, page).send(failure(failed_changes("100", "300")), None)
    assert aws.sent == []


@pytest.mark.parametrize("spoilt", [{"endSequenceNumber": "x"}, {"shardId": None}, {"streamArn": None}])
def test_changes_that_are_not_named_stay(spoilt: dict[str, object]) -> None:
    body = failed_changes()
    named = {**body["DDBStreamBatchInfo"], **spoilt}
    letter = failure({**body, "DDBStreamBatchInfo": {name: value for name, value in named.items() if value}})

    with pytest.raises(NotSent, match="does not say which records"):
        redriver(FakeAws(), [change(300)]).send(letter, None)


@pytest.mark.parametrize("function", ["somebody-elses", "", "dead-letters"])
def test_a_function_that_is_not_ours_is_not_invoked(function: str) -> None:
    aws = FakeAws()

    with pytest.raises(NotSent, match=r"not a function that can be invoked again.*drop it"):
        redriver(aws).send(failure(failed_invocation(function, {})), None)
    assert aws.sent == []


def test_what_nobody_knows_is_not_sent() -> None:
    with pytest.raises(NotSent, match="drop it with a reason"):
        redriver(FakeAws()).send(failure("rubbish"), None)


@pytest.mark.parametrize(
    "trouble",
    [refusal("AccessDenied"), ReadTimeoutError(endpoint_url="https://aws"), ResponseParserError("<html>")],
)
def test_what_aws_refuses_is_the_reason(trouble: Exception) -> None:
    for letter in (work("{}"), failure(failed_invocation("fetch-patches", {})), not_projected(SOURCED)):
        with pytest.raises(NotSent, match=r"AccessDenied|ReadTimeoutError|garbage"):
            redriver(FakeAws(broken=trouble)).send(letter, QUEUE)
