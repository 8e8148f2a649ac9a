"""The operator's function over queues and streams of AWS: listing, showing, sending again, dropping."""

import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from scheduler.operations import dead_letters as module
from scheduler.operations.handlers import dead_letters
from tests.lambdas import Context
from tests.unit.scheduler.messages import failed_changes, failed_invocation
from watchkeeper import aws
from watchkeeper.dead_letters import FAILURE, Failure
from watchkeeper.logs import logger
from watchkeeper.sqs import string_attribute

STAGE = "test"


@dataclass
class FakeFunctions:
    """Lambda, as far as it takes invocations."""

    broken: bool = False
    garbled: list[str] = field(default_factory=list)
    """Those whose invocation is answered by nobody knows whom."""
    invoked: list[tuple[str, Any]] = field(default_factory=list)

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 -- botocore's
        if self.broken:
            raise ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "later"}}, "Invoke")
        assert InvocationType == "Event"
        if FunctionName in self.garbled:
            raise ResponseParserError("<html>")
        self.invoked.append((FunctionName, json.loads(Payload)))
        return {"StatusCode": 202}


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> FakeFunctions:
    fake = FakeFunctions()
    monkeypatch.setattr(aws, "functions_client", lambda: fake)
    return fake


@pytest.fixture
def queues(cloud: None, functions: FakeFunctions, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    names = ("threads", "threads-dlq", "failures")
    urls = {name: aws.sqs_client().create_queue(QueueName=name)["QueueUrl"] for name in names}
    configured = {
        "threads": {"dlq": urls["threads-dlq"], "queue": urls["threads"], "function": "fetch-threads"},
        "failures": {"dlq": urls["failures"], "queue": None, "function": None},
    }
    monkeypatch.setenv("STAGE", STAGE)
    monkeypatch.setenv("DEAD_LETTER_QUEUES", json.dumps(configured))
    monkeypatch.setenv("REDRIVEN_FUNCTIONS", "fetch-threads,fetch-patches,publish-changes,check-freshness")
    dead_letters._dead_letters.cache_clear()
    yield urls
    dead_letters._dead_letters.cache_clear()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is logged."""
    lines = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", lines)
    return lines


def logged(lines: io.StringIO, message: str) -> list[dict[str, Any]]:
    found = map(json.loads, lines.getvalue().splitlines())
    return [line for line in found if line["message"] == message]


def call(milliseconds: int = 60_000, **event: Any) -> dict[str, Any]:
    return dead_letters.handler(event, Context(milliseconds=milliseconds))


def put(url: str, body: object, **attributes: str) -> str:
    named: Any = {name: string_attribute(value) for name, value in attributes.items()}
    text = body if isinstance(body, str) else json.dumps(body)
    return aws.sqs_client().send_message(QueueUrl=url, MessageBody=text, MessageAttributes=named)["MessageId"]


def failed_work(queues: dict[str, str], number: int = 0) -> str:
    failure = Failure(
        function=f"watchkeeper-{STAGE}-fetch-threads",
        error="UpstreamBlocked",
        message="403",
        at=f"2026-11-20T12:{59 - number:02}:00Z",
        sent_at=None,
        request_id="r",
        receives=5,
    )
    attributes = {FAILURE: failure.to_json(), "correlation_id": f"cause-{number}"}
    return put(queues["threads-dlq"], {"message_ids": [f"{number}@x"]}, **attributes)


@dataclass
class FakeMachines:
    """Step Functions, as far as it starts executions."""

    started: list[dict[str, str]] = field(default_factory=list)

    def start_execution(self, **request: str) -> dict[str, str]:
        self.started.append(request)
        return {"executionArn": f"{request['stateMachineArn']}:{request['name']}"}


def taken(url: str) -> list[Any]:
    """All messages of a queue."""
    found: list[Any] = []
    while (
        messages := aws.sqs_client()
        .receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        .get("Messages")
    ):
        found += messages
    return found


def test_letters_are_counted(queues: dict[str, str]) -> None:
    for number in range(12):
        failed_work(queues, number)

    assert call(action="list") == {"letters": {"threads": 12, "failures": 0}}


def test_letters_are_listed_oldest_first_however_often_one_looks(queues: dict[str, str]) -> None:
    for number in range(25):
        failed_work(queues, number)

    first = call(action="list", queue="threads", limit=23)

    assert first["more"] is True
    assert [letter["correlation_id"] for letter in first["letters"]] == [f"cause-{24 - at}" for at in range(23)]
    assert call(action="list", queue="threads", limit=23) == first
    assert call(action="list", queue="threads", limit=25)["more"] is False
    assert len(taken(queues["threads-dlq"])) == 25, "all are in sight again"


def test_a_queue_longer_than_what_is_looked_at_says_that_there_is_more(
    queues: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_HELD", 10)
    for number in range(15):
        failed_work(queues, number)

    answer = call(action="list", queue="threads")

    assert (len(answer["letters"]), answer["more"]) == (10, True)


def test_a_letter_is_shown_whole_and_stays(queues: dict[str, str]) -> None:
    wanted, _ = failed_work(queues, 1), failed_work(queues, 2)

    letter = call(action="show", queue="threads", id=wanted)["letter"]

    assert (letter["id"], letter["function"], letter["error"]) == (wanted, "fetch-threads", "UpstreamBlocked")
    assert (letter["work"], letter["correlation_id"]) == ({"message_ids": ["1@x"]}, "cause-1")
    assert call(action="list")["letters"]["threads"] == 2


def test_work_is_sent_again_with_its_cause_and_without_its_failure(queues: dict[str, str]) -> None:
    ids = {failed_work(queues, number) for number in range(12)}

    answer = call(action="redrive", queue="threads")

    assert set(answer.pop("redriven")) == ids
    assert answer == {"queue": "threads", "failed": [], "more": False}
    sent = {one["Body"]: one["MessageAttributes"] for one in taken(queues["threads"])}
    assert len(sent) == 12
    assert {name for attributes in sent.values() for name in attributes} == {"correlation_id"}
    assert call(action="list") == {"letters": {"threads": 0, "failures": 0}}


def test_one_letter_is_sent_again_and_the_others_stay(queues: dict[str, str]) -> None:
    wanted, other = failed_work(queues, 1), failed_work(queues, 2)

    assert call(action="redrive", queue="threads", id=wanted)["redriven"] == [wanted]

    assert [json.loads(one["Body"]) for one in taken(queues["threads"])] == [{"message_ids": ["1@x"]}]
    assert [letter["id"] for letter in call(action="list", queue="threads")["letters"]] == [other]


def test_letters_are_dropped_with_a_reason_that_is_logged(queues: dict[str, str], lines: io.StringIO) -> None:
    dropped = failed_work(queues, 1)

    answer = call(action="drop", queue="threads", id=dropped, reason="asked for by mistake")

    assert answer["dropped"] == [dropped]
    assert call(action="list")["letters"]["threads"] == 0
    assert taken(queues["threads"]) == []
    [line] = logged(lines, "dead letter settled")
    assert (line["action"], line["queue"], line["reason"]) == ("drop", "threads", "asked for by mistake")
    assert line["letter"] == {
        "id": dropped,
        "function": "fetch-threads",
        "error": "UpstreamBlocked",
        "correlation_id": "cause-1",
    }


def test_all_letters_of_a_queue_are_dropped(queues: dict[str, str]) -> None:
    for number in range(12):
        failed_work(queues, number)

    assert len(call(action="drop", queue="threads", reason="rubbish")["dropped"]) == 12
    assert call(action="list")["letters"]["threads"] == 0


def test_one_that_cannot_be_sent_stays_and_stops_no_other(queues: dict[str, str], functions: FakeFunctions) -> None:
    rubbish = put(queues["failures"], "rubbish")
    strange = put(queues["failures"], failed_invocation("somebody-elses", {}))
    good = put(queues["failures"], failed_invocation("fetch-patches", {"mode": "full"}))

    answer = call(action="redrive", queue="failures")

    assert answer["redriven"] == [good]
    assert {one["id"] for one in answer["failed"]} == {rubbish, strange}
    assert all(one["reason"] for one in answer["failed"])
    assert functions.invoked == [("watchkeeper-test-fetch-patches", {"mode": "full", "correlation_id": "8f3c-request"})]
    left = call(action="list", queue="failures")["letters"]
    assert {letter["id"] for letter in left} == {rubbish, strange}


def test_a_letter_stays_when_lambda_takes_no_invocations(queues: dict[str, str], functions: FakeFunctions) -> None:
    functions.broken = True
    letter = put(queues["failures"], failed_invocation("fetch-patches", {}))

    answer = call(action="redrive", queue="failures", id=letter)

    assert answer["redriven"] == []
    assert "TooManyRequestsException" in answer["failed"][0]["reason"]
    assert call(action="list")["letters"]["failures"] == 1


def test_an_answer_that_is_garbage_stops_no_other(queues: dict[str, str], functions: FakeFunctions) -> None:
    functions.garbled = ["watchkeeper-test-fetch-patches"]
    letters = {
        name: put(queues["failures"], failed_invocation(name, {}))
        for name in ("fetch-threads", "fetch-patches", "check-freshness")
    }

    answer = call(action="redrive", queue="failures")

    assert set(answer["redriven"]) == {letters["fetch-threads"], letters["check-freshness"]}
    assert [failed["id"] for failed in answer["failed"]] == [letters["fetch-patches"]]


def test_an_operators_own_failed_order_is_not_given_again(queues: dict[str, str], functions: FakeFunctions) -> None:
    order = {"action": "drop", "queue": "threads", "reason": "rubbish"}
    letter = put(queues["failures"], failed_invocation("dead-letters", order))

    [failed] = call(action="redrive", queue="failures")["failed"]

    assert failed["id"] == letter
    assert "dead-letters is not a function that can be invoked again" in failed["reason"]
    assert functions.invoked == []


def test_what_was_done_is_told_and_logged_when_it_breaks_in_the_middle(
    queues: dict[str, str], lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(25):
        failed_work(queues, number)
    receive, asked = aws.sqs_client().receive_message, []

    def receive_twice(**request: Any) -> Any:
        asked.append(request)
        if len(asked) > 2:
            raise ClientError({"Error": {"Code": "ServiceUnavailable", "Message": "down"}}, "ReceiveMessage")
        return receive(**request)

    monkeypatch.setattr(aws.sqs_client(), "receive_message", receive_twice)

    answer = call(action="drop", queue="threads", reason="rubbish")

    settled = logged(lines, "dead letter settled")
    assert [line["letter"]["id"] for line in settled] == answer["dropped"]
    assert {(line["action"], line["reason"]) for line in settled} == {("drop", "rubbish")}
    assert (len(answer["dropped"]), answer["more"]) == (20, True)
    assert "ServiceUnavailable" in answer["stopped"]


def test_what_was_done_is_logged_even_if_the_function_ends_there(
    queues: dict[str, str], lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_work(queues, 1)
    monkeypatch.setattr(module, "Outcome", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        call(action="drop", queue="threads", reason="rubbish")

    assert len(logged(lines, "dead letter settled")) == 1


def test_no_letter_is_begun_in_the_time_that_is_kept_for_ending(
    queues: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        failed_work(queues, number)
    left = [module._RESERVE_SECONDS + 3.0]

    class Slow(Context):
        def get_remaining_time_in_millis(self) -> int:
            return int(left[0] * 1000)

    delete = aws.sqs_client().delete_message

    def delete_slowly(**request: Any) -> Any:
        left[0] -= 1
        return delete(**request)

    monkeypatch.setattr(aws.sqs_client(), "delete_message", delete_slowly)

    answer = dead_letters.handler({"action": "redrive", "queue": "threads"}, Slow())

    assert (len(answer["redriven"]), answer["more"]) == (3, True)
    assert len(taken(queues["threads-dlq"])) == 5, "the others are in sight again"


def test_letters_are_not_released_when_there_is_no_time_for_it(
    queues: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_work(queues, 1)
    left = [60.0, 60.0, 0.0]

    class Ending(Context):
        def get_remaining_time_in_millis(self) -> int:
            return int((left.pop(0) if len(left) > 1 else left[0]) * 1000)

    assert len(dead_letters.handler({"action": "list", "queue": "threads"}, Ending())["letters"]) == 1
    assert taken(queues["threads-dlq"]) == [], "it is out of sight until SQS shows it again"


def test_every_answer_can_be_encoded(queues: dict[str, str]) -> None:
    body = failed_invocation("fetch-patches", {"text": "\ud800"})
    letter = put(queues["failures"], {**body, "responsePayload": {"errorType": "\ud800", "errorMessage": "\ud800"}})

    for event in (
        {"action": "list", "queue": "failures"},
        {"action": "show", "queue": "failures", "id": letter},
        {"action": "redrive", "queue": "failures"},
        {"action": "list", "queue": "\ud800"},
        {"action": "list", "\ud800": 1},
    ):
        assert json.dumps(call(**event), ensure_ascii=False).encode()


def test_changes_that_cannot_be_read_stay_and_say_why(queues: dict[str, str], functions: FakeFunctions) -> None:
    """The stream's own side is tried in the end-to-end tests: moto serves none beside tables."""
    put(queues["failures"], {**failed_changes(), "DDBStreamBatchInfo": {"shardId": "shard-1"}})

    [failed] = call(action="redrive", queue="failures")["failed"]

    assert "does not say which records" in failed["reason"]
    assert functions.invoked == []
    assert call(action="list")["letters"]["failures"] == 1


def test_out_of_time_it_says_that_there_is_more(queues: dict[str, str]) -> None:
    failed_work(queues)

    assert call(milliseconds=5_000, action="redrive", queue="threads") == {
        "queue": "threads",
        "redriven": [],
        "failed": [],
        "more": True,
    }
    assert "try again" in call(milliseconds=5_000, action="show", queue="threads", id="1")["error"]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"action": "redrive"},
        {"action": "list", "queue": "nope"},
        {"action": "drop", "queue": "threads"},
        {"action": "show", "queue": "threads", "id": "nope"},
        {"action": "redrive", "queue": "threads", "id": "nope"},
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(queues: dict[str, str], event: dict[str, Any]) -> None:
    assert list(call(**event)) == ["error"]


