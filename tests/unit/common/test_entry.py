"""What happens around every function's work."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from traceback import format_exception
from typing import Any

import pytest

from tests.lambdas import Context
from watchkeeper import correlation, metrics
from watchkeeper.entry import entry_point
from watchkeeper.logs import logger

Written = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """The log lines, and then the metrics, of what ran."""
    lines = io.StringIO()
    before = logger.registered_handler.setStream(lines)  # type: ignore[attr-defined]
    yield lambda: [json.loads(line) for line in (lines.getvalue() + capsys.readouterr().out).splitlines()]
    logger.registered_handler.setStream(before)  # type: ignore[attr-defined]


@entry_point
def work(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    logger.info("working", text=event.get("text"))
    if "error" in event:
        raise event["error"]
    return {"followed": correlation.current()}


def test_what_is_done_follows_the_id_it_was_invoked_with() -> None:
    assert work({"correlation_id": "mine"}, Context()) == {"followed": "mine"}


def test_without_one_the_request_begins_one() -> None:
    assert work({}, Context("request-7")) == {"followed": "request-7"}
    assert correlation.current() == ""


def test_a_log_line_says_what_it_belongs_to(written: Written) -> None:
    work({"correlation_id": "mine"}, Context("request-7", "fetch"))

    line, _ = written()
    assert (line["message"], line["level"], line["correlation_id"]) == ("working", "INFO", "mine")
    assert (line["function_request_id"], line["function_name"]) == ("request-7", "fetch")


def test_an_invocation_is_measured(written: Written) -> None:
    work({}, Context(function_name="fetch"))

    _, measured = written()
    assert measured["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Watchkeeper"
    assert measured["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["stage", "function", "service"]]
    assert (measured["function"], measured["Invocations"], measured["Failures"]) == ("fetch", [1], [0])
    assert measured["Duration"][0] >= 0


def test_a_failure_is_logged_measured_and_leaves_without_secrets(written: Written) -> None:
    with pytest.raises(ValueError, match=r"^no mail of \[address\]$"):
        work({"error": ValueError("no mail of jane@kernel.example")}, Context())

    _, line, measured = written()
    assert (line["message"], line["level"], line["exception_name"]) == ("invocation failed", "ERROR", "ValueError")
    assert (measured["Invocations"], measured["Failures"]) == ([1], [1])


def test_causes_of_a_failure_are_logged_without_secrets(written: Written) -> None:
    cause = OSError("GET https://data.example/query?apikey=Ab3xQ9 failed for jane@kernel.example")
    error = RuntimeError("the upstream failed")
    error.__cause__ = cause

    with pytest.raises(RuntimeError):
        work({"error": error}, Context())

    text = json.dumps(written())
    assert "the upstream failed" in text
    assert "Ab3xQ9" not in text
    assert "jane@" not in text


def test_fields_of_a_log_line_are_without_secrets(written: Written) -> None:
    work({"text": {"to": "jane@kernel.example", "token": "s3cr3t"}}, Context())

    line, _ = written()
    assert line["text"] == {"to": "[address]", "token": "[redacted]"}


def test_what_an_invocation_that_was_cut_off_measured_is_told_by_the_next(written: Written) -> None:
    metrics.measure(metrics.EVENTS_PUBLISHED, 5, function="earlier")

    work({}, Context(function_name="later"))

    _, left, own = sorted(written(), key=lambda line: line.get("function", ""))
    assert (left["function"], left["EventsPublished"]) == ("earlier", [5])
    assert "EventsPublished" not in own


@pytest.mark.parametrize("event", [None, 7, "text", ["a"]])
def test_an_event_that_is_no_object_is_a_failure_like_any_other(written: Written, event: object) -> None:
    with pytest.raises(AttributeError):
        work(event, Context("request-7"))

    line, measured = written()
    assert (line["message"], line["correlation_id"]) == ("invocation failed", "request-7")
    assert measured["Failures"] == [1]


def test_an_exception_that_leaves_brings_no_cause_along(written: Written) -> None:
    error = RuntimeError("the upstream failed")
    error.__cause__ = ValueError("no mail of jane@kernel.example")

    with pytest.raises(RuntimeError) as left:
        work({"error": error}, Context())

    assert "jane@" not in "".join(format_exception(left.value))
