"""Parts that several containers share."""

from watchkeeper import aws
from watchkeeper.budgets import Deadline
from watchkeeper.dynamodb import Table
from watchkeeper.events import EventBridgePublisher
from watchkeeper.observability.errors import SOURCE


def table(name: str) -> Table:
    return Table(aws.dynamodb_client(), name)


def error_publisher(bus: str, deadline: Deadline | None = None) -> EventBridgePublisher:
    return EventBridgePublisher(aws.events_client(), bus, SOURCE, deadline=deadline)
