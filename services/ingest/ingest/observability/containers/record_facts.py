import os
from dataclasses import dataclass
from functools import cache

from ingest.observability.containers.parts import error_publisher, table
from ingest.observability.use_cases.record_facts import FactRecording
from ingest.settings import Reader
from watchkeeper.clock import utc_now
from watchkeeper.events import EventPublisher
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import DynamoDBEventStore
from watchkeeper.observability.events import UPCASTERS
from watchkeeper.observability.health import SystemHealth
from watchkeeper.observability.metrics import Metric
from watchkeeper.observability.security import SecurityEvent


@dataclass(frozen=True, slots=True)
class Recording:
    facts: FactRecording
    errors: EventPublisher


@cache
def recording() -> Recording:
    """Raises ``ConfigurationError`` naming what is missing."""
    read = Reader(os.environ)
    events, error_bus = read.text("EVENT_STORE_TABLE"), read.text("ERROR_BUS")
    read.complain()
    store = DynamoDBEventStore(table(events))
    facts = FactRecording(
        metrics=EventSourcedRepository(store, Metric, utc_now, upcasters=UPCASTERS),
        health=EventSourcedRepository(store, SystemHealth, utc_now, upcasters=UPCASTERS),
        security=EventSourcedRepository(store, SecurityEvent, utc_now, upcasters=UPCASTERS),
        clock=utc_now,
    )
    return Recording(facts, error_publisher(error_bus))
