"""The scheduler's functions, through their handlers."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pytest

from scheduler.kernel.handlers import check_freshness
from scheduler.operations.handlers import dead_letters
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.kernel.repositories.progress import ProgressRepository, Run, Source


@dataclass
class Context:
    function_name: str = "test"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:test"
    aws_request_id: str = "request-1"


@pytest.fixture
def queues(cloud: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    urls = {
        name: aws.sqs_client().create_queue(QueueName=name)["QueueUrl"] for name in ("work", "work-dlq", "failures")
    }
    configured = {
        "work": {"queue": urls["work"], "dlq": urls["work-dlq"]},
        "failures": {"queue": None, "dlq": urls["failures"]},
    }
    monkeypatch.setenv("DEAD_LETTER_QUEUES", orjson.dumps(configured).decode())
    dead_letters._dead_letters.cache_clear()
    return urls


def call(**event: Any) -> dict[str, Any]:
    return dead_letters.handler(event, Context())


def test_sources_without_success_for_three_hours_are_stale(
    progress: ProgressRepository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTS", "fresh, late,never,loading")
    check_freshness._progress.cache_clear()
    check_freshness._watched.cache_clear()
    now = utc_now()
    progress.save(Source("lore:fresh", last_success=now - timedelta(hours=1)))
    progress.save(Source("lore:late", last_success=now - timedelta(hours=4)))
    progress.save(Source("lore:never", failing_since=now - timedelta(days=1)))
    progress.save(Source("lore:loading", run=Run("1", "recent", now - timedelta(minutes=5))))
    progress.save(Source("lore:threads", last_success=now - timedelta(days=9)))

    answer = check_freshness.handler({}, Context())

    assert answer == {"sources": 4, "stale": ["lore:late", "lore:never"]}
    assert '"FreshnessAge"' in capsys.readouterr().out


def test_dead_letters_are_counted_shown_and_sent_again(queues: dict[str, str]) -> None:
    for number in range(12):
        aws.sqs_client().send_message(QueueUrl=queues["work-dlq"], MessageBody=f"letter {number}")

    assert call(action="list") == {"letters": {"work": 12, "failures": 0}}
    assert call(action="list", queue="work")["letters"][0]["body"].startswith("letter")
    aws.sqs_client().purge_queue(QueueUrl=queues["work"])


def test_redriven_letters_are_where_they_failed_and_nowhere_else(queues: dict[str, str]) -> None:
    for number in range(12):
        aws.sqs_client().send_message(QueueUrl=queues["work-dlq"], MessageBody=f"letter {number}")

    assert call(action="redrive", queue="work") == {"redriven": 12}
    assert call(action="list") == {"letters": {"work": 0, "failures": 0}}


@pytest.mark.parametrize(
    "event",
    [{}, {"action": "redrive"}, {"action": "list", "queue": "nope"}, {"action": "redrive", "queue": "failures"}],
)
def test_a_wrong_request_is_told_what_is_wrong(queues: dict[str, str], event: dict[str, Any]) -> None:
    assert "error" in call(**event)
