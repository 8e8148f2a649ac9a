"""Domain events: their envelope, and putting them on an EventBridge bus.

Delivery is at least once. An event's id is made from what caused it, so that consumers can drop what they have seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from watchkeeper.errors import WatchkeeperError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE_PREFIX = "watchkeeper"

MAX_EVENT_BYTES = 256 * 1024
"""Our own ceiling: EventBridge takes 1 MB today, what stands behind it often 256 KB."""

_ENTRIES_PER_REQUEST = 10
_BYTES_PER_REQUEST = 240 * 1024
_ATTEMPTS = 4


class DeliveryFailed(WatchkeeperError):
    """Some events could not be put on the bus; those that could are there."""

    def __init__(self, failed: Sequence["DomainEvent"], reason: str) -> None:
        super().__init__(f"{len(failed)} events were not delivered: {reason}")
        self.failed = failed


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """Something that happened; ``type`` and ``version`` name the entry of the catalogue that says what ``data`` is."""

    id: str
    type: str
    version: int
    occurred_at: datetime
    correlation_id: str
    data: Mapping[str, Any]


class EventPublisher(Protocol):
    def publish(self, events: Sequence[DomainEvent]) -> None:
        """Deliver all of them in order, or raise ``DeliveryFailed`` naming the rest."""


class EventBridgePublisher:
    """Puts events on a bus, ten a request; refused entries are sent again a few times."""

    def __init__(self, client: "EventBridgeClient", bus: str, source: str) -> None:
        self._client = client
        self._bus = bus
        self._source = f"{SOURCE_PREFIX}.{source}"

    def publish(self, events: Sequence[DomainEvent]) -> None:
        for chunk in _chunks([(event, self._entry(event)) for event in events]):
            self._put(chunk)

    def _put(self, pending: list[tuple[DomainEvent, dict[str, Any]]]) -> None:
        import stamina  # not worth its start-up time in functions that publish nothing

        for attempt in stamina.retry_context(on=DeliveryFailed, attempts=_ATTEMPTS, timeout=8.0, wait_max=2.0):
            with attempt:
                entries: Any = [entry for _, entry in pending]
                answer: Any = self._client.put_events(Entries=entries)
                refused = [bool(result.get("ErrorCode")) for result in answer["Entries"]]
                codes = {result["ErrorCode"] for result in answer["Entries"] if result.get("ErrorCode")}
                pending = [one for one, again in zip(pending, refused, strict=True) if again]
                if pending:
                    raise DeliveryFailed([event for event, _ in pending], ", ".join(sorted(codes)))

    def _entry(self, event: DomainEvent) -> dict[str, Any]:
        detail = orjson.dumps(event, option=orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS).decode()
        if len(detail.encode()) > MAX_EVENT_BYTES:
            raise DeliveryFailed([event], f"larger than {MAX_EVENT_BYTES} octets")
        return {
            "Time": event.occurred_at,
            "Source": self._source,
            "DetailType": event.type,
            "Detail": detail,
            "EventBusName": self._bus,
        }


def event_id(cause: str, kind: str) -> str:
    """The same cause gives the same id: a change delivered twice is the same event twice."""
    return sha256(f"{cause}/{kind}".encode()).hexdigest()[:32]


def _chunks(
    entries: Sequence[tuple[DomainEvent, dict[str, Any]]],
) -> Iterator[list[tuple[DomainEvent, dict[str, Any]]]]:
    chunk: list[tuple[DomainEvent, dict[str, Any]]] = []
    size = 0
    for event, entry in entries:
        octets = len(entry["Detail"].encode())
        if chunk and (len(chunk) == _ENTRIES_PER_REQUEST or size + octets > _BYTES_PER_REQUEST):
            yield chunk
            chunk, size = [], 0
        chunk.append((event, entry))
        size += octets
    if chunk:
        yield chunk
