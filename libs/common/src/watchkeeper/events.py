"""Domain events: their envelope, and putting them on an EventBridge bus.

Delivery is at-least-once. An event's id is derived from its cause, so that consumers can drop duplicates.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from watchkeeper.budgets import Deadline, Patience
from watchkeeper.errors import DatabaseError, LimitExceeded, WatchkeeperError
from watchkeeper.translation import asking, understood

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE_PREFIX = "watchkeeper"

MAX_EVENT_BYTES = 256 * 1024
"""Our own limit: EventBridge accepts 1 MB today, its targets often 256 KB."""

PATIENCE_SECONDS = 20.0
"""No request of a publication starts later than this; including the last call, it takes 35 seconds at the most."""

_ENTRIES_PER_REQUEST = 10
_BYTES_PER_REQUEST = MAX_EVENT_BYTES
_ATTEMPTS = 4


class DeliveryFailed(WatchkeeperError):
    """Some events could not be put on the bus; all others were."""

    def __init__(
        self, failed: Sequence["DomainEvent"], reason: str, undeliverable: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{len(failed)} events were not delivered: {reason}")
        self.failed = failed
        self.undeliverable = dict(undeliverable or {})
        """Why some of them can never be delivered, by id."""


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """Something that happened; ``type`` and ``version`` identify the catalogue entry that defines ``data``."""

    id: str
    type: str
    version: int
    occurred_at: datetime
    correlation_id: str
    data: Mapping[str, Any]


class EventPublisher(Protocol):
    def publish(self, events: Sequence[DomainEvent]) -> None:
        """Deliver all events that can be; raises ``DeliveryFailed`` with the others, in the order given.

        They may arrive in another order: a rejected event is sent again after those that were accepted. To preserve an
        order, publish later events only after this has returned."""


_Entry = tuple[DomainEvent, dict[str, Any]]


class EventBridgePublisher:
    """Puts events on a bus, ten per request; rejected entries are retried a few times.

    An event that no bus accepts, because it is too large or not JSON, does not block the others. No further request is
    made if the bus does not answer, or once the ``deadline`` of a person's request has passed.
    """

    def __init__(self, client: "EventBridgeClient", bus: str, source: str, *, deadline: Deadline | None = None) -> None:
        self._client = client
        self._deadline = deadline
        self._bus = bus
        self._source = f"{SOURCE_PREFIX}.{source}"

    def publish(self, events: Sequence[DomainEvent]) -> None:
        delivery = _Delivery()
        for chunk in _chunks(list(self._entries(events, delivery))):
            if reason := delivery.stopped:
                delivery.fail([event for event, _ in chunk], reason)
            else:
                self._put(chunk, delivery)
        if delivery.failed:
            reasons = ", ".join(sorted(set(delivery.failed.values())))
            failed = [event for event in events if event.id in delivery.failed]
            raise DeliveryFailed(failed, reasons, delivery.undeliverable)

    def _entries(self, events: Sequence[DomainEvent], delivery: "_Delivery") -> Iterator[_Entry]:
        for event in events:
            try:
                yield event, self._entry(event)
            except LimitExceeded as error:
                delivery.give_up(event, str(error))

    def _put(self, pending: list[_Entry], delivery: "_Delivery") -> None:
        for _ in range(_ATTEMPTS):
            try:
                codes = self._send(pending)
            except DatabaseError as error:
                delivery.stop(str(error))
                codes = [str(error)] * len(pending)
            refused = [(one, code) for one, code in zip(pending, codes, strict=True) if code]
            pending = [one for one, _ in refused]
            if not refused or delivery.stopped or not delivery.pause():
                break
        for (event, _), code in refused:
            delivery.fail([event], str(code))

    def _send(self, pending: Sequence[_Entry]) -> list[str | None]:
        """For each entry why it was rejected, or ``None``."""
        failed = f"PutEvents on {self._bus} failed"
        entries: Any = [entry for _, entry in pending]
        with asking(failed, self._deadline):
            answer = self._client.put_events(Entries=entries)
        with understood(failed):
            results = answer["Entries"]
            if len(results) != len(pending) or not all(one.get("EventId") or one.get("ErrorCode") for one in results):
                raise ValueError("not every entry is answered for")
            return [one.get("ErrorCode") for one in results]

    def _entry(self, event: DomainEvent) -> dict[str, Any]:
        try:
            detail = orjson.dumps(event, option=orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS).decode()
        except (TypeError, ValueError) as error:
            raise LimitExceeded("it is no JSON") from error
        entry = {"Source": self._source, "DetailType": event.type, "Detail": detail}
        if _size(entry) > MAX_EVENT_BYTES:
            raise LimitExceeded(f"it is larger than {MAX_EVENT_BYTES} bytes")
        return {**entry, "Time": event.occurred_at, "EventBusName": self._bus}


class _Delivery:
    """The progress of a publication."""

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}
        """Why, by event."""
        self.undeliverable: dict[str, str] = {}
        """Why they can never be delivered, by event; they are among those that failed."""
        self._stopped: str | None = None
        self._patience = Patience(PATIENCE_SECONDS)

    @property
    def stopped(self) -> str | None:
        """Why no more is sent."""
        return "there was no time left" if self._patience.ended else self._stopped

    def fail(self, events: Iterable[DomainEvent], reason: str) -> None:
        self.failed |= dict.fromkeys((event.id for event in events), reason)

    def give_up(self, event: DomainEvent, reason: str) -> None:
        self.fail([event], reason)
        self.undeliverable[event.id] = reason

    def stop(self, reason: str) -> None:
        self._stopped = reason

    def pause(self) -> bool:
        """Wait before another attempt, if there is time for one."""
        return self._patience.pause()


def event_id(cause: str, kind: str) -> str:
    """The same cause gives the same id, so that a change delivered twice becomes the same event twice."""
    return sha256(f"{cause}/{kind}".encode()).hexdigest()[:32]


def _size(entry: Mapping[str, Any]) -> int:
    """Bytes EventBridge counts for an entry: its texts, and 14 for its time."""
    return 14 + sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail"))


def _chunks(entries: Sequence[_Entry]) -> Iterator[list[_Entry]]:
    chunk: list[_Entry] = []
    size = 0
    for event, entry in entries:
        added = _size(entry)
        if chunk and (len(chunk) == _ENTRIES_PER_REQUEST or size + added > _BYTES_PER_REQUEST):
            yield chunk
            chunk, size = [], 0
        chunk.append((event, entry))
        size += added
    if chunk:
        yield chunk
