"""Our client of Expo's push service: what it sends, and what it makes of each kind of answer."""

import gzip
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stamina
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scheduler.push.errors import PushError, PushRefused, PushUnavailable, PushUnclear
from scheduler.push.expo import ATTEMPTS, IDLE_SECONDS, MOST_REFUSALS, Answer, Expo, Message, PushReceipt, PushTicket
from watchkeeper import metrics

SEND = "/--/api/v2/push/send"
RECEIPTS = "/--/api/v2/push/getReceipts"


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield
    metrics._collected.clear()


@pytest.fixture
def expo(httpserver: HTTPServer) -> Expo:
    return Expo(httpserver.url_for(""))


def message(name: str = "a", **fields: str) -> Message:
    return Message(token(name), "Bottle it", "now", f"reminder-{name}", fields)


def token(name: str) -> str:
    return f"ExponentPushToken[{name}]"


def messages(number: int) -> list[Message]:
    return [message(str(index)) for index in range(number)]


def body_of(request: Request) -> Any:
    raw = request.get_data()
    return json.loads(gzip.decompress(raw) if request.headers.get("Content-Encoding") == "gzip" else raw)


def tickets(request: Request) -> Response:
    return answer({"data": [{"status": "ok", "id": f"ticket of {one['to']}"} for one in body_of(request)]})


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(body), status, headers, content_type="application/json")


def errors(code: str | None, details: Any = None) -> Any:
    said = {"code": code, "message": f"about {token('secret')}", "details": details}
    return {"errors": [{name: value for name, value in said.items() if value is not None}]}


def serve(httpserver: HTTPServer, handler: Callable[[Request], Response], path: str = SEND) -> None:
    httpserver.expect_request(path, method="POST").respond_with_handler(handler)


def in_turn(httpserver: HTTPServer, *responses: Response | Callable[[Request], Response], path: str = SEND) -> None:
    left = list(responses)

    def handler(request: Request) -> Response:
        response = left.pop(0)
        return response if isinstance(response, Response) else response(request)

    serve(httpserver, handler, path)


def asked(httpserver: HTTPServer) -> list[Any]:
    return [body_of(request) for request, _ in httpserver.log]


def ok(answers: Sequence[Answer]) -> list[str | None]:
    return [one.id for one in answers if isinstance(one, PushTicket) and one.error is None]


def outcomes() -> Mapping[str, float]:
    """Requests by outcome, as they were measured."""
    return {
        dict(dimensions)["outcome"]: sum(value for _, value in values)
        for dimensions, values in metrics._collected.items()
        if "outcome" in dict(dimensions)
    }


class TestWhatIsSent:
    def test_a_list_even_of_one(self, httpserver: HTTPServer, expo: Expo) -> None:
        serve(httpserver, tickets)

        assert expo.send([message(reminder="r1")]) == [PushTicket(f"ticket of {token('a')}")]
        assert asked(httpserver) == [
            [
                {
                    "to": token("a"),
                    "title": "Bottle it",
                    "body": "now",
                    "data": {"reminder": "r1"},
                    "sound": "default",
                    "collapseId": "reminder-a",
                    "tag": "reminder-a",
                }
            ]
        ]

    def test_a_hundred_at_a_time_in_their_order(self, httpserver: HTTPServer, expo: Expo) -> None:
        serve(httpserver, tickets)

        answers = expo.send(messages(250))

        assert ok(answers) == [f"ticket of {token(str(index))}" for index in range(250)]
        assert list(map(len, asked(httpserver))) == [100, 100, 50]

    def test_large_bodies_are_packed_and_small_ones_are_not(self, httpserver: HTTPServer, expo: Expo) -> None:
        serve(httpserver, tickets)

        expo.send(messages(1))
        expo.send(messages(20))

        packed = [request.headers.get("Content-Encoding") for request, _ in httpserver.log]
        assert packed == [None, "gzip"]

    def test_nothing_asks_nobody(self, httpserver: HTTPServer, expo: Expo) -> None:
        assert expo.send([]) == []
        assert httpserver.log == []


