"""What `make dlq` reports, also when something goes wrong."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from click.testing import CliRunner

from local import letters
from local.cli import cli
from local.letters import LettersRefused
from local.stages import AwsStage, StageRefused
from tests.unit.local.ports import six_free_ports

LETTER = {
    "id": "0359806c",
    "queue": "threads",
    "kind": "work",
    "function": "fetch-threads",
    "error": "UpstreamBlocked",
    "message": "403 from lore",
    "failed_at": "2026-11-20T12:30:00Z",
    "sent_at": "2026-11-20T12:00:00Z",
    "receives": 5,
    "correlation_id": "began-there",
    "work": '{"message_ids":["1@x"]}',
}


@dataclass
class FakeStage:
    """A stage whose function gives this answer."""

    answer: Any
    function_error: str | None = None
    refusal: Exception | None = None
    stage: str = "staging"
    asked: list[dict[str, Any]] = field(default_factory=list)

    def name(self, thing: str) -> str:
        return f"watchkeeper-{self.stage}-{thing}"

    def client(self, service: str) -> Any:
        assert service == "lambda"
        return self

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 -- boto3's names
        assert FunctionName == "watchkeeper-staging-dead-letters"
        if self.refusal:
            raise self.refusal
        self.asked.append(json.loads(Payload))
        error = {"FunctionError": self.function_error} if self.function_error else {}
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode()), **error}


def test_all_queues_are_counted() -> None:
    stage = FakeStage({"letters": {"patches": 0, "failures": 12}})

    assert list(letters.counted(stage)) == [
        "Dead letters of stage staging",
        "  patches       0",
        "  failures     12",
        "make dlq STAGE=staging QUEUE=failures lists them",
    ]
    assert stage.asked == [{"action": "list"}]


def test_letters_are_listed_with_what_happened() -> None:
    stage = FakeStage({"queue": "threads", "letters": [LETTER], "more": True})

    assert list(letters.listed(stage, "threads")) == [
        "threads: 1 letter, and there are more",
        "",
        "0359806c  fetch-threads: UpstreamBlocked",
        "    403 from lore",
        "    failed 2026-11-20T12:30:00Z, tried 5 times, sent 2026-11-20T12:00:00Z, correlation id began-there",
        '    {"message_ids":["1@x"]}',
    ]


def test_what_a_letter_does_not_say_is_left_out() -> None:
    nothing = dict.fromkeys(("function", "error", "message", "failed_at", "sent_at", "receives"))
    letter = {**LETTER, **nothing, "correlation_id": None, "kind": "unknown", "work": "rubbish"}

    assert list(letters.listed(FakeStage({"letters": [letter], "more": False}), "failures")) == [
        "failures: 1 letter",
        "",
        "0359806c  unknown",
        "    correlation id unknown",
        "    rubbish",
    ]


def test_a_letter_is_shown_whole() -> None:
    lines = list(letters.shown(FakeStage({"letter": {**LETTER, "work": {"message_ids": ["1@x"]}}}), "threads", "0359"))

    assert "message         403 from lore" in lines
    assert lines[lines.index("work:") + 1 :] == ["    {", '      "message_ids": [', '        "1@x"', "      ]", "    }"]


def test_a_terminal_takes_no_orders_from_a_letter() -> None:
    letter = {**LETTER, "message": "\x1b]0;owned\x07 \x1b[2J", "work": "a\nb\x9b31m"}
    listed = "".join(letters.listed(FakeStage({"letters": [letter], "more": False}), "threads"))
    shown = "".join(letters.shown(FakeStage({"letter": letter}), "threads", "0359"))

    assert (listed + shown).isprintable()


def test_what_was_sent_and_what_was_not() -> None:
    failed = [{"id": "77aa", "reason": "its records are no longer in the stream"}]
    stage = FakeStage({"queue": "failures", "redriven": ["0359"], "failed": failed, "more": False})

    assert letters.redriven(stage, "failures", None) == (
        [
            "Sent again: 1 letter of failures.",
            "Still there: 1 letter.",
            "  77aa  its records are no longer in the stream",
        ],
        False,
    )
    assert stage.asked == [{"action": "redrive", "queue": "failures"}]


def test_a_letter_is_dropped_with_its_reason() -> None:
    stage = FakeStage({"queue": "threads", "dropped": ["0359"], "failed": [], "more": False})

    assert letters.dropped(stage, "threads", "0359", "rubbish") == (["Dropped: 1 letter of threads."], True)
    assert stage.asked == [{"action": "drop", "queue": "threads", "reason": "rubbish", "id": "0359"}]


def test_more_than_there_was_time_for() -> None:
    lines, complete = letters.redriven(
        FakeStage({"queue": "threads", "redriven": [], "failed": [], "more": True}), "threads", None
    )

    assert "do it again" in lines[-1]
    assert not complete


def test_what_the_function_refuses_is_said_as_it_says_it() -> None:
    with pytest.raises(LettersRefused, match="no letter 'x' among those of threads"):
        list(letters.shown(FakeStage({"error": "no letter 'x' among those of threads"}), "threads", "x"))


def test_a_function_that_fails_is_said_to() -> None:
    stage = FakeStage({"errorType": "ConfigurationError", "errorMessage": "STAGE is not set"}, "Unhandled")

    with pytest.raises(LettersRefused, match="dead-letters failed: ConfigurationError: STAGE is not set"):
        list(letters.counted(stage))


@pytest.mark.parametrize(
    ("refusal", "hint"),
    [
        (NoCredentialsError(), "cannot be asked: Unable to locate credentials"),
        (
            ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "Function not found"}}, "Invoke"),
            "make deploy STAGE=staging",
        ),
        (
            ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not yours"}}, "Invoke"),
            r"refuses: not yours \(AccessDeniedException\)",
        ),
    ],
)
def test_a_stage_that_cannot_be_asked_says_why(refusal: Exception, hint: str) -> None:
    with pytest.raises(StageRefused, match=hint):
        list(letters.counted(FakeStage(None, refusal=refusal)))


def test_a_stage_on_aws_is_asked_where_it_is_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)

    assert AwsStage("prod").client("lambda").meta.region_name == "us-east-1"
    assert AwsStage("prod").name("dead-letters") == "watchkeeper-prod-dead-letters"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--id", "x"], "QUEUE="),
        (["--redrive"], "QUEUE="),
        (["--queue", "threads", "--redrive", "--drop", "why"], "Either redrive or drop"),
        (["--stage", "nonsense"], "'nonsense' is not one of"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    result = CliRunner().invoke(cli, ["--port", str(six_free_ports()), "--state", str(tmp_path), "dlq", *arguments])

    assert result.exit_code == 2
    assert complaint in result.output


def test_without_a_cloud_it_tells_how_to_get_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["--port", str(six_free_ports()), "--state", str(tmp_path), "dlq"])

    assert result.exit_code == 1
    assert "make up" in result.output
    assert isinstance(result.exception, SystemExit)
