"""What `make rebuild` reports, and when it ends."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from click.testing import CliRunner, Result

from local import rebuilding
from local.cli import cli
from local.stages import AwsStage
from tests.unit.local.stand_ins import refusal
from watchkeeper.observability.projections import REBUILT

DONE = {"events": 1200, "rows": 340, "switched": True, "done": True}
SWITCHED = DONE | {"done": False}
UNREADABLE = {"events": 1000, "rows": 300, "unreadable": 2, "switched": False, "done": False}


@dataclass
class FakeFunction:
    """Gives these answers, one after the other; the last one again and again."""

    answers: Sequence[Any]
    error: dict[str, str] = field(default_factory=dict)
    stored: int | Exception = 0
    """Items of the event store, as DynamoDB counted them last."""
    asked: list[dict[str, Any]] = field(default_factory=list)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 -- boto3's names
        assert FunctionName == "watchkeeper-dev-rebuild-read-model"
        answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(json.loads(Payload))
        if isinstance(answer, Exception):
            raise answer
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **self.error}

    def describe_table(self, *, TableName: str) -> dict[str, Any]:  # noqa: N803 -- boto3's names
        assert TableName == "watchkeeper-dev-event-store"
        if isinstance(self.stored, Exception):
            raise self.stored
        return {"Table": {"ItemCount": self.stored}}


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> FakeFunction:
    monkeypatch.delenv("PORT", raising=False)
    fake = FakeFunction([DONE])
    monkeypatch.setattr(AwsStage, "client", lambda *_: fake)
    return fake


def run(model: str, *options: str) -> Result:
    result = CliRunner().invoke(cli, ["rebuild", model, "--stage", "dev", *options])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_the_function_is_invoked_until_the_model_is_done(function: FakeFunction) -> None:
    function.answers = [UNREADABLE, DONE]

    result = run("alerts", "--leave-out")

    assert result.output.splitlines() == [
        "alerts: 1,000 events read, 300 rows written, 2 events cannot be read",
        "alerts: 1,200 events read, 340 rows written, switched over, done",
    ]
    assert function.asked == [{"model": "alerts", "seconds": rebuilding.SECONDS, "leave_out": True}] * 2


def test_how_far_it_is_is_told_by_what_the_store_holds(function: FakeFunction) -> None:
    function.answers, function.stored = [UNREADABLE, SWITCHED, DONE], 2600

    assert run("alerts", "--leave-out").output.splitlines() == [
        "alerts: 1,000 events read of about 2,600 items, 300 rows written, 2 events cannot be read",
        "alerts: 1,200 events read, 340 rows written, switched over",
        "alerts: 1,200 events read, 340 rows written, switched over, done",
    ]


@pytest.mark.parametrize("stored", [0, 999, refusal("AccessDeniedException")])
def test_a_count_that_says_nothing_or_may_not_be_read_is_left_out(
    function: FakeFunction, stored: int | Exception
) -> None:
    function.answers, function.stored = [UNREADABLE, DONE], stored

    assert run("alerts", "--leave-out").output.startswith("alerts: 1,000 events read, 300 rows written")


def test_a_store_of_which_nothing_is_read_or_counted_yet_is_not_about_nothing(function: FakeFunction) -> None:
    function.answers = [UNREADABLE | {"events": 0}, DONE]

    assert run("alerts", "--leave-out").output.startswith("alerts: 0 events read, 300 rows written")


def test_events_that_cannot_be_read_end_it_and_what_there_is_to_do_is_told(function: FakeFunction) -> None:
    function.answers = [UNREADABLE | {"stopped": "2 events cannot be read"}]

    result = run("all")

    assert result.exit_code == 1
    assert "Error: latest-metrics is read as before: 2 events cannot be read, and the log of rebuild-" in result.output
    assert "LEAVE_OUT=1" in result.output
    assert [asked["leave_out"] for asked in function.asked] == [False]


def test_all_models_are_rebuilt_one_after_the_other(function: FakeFunction) -> None:
    assert run("all").exit_code == 0

    assert [one["model"] for one in function.asked] == list(REBUILT)


@pytest.mark.parametrize("model", ["alarms", "errors", ""])
def test_a_model_nobody_can_rebuild_is_refused_and_the_others_named(function: FakeFunction, model: str) -> None:
    result = run(model)

    assert (result.exit_code, function.asked) == (1, [])
    assert f"There is no read model {model!r} to rebuild; there are latest-metrics, " in result.output


def test_what_the_function_says_is_told(function: FakeFunction) -> None:
    function.answers = [{"error": "somebody else is at it\x1b[2J"}]

    assert (run("alerts").exit_code, run("alerts").output) == (1, "Error: somebody else is at it [2J\n")


def test_a_function_that_fails_is_told(function: FakeFunction) -> None:
    function.answers, function.error = [{"errorType": "DatabaseError", "errorMessage": "no"}], {"FunctionError": "x"}

    assert run("alerts").output == "Error: rebuild-read-model failed: DatabaseError: no\n"


def test_a_stage_without_the_function_is_told_how_to_get_it(function: FakeFunction) -> None:
    function.answers = [refusal("ResourceNotFoundException", "Function not found")]

    assert "Is it deployed? make deploy STAGE=dev" in run("alerts").output
