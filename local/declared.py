"""What the services declare in their files: additions there are known here automatically."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from local.cloud import SERVICES
from local.workspace import REPOSITORY

PREFIX = "watchkeeper-${sls:stage}-"


@dataclass(frozen=True)
class Queue:
    """By short name."""

    name: str
    has_dead_letters: bool
    """Work queues have one; queues that are kept for an operator do not."""


@cache
def functions() -> dict[str, str]:
    """The service of every function."""
    return {name: service for service in SERVICES for name in _functions(service)}


@cache
def schedules() -> tuple[str, ...]:
    events = (event for service in SERVICES for one in _functions(service).values() for event in one.get("events", ()))
    return tuple(_short(event["eventBridge"]["name"]) for event in events if "schedule" in event.get("eventBridge", {}))


@cache
def queues() -> tuple[Queue, ...]:
    found = (one["Properties"] for one in _resources() if one["Type"] == "AWS::SQS::Queue")
    return tuple(Queue(_short(queue["QueueName"]), "RedrivePolicy" in queue) for queue in found)


def parameter(stage: str, name: str) -> Any:
    """A stage's settings in stages.yml."""
    parameters = _read(REPOSITORY / "stages.yml")["params"]
    return {**parameters["default"], **(parameters.get(stage) or {})}[name]


def _functions(service: str) -> dict[str, Any]:
    return _read(REPOSITORY / "services" / service / "functions.yml")


def _resources() -> Iterator[dict[str, Any]]:
    for service in SERVICES:
        for file in sorted((REPOSITORY / "services" / service / "resources").glob("*.yml")):
            yield from (_read(file).get("Resources") or {}).values()


@cache
def _read(file: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(file.read_text()))


def _short(name: str) -> str:
    return name.removeprefix(PREFIX)
