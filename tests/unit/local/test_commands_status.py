"""The command that shows the board, and its exit status."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from local import report
from local.cli import cli
from local.report import Status
from local.stages import AwsStage, Stage, StageRefused
from tests.unit.local.ports import six_free_ports


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Run:
    monkeypatch.delenv("PORT", raising=False)
    return _Run(["--port", str(six_free_ports()), "--state", str(tmp_path / "state"), "status"])


class _Run:
    def __init__(self, command: Sequence[str]) -> None:
        self._command = command

    def __call__(self, *arguments: str) -> Result:
        result = CliRunner().invoke(cli, [*self._command, *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result


def shows(monkeypatch: pytest.MonkeyPatch, *troubles: str) -> list[Stage]:
    """Lets the board be this one; returns the stages that are asked."""
    asked: list[Stage] = []

    def status(stage: Stage) -> Status:
        asked.append(stage)
        return Status(["the board"], troubles)

    monkeypatch.setattr(report, "status", status)
    return asked


def test_a_board_that_can_be_read_is_a_success_whatever_it_says(run: _Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shows(monkeypatch, "kernel 2 failed")

    result = run()

    assert (result.exit_code, result.output) == (0, "the board\n")


@pytest.mark.parametrize(("troubles", "code"), [(["kernel 2 failed"], 1), ([], 0)])
def test_with_check_what_needs_a_look_is_a_failure(
    run: _Run, monkeypatch: pytest.MonkeyPatch, troubles: list[str], code: int
) -> None:
    shows(monkeypatch, *troubles)

    result = run("--check")

    assert (result.exit_code, result.output) == (code, "the board\n")


def test_another_stage_is_asked_at_aws(run: _Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = shows(monkeypatch)

    run("--stage", "staging")

    assert asked == [AwsStage("staging")]


def test_a_cloud_that_does_not_run_needs_a_look(run: _Run) -> None:
    assert run().exit_code == 0
    assert run("--check").exit_code == 1


def test_a_stage_that_cannot_be_asked_is_told_plainly(run: _Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def status(stage: Stage) -> Status:
        raise StageRefused(f"Stage {stage.stage} cannot be asked: Unable to locate credentials")

    monkeypatch.setattr(report, "status", status)

    result = run("--stage", "dev")

    assert (result.exit_code, result.output) == (1, "Error: Stage dev cannot be asked: Unable to locate credentials\n")