@dataclass
class FailingMachines(FakeMachines):
    """Whose executions fail at once, and make another letter of their input."""

    url: str = ""

    def start_execution(self, **request: str) -> dict[str, str]:
        time.sleep(0.002)  # later than the redrive began, to SQS's clock
        put(self.url, request["input"])
        return super().start_execution(**request)


def test_events_that_were_not_projected_are_given_to_the_machine_again(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines, machine = (
        FakeMachines(),
        "arn:aws:states:us-east-1:123456789012:stateMachine:watchkeeper-test-projections",
    )
    url = aws.sqs_client().create_queue(QueueName="projections-dlq")["QueueUrl"]
    configured = {"projections": {"dlq": url, "queue": None, "function": None, "machine": machine}}
    monkeypatch.setattr(aws, "states_client", lambda: machines)
    monkeypatch.setenv("DEAD_LETTER_QUEUES", json.dumps(configured))
    monkeypatch.setenv("REDRIVEN_FUNCTIONS", "publish-changes")
    dead_letters._dead_letters.cache_clear()
    events = {
        put(url, event): event for event in ({"detail-type": "AlertRaised", "detail": {"id": name}} for name in "ab")
    }

    listed = call(action="list", queue="projections")["letters"]
    answer = call(action="redrive", queue="projections")
    dead_letters._dead_letters.cache_clear()

    assert {(one["kind"], one["function"]) for one in listed} == {("projection", "projections")}
    assert set(answer["redriven"]) == set(events)
    assert {one["name"]: json.loads(one["input"]) for one in machines.started} == {
        f"redrive-{letter}": event for letter, event in events.items()
    }
    assert call(action="list")["letters"] == {"projections": 0}


def test_what_fails_again_at_once_is_not_sent_again_in_the_same_run(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = aws.sqs_client().create_queue(QueueName="projections-dlq")["QueueUrl"]
    machines = FailingMachines(url=url)
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:watchkeeper-test-projections"
    configured = {"projections": {"dlq": url, "queue": None, "function": None, "machine": machine}}
    monkeypatch.setattr(aws, "states_client", lambda: machines)
    monkeypatch.setenv("DEAD_LETTER_QUEUES", json.dumps(configured))
    monkeypatch.setenv("REDRIVEN_FUNCTIONS", "publish-changes")
    dead_letters._dead_letters.cache_clear()
    put(url, {"detail-type": "AlertRaised", "detail": {"id": "a"}})

    answer = call(action="redrive", queue="projections")
    left = call(action="list")["letters"]
    dead_letters._dead_letters.cache_clear()

    assert len(answer["redriven"]) == len(machines.started) == 1
    assert left == {"projections": 1}
