"""Dead letters: what failed for good, to be looked at, sent again, or dropped with a reason."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from scheduler.operations.errors import NotSent, WrongRequest
from scheduler.operations.letters import Letter, Reader
from watchkeeper.logs import logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BATCH = 10
_HELD_SECONDS = 120
"""Longer than the function may run, so that no letter is seen twice in one run."""
_RELEASE_SECONDS = 20.0
"""What is left of the function's time when no more letters are taken: enough to finish one and release all."""
_MOST_HELD = 500


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    dlq: str
    """URL of the dead-letter queue."""
    queue: str | None
    """URL of the queue its letters came from; ``None`` when they came from none."""
    function: str | None
    """Who does the work of that queue."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the letters of a request."""

    done: list[Letter] = field(default_factory=list)
    failed: list[tuple[Letter, str]] = field(default_factory=list)
    """With the reason; they are where they were."""
    more: bool = False
    """Whether some were not looked at."""


class DeadLetters:
    def __init__(
        self,
        client: "SQSClient",
        queues: Mapping[str, DeadLetterQueue],
        send: Callable[[Letter, str | None], None],
        prefix: str,
    ) -> None:
        """``send`` sends a letter's work again, or raises ``NotSent``."""
        self._client = client
        self._queues = queues
        self._send = send
        self._prefix = prefix

    def count(self) -> dict[str, int]:
        """Letters by queue, as SQS approximates it; those somebody looks at are among them."""
        return {name: self._depth(queue.dlq) for name, queue in self._queues.items()}

    def look(self, name: str, limit: int, seconds_left: Callable[[], float]) -> tuple[list[dict[str, Any]], bool]:
        """The oldest letters of a queue in short, and whether there are more."""
        with self._hold(name, seconds_left) as hold:
            letters = (self._reader(name).read(message) for message in hold.messages())
            found = sorted((one.summary() for one in letters), key=_moment)
        return found[:limit], len(found) > limit or not hold.complete

    def show(self, name: str, letter_id: str, seconds_left: Callable[[], float]) -> dict[str, Any]:
        with self._hold(name, seconds_left) as hold:
            return self._find(name, letter_id, hold).whole()

    def redrive(self, name: str, letter_id: str | None, seconds_left: Callable[[], float]) -> Outcome:
        """Send one letter, or all of a queue, to where they failed. A letter is removed only after its work was sent,
        so that none is lost; work is safe to be done twice."""
        queue = self._queue(name)
        return self._settle(name, letter_id, seconds_left, lambda letter: self._send(letter, queue.queue))

    def drop(self, name: str, letter_id: str | None, seconds_left: Callable[[], float]) -> Outcome:
        return self._settle(name, letter_id, seconds_left, _nothing)

    def _settle(
        self, name: str, letter_id: str | None, seconds_left: Callable[[], float], do: Callable[[Letter], None]
    ) -> Outcome:
        """One letter that fails does not stop the others."""
        outcome = Outcome()
        with self._hold(name, seconds_left) as hold:
            for letter in self._chosen(name, letter_id, hold):
                try:
                    do(letter)
                    hold.delete(letter)
                except NotSent as failure:
                    outcome.failed.append((letter, str(failure)))
                else:
                    outcome.done.append(letter)
        return Outcome(outcome.done, outcome.failed, more=letter_id is None and not hold.complete)

    def _chosen(self, name: str, letter_id: str | None, hold: "_Hold") -> Iterator[Letter]:
        if letter_id is not None:
            yield self._find(name, letter_id, hold)
            return
        for message in hold.messages():
            yield self._reader(name).read(message)

    def _find(self, name: str, letter_id: str, hold: "_Hold") -> Letter:
        for message in hold.messages():
            if message["MessageId"] == letter_id:
                return self._reader(name).read(message)
        so_far = "" if hold.complete else ", as far as they could be looked at; try again"
        raise WrongRequest(f"no letter {letter_id!r} among those of {name}{so_far}")

    def _reader(self, name: str) -> Reader:
        return Reader(name, self._queue(name).function, self._prefix)

    def _hold(self, name: str, seconds_left: Callable[[], float]) -> "_Hold":
        return _Hold(self._client, self._queue(name).dlq, seconds_left)

    def _queue(self, name: str) -> DeadLetterQueue:
        if name not in self._queues:
            raise WrongRequest(f"no queue {name!r}; there are {', '.join(self._queues)}")
        return self._queues[name]

    def _depth(self, url: str) -> int:
        answer = self._client.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        )
        return sum(map(int, answer["Attributes"].values()))


class _Hold:
    """Messages out of others' sight while they are looked at; in it again at once afterwards."""

    def __init__(self, client: "SQSClient", url: str, seconds_left: Callable[[], float]) -> None:
        self._client = client
        self._url = url
        self._seconds_left = seconds_left
        self._receipts: dict[str, str] = {}
        self.complete = False
        """Whether all there were have been taken."""

    def __enter__(self) -> "_Hold":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """What was done stays done, even if a letter cannot be released."""
        for letter_id, receipt in self._receipts.items():
            try:
                self._client.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=0)
            except (ClientError, BotoCoreError):
                logger.warning("dead letter not released; it is in sight again in minutes", letter=letter_id)

    def messages(self) -> Iterator[Mapping[str, Any]]:
        """A long poll asks all of SQS's servers, so that an empty answer means that there are none."""
        while len(self._receipts) < _MOST_HELD and self._seconds_left() > _RELEASE_SECONDS:
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_BATCH,
                VisibilityTimeout=_HELD_SECONDS,
                WaitTimeSeconds=1,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            messages = answer.get("Messages", [])
            if not messages:
                self.complete = True
                return
            self._receipts |= {message["MessageId"]: message["ReceiptHandle"] for message in messages}
            yield from messages

    def delete(self, letter: Letter) -> None:
        try:
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=self._receipts[letter.id])
        except (ClientError, BotoCoreError) as error:
            raise NotSent(f"it was dealt with, but could not be removed: {error}") from error
        del self._receipts[letter.id]


def _nothing(letter: Letter) -> None:
    """Removing it is all that dropping takes."""


def _moment(summary: Mapping[str, Any]) -> str:
    return str(summary["failed_at"] or summary["first_sent_at"] or "")
