"""What the functions tell about their work: one correlation id through all its steps, and figures of every upstream."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws
from pytest_httpserver import HTTPServer
from werkzeug import Response

from ingest.errors import UpstreamError, UpstreamResting
from ingest.kernel.handlers.work import each_message, hand_out
from ingest.queues import SqsWorkQueue
from ingest.upstream import ATTEMPTS, Pace, Upstream, breaker
from tests.integration.tables import table_name
from tests.lambdas import Context, sqs_record
from watchkeeper import aws, correlation, metrics
from watchkeeper.entry import entry_point

Record = dict[str, Any]


@pytest.fixture
def queue(aws_environment: None) -> Iterator[SqsWorkQueue]:
    with mock_aws():
        aws.forget_clients()
        yield SqsWorkQueue(aws.sqs_client(), aws.sqs_client().create_queue(QueueName="work")["QueueUrl"])
    aws.forget_clients()


def delivered(queue: SqsWorkQueue) -> Record:
    """The next message, as Lambda's poller would hand it over."""
    [message] = aws.sqs_client().receive_message(QueueUrl=queue._url, MessageAttributeNames=["All"])["Messages"]
    attributes = message.get("MessageAttributes", {})
    cause = attributes[correlation.ATTRIBUTE]["StringValue"] if attributes else None
    return dict(sqs_record(message["MessageId"], message["Body"], correlation_id=cause))


def test_work_follows_the_schedule_that_handed_it_out_and_hands_that_on(queue: SqsWorkQueue) -> None:
    @entry_point
    def function(event: Record, context: Context) -> Record:
        if "Records" in event:
            return each_message(event, context, lambda work: queue.send({"next": work}))
        return hand_out(event, context, queue, [{"task": "patches"}])

    function({"mode": "recent"}, Context("the-schedule"))
    first = delivered(queue)
    function({"Records": [first]}, Context("another-request"))
    second = delivered(queue)

    assert correlation.of_message(first) == correlation.of_message(second) == "the-schedule"


def test_every_message_of_a_batch_follows_its_own_cause(queue: SqsWorkQueue) -> None:
    followed: list[str] = []
    records = [sqs_record("a", "{}", correlation_id="first"), sqs_record("b", "{}"), sqs_record("c", "nonsense")]

    @entry_point
    def function(event: Record, context: Context) -> Record:
        return each_message(event, context, lambda work: followed.append(correlation.current()))

    answer = function({"Records": records}, Context("request"))

    assert followed == ["first", "request"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "c"}]}


def test_work_that_fails_and_the_time_it_waited_are_measured(
    capsys: pytest.CaptureFixture[str], aws_environment: None
) -> None:
    @entry_point
    def function(event: Record, context: Context) -> Record:
        return each_message(event, context, lambda work: None)

    function({"Records": [sqs_record("a", "nonsense", queue="watchkeeper-test-work")]}, Context(function_name="fetch"))

    lines = measured(capsys)
    assert sum(line["Failures"][0] for line in lines if line.get("function") == "fetch") == 1
    [age] = [line for line in lines if line.get("queue") == "watchkeeper-test-work"]
    assert age["QueueAge"][0] > 0


def test_requests_are_counted_by_their_outcome_and_timed(
    httpserver: HTTPServer, capsys: pytest.CaptureFixture[str], aws_environment: None
) -> None:
    for status in (503, 200):
        httpserver.expect_ordered_request("/x").respond_with_response(Response("[]", status=status))
    httpserver.expect_ordered_request("/x").respond_with_response(Response("<html>", content_type="text/html"))
    upstream = Upstream("sample", httpserver.url_for(""), user_agent="tests", pace=Pace(10_000))

    upstream.get("/x", accept="*/*")
    with pytest.raises(UpstreamError):
        upstream.get("/x", accept="*/*")
    metrics.write()

    lines = measured(capsys)
    outcomes = {line["outcome"]: line["UpstreamRequests"] for line in lines if "UpstreamRequests" in line}
    assert outcomes == {"unavailable": [1], "ok": [1], "blocked": [1]}
    [times] = [line["UpstreamLatency"] for line in lines if "UpstreamLatency" in line]
    assert len(times) == 3
    assert min(times) > 0


def test_a_breaker_that_opens_and_holds_requests_back_is_seen(
    tables: None, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    httpserver.expect_request("/x").respond_with_response(Response(status=503))
    guard = breaker("sample", "host.example", table_name("breakers"), aws.dynamodb_client())
    upstream = Upstream("sample", httpserver.url_for(""), user_agent="tests", pace=Pace(10_000), guard=guard)

    with pytest.raises(UpstreamError):
        upstream.get("/x", accept="*/*")
    metrics.write()
    opened = measured(capsys)
    with pytest.raises(UpstreamResting):
        upstream.get("/x", accept="*/*")
    metrics.write()

    assert max(value for line in opened for value in line.get("BreakerOpen", [])) == 1
    assert [line["BreakerOpen"] for line in measured(capsys) if "BreakerOpen" in line] == [[1]]
    assert len(httpserver.log) == ATTEMPTS


def measured(capsys: pytest.CaptureFixture[str]) -> list[Record]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    capsys.readouterr()
    return lines
