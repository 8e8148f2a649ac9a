"""The progress of loading: what the functions record about each source, and what waits in the queues."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.stages import Stage
from watchkeeper.progress import KERNEL

QUEUES = ("patches", "discussions", "threads")
"""Of the kernel watch."""
COUNTED = ("fetched", "stored", "unchanged", "refused")


@dataclass(frozen=True)
class SourceProgress:
    """The last run of one source, such as `patchwork:linux-hwmon`."""

    name: str
    phase: str
    started_at: str | None
    finished_at: str | None
    counts: Mapping[str, int]
    error: str | None = None

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "SourceProgress":
        record = json.loads(item.get("record", {}).get("S", "{}"))
        run = record.get("run") or {}
        return cls(
            name=item["sk"]["S"],
            phase=str(record.get("phase") or ""),
            started_at=run.get("started_at"),
            finished_at=run.get("finished_at"),
            counts={name: int(run.get(name) or 0) for name in COUNTED},
            error=record.get("error"),
        )

    def has_finished_since(self, moment: str) -> bool:
        """Moments are ISO 8601 in UTC, so that they compare as text."""
        return self.finished_at is not None and self.finished_at >= moment

    def __str__(self) -> str:
        counts = "  ".join(f"{name} {count}" for name, count in self.counts.items())
        trouble = f"  FAILS: {self.error}" if self.error else ""
        return f"{self.name:<30} {self.phase or 'waiting':<12} {counts}{trouble}"


@dataclass(frozen=True)
class Waiting:
    """Messages of one queue."""

    queue: str
    ready: int
    taken: int
    delayed: int

    @property
    def is_at_rest(self) -> bool:
        """There is no work right now."""
        return not (self.ready or self.taken)

    @property
    def is_empty(self) -> bool:
        """Nothing is left of a load; second reads of threads come minutes later and are not part of it."""
        return self.is_at_rest and (self.queue == "threads" or not self.delayed)

    def __str__(self) -> str:
        later = f" (and {self.delayed} for later)" if self.delayed else ""
        return f"{self.queue} {self.ready + self.taken}{later}"


def source_progress(stage: Stage, watch: str = KERNEL) -> list[SourceProgress]:
    answer = stage.client("dynamodb").query(
        TableName=stage.name("progress"),
        KeyConditionExpression="pk = :source",
        ExpressionAttributeValues={":source": {"S": f"SOURCE#{watch}" if watch else "SOURCE"}},
        ConsistentRead=True,
    )
    return [SourceProgress.of(item) for item in answer["Items"]]


def waiting(stage: Stage) -> list[Waiting]:
    return [waiting_in(stage, queue) for queue in QUEUES]


def waiting_in(stage: Stage, queue: str) -> Waiting:
    sqs = stage.client("sqs")
    answer = sqs.get_queue_attributes(
        QueueUrl=sqs.get_queue_url(QueueName=stage.name(queue))["QueueUrl"],
        AttributeNames=[
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
        ],
    )
    counts = {name: int(value) for name, value in answer["Attributes"].items()}
    return Waiting(
        queue,
        ready=counts["ApproximateNumberOfMessages"],
        taken=counts["ApproximateNumberOfMessagesNotVisible"],
        delayed=counts["ApproximateNumberOfMessagesDelayed"],
    )


def watched_sources(stage: Stage) -> list[str]:
    """All sources the deployed functions fetch."""
    return _named(stage, "fetch-patches", "PROJECTS", "patchwork") + _named(stage, "fetch-discussions", "LISTS", "lore")


def _named(stage: Stage, function: str, variable: str, kind: str) -> list[str]:
    configuration = stage.client("lambda").get_function_configuration(FunctionName=stage.name(function))
    names = str(configuration["Environment"]["Variables"].get(variable, "")).split(",")
    return [f"{kind}:{name.strip()}" for name in names if name.strip()]
