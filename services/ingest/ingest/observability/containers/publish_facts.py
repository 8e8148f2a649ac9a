import os
from functools import cache

from ingest.settings import Reader
from watchkeeper import aws
from watchkeeper.events import EventBridgePublisher
from watchkeeper.observability.facts import SOURCE


@cache
def fact_publisher() -> EventBridgePublisher:
    """Raises ``ConfigurationError`` naming what is missing."""
    read = Reader(os.environ)
    bus = read.text("EVENT_BUS")
    read.complain()
    return EventBridgePublisher(aws.events_client(), bus, SOURCE)
