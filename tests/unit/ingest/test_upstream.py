"""Manners towards somebody else's server, and what its failures become."""

from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime

import pytest
import stamina
from pytest_httpserver import HTTPServer
from werkzeug import Response

from ingest.errors import NotFound, UpstreamBlocked, UpstreamGarbled, UpstreamUnavailable
from ingest.upstream import ATTEMPTS, Pace, Upstream
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
