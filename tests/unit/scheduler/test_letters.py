"""Dead letters have the same form, whoever wrote them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.operations.letters import EXCERPT, NEVER_SAID, NOT_PROJECTED, Kind, Letter, Reader, encodable
from tests.unit.scheduler.messages import (
    LAMBDA,
    SENT_AT,
    failed_changes,
    failed_invocation,
    message,
    undelivered,
    undelivered_schedule,
)
from watchkeeper.dead_letters import FAILURE, Failure

FAILED = Failure(
    function="watchkeeper-test-fetch-threads",
    error="UpstreamBlocked",
    message="403 from lore",
    at="2026-11-20T12:30:00Z",
    sent_at="2026-11-20T12:00:00Z",
    request_id="9a-request",
    receives=5,
)
OF_WORK = Reader("threads", "fetch-threads", "watchkeeper-test-")
OF_FAILURES = Reader("failures", None, "watchkeeper-test-")
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:watchkeeper-test-projections"
OF_PROJECTIONS = Reader("projections", None, "watchkeeper-test-", MACHINE)


def facts(letter: Letter) -> dict[str, Any]:
    whole = letter.whole()
    return {name: whole[name] for name in ("kind", "function", "error", "message", "failed_at", "receives")}


def test_work_says_what_failed_why_where_when_and_after_what() -> None:
    letter = OF_WORK.read(
        message({"message_ids": ["a@b"]}, {FAILURE: FAILED.to_json(), "correlation_id": "began-there"})
    )

    assert letter.whole() == {
        "id": "letter-1",
        "queue": "threads",
        "kind": "work",
        "function": "fetch-threads",
        "error": "UpstreamBlocked",
        "message": "403 from lore",
        "failed_at": "2026-11-20T12:30:00Z",
        "sent_at": "2026-11-20T12:00:00Z",
        "receives": 5,
        "correlation_id": "began-there",
        "work": {"message_ids": ["a@b"]},
    }


def test_work_without_a_correlation_id_is_known_by_the_request_that_failed() -> None:
    assert OF_WORK.read(message("{}", {FAILURE: FAILED.to_json()})).correlation_id == "9a-request"


@pytest.mark.parametrize("failure", [{}, {FAILURE: "rubbish"}, {FAILURE: "[]"}, {FAILURE: '{"function": "x"}'}])
def test_work_that_sqs_moved_says_what_is_known(failure: dict[str, str]) -> None:
    letter = OF_WORK.read(message("rubbish", {**failure, "correlation_id": "began-there"}))

    assert (letter.kind, letter.function, letter.error, letter.message) == (
        Kind.WORK,
        "fetch-threads",
        None,
        NEVER_SAID,
    )
    assert (letter.failed_at, letter.sent_at) == (None, SENT_AT)
    assert (letter.correlation_id, letter.work) == ("began-there", "rubbish")


def test_an_invocation_that_lambda_gave_up() -> None:
    letter = OF_FAILURES.read(message(failed_invocation("fetch-patches", {"mode": "recent"})))

    assert facts(letter) == {
        "kind": "invocation",
        "function": "fetch-patches",
        "error": "ConfigurationError",
        "message": "PROGRESS_TABLE is not set",
        "failed_at": "2026-11-20T12:03:00.000Z",
        "receives": 3,
    }
    assert (letter.work, letter.correlation_id) == ({"mode": "recent"}, "8f3c-request")
    assert letter.whole()["record"]["responsePayload"]["stackTrace"]


def test_an_invocation_is_known_by_the_id_it_was_given() -> None:
    payload = {"mode": "recent", "correlation_id": "by-hand"}

    assert OF_FAILURES.read(message(failed_invocation("fetch-patches", payload))).correlation_id == "by-hand"


def test_an_invocation_that_never_ran_says_so_by_its_condition() -> None:
    body = failed_invocation("fetch-patches", {}, condition="EventAgeExceeded")
    letter = OF_FAILURES.read(message({**body, "responsePayload": None, "timestamp": None}))

    assert (letter.error, letter.message, letter.failed_at) == ("EventAgeExceeded", "EventAgeExceeded", SENT_AT)


def test_changes_of_a_stream() -> None:
    letter = OF_FAILURES.read(message(failed_changes()))

    assert facts(letter) == {
        "kind": "changes",
        "function": "publish-changes",
        "error": "RetryAttemptsExhausted",
        "message": "3 changes of watchkeeper-test-patches were given up; the function's log says why",
        "failed_at": "2026-11-20T12:03:00.000Z",
        "receives": 6,
    }
    assert (letter.sent_at, letter.correlation_id) == ("2026-11-20T11:00:00Z", "c9b8-request")
    assert letter.work["startSequenceNumber"] == "100"


def test_a_schedule_that_was_not_delivered() -> None:
    letter = OF_FAILURES.read(undelivered_schedule("fetch-patches", {"mode": "full"}))

    assert facts(letter) == {
        "kind": "schedule",
        "function": "fetch-patches",
        "error": "THROTTLING",
        "message": "Rate exceeded",
        "failed_at": SENT_AT,
        "receives": 3,
    }
    assert letter.work == {"mode": "full"}


def test_an_event_that_was_not_projected() -> None:
    event = {"detail-type": "AlertRaised", "time": "2026-11-20T11:59:00Z", "detail": {"correlation_id": "began-there"}}
    letter = OF_PROJECTIONS.read(message(event))

    assert facts(letter) == {
        "kind": "projection",
        "function": "projections",
        "error": None,
        "message": NOT_PROJECTED,
        "failed_at": SENT_AT,
        "receives": None,
    }
    assert (letter.sent_at, letter.correlation_id) == ("2026-11-20T11:59:00Z", "began-there")
    assert letter.work == event


def test_an_event_that_never_reached_the_state_machine() -> None:
    event = {"detail-type": "AlertRaised", "detail": {"correlation_id": "began-there"}}
    letter = OF_FAILURES.read(undelivered(MACHINE, event))

    assert (letter.kind.value, letter.function, letter.error) == ("projection", "projections", "THROTTLING")
    assert (letter.work, letter.correlation_id) == (event, "began-there")


@pytest.mark.parametrize("body", ["", "rubbish", "[]", "null", "{}", '{"requestPayload": {}}', "[" * 500 + "]" * 500])
def test_anything_else_is_shown_as_unknown(body: str) -> None:
    letter = OF_FAILURES.read(message(body))

    assert (letter.kind, letter.function, letter.failed_at) == (Kind.UNKNOWN, None, SENT_AT)
    assert json.dumps(letter.summary())
    assert json.dumps(letter.whole())


def test_a_function_of_somebody_else_keeps_its_whole_name() -> None:
    body = failed_invocation("x", {}, functionArn=f"{LAMBDA}:somebody-elses")

    assert OF_FAILURES.read(message(body)).function == "somebody-elses"


def test_a_summary_is_short() -> None:
    long = Failure(**{**_fields(FAILED), "message": "m" * 1000})
    summary = OF_WORK.read(message({"text": "w" * 5000}, {FAILURE: long.to_json()})).summary()

    assert len(summary["message"]) == len(summary["work"]) == EXCERPT


def test_a_summary_is_short_whoever_wrote_it() -> None:
    long = "x" * 5000
    body = failed_invocation(long, {}, requestId=long)
    spoilt = {**body, "timestamp": long, "responsePayload": {"errorType": long, "errorMessage": long}}
    fields = dict.fromkeys(("function", "error", "message", "at", "sent_at", "request_id"), long)
    letters = [
        OF_FAILURES.read(message(spoilt)),
        OF_WORK.read(message("{}", {FAILURE: json.dumps({**fields, "receives": 5})})),
    ]

    for letter in letters:
        assert max(len(value) for value in letter.summary().values() if isinstance(value, str)) == EXCERPT
        assert len(json.dumps(letter.identity())) < 4 * EXCERPT


def test_lone_surrogates_are_kept_for_the_work_and_can_be_told() -> None:
    lone = "\ud800"
    body = failed_invocation("fetch-patches", {"text": lone})
    letter = OF_FAILURES.read(message({**body, "responsePayload": {"errorType": lone, "errorMessage": lone}}))

    assert letter.kind is Kind.INVOCATION
    assert letter.work == {"text": lone}
    assert letter.summary()["error"] == letter.identity()["error"] == "?"
    assert encodable({"letter": letter.whole()})["letter"]["work"] == {"text": "?"}


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 5000])
def test_numbers_nobody_can_send_are_shown_as_text(number: str) -> None:
    letter = OF_WORK.read(message(f'{{"number": {number}}}'))

    assert letter.work == letter.body


def _fields(failure: Failure) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(failure.to_json())
    return fields


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
_shapes = st.fixed_dictionaries(
    {},
    optional={
        "requestContext": _json | st.fixed_dictionaries({"functionArn": _json, "approximateInvokeCount": _json}),
        "requestPayload": _json,
        "responsePayload": _json | st.fixed_dictionaries({"errorType": _json, "errorMessage": _json}),
        "DDBStreamBatchInfo": _json | st.fixed_dictionaries({"streamArn": _json, "batchSize": _json}),
        "timestamp": _json,
    },
)
_names = st.sampled_from(
    [FAILURE, "correlation_id", "RULE_ARN", "TARGET_ARN", "ERROR_CODE", "ERROR_MESSAGE", "RETRY_ATTEMPTS"]
)


@settings(deadline=None)
@given(
    reader=st.sampled_from([OF_WORK, OF_FAILURES]),
    body=st.text() | _json.map(json.dumps) | _shapes.map(json.dumps),
    attributes=st.dictionaries(_names, st.text() | _json.map(json.dumps), max_size=7),
    system=st.dictionaries(st.just("SentTimestamp"), st.text(max_size=30) | st.integers().map(str)),
)
def test_no_message_is_too_strange_to_be_read(
    reader: Reader, body: str, attributes: dict[str, str], system: dict[str, str]
) -> None:
    letter = reader.read(message(body, attributes, Attributes=system))

    assert json.loads(json.dumps(letter.summary(), ensure_ascii=False).encode())["id"] == "letter-1"
    answer = json.dumps(encodable({"letter": letter.whole()}), ensure_ascii=False)
    assert json.loads(answer.encode())["letter"]["id"] == "letter-1"
    assert json.dumps(letter.identity(), ensure_ascii=False).encode()
    assert letter.body == body