class TestTickets:
    def test_errors_are_each_message_s_own(self, httpserver: HTTPServer, expo: Expo) -> None:
        refused = {"status": "error", "message": "…", "details": {"error": "DeviceNotRegistered", "fault": "developer"}}
        serve(httpserver, lambda _: answer({"data": [refused, {"status": "ok", "id": "t2"}]}))

        assert expo.send(messages(2)) == [PushTicket(error="DeviceNotRegistered"), PushTicket("t2")]

    @pytest.mark.parametrize("details", [{}, None, "text", {"error": 7}, {"error": "a sentence, with a [token]"}])
    def test_an_error_that_says_nothing_we_know_is_unknown(
        self, httpserver: HTTPServer, expo: Expo, details: Any
    ) -> None:
        serve(httpserver, lambda _: answer({"data": [{"status": "error", "details": details}]}))

        assert expo.send(messages(1)) == [PushTicket(error="unknown")]

    def test_one_without_an_id_was_taken(self, httpserver: HTTPServer, expo: Expo) -> None:
        serve(httpserver, lambda _: answer({"data": [{"status": "ok"}]}))

        assert expo.send(messages(1)) == [PushTicket()]

    def test_one_that_cannot_be_read_is_unclear_and_alone_so(self, httpserver: HTTPServer, expo: Expo) -> None:
        serve(httpserver, lambda _: answer({"data": [None, {"status": "ok", "id": "t2"}]}))

        first, second = expo.send(messages(2))

        assert isinstance(first, PushUnclear)
        assert second == PushTicket("t2")


class TestTroubleThatPasses:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_a_busy_service_is_asked_again(self, httpserver: HTTPServer, expo: Expo, status: int) -> None:
        in_turn(httpserver, Response("<html>Bad Gateway</html>", status), Response(status=status), tickets)

        assert ok(expo.send(messages(1)))
        assert outcomes() == {"unavailable": 2, "ok": 1}

    def test_one_that_says_too_many_with_another_status_too(self, httpserver: HTTPServer, expo: Expo) -> None:
        in_turn(httpserver, answer(errors("TOO_MANY_REQUESTS"), 400), tickets)

        assert ok(expo.send(messages(1)))

    def test_one_that_stays_busy_is_left_and_every_message_hears_of_it(
        self, httpserver: HTTPServer, expo: Expo
    ) -> None:
        serve(httpserver, lambda _: Response(status=503))

        assert [type(one) for one in expo.send(messages(3))] == [PushUnavailable] * 3
        assert len(httpserver.log) == ATTEMPTS

    def test_a_list_that_fails_does_not_cost_the_next(self, httpserver: HTTPServer, expo: Expo) -> None:
        in_turn(httpserver, *[Response(status=503)] * ATTEMPTS, tickets)

        answers = expo.send(messages(150))

        assert all(isinstance(one, PushUnavailable) for one in answers[:100])
        assert len(ok(answers[100:])) == 50

    def test_a_long_retry_after_ends_the_request_instead_of_sleeping(self, httpserver: HTTPServer, expo: Expo) -> None:
        serve(httpserver, lambda _: Response(status=429, headers={"Retry-After": "3600"}))

        [error] = expo.send(messages(1))

        assert isinstance(error, PushUnavailable)
        assert error.retry_after == 3600
        assert len(httpserver.log) == 1

    def test_a_service_out_of_reach_has_taken_nothing(self) -> None:
        [error] = Expo("http://127.0.0.1:1").send(messages(1))

        assert isinstance(error, PushUnavailable)


