"""Dead letters: work that failed permanently, to be inspected, redriven, or dropped with a reason."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from scheduler.operations.errors import NotSent, WrongRequest
from scheduler.operations.letters import Letter, Reader
from watchkeeper import sqs
from watchkeeper.budgets import WORKERS
from watchkeeper.clock import Clock, utc_now
from watchkeeper.errors import DatabaseError
from watchkeeper.logs import logger
from watchkeeper.translation import translated, understood

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BATCH = 10
_HELD_SECONDS = 120
"""Longer than the function may run, so that no letter is seen twice in one run."""
_RESERVE_SECONDS = 2 * WORKERS.call_seconds + 5
"""With less of the function's time left, no more letters are taken: it suffices to send and delete one, however slow
AWS is, or to release all that are held at its usual speed."""
_MOST_HELD = 200


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    dlq: str
    """URL of the dead-letter queue."""
    queue: str | None
    """URL of the queue its letters came from; ``None`` if they did not come from one."""
    function: str | None
    """The function that processes that queue."""
    machine: str | None = None
    """ARN of the state machine that its letters are events for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for each letter of a request, by id alone: the letters themselves may not fit in memory."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """With the reason; these letters stay in the queue."""
    more: bool = False
    """Whether some letters were not processed."""
    stopped: str | None = None
    """Why it stopped early, unless it ran out of time."""


class DeadLetters:
    def __init__(
        self,
        client: "SQSClient",
        queues: Mapping[str, DeadLetterQueue],
        send: Callable[[Letter, str | None], None],
        prefix: str,
        clock: Clock = utc_now,
    ) -> None:
        """``send`` redrives a letter, or raises ``NotSent``."""
        self._clock = clock
        self._client = client
        self._queues = queues
        self._send = send
        self._prefix = prefix

    def count(self) -> dict[str, int]:
        """The number of letters by queue, as approximated by SQS, including those in flight."""
        return {name: sqs.waiting(self._client, queue.dlq) for name, queue in self._queues.items()}

    def look(self, name: str, limit: int, seconds_left: Callable[[], float]) -> tuple[list[dict[str, Any]], bool]:
        """Summaries of the oldest letters of a queue, and whether there are more."""
        with self._hold(name, seconds_left) as hold:
            letters = (self._reader(name).read(message) for message in hold.messages())
            found = sorted((one.summary() for one in letters), key=_moment)
        return found[:limit], len(found) > limit or not hold.complete

    def show(self, name: str, letter_id: str, seconds_left: Callable[[], float]) -> dict[str, Any]:
        with self._hold(name, seconds_left) as hold:
            return self._find(name, letter_id, hold).whole()

    def redrive(self, name: str, letter_id: str | None, seconds_left: Callable[[], float]) -> Outcome:
        """Send one letter, or all of a queue, back to where they failed. A letter is deleted only after it was sent, so
        that none is lost; processing is idempotent."""
        queue = self._queue(name)
        doing = _Doing("redrive", lambda letter: self._send(letter, queue.queue))
        return self._settle(name, letter_id, seconds_left, doing)

    def drop(self, name: str, letter_id: str | None, reason: str, seconds_left: Callable[[], float]) -> Outcome:
        return self._settle(name, letter_id, seconds_left, _Doing("drop", _nothing, reason))

    def _settle(self, name: str, letter_id: str | None, seconds_left: Callable[[], float], doing: "_Doing") -> Outcome:
        """One letter that fails does not stop the others."""
        done: list[str] = []
        failed: dict[str, str] = {}
        stopped: str | None = None
        with self._hold(name, seconds_left) as hold:
            try:
                for letter in self._chosen(name, letter_id, hold):
                    problem = _problem(letter, hold, doing)
                    if problem is None:
                        done.append(letter.id)
                    else:
                        failed[letter.id] = problem
            except DatabaseError as error:
                logger.exception("dead letters left where they were", action=doing.action, queue=name)
                stopped = str(error)
        more = stopped is not None or (letter_id is None and not hold.complete)
        return Outcome(done, failed, more, stopped)

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
        queue = self._queue(name)
        return Reader(name, queue.function, self._prefix, queue.machine)

    def _hold(self, name: str, seconds_left: Callable[[], float]) -> "_Hold":
        return _Hold(self._client, self._queue(name).dlq, seconds_left, self._clock())

    def _queue(self, name: str) -> DeadLetterQueue:
        if name not in self._queues:
            raise WrongRequest(f"no queue {name!r}; there are {', '.join(self._queues)}")
        return self._queues[name]


@dataclass(frozen=True, slots=True)
class _Doing:
    """An operator's action on letters."""

    action: str
    do: Callable[[Letter], None]
    reason: str | None = None


