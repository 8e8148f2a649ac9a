"""What the functions tell about their work: one correlation id through all its steps, and figures of every upstream."""

import gzip
import io
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import pytest
from moto import mock_aws
from pytest_httpserver import HTTPServer
from werkzeug import Response

from ingest.errors import UpstreamError, UpstreamResting, UpstreamUnavailable
from ingest.kernel.handlers.forms import Form, Forms
from ingest.kernel.handlers.work import each_message, hand_out
from ingest.kernel.lore import Lore
from ingest.kernel.patchwork import Patchwork
from ingest.upstream import ATTEMPTS, Pace, Upstream, breaker
from tests.integration.faults import forget_clients
from tests.integration.tables import table_name
from tests.lambdas import Context, sqs_record
from watchkeeper import aws, correlation, metrics
from watchkeeper.entry import entry_point
from watchkeeper.logs import logger
from watchkeeper.queues import SqsWorkQueue

Record = dict[str, Any]

ANY: Forms = {None: Form()}
Lines = Callable[[], list[Record]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The log lines of what ran."""
    stream = io.StringIO()
    before = logger.registered_handler.setStream(stream)  # type: ignore[attr-defined]
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.registered_handler.setStream(before)  # type: ignore[attr-defined]


@pytest.fixture
def queue(aws_environment: None) -> Iterator[SqsWorkQueue]:
    with mock_aws():
        forget_clients()
        yield SqsWorkQueue(aws.sqs_client, aws.sqs_client().create_queue(QueueName="work")["QueueUrl"])
    forget_clients()


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
            return each_message(event, context, ANY, lambda work: queue.send({"next": work}))
        return hand_out(event, context, queue, [{"project": "p"}])

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
        return each_message(event, context, ANY, lambda work: followed.append(correlation.current()))

    answer = function({"Records": records}, Context("request"))

    assert followed == ["first", "request"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "c"}]}


def test_work_that_fails_and_the_time_it_waited_are_measured(
    capsys: pytest.CaptureFixture[str], aws_environment: None
) -> None:
    @entry_point
    def function(event: Record, context: Context) -> Record:
        return each_message(event, context, ANY, lambda work: None)

    function({"Records": [sqs_record("a", "nonsense", queue="watchkeeper-test-work")]}, Context(function_name="fetch"))

    lines = measured(capsys)
    assert sum(line["Failures"][0] for line in lines if line.get("function") == "fetch") == 1
    [age] = [line for line in lines if line.get("queue") == "watchkeeper-test-work"]
    assert age["QueueAge"][0] > 0


def test_messages_there_is_no_time_for_come_again_and_are_no_failures(
    capsys: pytest.CaptureFixture[str], aws_environment: None
) -> None:
    done: list[Record] = []
    context = Context(function_name="fetch")

    @entry_point
    def function(event: Record, context: Context) -> Record:
        return each_message(event, context, ANY, work)

    def work(work: Record) -> None:
        done.append(work)
        context.milliseconds -= 100_000

    answer = function({"Records": [sqs_record(name, f'{{"name": "{name}"}}') for name in "abc"]}, context)

    assert done == [{"name": "a"}]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "c"}]}
    lines = measured(capsys)
    assert [line["Failures"] for line in lines if "Failures" in line] == [[0]]
    assert len([line for line in lines if "QueueAge" in line]) == 1


def test_the_first_message_is_begun_however_little_time_is_left(aws_environment: None) -> None:
    done: list[Record] = []
    event = {"Records": [sqs_record("a", "{}")]}

    answer = each_message(event, Context(milliseconds=1000), ANY, done.append)

    assert (done, answer) == ([{}], {"batchItemFailures": []})


def test_what_a_message_measured_is_written_before_the_next_begins(
    capsys: pytest.CaptureFixture[str], aws_environment: None
) -> None:
    written: list[int] = []

    def work(work: Record) -> None:
        written.append(len(measured(capsys)))

    each_message({"Records": [sqs_record("a", "{}"), sqs_record("b", "{}")]}, Context(), ANY, work)

    assert written == [0, 1]


def test_a_message_without_a_time_is_a_failure_like_any_other(
    lines: Lines, capsys: pytest.CaptureFixture[str], aws_environment: None
) -> None:
    record = dict(sqs_record("a", "{}", correlation_id="mine"))
    record["attributes"] = {"ApproximateReceiveCount": "1"}

    answer = each_message({"Records": [record]}, Context(function_name="fetch"), ANY, lambda work: None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "a"}]}
    assert [line["Failures"] for line in measured(capsys)] == [[1]]
    [line] = lines()
    assert (line["message"], line["message_id"], line["correlation_id"]) == ("work failed; it comes again", "a", "mine")


def test_lines_after_a_message_do_not_name_it(lines: Lines, aws_environment: None) -> None:
    @entry_point
    def function(event: Record, context: Context) -> Record:
        answer = each_message(event, context, ANY, lambda work: logger.info("within"))
        logger.info("after")
        return answer

    function({"Records": [sqs_record("a", "{}", correlation_id="first"), sqs_record("b", "{}")]}, Context("request"))

    assert [(line.get("message_id"), line["correlation_id"]) for line in lines()] == [
        ("a", "first"),
        ("b", "request"),
        (None, "request"),
    ]


@pytest.mark.parametrize(
    ("octets", "outcome"),
    [
        (b"{", "garbled"),
        (b'{"a": 1}', "garbled"),
        (b"[]", "ok"),
    ],
)
def test_an_answer_counts_by_what_it_turned_out_to_be(
    httpserver: HTTPServer, capsys: pytest.CaptureFixture[str], aws_environment: None, octets: bytes, outcome: str
) -> None:
    httpserver.expect_request("/api/1.3/patches/").respond_with_data(octets, content_type="application/json")
    patchwork = Patchwork(Upstream("sample", httpserver.url_for(""), user_agent="tests", pace=Pace(10_000)))

    with suppress(UpstreamError):
        patchwork.page("/api/1.3/patches/")
    metrics.write()

    assert outcomes(capsys) == [outcome]


@pytest.fixture
def lore(httpserver: HTTPServer, aws_environment: None) -> Lore:
    return Lore(Upstream("sample", httpserver.url_for(""), user_agent="tests", pace=Pace(10_000)))


@contextmanager
def answering_once(octets: bytes) -> Iterator[str]:
    """A server that answers one request with these octets and closes the connection."""

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(64 * 1024)
            connection.sendall(octets)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


MAILBOX = gzip.compress(b"From mboxrd@z Thu Jan  1 00:00:00 1970\nSubject: a\n\nb\n\n" * 1000)


@pytest.mark.parametrize(
    ("octets", "status", "outcome"),
    [
        (MAILBOX, 200, "ok"),
        (MAILBOX[:-9], 200, "garbled"),
        (b"no gzip", 200, "garbled"),
        (b"no such thread", 404, "not_found"),
    ],
)
def test_a_mailbox_counts_by_how_reading_it_ended(
    lore: Lore,
    httpserver: HTTPServer,
    capsys: pytest.CaptureFixture[str],
    octets: bytes,
    status: int,
    outcome: str,
) -> None:
    httpserver.expect_request("/list/a/t.mbox.gz").respond_with_data(octets, status, content_type="text/plain")

    with suppress(UpstreamError), lore.thread("list", "a") as mails:
        list(mails)
    metrics.write()

    assert outcomes(capsys) == [outcome]


def test_a_mailbox_that_breaks_off_counts_as_unavailable(capsys: pytest.CaptureFixture[str]) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(MAILBOX), MAILBOX[:-9])

    with answering_once(answer) as url:
        lore = Lore(Upstream("sample", url, user_agent="tests", pace=Pace(10_000)))
        with pytest.raises(UpstreamUnavailable), lore.thread("list", "a") as mails:
            list(mails)
    metrics.write()

    assert outcomes(capsys) == ["unavailable"]


def test_a_readers_own_error_is_not_the_upstreams(
    lore: Lore, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    httpserver.expect_request("/list/a/t.mbox.gz").respond_with_data(MAILBOX)

    with pytest.raises(KeyError), lore.thread("list", "a") as mails:
        raise KeyError(next(mails))
    metrics.write()

    assert outcomes(capsys) == ["ok"]


def test_a_request_that_fails_by_our_own_fault_has_no_outcome(
    httpserver: HTTPServer, capsys: pytest.CaptureFixture[str], aws_environment: None
) -> None:
    def broken(response: object) -> None:
        raise KeyError

    httpserver.expect_request("/x").respond_with_data("[]")
    upstream = Upstream("sample", httpserver.url_for(""), user_agent="tests", pace=Pace(10_000))

    with pytest.raises(KeyError):
        upstream.read("/x", broken, accept="*/*")
    metrics.write()

    assert outcomes(capsys) == []


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


def outcomes(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line["outcome"] for line in measured(capsys) for _ in line.get("UpstreamRequests", [])]


def measured(capsys: pytest.CaptureFixture[str]) -> list[Record]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    capsys.readouterr()
    return lines
