import os
from dataclasses import dataclass
from functools import cache

from ingest.observability.containers.parts import error_publisher, table
from ingest.observability.dead_lettering import EVALUATING, DeadLettering, InvocationDeadLetters
from ingest.observability.use_cases.evaluate_alerts import ListedInReadModels
from ingest.settings import Reader
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.eventsourcing.read_models import ReadModels
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import DynamoDBEventStore
from watchkeeper.observability.alerts import Alert, AlertRule
from watchkeeper.observability.events import UPCASTERS


@dataclass(frozen=True, slots=True)
class Evaluation:
    listed: ListedInReadModels
    rules: EventSourcedRepository[AlertRule]
    alerts: EventSourcedRepository[Alert]
    dead_lettering: DeadLettering


@cache
def evaluation() -> Evaluation:
    """Raises ``ConfigurationError`` naming what is missing."""
    read = Reader(os.environ)
    events, models = read.text("EVENT_STORE_TABLE"), read.text("READ_MODELS_TABLE")
    error_bus, failures_url = read.text("ERROR_BUS"), read.text("FAILURES_QUEUE_URL")
    read.complain()
    store = DynamoDBEventStore(table(events))
    letters = InvocationDeadLetters(aws.sqs_client(), failures_url, utc_now)
    return Evaluation(
        listed=ListedInReadModels(ReadModels(table(models)), utc_now),
        rules=EventSourcedRepository(store, AlertRule, utc_now, upcasters=UPCASTERS),
        alerts=EventSourcedRepository(store, Alert, utc_now, upcasters=UPCASTERS),
        dead_lettering=DeadLettering(error_publisher(error_bus), letters, EVALUATING, utc_now),
    )
