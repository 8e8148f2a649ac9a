"""An operator's word on the maintenance window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from local import maintenance
from local.cli import cli
from local.maintenance import WrongDuration, duration
from local.stages import AwsStage
from tests.unit.local.stand_ins import refusal
from watchkeeper.clock import from_iso

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class FakeAws:
    """The item with an operator's word, and a function that knows the days."""

    days: str = "SUN"
    item: Mapping[str, Any] = field(default_factory=dict)
    refused: Exception | None = None

    def get_function_configuration(self, FunctionName: str) -> Any:  # noqa: N803 -- as boto3 has it
        assert FunctionName == "watchkeeper-dev-sync-assets"
        return {"Environment": {"Variables": {"MAINTENANCE_DAYS": self.days}}}

    def get_item(self, **_: Any) -> Any:
        if self.refused:
            raise self.refused
        return {"Item": self.item} if self.item else {}

    def put_item(self, Item: Mapping[str, Any], **_: Any) -> Any:  # noqa: N803
        self.item = Item
        return {}

    def delete_item(self, **_: Any) -> Any:
        self.item = {}
        return {}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    monkeypatch.delenv("PORT", raising=False)
    fake = FakeAws()
    monkeypatch.setattr(AwsStage, "client", lambda *_: fake)
    return fake


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, ["maintenance", "--stage", "dev", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_it_is_told_by_the_day(aws: FakeAws) -> None:
    sunday = list(maintenance.told(AwsStage("dev"), SUNDAY))

    assert sunday == [
        "dev: the maintenance window is on, nothing is collected.",
        "  Days of maintenance, in UTC: SUN.",
    ]
    assert "off, work goes on" in next(maintenance.told(AwsStage("dev"), SUNDAY + timedelta(days=1)))
    aws.days = ""
    assert "  Days of maintenance, in UTC: none." in maintenance.told(AwsStage("dev"), SUNDAY)


@pytest.mark.parametrize(("option", "word", "state"), [("--open", "open", "off"), ("--close", "closed", "on")])
def test_an_operator_says_otherwise_for_some_time(aws: FakeAws, option: str, word: str, state: str) -> None:
    before = datetime.now(UTC)

    output = run(option, "6h").output

    until = from_iso(aws.item["until"]["S"])
    assert before + timedelta(hours=6, seconds=-1) <= until <= before + timedelta(hours=6, seconds=60)
    assert int(aws.item["expires_at"]["N"]) == pytest.approx(until.timestamp(), abs=1)
    assert f"the maintenance window is {state}" in output
    assert f"An operator says: {word} until {aws.item['until']['S']}." in output


def test_the_word_is_taken_back(aws: FakeAws) -> None:
    run("--close", "2d")

    output = run("--clear").output

    assert aws.item == {}
    assert "An operator says" not in output


@pytest.mark.parametrize(
    ("text", "span"), [("30m", timedelta(minutes=30)), ("6h", timedelta(hours=6)), (" 2d ", timedelta(days=2))]
)
def test_durations(text: str, span: timedelta) -> None:
    assert duration(text) == span


@pytest.mark.parametrize("text", ["", "6", "h", "0h", "-6h", "6 h", "1.5h", "6h30m", "6w", "٦h", "15d", "999999d"])
def test_what_is_no_duration_is_refused_and_nothing_said(aws: FakeAws, text: str) -> None:
    with pytest.raises(WrongDuration):
        duration(text)
    if text:
        result = run("--open", text)
        assert (result.exit_code, result.output.startswith("Error: ")) == (1, True)
        assert aws.item == {}


@pytest.mark.parametrize("arguments", [["--open", "6h", "--close", "6h"], ["--open", "6h", "--clear"]])
def test_one_thing_is_said_at_a_time(aws: FakeAws, arguments: list[str]) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert "One of OPEN=, CLOSE= and CLEAR=1." in result.output
    assert aws.item == {}


def test_a_stage_that_refuses_is_told_plainly(aws: FakeAws) -> None:
    aws.refused = refusal("AccessDeniedException", "not allowed")

    result = run()

    assert result.exit_code == 1
    assert result.output.startswith("Error: Stage dev cannot be asked: GetItem on watchkeeper-dev-progress failed")
