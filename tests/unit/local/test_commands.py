"""The commands where no cloud runs: each says plainly what is the matter."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from local.cli import cli
from local.cloud import LocalCloud
from local.keys import VENDORS
from local.settings import FREE_PLANS
from tests.unit.local.ports import six_free_ports, taken


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("PORT", "PATCHWORK_URL", "LORE_URL", "EXPO_URL", "PROJECTS", "LISTS", "REQUESTS_PER_SECOND")
    for name in (*names, *FREE_PLANS, *VENDORS, "ALPACA_LIVE", "MARKETS_UPSTREAM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def port() -> int:
    return six_free_ports()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def run(port: int, state: Path, *arguments: str) -> Result:
    """A command that ends as it should: with an answer or a message, and never with a traceback."""
    result = CliRunner().invoke(cli, ["--port", str(port), "--state", str(state), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_status(port: int, state: Path) -> None:
    result = run(port, state, "status")

    assert result.output.startswith(f"The local cloud does not run on port {port}")


def test_down_is_content_with_nothing_to_stop(port: int, state: Path) -> None:
    result = run(port, state, "down")

    assert (result.exit_code, result.output) == (0, "Nothing was running.\n")


@pytest.mark.parametrize(
    "command",
    [["ingest"], ["logs", "fetch-patches"], ["invoke", "fetch-patches"], ["deploy"]],
    ids=" ".join,
)
def test_what_needs_a_cloud_tells_how_to_get_one(port: int, state: Path, command: list[str]) -> None:
    result = run(port, state, *command)

    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert f"does not run on port {port}" in result.output
    assert "make up" in result.output


def test_a_function_nobody_has_is_told_with_those_there_are(port: int, state: Path) -> None:
    result = run(port, state, "invoke", "fetch-everything")

    assert result.exit_code == 1
    assert "There is no function 'fetch-everything'" in result.output
    assert "fetch-patches" in result.output


def test_an_event_that_is_no_file(port: int, state: Path) -> None:
    result = run(port, state, "invoke", "fetch-patches", "--event", str(state / "event.json"))

    assert result.exit_code == 2
    assert "does not exist" in result.output


def test_a_port_that_is_none(state: Path) -> None:
    assert run(70000, state, "status").exit_code == 2


@pytest.mark.parametrize("offset", [0, 1, 2])
def test_up_on_a_taken_port_starts_nothing(port: int, state: Path, offset: int) -> None:
    """Neither the cloud's port nor those of the sample upstreams may be another program's."""
    with taken(port + offset):
        result = run(port, state, "up")

    assert result.exit_code == 1
    assert f"Port {port + offset}" in result.output
    assert "taken" in result.output
    assert not list(state.glob("*.pid"))


def test_one_command_at_a_time_changes_the_cloud(port: int, state: Path) -> None:
    state.parent.mkdir(exist_ok=True)
    with state.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = run(port, state, "down")

    assert result.exit_code == 1
    assert "Another command is starting or stopping this local cloud" in result.output


def test_reset_deletes_what_was_kept(port: int, state: Path) -> None:
    state.mkdir()
    (state / "deployed").write_text("something")
    result = run(port, state, "reset")

    assert result.exit_code == 0
    assert not state.exists()


def test_commands_remember_the_port_and_refuse_another_while_the_cloud_runs(
    port: int, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.mkdir(parents=True)
    (state / "port").write_text(str(port))

    assert f"does not run on port {port}" in CliRunner().invoke(cli, ["--state", str(state), "status"]).output
    monkeypatch.setattr(LocalCloud, "pid", 4711)
    refused = CliRunner().invoke(cli, ["--state", str(state), "--port", str(port + 1), "status"])
    assert refused.exit_code == 1
    assert f"runs on port {port}" in refused.output


def test_an_unknown_stage_is_refused_by_name(port: int, state: Path) -> None:
    result = run(port, state, "package", "--stage", "nonsense")

    assert result.exit_code == 2
    assert "'nonsense' is not one of 'local', 'dev', 'staging', 'prod'" in result.output


@pytest.mark.parametrize(
    ("name", "value"), [("PATCHWORK_URL", "nonsense"), ("LORE_URL", "ftp://x"), ("REQUESTS_PER_SECOND", "abc")]
)
def test_a_setting_the_functions_would_refuse_is_refused_before_anything_is_done(
    port: int, state: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    result = run(port, state, "up")

    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {name} is not a")
    assert value in result.output
    assert not state.exists()


@pytest.mark.parametrize(
    ("command", "instead"), [("logs", "aws logs tail /aws/lambda/watchkeeper-prod-kernel"), ("invoke", "sls invoke")]
)
def test_what_is_for_the_local_cloud_alone_says_what_to_do_on_another(
    port: int, state: Path, command: str, instead: str
) -> None:
    result = run(port, state, command, "kernel", "--stage", "prod")

    assert result.exit_code == 1
    assert "for the local cloud" in result.output
    assert instead in result.output


def test_an_event_that_is_no_json_is_refused_by_name(port: int, state: Path, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text("{mode: full}")

    result = run(port, state, "invoke", "fetch-patches", "--event", str(event))

    assert (result.exit_code, f"{event} is not JSON" in result.output) == (1, True)
