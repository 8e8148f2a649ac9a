import os
from dataclasses import dataclass
from functools import cache

from ingest.observability.containers.parts import error_publisher, table
from ingest.observability.dead_lettering import PUBLISHING, DeadLettering, PublicationDeadLetters
from ingest.settings import Reader
from watchkeeper import aws
from watchkeeper.budgets import Deadline
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.events import EventBridgePublisher, EventPublisher
from watchkeeper.observability.events import SOURCE


@dataclass(frozen=True, slots=True)
class Publication:
    store: Table
    publisher: EventPublisher
    errors: EventPublisher
    dead_lettering: DeadLettering
    deadline: Deadline
    """No request to either bus starts after it."""


@cache
def publication() -> Publication:
    """Raises ``ConfigurationError`` naming what is missing."""
    read = Reader(os.environ)
    store, bus = read.text("EVENT_STORE_TABLE"), read.text("EVENT_BUS")
    error_bus, letters_url = read.text("ERROR_BUS"), read.text("DEAD_LETTERS_URL")
    read.complain()
    deadline = Deadline()
    errors = error_publisher(error_bus, deadline)
    letters = PublicationDeadLetters(aws.sqs_client(), letters_url, utc_now)
    return Publication(
        store=table(store),
        publisher=EventBridgePublisher(aws.events_client(), bus, SOURCE, deadline=deadline),
        errors=errors,
        dead_lettering=DeadLettering(errors, letters, PUBLISHING, utc_now),
        deadline=deadline,
    )
