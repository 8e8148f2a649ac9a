"""Dead letters: what failed for good, to be looked at and sent again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from watchkeeper.errors import WatchkeeperError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BATCH = 10
_LOOK_SECONDS = 5
"""How long a letter that was only looked at stays out of others' sight."""
_MOVE_SECONDS = 60


class UnknownQueue(WatchkeeperError):
    """No queue of ours has that name."""


class NothingToRedriveTo(WatchkeeperError):
    """The letters of this queue came from schedules and streams, not from a queue."""


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    dlq: str
    """URL of the dead-letter queue."""
    queue: str | None
    """URL of the queue its letters came from."""


class DeadLetters:
    def __init__(self, client: "SQSClient", queues: Mapping[str, DeadLetterQueue]) -> None:
        self._client = client
        self._queues = queues

    def count(self) -> dict[str, int]:
        """Letters by queue, as SQS approximates it."""
        return {name: self._depth(queue.dlq) for name, queue in self._queues.items()}

    def look(self, name: str, limit: int = _BATCH) -> list[dict[str, Any]]:
        """Some letters of a queue, which stay where they are."""
        letters = self._receive(self._queue(name).dlq, hidden_for=_LOOK_SECONDS)
        return [letter for letter, _ in zip(letters, range(limit), strict=False)]

    def redrive(self, name: str) -> int:
        """Send all letters of a queue to where they failed; returns how many. A letter is removed only after it was
        sent, so that none is lost; work is safe to be done twice."""
        queue = self._queue(name)
        if queue.queue is None:
            raise NothingToRedriveTo(f"the letters of {name!r} came from no queue")
        moved = 0
        for letter in self._receive(queue.dlq, hidden_for=_MOVE_SECONDS):
            self._client.send_message(QueueUrl=queue.queue, MessageBody=letter["body"])
            self._client.delete_message(QueueUrl=queue.dlq, ReceiptHandle=letter["receipt"])
            moved += 1
        return moved

    def _queue(self, name: str) -> DeadLetterQueue:
        if name not in self._queues:
            raise UnknownQueue(f"no queue {name!r}; there are {', '.join(sorted(self._queues))}")
        return self._queues[name]

    def _receive(self, url: str, *, hidden_for: int) -> Iterator[dict[str, Any]]:
        while messages := self._client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=_BATCH, VisibilityTimeout=hidden_for, AttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                yield {
                    "id": message["MessageId"],
                    "body": message["Body"],
                    "attributes": dict(message.get("Attributes", {})),
                    "receipt": message["ReceiptHandle"],
                }

    def _depth(self, url: str) -> int:
        answer = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])
