"""Polite requests to other people's servers, and the errors for their failures."""

import gzip
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime

import pytest
import stamina
from pytest_httpserver import HTTPServer
from werkzeug import Response

from ingest.errors import (
    BudgetSpent,
    KeyRefused,
    NotFound,
    PlanLacksFunction,
    RequestRefused,
    RequestTooLong,
    UpstreamBlocked,
    UpstreamError,
    UpstreamGarbled,
    UpstreamUnavailable,
)
from ingest.upstream import ATTEMPTS, Pace, Patience, Upstream
from watchkeeper.clock import utc_now

JSON = "application/json"


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


@pytest.fixture
def upstream(httpserver: HTTPServer) -> Upstream:
    return Upstream(
        "sample", httpserver.url_for(""), user_agent="watchkeeper/1.0 (+ops@example.org)", pace=Pace(10_000)
    )


def answers(httpserver: HTTPServer, *responses: Response) -> None:
    for response in responses:
        httpserver.expect_ordered_request("/x").respond_with_response(response)


def test_requests_say_who_asks_and_take_gzip(httpserver: HTTPServer, upstream: Upstream) -> None:
    httpserver.expect_request(
        "/x", headers={"User-Agent": "watchkeeper/1.0 (+ops@example.org)", "Accept-Encoding": "gzip", "Accept": JSON}
    ).respond_with_json([])

    assert upstream.get("/x", accept=JSON).json() == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(httpserver: HTTPServer, upstream: Upstream, status: int) -> None:
    answers(httpserver, Response(status=status), Response(status=status), Response("[]", content_type=JSON))

    assert upstream.get("/x", accept=JSON).status_code == 200


def test_a_server_that_stays_busy_is_left_after_a_few_attempts(httpserver: HTTPServer, upstream: Upstream) -> None:
    httpserver.expect_request("/x").respond_with_response(Response(status=503))

    with pytest.raises(UpstreamUnavailable, match="503"):
        upstream.get("/x", accept=JSON)

    assert len(httpserver.log) == ATTEMPTS


def test_a_long_retry_after_ends_the_run_instead_of_sleeping(httpserver: HTTPServer, upstream: Upstream) -> None:
    httpserver.expect_request("/x").respond_with_response(Response(status=429, headers={"Retry-After": "86400"}))

    with pytest.raises(UpstreamUnavailable) as caught:
        upstream.get("/x", accept=JSON)

    assert caught.value.retry_after == 86400
    assert len(httpserver.log) == 1


def test_retry_after_may_be_a_date(httpserver: HTTPServer, upstream: Upstream) -> None:
    then = format_datetime(utc_now() + timedelta(hours=2), usegmt=True)
    httpserver.expect_request("/x").respond_with_response(Response(status=503, headers={"Retry-After": then}))

    with pytest.raises(UpstreamUnavailable) as caught:
        upstream.get("/x", accept=JSON)

    assert caught.value.retry_after == pytest.approx(7200, abs=60)


def test_rubbish_in_retry_after_counts_as_none(httpserver: HTTPServer, upstream: Upstream) -> None:
    answers(httpserver, Response(status=503, headers={"Retry-After": "soon"}), Response("[]", content_type=JSON))

    assert upstream.get("/x", accept=JSON).status_code == 200


@pytest.mark.parametrize(
    "response",
    [
        Response("<html>", content_type="text/html"),
        Response(status=403),
        Response("<html>", 300, content_type="text/html"),
    ],
)
def test_a_page_or_a_refusal_means_blocked_and_is_not_tried_again(
    httpserver: HTTPServer, upstream: Upstream, response: Response
) -> None:
    httpserver.expect_request("/x").respond_with_response(response)

    with pytest.raises(UpstreamBlocked):
        upstream.get("/x", accept=JSON)

    assert len(httpserver.log) == 1


