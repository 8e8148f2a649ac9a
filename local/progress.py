"""How far the facts are: what the functions note down about each source, and what waits in the queues."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.cloud import LocalCloud

QUEUES = ("patches", "discussions", "threads")
DEAD_LETTERS = ("patches-dlq", "discussions-dlq", "threads-dlq", "failures")
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
        return f"{self.name:<28} {self.phase or 'waiting':<12} {counts}{trouble}"


@dataclass(frozen=True)
class Waiting:
    """Messages of one queue."""

    queue: str
    ready: int
    taken: int
    delayed: int

    @property
    def is_at_rest(self) -> bool:
        """Nothing is to be done right now."""
        return not (self.ready or self.taken)

    @property
    def is_empty(self) -> bool:
        """Nothing is left of a load; second looks at threads come minutes later and are no part of it."""
        return self.is_at_rest and (self.queue == "threads" or not self.delayed)

    def __str__(self) -> str:
        later = f" (and {self.delayed} for later)" if self.delayed else ""
        return f"{self.queue} {self.ready + self.taken}{later}"


def source_progress(cloud: LocalCloud) -> list[SourceProgress]:
    answer = cloud.dynamodb.query(
        TableName=cloud.name("progress"),
        KeyConditionExpression="pk = :source",
        ExpressionAttributeValues={":source": {"S": "SOURCE"}},
        ConsistentRead=True,
    )
    return [SourceProgress.of(item) for item in answer["Items"]]


def waiting(cloud: LocalCloud, queues: tuple[str, ...] = QUEUES) -> list[Waiting]:
    return [_waiting(cloud, queue) for queue in queues]


def _waiting(cloud: LocalCloud, queue: str) -> Waiting:
    sqs = cloud.sqs
    answer = sqs.get_queue_attributes(
        QueueUrl=sqs.get_queue_url(QueueName=cloud.name(queue))["QueueUrl"],
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


def watched_sources(cloud: LocalCloud) -> list[str]:
    """All sources the deployed functions fetch."""
    return _named(cloud, "fetch-patches", "PROJECTS", "patchwork") + _named(cloud, "fetch-discussions", "LISTS", "lore")


def _named(cloud: LocalCloud, function: str, variable: str, kind: str) -> list[str]:
    configuration = cloud.functions.get_function_configuration(FunctionName=cloud.name(function))
    names = configuration["Environment"]["Variables"][variable].split(",")
    return [f"{kind}:{name.strip()}" for name in names if name.strip()]