class TestAnswersThatAreNone:
    @pytest.mark.parametrize(
        "response",
        [
            Response("<html>", content_type="text/html"),
            Response('{"data": [{"status": "ok", ', content_type="application/json"),
            Response("", content_type="application/json"),
            answer([]),
            answer({"data": []}),
            answer({"data": {"status": "ok", "id": "an object"}}),
            answer({"data": [{"status": "ok"}] * 3}),
            answer({}),
        ],
        ids=["html", "half", "empty", "list", "no tickets", "object", "too many tickets", "no data"],
    )
    def test_the_messages_may_have_been_sent_and_are_not_sent_again(
        self, httpserver: HTTPServer, expo: Expo, response: Response
    ) -> None:
        serve(httpserver, lambda _: response)

        assert [type(one) for one in expo.send(messages(2))] == [PushUnclear] * 2
        assert len(httpserver.log) == 1
        assert outcomes() == {"garbled": 1}

    def test_so_may_those_of_a_connection_that_broke(self, monkeypatch: pytest.MonkeyPatch, expo: Expo) -> None:
        import requests

        calls: list[str] = []

        def broken(*_: Any, **__: Any) -> None:
            calls.append("post")
            raise requests.ConnectionError("Connection aborted.", ConnectionResetError(104))

        monkeypatch.setattr(requests.Session, "post", broken)

        assert [type(one) for one in expo.send(messages(1))] == [PushUnclear]
        assert calls == ["post"]


class TestRequestsThatAreRefused:
    def test_mixed_projects_are_split_as_the_service_says(self, httpserver: HTTPServer, expo: Expo) -> None:
        mixed = [message(name) for name in ("a1", "b1", "unknown", "a2")]
        details = {"@one/a": [token("a1"), token("a2")], "@two/b": [token("b1")]}
        in_turn(httpserver, answer(errors("PUSH_TOO_MANY_EXPERIENCE_IDS", details), 400), tickets, tickets, tickets)

        answers = expo.send(mixed)

        assert ok(answers) == [f"ticket of {one.to}" for one in mixed]
        assert [[one["to"] for one in body] for body in asked(httpserver)[1:]] == [
            [token("a1"), token("a2")],
            [token("b1")],
            [token("unknown")],
        ]

    @pytest.mark.parametrize("details", [None, {}, "text", {"@one/a": None}, {"@one/a": [token("0"), token("1")]}])
    def test_without_knowing_the_projects_they_are_split_all_the_same(
        self, httpserver: HTTPServer, expo: Expo, details: Any
    ) -> None:
        in_turn(httpserver, answer(errors("PUSH_TOO_MANY_EXPERIENCE_IDS", details), 400), tickets, tickets)

        assert len(ok(expo.send(messages(2)))) == 2

    @pytest.mark.parametrize("number", [1, 2, 3, 37, 100])
    @pytest.mark.parametrize("bad", [0, -1])
    def test_one_bad_message_costs_nobody_but_itself(
        self, httpserver: HTTPServer, expo: Expo, number: int, bad: int
    ) -> None:
        sent = messages(number)
        poison = sent[bad].to

        def handler(request: Request) -> Response:
            tokens = [one["to"] for one in body_of(request)]
            return answer(errors("VALIDATION_ERROR"), 400) if poison in tokens else tickets(request)

        serve(httpserver, handler)

        answers = expo.send(sent)

        assert isinstance(answers[bad], PushRefused)
        assert ok(answers) == [f"ticket of {one.to}" for one in sent if one.to != poison]

    def test_a_service_that_refuses_everything_is_not_asked_for_each_message(
        self, httpserver: HTTPServer, expo: Expo
    ) -> None:
        serve(httpserver, lambda _: answer(errors(None), 400))

        assert all(isinstance(one, PushRefused) for one in expo.send(messages(100)))
        assert len(httpserver.log) <= 2 * MOST_REFUSALS

    def test_nothing_is_split_when_that_takes_too_long(
        self, httpserver: HTTPServer, expo: Expo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("scheduler.push.expo.SPLITTING_SECONDS", 0.0)
        serve(httpserver, lambda _: answer(errors("VALIDATION_ERROR"), 400))

        assert all(isinstance(one, PushRefused) for one in expo.send(messages(100)))
        assert len(httpserver.log) == 1

    @pytest.mark.parametrize(
        ("response", "code"),
        [
            (
                answer({"error": "invalid_token", "error_description": "The bearer token is invalid"}, 401),
                "invalid_token",
            ),
            (answer(errors("FORBIDDEN"), 403), "FORBIDDEN"),
            (Response("<html>", 404, content_type="text/html"), "unknown"),
            (Response("", 302, {"Location": "http://169.254.169.254/"}), "unknown"),
        ],
    )
    def test_what_no_message_is_at_fault_for_is_not_searched_for_one(
        self, httpserver: HTTPServer, expo: Expo, response: Response, code: str
    ) -> None:
        serve(httpserver, lambda _: response)

        answers = expo.send(messages(5))

        assert [one.code for one in answers if isinstance(one, PushRefused)] == [code] * 5
        assert len(httpserver.log) == 1

    def test_errors_with_a_status_of_success_are_a_refusal(self, httpserver: HTTPServer, expo: Expo) -> None:
        serve(httpserver, lambda _: answer(errors("SOMETHING")))

        [refused] = expo.send(messages(1))

        assert isinstance(refused, PushRefused)
        assert not refused.may_be_one_message

    def test_what_expo_wrote_is_not_repeated(
        self, httpserver: HTTPServer, expo: Expo, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, "scheduler")
        serve(httpserver, lambda _: answer(errors("VALIDATION_ERROR"), 400))

        [refused] = expo.send(messages(1))

        assert isinstance(refused, PushError)
        assert "secret" not in f"{refused} {refused.reason}" + caplog.text


class TestConnections:
    @pytest.mark.parametrize(("idle_seconds", "connections"), [(IDLE_SECONDS, 1), (IDLE_SECONDS + 1, 2)])
    def test_one_that_was_idle_may_be_gone_and_is_not_used_again(self, idle_seconds: int, connections: int) -> None:
        now = datetime(2026, 11, 20, 12, tzinfo=UTC)
        with listening() as (url, ports):
            expo = Expo(url, clock=lambda: now)
            expo.receipts(["t1"])
            now += timedelta(seconds=idle_seconds)
            expo.receipts(["t1"])

        assert len(ports) == 2
        assert len(set(ports)) == connections


@contextmanager
def listening() -> Iterator[tuple[str, list[int]]]:
    """A server that keeps connections open; where it is, and from which port each request came."""
    ports: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            ports.append(self.client_address[1])
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "11")
            self.end_headers()
            self.wfile.write(b'{"data":{}}')

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", ports
        server.shutdown()


