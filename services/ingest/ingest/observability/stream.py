"""The event store's stream, as Lambda hands it over: the events that were appended, each aggregate's in their order,
and each in the newest version there is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchkeeper.correlation import accepted
from watchkeeper.dynamodb import item_from_stream
from watchkeeper.errors import WatchkeeperError
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.store import event_of
from watchkeeper.observability.errors import FailedEvent
from watchkeeper.observability.events import newest

Record = Mapping[str, Any]


class Unreadable(WatchkeeperError):
    """An event cannot be read by this release, whenever it tries."""


@dataclass(frozen=True, slots=True)
class Appended:
    """An event that was appended, or what stands in its place."""

    place: str
    """Its sequence number in the stream."""
    at: datetime
    """When it was appended, about."""
    named: FailedEvent
    """What identifies it; its aggregate and sequence are known in any case."""
    correlation_id: str
    content: Event | Unreadable
    record: Record
    """The stream's, as it came."""

    @property
    def aggregate_id(self) -> str:
        return str(self.named.aggregate_id)


def appended(records: Iterable[Record]) -> list[Appended]:
    """The events among the records. Heads, snapshots and pages of commands are none, nor is what is no insertion."""
    return [_appended(record) for record in records if _is_event(record)]


def _is_event(record: Record) -> bool:
    return record.get("eventName") == "INSERT" and "eventType" in record["dynamodb"].get("NewImage", {})


def _appended(record: Record) -> Appended:
    stream = record["dynamodb"]
    image, content = stream["NewImage"], _content(stream["NewImage"])
    named = FailedEvent(
        id=_text(image, "eventId") or record["eventID"],
        type=_text(image, "eventType") or "unknown",
        aggregate_id=image["aggregateId"]["S"],
        sequence=int(image["eventSequence"]["N"]),
    )
    at = datetime.fromtimestamp(stream["ApproximateCreationDateTime"], UTC)
    cause = accepted(_text(image, "correlationId")) or record["eventID"]
    return Appended(stream["SequenceNumber"], at, named, cause, content, record)


def _content(image: Mapping[str, Any]) -> Event | Unreadable:
    try:
        return newest(event_of(item_from_stream(image)))
    except (WatchkeeperError, AttributeError, KeyError, TypeError, ValueError) as error:
        said = str(error) if isinstance(error, WatchkeeperError) else type(error).__name__
        return Unreadable(f"the event cannot be read: {said}")


def _text(image: Mapping[str, Any], name: str) -> str:
    attribute = image.get(name)
    return str(attribute.get("S") or "") if isinstance(attribute, Mapping) else ""
