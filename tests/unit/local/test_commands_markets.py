"""Reading the markets by command, with a cloud that is played to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from local import markets
from local.cloud import FunctionFailed, LocalCloud
from local.markets import Collected, collect
from tests.unit.local.stand_ins import Client, FakeStage

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Depth = tuple[int, int, int]
"""Ready, taken and delayed."""


@dataclass
class FakeCloud:
    """Its queue is one depth after the other, and goes on being the last."""

    depths: Sequence[Depth] = ((0, 0, 0),)
    answers: Mapping[str, Any] = field(default_factory=dict)
    invoked: list[str] = field(default_factory=list)
    looks: int = 0
    said: Mapping[str, Any] = field(default_factory=dict)
    """By an operator, on maintenance."""

    stage = "local"

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        self.invoked.append(function)
        answer = self.answers.get(function, {"outcome": "read"} if function.startswith("sync") else {"needed": 0})
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, service: str) -> FakeCloud:
        return self

    def name(self, thing: str) -> str:
        return f"watchkeeper-local-{thing}"

    def query(self, ExpressionAttributeValues: Any, **_: Any) -> Any:  # noqa: N803 -- as boto3 has it
        assert ExpressionAttributeValues == {":source": {"S": "SOURCE#markets"}}
        record = {"phase": "live", "run": {"started_at": "2026-11-20T12:00:00Z", "fetched": 60}}
        return {"Items": [{"sk": {"S": "alpaca:assets"}, "record": {"S": json.dumps(record)}}]}

    def get_function_configuration(self, FunctionName: str) -> Any:  # noqa: N803
        return {"Environment": {"Variables": {"MAINTENANCE_DAYS": ""}}}

    def get_item(self, **_: Any) -> Any:
        return {"Item": self.said} if self.said else {}

    def get_queue_url(self, QueueName: str) -> Any:  # noqa: N803
        assert QueueName == "watchkeeper-local-pollenation"
        return {"QueueUrl": QueueName}

    def get_queue_attributes(self, **_: Any) -> Any:
        ready, taken, delayed = self.depths[min(self.looks, len(self.depths) - 1)]
        self.looks += 1
        names = ("Messages", "MessagesNotVisible", "MessagesDelayed")
        counts = zip(names, (ready, taken, delayed), strict=True)
        return {"Attributes": {f"ApproximateNumberOf{name}": str(count) for name, count in counts}}


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markets, "PAUSE", 0)
    monkeypatch.setattr(markets, "SILENCE", 0)
    monkeypatch.setattr(markets, "ARRIVAL", 0.05)
    monkeypatch.setattr(markets, "PATIENCE", 0.05)


def run(cloud: FakeCloud, seconds: float | None = None) -> tuple[Collected, list[str]]:
    told: list[str] = []
    return collect(cast("LocalCloud", cloud), seconds, told.append), told


def test_everything_runs_in_the_order_of_its_schedules_and_is_counted_at_the_end() -> None:
    cloud = FakeCloud()
    collected, told = run(cloud)

    assert cloud.invoked == [
        "sync-assets",
        "sync-earnings-calendar",
        "sync-news-sentiment",
        "trigger-earnings-pollenation",
        "trigger-regular-pollenation",
        "check-coverage",
    ]
    assert collected == Collected()
    assert told[0].startswith("alpaca:assets")


def test_it_waits_until_the_queue_was_filled_and_is_empty() -> None:
    cloud = FakeCloud([(0, 0, 0), (3, 1, 0), (3, 1, 0), (0, 2, 0), (0, 0, 0)], {markets.TRIGGERS[1]: {"needed": 4}})
    collected, told = run(cloud)

    assert collected.finished
    assert collected.waiting == 0
    assert cloud.looks == 5
    assert [line for line in told if "left in the queue" in line] == [
        "left in the queue: pollenation 4",
        "left in the queue: pollenation 2",
    ]


def test_what_waits_for_calls_of_another_day_is_not_waited_for() -> None:
    collected, _ = run(FakeCloud([(2, 0, 0), (0, 0, 2)], {markets.TRIGGERS[0]: {"needed": 2, "left_out": 7}}))

    assert (collected.finished, collected.waiting) == (True, 2)


def test_how_many_there_was_no_room_for_is_told() -> None:
    _, told = run(FakeCloud(answers={markets.TRIGGERS[0]: {"needed": 0, "left_out": 7}}))

    assert any(markets.TRIGGERS[0] in line and "7 more when there are calls" in line for line in told)


def test_messages_that_never_come_are_not_waited_for_for_ever() -> None:
    collected, _ = run(FakeCloud(answers={markets.TRIGGERS[1]: {"needed": 4}}))

    assert collected.waiting == 0


@pytest.mark.parametrize("seconds", [None, 0.02])
def test_a_queue_that_stands_still_is_left_alone(seconds: float | None) -> None:
    collected, _ = run(FakeCloud([(0, 1, 3)], {markets.TRIGGERS[1]: {"needed": 4}}), seconds)

    assert collected.waiting == 4


def test_what_fails_is_told_and_stops_nothing_else() -> None:
    failures = {"sync-assets": FunctionFailed("sync-assets: no"), "sync-news-sentiment": {"outcome": "left"}}
    cloud = FakeCloud(answers=failures)
    collected, _ = run(cloud)

    assert not collected.finished
    assert collected.failures == ["sync-assets: no", "sync-news-sentiment: there were no calls left for it"]
    assert len(cloud.invoked) == 6


def test_in_the_maintenance_window_nothing_is_asked_and_it_is_told_how_to_open_it() -> None:
    cloud = FakeCloud(said={"word": {"S": "closed"}, "until": {"S": "2100-01-01T00:00:00Z"}})
    collected, _ = run(cloud)

    assert cloud.invoked == []
    assert [failure for failure in collected.failures if "make maintenance OPEN=1h" in failure]
    assert not collected.finished


def test_the_queue_is_told_of_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markets, "SILENCE", 60)
    depths = [(number, 0, 0) for number in range(30, -1, -1)]
    _, told = run(FakeCloud(depths, {markets.TRIGGERS[1]: {"needed": 30}}))

    assert [line for line in told if "left in the queue" in line] == ["left in the queue: pollenation 30"]


class TestSummary:
    def test_it_tells_what_is_there(self) -> None:
        counted = {"counted_at": "2026-11-20T11:00:00Z", "assets": {"1d": 40, "no_data": 5, "never": 15}}
        spent = {"day": "2026-11-20", "used": 232, "news": 2, "next_at": 0.0, "paused_until": 0.0, "seconds": []}
        assert told_of(
            get_item={
                "COVERAGE": {"record": {"S": json.dumps(counted)}},
                "BUDGET": {"edition": {"N": "1"}, "record": {"S": json.dumps(spent)}},
            },
            reports=[{}, {"withdrawn_at": "2026-11-19T00:00:00Z"}, {"processed_at": "2026-11-20T06:01:00Z"}],
            news=140,
        ) == [
            "The markets:",
            "  60 assets, 45 of them pollenated with 5 calls each",
            "  2 reports from today on in 120 days, 1 of them processed already",
            "  140 news about an asset",
            "  232 of 500 calls of the day used",
        ]

    def test_it_tells_what_is_there_when_nothing_is(self) -> None:
        assert told_of()[1:] == [
            "  0 reports from today on in 120 days, 0 of them processed already",
            "  0 news about an asset",
            "  0 of 500 calls of the day used",
        ]


def told_of(
    get_item: Mapping[str, Any] | None = None, reports: Sequence[Mapping[str, Any]] = (), news: int = 0
) -> list[str]:
    items = get_item or {}
    calls = {"PER_SECOND": "50", "PER_MINUTE": "3000", "PER_DAY": "500", "NEWS_PER_DAY": "48"}
    variables = {f"ALPHAVANTAGE_{name}": value for name, value in calls.items()}

    def query(ExpressionAttributeValues: Any, **_: Any) -> Any:  # noqa: N803 -- as boto3 has it
        month = next(value["S"] for value in ExpressionAttributeValues.values())
        return {"Items": [report(number, more) for number, more in enumerate(reports)] if month == "2026-12" else []}

    client = Client(
        {
            "get_item": lambda Key, **_: {"Item": items[Key["pk"]["S"]]} if Key["pk"]["S"] in items else {},  # noqa: N803
            "get_function_configuration": {"Environment": {"Variables": variables}},
            "query": query,
            "scan": [{"Count": news}],
        }
    )
    return list(markets.summary(FakeStage({"dynamodb": client, "lambda": client}), NOW))


def report(number: int, more: Mapping[str, Any]) -> Mapping[str, Any]:
    processed = {name: {"S": at} for name, at in more.items() if name == "processed_at"}
    record = {"fiscal_date_ending": "2026-09-30", **more}
    return {
        **processed,
        "asset_symbol": {"S": f"S{number}"},
        "earnings_date": {"S": "2026-12-01"},
        "earnings_date_symbol": {"S": f"2026-12-01#S{number}"},
        "record": {"S": json.dumps(record)},
    }
