"""Publishing events from the store to a bus, in order for each aggregate."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from watchkeeper.budgets import Patience
from watchkeeper.events import PATIENCE_SECONDS, DeliveryFailed, EventPublisher
from watchkeeper.eventsourcing.event import Event


@dataclass(frozen=True, slots=True)
class PublicationResult:
    """The result of publishing some events."""

    published: int
    """How many."""
    undeliverable: dict[str, str]
    """Why no bus will ever accept them, by event id."""
    failed: dict[str, str]
    """Why they must be retried, by event id: the bus did not accept them, or an earlier event of their aggregate."""


def publish_in_order(events: Sequence[Event], publisher: EventPublisher) -> PublicationResult:
    """Publish events, in order for each aggregate.

    A bus may accept some entries of a request and reject others, and a retry would put those after the accepted ones.
    So only one event of each aggregate is sent at a time, and the next one once it was accepted. A temporary rejection
    blocks the rest of the aggregate; an event that can never be delivered blocks nothing. After
    ``PATIENCE_SECONDS`` no further turn of one event of each aggregate is started, so that a slow or unavailable bus is
    not called again and again; a turn started just before may take as long again.
    """
    patience = Patience(PATIENCE_SECONDS)
    undeliverable: dict[str, str] = {}
    failed: dict[str, str] = {}
    stopped: dict[str, str] = {}
    for turn in _turns(events):
        going = [event for event in turn if event.aggregate_id not in stopped]
        if error := _undelivered(going, publisher, patience):
            undeliverable |= error.undeliverable
            refused = {event.id for event in error.failed} - error.undeliverable.keys()
            stopped |= {event.aggregate_id: str(error) for event in going if event.id in refused}
        failed |= {event.id: stopped[event.aggregate_id] for event in turn if event.aggregate_id in stopped}
    return PublicationResult(len(events) - len(failed) - len(undeliverable), undeliverable, failed)


def _turns(events: Sequence[Event]) -> list[list[Event]]:
    """First the first event of each aggregate, then the second of each that has one, and so on."""
    own: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        own[event.aggregate_id].append(event)
    return [[event for event in turn if event] for turn in zip_longest(*own.values())]


def _undelivered(events: Sequence[Event], publisher: EventPublisher, patience: Patience) -> DeliveryFailed | None:
    """The events that could not be published, if any."""
    if not events:
        return None
    if patience.ended:
        return DeliveryFailed(events, "there was no time left")
    try:
        publisher.publish(events)
    except DeliveryFailed as error:
        return error
    return None
