"""The markets' two vendors on real sockets: transport, faults, control requests, and what the program keeps."""

from __future__ import annotations

import gzip
import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.upstreams import ALPACA_KEY_ID, ALPACA_SECRET_KEY, ALPHAVANTAGE_API_KEY, Markets, Upstreams, World
from local.upstreams.http import UpstreamServer
from local.upstreams.markets import asked

REPOSITORY = Path(__file__).parents[3]
NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
KEYS = {"APCA-API-KEY-ID": ALPACA_KEY_ID, "APCA-API-SECRET-KEY": ALPACA_SECRET_KEY}


@pytest.fixture
def upstreams() -> Iterator[Upstreams]:
    with Upstreams(World(lambda: NOW), markets=Markets(clock=lambda: NOW)) as running:
        yield running


def ask(
    url: str, target: str, method: str = "GET", body: Any = None, *, headers: dict[str, str] = KEYS, timeout: float = 10
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout)
    try:
        connection.request(method, target, None if body is None else json.dumps(body).encode(), headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def query(upstreams: Upstreams, function: str, symbol: str, timeout: float = 10) -> tuple[int, Any]:
    target = f"/query?function={function}&symbol={symbol}&apikey={ALPHAVANTAGE_API_KEY}"
    status, _, body = ask(upstreams.alphavantage_url, target, timeout=timeout)
    return status, body


def newest(upstreams: Upstreams, function: str) -> str:
    _, body = query(upstreams, function, "QUIL")
    return str(json.loads(body)["quarterlyReports"][0]["fiscalDateEnding"])


def control(server: UpstreamServer, action: str, method: str = "POST", **body: Any) -> tuple[int, Any]:
    status, _, answer = ask(server.url, f"/_control/{action}", method, body)
    return status, json.loads(answer)


class TestTransport:
    def test_the_list_is_packed_for_who_accepts_that(self, upstreams: Upstreams) -> None:
        plain = ask(upstreams.alpaca_url, "/v2/assets")
        packed = ask(upstreams.alpaca_url, "/v2/assets", headers=KEYS | {"Accept-Encoding": "gzip"})

        assert (packed[0], packed[1]["Content-Encoding"]) == (200, "gzip")
        assert gzip.decompress(packed[2]) == plain[2]
        assert int(packed[1]["X-RateLimit-Remaining"]) == int(plain[1]["X-RateLimit-Remaining"]) - 1

    def test_another_host_of_theirs_has_no_such_path(self, upstreams: Upstreams) -> None:
        assert ask(upstreams.alphavantage_url, "/v2/assets")[0] == 404
        assert ask(upstreams.alpaca_url, "/query")[0] == 404


class TestFaults:
    def test_an_answer_can_be_waited_for_in_vain(self, upstreams: Upstreams) -> None:
        upstreams.alphavantage.faults.add("hang", path="OVERVIEW", delay=0.3)
        with pytest.raises(TimeoutError):
            query(upstreams, "OVERVIEW", "QUIL", timeout=0.05)
        assert query(upstreams, "OVERVIEW", "QUIL")[0] == 200

    def test_a_hanging_answer_comes_late(self, upstreams: Upstreams) -> None:
        upstreams.alpaca.faults.add("hang", delay=0.05)
        started = time.monotonic()
        assert ask(upstreams.alpaca_url, "/v2/assets")[0] == 200
        assert time.monotonic() - started >= 0.05

    def test_errors_pages_and_broken_json_come_on_demand(self, upstreams: Upstreams) -> None:
        faults = upstreams.alphavantage.faults
        faults.add("unavailable", status=500)
        faults.add("challenge")
        faults.add("garbage")
        faults.add("truncated")
        answers = [query(upstreams, "OVERVIEW", "QUIL") for _ in range(5)]

        assert [status for status, _ in answers] == [500, 200, 200, 200, 200]
        assert b"<html>" in answers[1][1]
        for _, body in answers[2:4]:
            with pytest.raises(json.JSONDecodeError):
                json.loads(body)
        assert json.loads(answers[4][1])["Symbol"] == "QUIL"


class TestControl:
    def test_either_server_changes_the_markets(self, upstreams: Upstreams) -> None:
        assert control(upstreams.alpaca, "markets/report-quarter", symbol="QUIL", functions=["CASH_FLOW"])[0] == 200
        assert control(upstreams.alphavantage, "markets/vanish", symbol="ZEPH")[0] == 200

        assert (newest(upstreams, "CASH_FLOW"), newest(upstreams, "BALANCE_SHEET")) == ("2026-12-31", "2026-09-30")
        assert ask(upstreams.alpaca_url, "/v2/assets/ZEPH")[0] == 404

    def test_trouble_is_made_and_ended(self, upstreams: Upstreams) -> None:
        assert control(upstreams.alphavantage, "trouble/throttle", text="day", times=9)[0] == 200
        assert b"25 requests per day" in query(upstreams, "OVERVIEW", "QUIL")[1]

        control(upstreams.alphavantage, "trouble", "DELETE")

        assert b'"Symbol": "QUIL"' in query(upstreams, "OVERVIEW", "QUIL")[1]

    def test_calls_are_counted_and_the_key_is_not_noted(self, upstreams: Upstreams) -> None:
        for symbol in ("QUIL", "QUIL", "BRAV-B"):
            query(upstreams, "OVERVIEW", symbol)
        _, seen = control(upstreams.alphavantage, "requests", "GET")

        assert control(upstreams.alphavantage, "asked", "GET")[1] == {"OVERVIEW": {"QUIL": 2, "BRAV-B": 1}}
        assert asked(upstreams.alphavantage.log) == {("OVERVIEW", "QUIL"): 2, ("OVERVIEW", "BRAV-B"): 1}
        assert seen["requests"][0]["target"] == "/query?function=OVERVIEW&symbol=QUIL&apikey=***"
        assert ALPHAVANTAGE_API_KEY not in json.dumps(seen)

    def test_a_reset_ends_trouble_and_on_request_undoes_changes(self, upstreams: Upstreams) -> None:
        control(upstreams.alpaca, "markets/vanish", symbol="QUIL")
        control(upstreams.alpaca, "trouble/limit-alpaca", per_minute=0)
        assert control(upstreams.alpaca, "reset")[1]["vanished"] == 1
        assert ask(upstreams.alpaca_url, "/v2/assets")[0] == 200

        assert control(upstreams.alpaca, "reset", world=True)[1]["vanished"] == 0
        assert ask(upstreams.alpaca_url, "/v2/assets/QUIL")[0] == 200

    @pytest.mark.parametrize(
        ("action", "body", "status"),
        [
            ("markets/vanish", {"symbol": "NOPE"}, 404),
            ("markets/crash", {}, 404),
            ("markets/set-volume", {"symbol": "QUIL"}, 400),
            ("trouble/throttle", {"text": "shrug"}, 400),
            ("trouble/clear", {}, 404),
            ("limit", {}, 404),
        ],
    )
    def test_mistakes_are_told(self, upstreams: Upstreams, action: str, body: dict[str, Any], status: int) -> None:
        found, answer = control(upstreams.alpaca, action, **body)

        assert found == status
        assert answer["error"]


class TestProgram:
    def test_a_restart_keeps_the_markets_changes(self, tmp_path: Path) -> None:
        state = tmp_path / "upstreams.json"

        assert _run_once(state, vanish=True) == _run_once(state, vanish=False) == 404


def _run_once(state: Path, *, vanish: bool) -> int:
    """What a freshly started program answers to whoever asks for an asset."""
    command = [sys.executable, "-m", "local.upstreams", "--state-file", str(state)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        assert program.stdout is not None
        url = program.stdout.readline().decode().split("Alpaca at ", 1)[1].split(",", 1)[0]
        try:
            if vanish:
                ask(url, "/_control/markets/vanish", "POST", {"symbol": "QUIL"})
            return ask(url, "/v2/assets/QUIL")[0]
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(timeout=10)
