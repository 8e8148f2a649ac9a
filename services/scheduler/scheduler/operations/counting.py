"""Counting dead letters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchkeeper import sqs
from watchkeeper.observability.facts import DeadLettersCounted

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class WatchedQueue:
    dlq: str
    """URL of the dead-letter queue."""
    service: str
    """The service whose work failed."""


def counted(client: "SQSClient", queues: Mapping[str, WatchedQueue]) -> Iterator[DeadLettersCounted]:
    """The letters of each queue, including those in flight. Raises ``DatabaseError``."""
    for name, queue in queues.items():
        yield DeadLettersCounted(name, queue.service, sqs.waiting(client, queue.dlq))