def test_a_redirect_is_not_followed(httpserver: HTTPServer, upstream: Upstream) -> None:
    elsewhere = {"Location": "http://169.254.169.254/latest/meta-data"}
    httpserver.expect_request("/x").respond_with_response(Response("moved", 302, elsewhere, content_type="text/html"))

    with pytest.raises(UpstreamGarbled, match="redirects to"):
        upstream.get("/x", accept=JSON)


def test_a_missing_thing_is_not_found(httpserver: HTTPServer, upstream: Upstream) -> None:
    httpserver.expect_request("/x").respond_with_response(Response(status=404))

    with pytest.raises(NotFound):
        upstream.get("/x", accept=JSON)


def test_a_dead_host_is_unavailable() -> None:
    upstream = Upstream("sample", "http://127.0.0.1:9", user_agent="test", pace=Pace(10_000))

    with pytest.raises(UpstreamUnavailable, match="unreachable"):
        upstream.get("/x", accept=JSON)


def test_requests_keep_their_distance() -> None:
    now = 100.0
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    pace = Pace(2, monotonic=lambda: now, sleep=sleep)
    for _ in range(3):
        pace.wait()
    now += 10
    pace.wait()

    assert slept == [0.5, 0.5]


class Known:
    """Credentials that are renewed as often as there are new ones."""

    def __init__(self, *new: str) -> None:
        self.key = "first"
        self.asked = 0
        self._new = list(new)

    def headers(self) -> dict[str, str]:
        self.asked += 1
        return {"X-Key": self.key}

    def query(self) -> dict[str, str]:
        return {"apikey": self.key}

    def renewed(self) -> bool:
        if not self._new:
            return False
        self.key = self._new.pop(0)
        return True


def known(httpserver: HTTPServer, credentials: Known) -> Upstream:
    return Upstream("sample", httpserver.url_for(""), user_agent="t", pace=Pace(10_000), credentials=credentials)


def test_credentials_are_asked_for_before_each_attempt(httpserver: HTTPServer) -> None:
    answers(httpserver, Response(status=503), Response("[]", content_type=JSON))
    credentials = Known()

    known(httpserver, credentials).get("/x", accept=JSON, params={"q": "1"})

    assert credentials.asked == 2
    assert [dict(request.args) for request, _ in httpserver.log] == [{"q": "1", "apikey": "first"}] * 2
    assert [request.headers["X-Key"] for request, _ in httpserver.log] == ["first"] * 2


def test_a_refused_key_is_tried_again_when_there_is_another(httpserver: HTTPServer) -> None:
    answers(httpserver, Response(status=401), Response("[]", content_type=JSON))

    assert known(httpserver, Known("second")).get("/x", accept=JSON).status_code == 200
    assert [request.args["apikey"] for request, _ in httpserver.log] == ["first", "second"]


def test_a_refusal_stands_when_there_is_no_other_key(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_response(Response(status=401))

    with pytest.raises(KeyRefused):
        known(httpserver, Known("second")).get("/x", accept=JSON)

    assert len(httpserver.log) == 2


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (Response("<html>", 401, content_type="text/html"), KeyRefused),
        (Response('{"message": "forbidden."}', 403, content_type=JSON), KeyRefused),
        (Response('{"message": "subscription does not permit it"}', 403, content_type=JSON), PlanLacksFunction),
        (Response('{"message": "subscription does not permit it"}', 422, content_type=JSON), PlanLacksFunction),
        (Response('{"message": "invalid symbol"}', 400, content_type=JSON), RequestRefused),
        (Response("<html>", 403, content_type="text/html"), UpstreamBlocked),
        (Response("no", 403), UpstreamBlocked),
        (Response("no", 400), UpstreamBlocked),
        (Response("Request-URI Too Large", 414, content_type="text/html"), RequestTooLong),
    ],
)
def test_a_refusal_of_one_it_knows_says_what_is_wrong(
    httpserver: HTTPServer, response: Response, error: type[UpstreamError]
) -> None:
    httpserver.expect_request("/x").respond_with_response(response)

    with pytest.raises(error):
        known(httpserver, Known()).get("/x", accept=JSON)

    assert len(httpserver.log) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_who_asks_without_a_key_is_blocked_whatever_is_said(
    httpserver: HTTPServer, upstream: Upstream, status: int
) -> None:
    httpserver.expect_request("/x").respond_with_json({"message": "subscription"}, status=status)

    with pytest.raises(UpstreamBlocked):
        upstream.get("/x", accept=JSON)


