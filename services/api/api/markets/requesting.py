"""Requesting the fundamentals of an asset out of turn."""

from datetime import datetime

from api.markets import views
from watchkeeper import correlation
from watchkeeper.clock import to_iso
from watchkeeper.errors import Unavailable
from watchkeeper.events import DeliveryFailed, EventPublisher
from watchkeeper.markets.events import PollenationNeeded, Reason, domain_event


def request_pollenation(
    publisher: EventPublisher, symbol: str, *, user: str, now: datetime
) -> views.PollenationRequest:
    """Idempotent within a second: the same request by the same person is the same event. Raises ``Unavailable``."""
    event = domain_event(
        PollenationNeeded(symbol=symbol, reason=Reason.REQUEST),
        cause=f"{user}/{symbol}/{to_iso(now)}",
        occurred_at=now,
        correlation_id=correlation.current(),
    )
    try:
        publisher.publish([event])
    except DeliveryFailed as error:
        raise Unavailable("the bus did not take the event") from error
    return views.PollenationRequest(event_id=event.id, symbol=symbol, requested_at=now)
