"""Whatever goes wrong, keys appear in no exception, no log line, and no metric."""

import logging
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest
from pytest_httpserver import HTTPServer

from ingest.errors import UpstreamError
from ingest.markets.alpaca import Alpaca
from ingest.markets.alphavantage import AlphaVantage
from ingest.markets.keys import AlpacaKeys, AlphaVantageKey
from ingest.upstream import Pace, Patience, Upstream
from tests.unit.ingest.markets.wire import Wire
from watchkeeper import metrics
from watchkeeper.logs import logger
from watchkeeper.markets.models import Statement

KEY = "QX7SECRET42"
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ELSEWHERE = f"https://me:{KEY}@elsewhere.example/query?apikey={KEY}"

ANSWERS: dict[str, tuple[object, int, dict[str, str]]] = {
    "burst": ({"Information": f"1 request per second for {KEY}"}, 200, {}),
    "minute": ({"Note": f"{KEY}: 5 calls per minute"}, 200, {}),
    "day": ({"Information": f"We have detected your API key as {KEY}: 25 requests per day"}, 200, {}),
    "plan": ({"Information": f"{KEY}: this is a premium endpoint"}, 200, {}),
    "key": ({"Error Message": f"the parameter apikey {KEY} is invalid or missing"}, 200, {}),
    "refused": ({"Error Message": f"Invalid API call {KEY}"}, 200, {}),
    "unknown": ({"Information": f"{KEY}?"}, 200, {}),
    "cut": (f'{{"Information": "We have detected your API key as {KEY}', 200, {}),
    "a list": ([KEY], 200, {}),
    "a page": (f"<html>{KEY}</html>", 200, {"Content-Type": "text/html"}),
    "a page for JSON": (f"<html>{KEY}</html>", 200, {}),
    "no UTF-8": (KEY.encode() + b"\xff", 200, {}),
    "broken gzip": (KEY, 200, {"Content-Encoding": "gzip"}),
    "moved": ("", 302, {"Location": ELSEWHERE}),
    "moved nowhere": ("", 302, {"Location": f"https://[{KEY}"}),
    "bad request": ({"message": KEY}, 400, {}),
    "unauthorized": ({"message": KEY}, 401, {}),
    "forbidden": ({"message": KEY}, 403, {}),
    "no subscription": ({"message": f"subscription of {KEY} does not permit it"}, 403, {}),
    "a page of refusal": (f"<html>{KEY}</html>", 403, {"Content-Type": "text/html"}),
    "gone": ({"message": KEY}, 404, {}),
    "too long": (KEY, 414, {}),
    "refused otherwise": (KEY, 418, {}),
    "busy": ({"message": KEY}, 429, {"X-RateLimit-Reset": "99999999999999"}),
    "failing": (KEY, 500, {}),
}


class Credentials:
    """The key wherever one can be."""

    def headers(self) -> Mapping[str, str]:
        return {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": KEY}

    def query(self) -> Mapping[str, str]:
        return {"apikey": KEY}

    def renewed(self) -> bool:
        return False


def upstream(url: str) -> Upstream:
    patience = Patience(attempts=2)
    return Upstream("sample", url, user_agent="t", pace=Pace(1e6), patience=patience, credentials=Credentials())


@pytest.fixture(autouse=True)
def _all_is_logged() -> Iterator[None]:
    logging.root.setLevel(logging.DEBUG)
    yield
    logging.root.setLevel(logging.WARNING)


def ask(client: AlphaVantage, alpaca: Alpaca, what: str) -> object:
    match what:
        case "statement":
            return client.statement(Statement.OVERVIEW, "QUIL")
        case "calendar":
            return client.earnings_calendar()
        case "news":
            return client.news(NOW)
        case "assets":
            return alpaca.assets()
    return alpaca.volumes(["QUIL"])


def told(error: BaseException) -> str:
    """All that can be read of an error by whoever prints it, with what it was made of."""
    found = "".join(traceback.format_exception(error))
    one: BaseException | None = error
    while one is not None:
        found += f"{one!s} {one!r} {one.args!r} {[value for value in vars(one).values() if isinstance(value, str)]}"
        one = one.__cause__ or one.__context__
    return found


ASKED = ["statement", "calendar", "news", "assets", "volumes"]


@pytest.mark.parametrize("what", ASKED)
@pytest.mark.parametrize("answer", [*ANSWERS, "broken off"])
def test_no_key_is_told_of_an_error(
    wire: Wire, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], answer: str, what: str
) -> None:
    if answer == "broken off":
        wire.break_off()
    else:
        body, status, headers = ANSWERS[answer]
        wire.say(body, status, headers=headers)
    told_of: list[str] = []
    heard: list[UpstreamError] = []
    server = upstream("http://sample.example")

    try:
        ask(AlphaVantage(server, heard=heard.append, clock=lambda: NOW), Alpaca(server, server), what)
    except UpstreamError as error:
        if answer != "gone":  # its text is the answer's beginning, for whom it matters; it is in no message
            told_of.append(told(error))
        told_of += [str(error), repr(error), "".join(traceback.format_exception(error))]
        logger.exception("it failed", reason=str(error))
    metrics.write()

    assert KEY in str(wire.sent[0].url) + str(wire.sent[0].headers)
    assert KEY not in "".join([*told_of, *map(told, heard)])
    assert KEY not in caplog.text
    output = capsys.readouterr()
    assert KEY not in output.out + output.err


@pytest.mark.parametrize("what", ASKED)
def test_no_key_is_in_what_libraries_log_of_a_request(
    httpserver: HTTPServer, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    """urllib3 logs the path of each request with its query; our formatter hides the key there."""
    httpserver.expect_request("/query").respond_with_json({"Information": "1 request per second"})
    httpserver.expect_request("/v2/assets").respond_with_json({})
    httpserver.expect_request("/v2/stocks/snapshots").respond_with_json([])
    server = upstream(httpserver.url_for(""))
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Kept(logging.DEBUG)
    handler.setFormatter(logger.registered_formatter)
    logging.root.addHandler(handler)
    try:
        with pytest.raises(UpstreamError):
            ask(AlphaVantage(server), Alpaca(server, server), what)
    finally:
        logging.root.removeHandler(handler)

    assert [line for line in lines if "GET /" in line]
    assert KEY not in "".join(lines)


def test_no_key_is_in_what_holds_it() -> None:
    server = upstream("http://sample.example")
    holders = (
        AlpacaKeys(KEY, KEY, "http://a", "http://b"),
        AlphaVantageKey(KEY, "http://a"),
        server,
        AlphaVantage(server),
    )

    assert KEY not in repr(holders)
