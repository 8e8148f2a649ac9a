"""Records of the event store's stream, as a function gets them, and a bus in memory."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from watchkeeper.dynamodb import _to_wire
from watchkeeper.events import DeliveryFailed, DomainEvent
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.store import event_item

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/watchkeeper-test-event-store/stream/2026"


def record(event: Event, place: int = 1, **image: Any) -> dict[str, Any]:
    """The insertion of an event, with some attributes of its image in another form."""
    return inserted({**_to_wire(event_item(event)), **image}, place, event.occurred_at)


def inserted(image: dict[str, Any], place: int, at: datetime) -> dict[str, Any]:
    return {
        "eventID": f"record-{place}",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": ARN,
        "dynamodb": {
            "NewImage": image,
            "SequenceNumber": str(place),
            "ApproximateCreationDateTime": at.timestamp(),
        },
    }


def records(events: Iterable[Event], first: int = 1) -> list[dict[str, Any]]:
    return [record(event, place) for place, event in enumerate(events, first)]


class FakeBus:
    """An event publisher that accepts everything except what it is set to refuse."""

    def __init__(self, *, refuses: Iterable[str] = (), never_takes: Iterable[str] = (), down: bool = False) -> None:
        self.told: list[DomainEvent] = []
        self.refuses = set(refuses)
        self.never_takes = set(never_takes)
        self.down = down

    def publish(self, events: Sequence[DomainEvent]) -> None:
        failed = [event for event in events if self.down or event.id in self.refuses | self.never_takes]
        self.told += [event for event in events if event not in failed]
        if failed:
            undeliverable = {event.id: "it is larger than a bus" for event in failed if event.id in self.never_takes}
            raise DeliveryFailed(failed, "refused", undeliverable)
