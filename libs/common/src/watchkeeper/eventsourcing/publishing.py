"""Events out of the store onto a bus, those of one aggregate in their order."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from watchkeeper.budgets import Patience
from watchkeeper.events import PATIENCE_SECONDS, DeliveryFailed, EventPublisher
from watchkeeper.eventsourcing.event import Event

_EVENTS_AT_ONCE = 10
"""What a request to EventBridge takes: a refusal is known before the next one is sent."""

_NO_TIME = "there was no time left"


@dataclass(slots=True)
class Published:
    """What became of some events."""

    events: int = 0
    """So many are on the bus."""
    undeliverable: dict[str, str] = field(default_factory=dict)
    """Why no bus will ever take them as they are, by id."""
    failed: dict[str, str] = field(default_factory=dict)
    """Why they are to be sent again, by id: the bus did not take them now, or one of their aggregate before them."""


def publish_in_order(events: Sequence[Event], publisher: EventPublisher) -> Published:
    """Put events on the bus, each aggregate's in their order.

    Once the bus refuses an event no later one of its aggregate counts as sent, and none is sent after that request. An
    event that can never be delivered holds up nobody. No request begins later than ``PATIENCE_SECONDS``: a bus that
    is slow, or not there, is not asked again and again.
    """
    published = Published()
    stopped: dict[str, str] = {}
    patience = Patience(PATIENCE_SECONDS)
    for start in range(0, len(events), _EVENTS_AT_ONCE):
        some = events[start : start + _EVENTS_AT_ONCE]
        if patience.ended:
            stopped |= {event.aggregate_id: _NO_TIME for event in some if event.aggregate_id not in stopped}
        refused = _put([event for event in some if event.aggregate_id not in stopped], publisher, published)
        for event in some:
            if reason := stopped.get(event.aggregate_id) or refused.get(event.id):
                stopped[event.aggregate_id] = reason
                published.failed[event.id] = reason
                published.undeliverable.pop(event.id, None)  # that is told when its turn comes
            elif event.id not in published.undeliverable:
                published.events += 1
    return published


def _put(events: Sequence[Event], publisher: EventPublisher, published: Published) -> dict[str, str]:
    """Why events were refused for now, by id."""
    try:
        if events:
            publisher.publish(events)
    except DeliveryFailed as error:
        published.undeliverable |= error.undeliverable
        return {event.id: str(error) for event in error.failed if event.id not in error.undeliverable}
    return {}