def _problem(letter: Letter, hold: "_Hold", doing: _Doing) -> str | None:
    """Why a letter could not be settled; ``None`` once it is.

    It is logged immediately, so that the action is on record even if the function fails later."""
    told: dict[str, Any] = {"action": doing.action, "queue": letter.queue, "letter": letter.identity()}
    try:
        doing.do(letter)
        hold.delete(letter)
    except NotSent as failure:
        logger.error("dead letter not settled", **told, problem=str(failure))
        return str(failure)
    logger.warning("dead letter settled", **told, reason=doing.reason)
    return None


class _Hold:
    """Messages that are hidden from other consumers while they are held, and visible again right afterwards.

    Messages sent after it began are skipped: a letter that is redriven and fails again at once would otherwise come
    back as a new letter, endlessly.
    """

    def __init__(self, client: "SQSClient", url: str, seconds_left: Callable[[], float], began: datetime) -> None:
        self._client = client
        self._url = url
        self._seconds_left = seconds_left
        self._began = began.timestamp() * 1000
        self._receipts: dict[str, str] = {}
        self.complete = False
        """Whether all messages of the queue have been received."""

    def __enter__(self) -> "_Hold":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Failing to release a letter, or having no time to, does not undo what was done."""
        for letter_id, receipt in self._receipts.items():
            if self._seconds_left() <= WORKERS.call_seconds or not self._release(receipt):
                logger.warning("dead letter not released; it is in sight again in minutes", letter=letter_id)

    def messages(self) -> Iterator[Mapping[str, Any]]:
        while len(self._receipts) < _MOST_HELD and self._in_time():
            messages = self._receive()
            if not messages:
                self.complete = True
                return
            for message in messages:
                if not self._in_time():
                    return
                if int(message["Attributes"]["SentTimestamp"]) <= self._began:
                    yield message

    def delete(self, letter: Letter) -> None:
        try:
            with translated("DeleteMessage failed"):
                self._client.delete_message(QueueUrl=self._url, ReceiptHandle=letter.raw["ReceiptHandle"])
        except DatabaseError as error:
            raise NotSent(f"it was dealt with, but could not be removed: {error}") from error
        self._receipts.pop(letter.id, None)

    def _in_time(self) -> bool:
        return self._seconds_left() > _RESERVE_SECONDS

    def _receive(self) -> Sequence[Mapping[str, Any]]:
        """Long polling queries all SQS servers, so an empty response means that the queue is empty."""
        failed = "ReceiveMessage failed"
        with translated(failed):
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_BATCH,
                VisibilityTimeout=_HELD_SECONDS,
                WaitTimeSeconds=1,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        with understood(failed):
            messages = answer.get("Messages", [])
            self._receipts |= {message["MessageId"]: message["ReceiptHandle"] for message in messages}
        return messages

    def _release(self, receipt: str) -> bool:
        try:
            with translated("ChangeMessageVisibility failed"):
                self._client.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=0)
        except DatabaseError:
            return False
        return True


def _nothing(letter: Letter) -> None:
    """Dropping a letter takes no more than deleting it."""


def _moment(summary: Mapping[str, Any]) -> str:
    return str(summary["failed_at"] or summary["sent_at"] or "")
