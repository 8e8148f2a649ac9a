"""The event store's stream, as Lambda delivers it: the events that were appended, each in its newest version.

DynamoDB guarantees the order of changes to one item only, and each event is an item of its own. The records of one
transaction may arrive in any order, so within a batch those of each aggregate are sorted by sequence.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchkeeper.clock import from_iso
from watchkeeper.correlation import accepted
from watchkeeper.dynamodb import item_from_stream
from watchkeeper.errors import WatchkeeperError
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.store import MALFORMED, event_of
from watchkeeper.observability.errors import FailedEvent
from watchkeeper.observability.events import newest

Record = Mapping[str, Any]


class Unreadable(WatchkeeperError):
    """An event that this release cannot read, however often it tries."""


@dataclass(frozen=True, slots=True)
class StreamedEvent:
    """An event that was appended, or why it cannot be read."""

    position: str
    """Its sequence number in the stream."""
    at: datetime
    """When it was appended, approximately."""
    named: FailedEvent
    """What identifies it; its aggregate and sequence are always known."""
    correlation_id: str
    content: Event | Unreadable
    record: Record
    """The stream record, unchanged."""

    @property
    def aggregate_id(self) -> str:
        return str(self.named.aggregate_id)


def streamed_events(records: Iterable[Record]) -> list[StreamedEvent]:
    """The events among the records, in order of sequence for each aggregate. Heads, snapshots, pages of commands, and
    records that are not insertions are skipped."""
    return _in_order([_streamed_event(record) for record in records if _is_event(record)])


def _in_order(some: list[StreamedEvent]) -> list[StreamedEvent]:
    """Sorts each aggregate's events within their own positions; other aggregates keep theirs."""
    own: dict[str, list[StreamedEvent]] = defaultdict(list)
    for one in some:
        own[one.aggregate_id].append(one)
    ordered = {name: iter(sorted(events, key=lambda one: one.named.sequence or 0)) for name, events in own.items()}
    return [next(ordered[one.aggregate_id]) for one in some]


def _is_event(record: Record) -> bool:
    return record.get("eventName") == "INSERT" and "eventType" in record["dynamodb"].get("NewImage", {})


def _streamed_event(record: Record) -> StreamedEvent:
    stream = record["dynamodb"]
    image, content = stream["NewImage"], _content(stream["NewImage"])
    at = datetime.fromtimestamp(stream["ApproximateCreationDateTime"], UTC)
    named = FailedEvent(
        id=_text(image, "eventId") or record["eventID"],
        type=_text(image, "eventType") or "unknown",
        occurred_at=_occurred_at(image) or at,
        aggregate_id=image["aggregateId"]["S"],
        sequence=int(image["eventSequence"]["N"]),
    )
    cause = accepted(_text(image, "correlationId")) or record["eventID"]
    return StreamedEvent(stream["SequenceNumber"], at, named, cause, content, record)


def _content(image: Mapping[str, Any]) -> Event | Unreadable:
    try:
        return newest(event_of(item_from_stream(image)))
    except (WatchkeeperError, *MALFORMED) as error:
        said = str(error) if isinstance(error, WatchkeeperError) else type(error).__name__
        return Unreadable(f"the event cannot be read: {said}")


def _occurred_at(image: Mapping[str, Any]) -> datetime | None:
    try:
        return from_iso(_text(image, "occurredAt"))
    except MALFORMED:
        return None


def _text(image: Mapping[str, Any], name: str) -> str:
    attribute = image.get(name)
    return str(attribute.get("S") or "") if isinstance(attribute, Mapping) else ""
