"""Facts that scheduled functions publish: what they measured, for others to evaluate."""

import os
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Protocol

from watchkeeper import aws, correlation
from watchkeeper.errors import ConfigurationError
from watchkeeper.events import EventBridgePublisher, EventPublisher
from watchkeeper.observability.facts import SOURCE, DeadLettersCounted, Fact, SourceAged, fact


class Aged(Protocol):
    """How old a source is."""

    @property
    def source(self) -> str: ...

    @property
    def age(self) -> float:
        """In seconds."""

    @property
    def stale(self) -> bool: ...

    @property
    def blocked(self) -> bool: ...


def tell_ages(found: Iterable[Aged], publisher: EventPublisher, *, run: str, now: datetime) -> None:
    """``run`` identifies the run across retries: Lambda retries a request under the same id. Raises
    ``DeliveryFailed``."""
    facts = (SourceAged(one.source, int(one.age), stale=one.stale, blocked=one.blocked) for one in found)
    _tell(((one.source, one) for one in facts), publisher, run, now)


def tell_letters(counted: Iterable[DeadLettersCounted], publisher: EventPublisher, *, run: str, now: datetime) -> None:
    """Raises ``DeliveryFailed``."""
    _tell(((one.queue, one) for one in counted), publisher, run, now)


def _tell(facts: Iterable[tuple[str, Fact]], publisher: EventPublisher, run: str, now: datetime) -> None:
    """Each fact comes with its subject, so that a retried run publishes it under the same id."""
    publisher.publish(
        [
            fact(data, cause=f"{run}/{subject}", occurred_at=now, correlation_id=correlation.current())
            for subject, data in facts
        ]
    )


@cache
def publisher() -> EventBridgePublisher:
    """For the bus named in the environment. Raises ``ConfigurationError``."""
    bus = os.environ.get("EVENT_BUS")
    if not bus:
        raise ConfigurationError("EVENT_BUS is not set")
    return EventBridgePublisher(aws.events_client(), bus, SOURCE)