@pytest.mark.parametrize("status", [302, 404])
def test_what_is_told_of_an_address_has_no_query(httpserver: HTTPServer, status: int) -> None:
    moved = {"Location": "https://me:first@elsewhere.example/there?apikey=first"}
    httpserver.expect_request("/x").respond_with_response(Response(status=status, headers=moved))

    with pytest.raises(UpstreamError, match=r"/x|elsewhere\.example/there") as caught:
        known(httpserver, Known()).get("/x", accept=JSON)

    assert "first" not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-RateLimit-Reset": "{in 40}"}, pytest.approx(40, abs=5)),
        ({"X-RateLimit-Reset": "{in -9}"}, 1),
        ({"X-RateLimit-Reset": "{in 40}", "Retry-After": "90"}, 90),
        ({"X-RateLimit-Reset": "9" * 14}, None),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({}, None),
    ],
)
def test_the_end_of_a_rate_limit_is_a_time_to_wait_for(
    httpserver: HTTPServer, headers: dict[str, str], expected: object
) -> None:
    now = int(utc_now().timestamp())
    told = {
        name: value.replace("{in 40}", str(now + 40)).replace("{in -9}", str(now - 9))
        for name, value in headers.items()
    }
    httpserver.expect_request("/x").respond_with_response(Response(status=429, headers=told))
    upstream = Upstream(
        "sample", httpserver.url_for(""), user_agent="t", pace=Pace(10_000), patience=Patience(attempts=1)
    )

    with pytest.raises(UpstreamUnavailable) as caught:
        upstream.get("/x", accept=JSON)

    assert caught.value.retry_after == expected


def test_patience_says_how_often_it_is_tried(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_response(Response(status=503))
    upstream = Upstream(
        "sample", httpserver.url_for(""), user_agent="t", pace=Pace(10_000), patience=Patience(attempts=2)
    )

    with pytest.raises(UpstreamUnavailable):
        upstream.get("/x", accept=JSON)

    assert len(httpserver.log) == 2


class Spent:
    def __init__(self) -> None:
        self.waited = 0

    def wait(self) -> None:
        self.waited += 1
        raise BudgetSpent("the budget is spent", retry_at=utc_now())


def test_a_pace_that_allows_nothing_ends_the_request_unsent(httpserver: HTTPServer) -> None:
    spent = Spent()
    upstream = Upstream("sample", httpserver.url_for(""), user_agent="t", pace=spent)

    with pytest.raises(BudgetSpent):
        upstream.get("/x", accept=JSON)

    assert spent.waited == 1
    assert httpserver.log == []


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_answer_beyond_measure_is_garbled(
    httpserver: HTTPServer, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr("ingest.upstream.MAX_ANSWER_BYTES", 10_000)
    for length in (10_000, 10_001):
        body = b"a" * length
        octets = gzip.compress(body) if encoding == "gzip" else body
        httpserver.expect_ordered_request("/x").respond_with_data(octets, headers={"Content-Encoding": encoding})

    assert len(upstream.get("/x", accept=JSON).content) == 10_000
    with pytest.raises(UpstreamGarbled, match="more than 10000 bytes"):
        upstream.get("/x", accept=JSON)


def test_an_address_longer_than_a_server_takes_is_not_tried_again(httpserver: HTTPServer, upstream: Upstream) -> None:
    httpserver.expect_request("/x").respond_with_response(Response(status=414))

    with pytest.raises(RequestTooLong):
        upstream.get("/x", accept=JSON)

    assert len(httpserver.log) == 1
