"""Put what was appended to the event store on the bus: nothing appended stays untold, and each aggregate's events are
told in their order, in the newest version."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.observability.stream import Appended, Unreadable
from watchkeeper import correlation
from watchkeeper.dynamodb import Table
from watchkeeper.errors import DatabaseError, ItemNotFound, LimitExceeded
from watchkeeper.events import DeliveryFailed, EventPublisher
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.publishing import Published, publish_in_order
from watchkeeper.eventsourcing.store import event_of, is_event
from watchkeeper.logs import logger
from watchkeeper.observability.events import newest

SetAside = Callable[[Appended, Exception], None]
"""Raises ``DatabaseError`` or ``DeliveryFailed``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some records of the stream."""

    events: int
    """So many are on the bus."""
    failed: dict[str, str]
    """Why, by the place of each that is to come again."""


def publish_events(some: Sequence[Appended], publisher: EventPublisher, set_aside: SetAside) -> Outcome:
    """Publish the events, and set aside those no bus will ever take, which hold up nobody."""
    published = publish_in_order([one.content for one in some if isinstance(one.content, Event)], publisher)
    failed: dict[str, str] = {}
    for one in some:
        if reason := published.failed.get(one.named.id):
            failed[one.place] = reason
        elif error := _hopeless(one, published):
            try:
                set_aside(one, error)
            except (DatabaseError, DeliveryFailed) as failure:
                failed[one.place] = f"it could not be set aside: {failure}"
        else:
            _log(one)
    return Outcome(published.events, failed)


def _log(told: Appended) -> None:
    """A line for each event, under the id of what it follows from."""
    with correlation.following(told.correlation_id):
        logger.info("event told", event_id=told.named.id, event_type=told.named.type)


def _hopeless(one: Appended, published: Published) -> Exception | None:
    """Why the event never can be told."""
    if isinstance(one.content, Unreadable):
        return one.content
    reason = published.undeliverable.get(one.named.id)
    return LimitExceeded(reason) if reason else None


def publish_again(aggregate_id: str, sequence: int, store: Table, publisher: EventPublisher) -> None:
    """Publish one event of the store. Raises ``ItemNotFound`` if there is none, ``HistoryUnreadable``, ``UnknownEvent``
    or what a step does if it cannot be read, and ``DeliveryFailed``."""
    item = store.get({"aggregateId": aggregate_id, "eventSequence": sequence})
    if item is None or not is_event(item):
        raise ItemNotFound(f"{aggregate_id} has no event {sequence}")
    publisher.publish([newest(event_of(item))])
