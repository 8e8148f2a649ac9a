"""The two servers on real sockets: transport, faults, control requests, and the program."""

from __future__ import annotations

import gzip
import http.client
import json
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.upstreams import HWMON, Upstreams, World
from local.upstreams.http import UpstreamServer

REPOSITORY = Path(__file__).parents[3]
NOW = datetime(2026, 7, 15, 12, 30, tzinfo=UTC)
EVERYTHING = f"/{HWMON}/?q=rt:100000..&x=m"


@pytest.fixture
def upstreams() -> Iterator[Upstreams]:
    world = World(lambda: NOW)
    with Upstreams(world, rebuild=lambda: World(lambda: NOW)) as running:
        yield running


def ask(
    url: str, target: str, method: str = "GET", body: Any = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        payload = None if body is None else json.dumps(body).encode()
        connection.request(method, target, payload, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def control(server: UpstreamServer, action: str, method: str = "POST", **body: Any) -> tuple[int, Any]:
    status, _, answer = ask(server.url, f"/_control/{action}", method, body)
    return status, json.loads(answer)


class TestTransport:
    def test_archive_urls_point_to_the_other_server(self, upstreams: Upstreams) -> None:
        _, _, body = ask(upstreams.patchwork_url, f"/api/projects/{HWMON}/")
        assert json.loads(body)["list_archive_url"] == f"{upstreams.lore_url}/{HWMON}/"

    def test_results_are_streamed_in_chunks(self, upstreams: Upstreams) -> None:
        upstreams.change("mails", {"list": HWMON, "subject": "large", "body": "much text\n" * 50_000})
        status, headers, body = ask(upstreams.lore_url, EVERYTHING, "POST")
        assert (status, headers["Transfer-Encoding"]) == (200, "chunked")
        assert len(gzip.decompress(body)) > 500_000

    def test_a_head_request_has_no_body(self, upstreams: Upstreams) -> None:
        upstreams.change("mails", {"list": HWMON, "subject": "one", "message_id": "one@x"})
        status, _, body = ask(upstreams.lore_url, f"/{HWMON}/one@x/raw", "HEAD")
        assert (status, body) == (200, b"")

    def test_a_connection_serves_several_requests_until_the_server_stops(self, upstreams: Upstreams) -> None:
        connection = http.client.HTTPConnection(urlsplit(upstreams.patchwork_url).netloc, timeout=10)
        for _ in range(3):
            connection.request("GET", "/api/patches/")
            assert connection.getresponse().read() == b"[]"
        upstreams.stop()
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            _ask_again(connection)
        connection.close()


def _ask_again(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/api/patches/")
    connection.getresponse()


class TestFaults:
    def test_rate_limits_name_their_wait_and_end(self, upstreams: Upstreams) -> None:
        upstreams.patchwork.faults.add("rate-limited", times=2, retry_after=7)
        answers = [ask(upstreams.patchwork_url, "/api/patches/") for _ in range(3)]
        assert [status for status, _, _ in answers] == [429, 429, 200]
        assert answers[0][1]["Retry-After"] == "7"

    def test_they_can_be_bound_to_a_path(self, upstreams: Upstreams) -> None:
        upstreams.lore.faults.add("unavailable", path=r"manifest", status=502)
        assert ask(upstreams.lore_url, "/")[0] == 200
        assert ask(upstreams.lore_url, "/manifest.js.gz")[0] == 502

    @pytest.mark.parametrize("status", [200, 403])
    def test_a_challenge_is_html_of_any_status(self, upstreams: Upstreams, status: int) -> None:
        upstreams.patchwork.faults.add("challenge", status=status)
        found, headers, body = ask(upstreams.patchwork_url, "/api/patches/", Accept="application/json")
        assert (found, headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert b"not a bot" in body

    def test_a_dropped_connection_breaks_off(self, upstreams: Upstreams) -> None:
        upstreams.patchwork.faults.add("dropped")
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            ask(upstreams.patchwork_url, "/api/patches/")
        upstreams.patchwork.faults.add("dropped", after=10)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            ask(upstreams.patchwork_url, "/api/projects/")

    def test_a_streamed_answer_can_break_off_too(self, upstreams: Upstreams) -> None:
        upstreams.change("mails", {"list": HWMON, "subject": "one"})
        upstreams.lore.faults.add("dropped", after=20)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            ask(upstreams.lore_url, EVERYTHING, "POST")

    def test_a_truncated_answer_is_whole_for_http_but_not_for_gzip(self, upstreams: Upstreams) -> None:
        upstreams.change("mails", {"list": HWMON, "subject": "one"})
        upstreams.lore.faults.add("truncated")
        status, _, body = ask(upstreams.lore_url, EVERYTHING, "POST")
        assert status == 200
        with pytest.raises((EOFError, zlib.error)):
            gzip.decompress(body)

    def test_a_slow_answer_drips(self, upstreams: Upstreams) -> None:
        upstreams.patchwork.faults.add("slow", delay=0.02)
        started = time.monotonic()
        _, _, body = ask(upstreams.patchwork_url, "/api/projects/")
        assert time.monotonic() - started >= 0.15
        assert len(json.loads(body)) == 2

    def test_garbage_says_it_is_json(self, upstreams: Upstreams) -> None:
        upstreams.patchwork.faults.add("garbage")
        _, headers, body = ask(upstreams.patchwork_url, "/api/patches/")
        assert headers["Content-Type"] == "application/json"
        with pytest.raises(json.JSONDecodeError):
            json.loads(body)

    def test_a_shrinking_list_loses_its_later_pages(self, upstreams: Upstreams) -> None:
        upstreams.patchwork.faults.add("shrinking", path="page=2")
        assert ask(upstreams.patchwork_url, "/api/projects/?per_page=1")[0] == 200
        status, _, body = ask(upstreams.patchwork_url, "/api/projects/?page=2&per_page=1")
        assert (status, json.loads(body)) == (404, {"detail": "Invalid page."})
        assert ask(upstreams.patchwork_url, "/api/projects/?page=2&per_page=1")[0] == 200


class TestControl:
    def test_patches_and_mails_arrive_on_both_servers(self, upstreams: Upstreams) -> None:
        subject = "[PATCH] hwmon: one"
        status, made = control(upstreams.lore, "patches", list=HWMON, subject=subject, message_id="one@x")
        assert status == 201
        assert made == {
            "message_id": "one@x",
            "deliveries": [{"list": HWMON, "number": 1, "kind": "patch", "id": 1}],
        }
        control(upstreams.patchwork, "mails", list=HWMON, subject=f"Re: {subject}", in_reply_to="one@x", body="ok")
        _, _, comments = ask(upstreams.patchwork_url, "/api/patches/1/comments/")
        assert [comment["content"] for comment in json.loads(comments)] == ["ok"]
        _, _, thread = ask(upstreams.lore_url, f"/{HWMON}/one@x/t.mbox.gz")
        assert gzip.decompress(thread).count(b"From mboxrd@z") == 2

    def test_patches_change(self, upstreams: Upstreams) -> None:
        control(upstreams.patchwork, "patches", list=HWMON, subject="[PATCH] one")
        changes: dict[str, dict[str, Any]] = {
            "state": {"state": "accepted", "user": "tdahl"},
            "archived": {"archived": True},
            "delegate": {"delegate": "mokafor", "user": "tdahl"},
            "commit-ref": {"commit_ref": "c0ffee"},
            "checks": {"context": "build", "state": "fail"},
        }
        for action, body in changes.items():
            assert control(upstreams.patchwork, f"patches/1/{action}", **body)[0] == 200
        _, _, found = ask(upstreams.patchwork_url, "/api/patches/1/")
        patch = json.loads(found)
        assert (patch["state"], patch["archived"], patch["check"]) == ("accepted", True, "fail")
        assert (patch["delegate"]["username"], patch["commit_ref"]) == ("mokafor", "c0ffee")

    def test_requests_are_counted_with_their_user_agents(self, upstreams: Upstreams) -> None:
        ask(upstreams.patchwork_url, "/api/patches/?page=1", **{"User-Agent": "watcher/1.0"})
        ask(upstreams.patchwork_url, "/api/nosuch/", **{"User-Agent": "watcher/1.0"})
        _, seen = control(upstreams.patchwork, "requests", "GET")
        assert (seen["count"], seen["user_agents"]) == (2, {"watcher/1.0": 2})
        assert seen["by_path"] == {"/api/patches/": 1, "/api/nosuch/": 1}
        assert seen["by_status"] == {"200": 1, "404": 1}
        assert seen["requests"][0]["target"] == "/api/patches/?page=1"
        control(upstreams.patchwork, "requests", "DELETE")
        assert upstreams.patchwork.log.all() == []

    def test_faults_can_be_set_and_cleared(self, upstreams: Upstreams) -> None:
        assert control(upstreams.lore, "faults", kind="unavailable", times=9)[0] == 201
        assert control(upstreams.lore, "faults", "GET")[1]["faults"][0]["times"] == 9
        control(upstreams.lore, "faults", "DELETE")
        assert ask(upstreams.lore_url, "/")[0] == 200

    def test_a_reset_clears_the_server_and_on_request_the_world(self, upstreams: Upstreams) -> None:
        control(upstreams.patchwork, "patches", list=HWMON, subject="[PATCH] one")
        upstreams.patchwork.faults.add("unavailable")
        assert control(upstreams.patchwork, "reset")[1]["patches"] == 1
        assert control(upstreams.patchwork, "reset", world=True)[1]["patches"] == 0
        assert ask(upstreams.patchwork_url, "/api/patches/")[2] == b"[]"

    @pytest.mark.parametrize(
        ("action", "body", "status"),
        [
            ("patches/9/state", {"state": "new"}, 404),
            ("mails", {"list": HWMON}, 400),
            ("faults", {"kind": "lightning"}, 400),
            ("weather", {}, 404),
        ],
    )
    def test_mistakes_are_told(self, upstreams: Upstreams, action: str, body: dict[str, Any], status: int) -> None:
        found, answer = control(upstreams.patchwork, action, **body)
        assert found == status
        assert answer["error"]


class TestProgram:
    def test_it_says_when_it_is_ready_keeps_its_world_and_stops_when_told(self, tmp_path: Path) -> None:
        state = tmp_path / "upstreams.json"
        before = _run_once(state, add_patch=True)
        assert _run_once(state, add_patch=False) == before


def _run_once(state: Path, *, add_patch: bool) -> bytes:
    """The newest patch, as a freshly started program shows it."""
    command = [sys.executable, "-m", "local.upstreams", "--state-file", str(state)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        assert program.stdout is not None
        line = program.stdout.readline().decode()
        url = line.split("Patchwork at ", 1)[1].split(",", 1)[0]
        try:
            if add_patch:
                ask(url, "/_control/patches", "POST", {"list": HWMON, "subject": "[PATCH] kept"})
            newest = ask(url, "/api/patches/?order=-id&per_page=1", Host="patchwork.test")[2]
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(timeout=10)
    assert program.returncode == 0
    assert b'"name":"kept"' in newest
    return _without_archive_port(newest)


def _without_archive_port(body: bytes) -> bytes:
    (patch,) = json.loads(body)
    return json.dumps({name: patch[name] for name in ("id", "url", "msgid", "date", "hash", "state")}).encode()
