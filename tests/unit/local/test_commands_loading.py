"""Bringing facts in, and telling how it goes, with a cloud that is played to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from local import loading
from local.cloud import LocalCloud
from local.loading import Outcome, follow_load, start_load

BEFORE = "2026-11-20T09:00:00Z"
SINCE = datetime(2026, 11, 20, 10, tzinfo=UTC)
AFTER = "2026-11-20T10:00:05Z"

Sources = dict[str, dict[str, Any]]
"""By name, what `item` makes their rows of."""


@dataclass
class FakeCloud:
    """Shows one scene after the other, and goes on showing the last."""

    scenes: list[Scene]
    invoked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def client(self, service: str) -> FakeCloud:
        return self

    def name(self, thing: str) -> str:
        return thing

    def invoke_later(self, function: str, event: Mapping[str, Any]) -> None:
        self.invoked.append((function, event))

    def get_function_configuration(self, FunctionName: str) -> Any:  # noqa: N803 -- as boto3 has it
        variables = {"fetch-patches": {"PROJECTS": "leds"}, "fetch-discussions": {"LISTS": "leds"}}
        return {"Environment": {"Variables": variables[FunctionName]}}

    def query(self, **request: Any) -> Any:
        """Of the progress table; it is what each look begins with."""
        self.scene = self.scenes.pop(0) if len(self.scenes) > 1 else self.scenes[0]
        return {"Items": [item(name, **record) for name, record in self.scene.sources.items()]}

    def get_queue_url(self, QueueName: str) -> Any:  # noqa: N803
        return {"QueueUrl": QueueName}

    def get_queue_attributes(self, QueueUrl: str, **request: Any) -> Any:  # noqa: N803
        ready = self.scene.waiting if QueueUrl == "patches" else 0
        attributes = dict.fromkeys(request["AttributeNames"], "0") | {"ApproximateNumberOfMessages": str(ready)}
        return {"Attributes": attributes}


@dataclass
class Scene:
    sources: Sources
    waiting: int = 0


def item(name: str, finished: str | None = None, error: str | None = None, fetched: int = 0) -> Mapping[str, Any]:
    run = {"started_at": BEFORE, "finished_at": finished, "fetched": fetched}
    record = {"phase": "live" if finished else "loading", "run": run, "error": error}
    return {"pk": {"S": "SOURCE"}, "sk": {"S": name}, "record": {"S": json.dumps(record)}}


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "PAUSE", 0)
    monkeypatch.setattr(loading, "PATIENCE", 0.05)


def follow(*scenes: Scene, seconds: float = 20) -> tuple[Outcome, list[str]]:
    told: list[str] = []
    cloud = cast("LocalCloud", FakeCloud(list(scenes)))
    return follow_load(cloud, SINCE, seconds, told.append), told


def test_a_load_asks_both_functions_that_fetch() -> None:
    cloud = FakeCloud([])
    before = datetime.now(UTC)

    assert start_load(cast("LocalCloud", cloud), "recent") >= before
    assert cloud.invoked == [("fetch-patches", {"mode": "recent"}), ("fetch-discussions", {"mode": "recent"})]


def test_it_is_finished_when_every_source_is_and_no_queue_has_work() -> None:
    done: Sources = {"patchwork:leds": {"finished": AFTER}, "lore:leds": {"finished": AFTER}}
    outcome, told = follow(Scene({}), Scene(done | {"lore:leds": {}}), Scene(done, waiting=3), Scene(done))

    assert outcome.finished
    assert {source.name for source in outcome.sources} == set(done)
    assert any("patches" in line and "3" in line for line in told)


def test_what_finished_earlier_does_not_count() -> None:
    done: Sources = {"patchwork:leds": {"finished": AFTER}, "lore:leds": {"finished": BEFORE}}

    assert not follow(Scene(done), seconds=0.05)[0].finished


def test_sources_that_are_not_watched_do_not_count() -> None:
    done: Sources = {"patchwork:leds": {"finished": AFTER}, "lore:leds": {"finished": AFTER}}
    outcome, _ = follow(Scene(done | {"lore:threads": {"error": "HTTP 500"}}))

    assert outcome.finished
    assert {source.name for source in outcome.sources} == set(done)


def test_a_source_that_fails_is_not_waited_for() -> None:
    outcome, told = follow(Scene({"patchwork:leds": {"finished": AFTER}, "lore:leds": {"error": "HTTP 403"}}))

    assert not outcome.finished
    assert outcome.seconds < 10
    assert [source.error for source in outcome.sources if source.error] == ["HTTP 403"]
    assert any("HTTP 403" in line for line in told)


def test_a_source_that_failed_before_is_waited_for_while_there_is_work() -> None:
    failed: Sources = {"patchwork:leds": {"finished": AFTER}, "lore:leds": {"error": "HTTP 502"}}
    done: Sources = {"patchwork:leds": {"finished": AFTER}, "lore:leds": {"finished": AFTER}}

    assert follow(*[Scene(failed, waiting=1)] * 5, Scene(done))[0].finished


def test_it_ends_when_the_time_is_up() -> None:
    outcome, _ = follow(Scene({"patchwork:leds": {}}, waiting=1), seconds=0.05)

    assert not outcome.finished
    assert 0.05 < outcome.seconds < 10


def test_a_line_is_told_once_as_long_as_it_stays() -> None:
    begun: Sources = {"patchwork:leds": {"fetched": 10}}
    done: Sources = {"patchwork:leds": {"finished": AFTER, "fetched": 20}, "lore:leds": {"finished": AFTER}}
    _, told = follow(Scene(begun), Scene(begun), Scene(begun), Scene(done))

    assert len([line for line in told if "patchwork:leds" in line]) == 2
