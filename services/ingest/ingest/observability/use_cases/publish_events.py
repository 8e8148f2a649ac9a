"""Publish what was appended to the event store: every event, in order for each aggregate, and in its newest
version."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.observability.stream import StreamedEvent, Unreadable
from watchkeeper import correlation
from watchkeeper.dynamodb import Table
from watchkeeper.errors import DatabaseError, ItemNotFound, LimitExceeded
from watchkeeper.events import DeliveryFailed, EventPublisher
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.publishing import PublicationResult, publish_in_order
from watchkeeper.eventsourcing.store import event_of, is_event
from watchkeeper.logs import logger
from watchkeeper.observability.events import newest

SetAside = Callable[[StreamedEvent, Exception], None]
"""Raises ``DatabaseError`` or ``DeliveryFailed``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for some records of the stream."""

    published: int
    """How many."""
    failed: dict[str, str]
    """The reason, by stream position, for each record to be retried."""


def publish_events(some: Sequence[StreamedEvent], publisher: EventPublisher, set_aside: SetAside) -> Outcome:
    """Publish the events. Those that no bus will ever accept are dead-lettered and block nothing."""
    result = publish_in_order([one.content for one in some if isinstance(one.content, Event)], publisher)
    failed: dict[str, str] = {}
    for one in some:
        if reason := result.failed.get(one.named.id):
            failed[one.position] = reason
        elif error := _permanent_failure(one, result):
            try:
                set_aside(one, error)
            except (DatabaseError, DeliveryFailed) as failure:
                failed[one.position] = f"it could not be set aside: {failure}"
        else:
            _log(one)
    return Outcome(result.published, failed)


def _log(told: StreamedEvent) -> None:
    """One line for each event, under its correlation id."""
    with correlation.following(told.correlation_id):
        logger.info("event told", event_id=told.named.id, event_type=told.named.type)


def _permanent_failure(one: StreamedEvent, result: PublicationResult) -> Exception | None:
    """Why the event can never be published, if so."""
    if isinstance(one.content, Unreadable):
        return one.content
    reason = result.undeliverable.get(one.named.id)
    return LimitExceeded(reason) if reason else None


def publish_again(aggregate_id: str, sequence: int, store: Table, publisher: EventPublisher) -> None:
    """Publish one event of the store. Raises ``ItemNotFound`` if there is none, ``HistoryError`` or what an upcasting
    step raises if it cannot be read, and ``DeliveryFailed``."""
    item = store.get({"aggregateId": aggregate_id, "eventSequence": sequence})
    if item is None or not is_event(item):
        raise ItemNotFound(f"{aggregate_id} has no event {sequence}")
    publisher.publish([newest(event_of(item))])
