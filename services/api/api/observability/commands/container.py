"""Builds what commands need, once per execution environment. A caller is waiting, so everything has a deadline."""

from dataclasses import dataclass
from functools import cache, partial
from typing import TypeVar

from api.observability.commands.settings import CommandsSettings
from watchkeeper.aws import dynamodb_client
from watchkeeper.budgets import Deadline
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.eventsourcing.aggregate import AggregateRoot
from watchkeeper.eventsourcing.read_models import ReadModels
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import DynamoDBEventStore, EventStore
from watchkeeper.observability.alerts import Alert, AlertRule
from watchkeeper.observability.events import UPCASTERS
from watchkeeper.observability.metrics import Metric
from watchkeeper.observability.security import SecurityEvent

A = TypeVar("A", bound=AggregateRoot)

_PATIENCE_SECONDS = 1.0
"""How long a command is retried after conflicts: a caller is waiting."""


@dataclass(frozen=True, slots=True)
class Container:
    settings: CommandsSettings
    people: Table
    metrics: EventSourcedRepository[Metric]
    rules: EventSourcedRepository[AlertRule]
    alerts: EventSourcedRepository[Alert]
    security_events: EventSourcedRepository[SecurityEvent]
    models: ReadModels
    deadline: Deadline
    """The deadline of the current request."""

    def start_request(self) -> None:
        self.deadline.start(self.settings.budget.request_seconds)


@cache
def container() -> Container:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings, deadline = CommandsSettings.from_environment(), Deadline()
    table = partial(Table, dynamodb_client(settings.budget), budget=settings.budget, deadline=deadline)
    store = DynamoDBEventStore(table(settings.event_store_table))
    return Container(
        settings=settings,
        people=table(settings.people_table),
        metrics=_repository(store, Metric),
        rules=_repository(store, AlertRule),
        alerts=_repository(store, Alert),
        security_events=_repository(store, SecurityEvent),
        models=ReadModels(table(settings.read_models_table)),
        deadline=deadline,
    )


def _repository(store: EventStore, aggregate: type[A]) -> EventSourcedRepository[A]:
    return EventSourcedRepository(store, aggregate, utc_now, upcasters=UPCASTERS, patience_seconds=_PATIENCE_SECONDS)