class TestReceipts:
    def test_they_are_told_by_their_ids_and_absent_ones_are_not_ready(self, httpserver: HTTPServer, expo: Expo) -> None:
        said = {
            "t1": {"status": "ok"},
            "t2": {"status": "error", "message": "…", "details": {"error": "DeviceNotRegistered"}},
            "t3": "rubbish",
        }
        serve(httpserver, lambda _: answer({"data": said}), RECEIPTS)

        found = expo.receipts(["t1", "t2", "t3", "t4"])

        assert found == {"t1": PushReceipt(), "t2": PushReceipt("DeviceNotRegistered")}
        assert asked(httpserver) == [{"ids": ["t1", "t2", "t3", "t4"]}]

    def test_three_hundred_at_a_time(self, httpserver: HTTPServer, expo: Expo) -> None:
        serve(httpserver, lambda request: answer({"data": {body_of(request)["ids"][0]: {"status": "ok"}}}), RECEIPTS)

        assert expo.receipts([f"t{number}" for number in range(700)]).keys() == {"t0", "t300", "t600"}

    def test_an_answer_that_is_none_is_asked_for_again(self, httpserver: HTTPServer, expo: Expo) -> None:
        in_turn(httpserver, Response("<html>"), answer({"data": []}), answer({"data": {}}), path=RECEIPTS)

        assert expo.receipts(["t1"]) == {}

    def test_a_service_that_stays_away_is_told(self, httpserver: HTTPServer, expo: Expo) -> None:
        serve(httpserver, lambda _: Response(status=503), RECEIPTS)

        with pytest.raises(PushUnavailable):
            expo.receipts(["t1"])
