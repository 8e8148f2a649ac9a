"""The observability watch's two functions behind one address, on tables in memory, at noon."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from tests.integration.account import lay_secret
from tests.integration.api.asking import Asker
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Table
from watchkeeper.events import DomainEvent
from watchkeeper.eventsourcing.event import Cause, Event
from watchkeeper.eventsourcing.read_models import ReadModels, stamp_of
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import DynamoDBEventStore, event_of, is_event
from watchkeeper.observability.alerts import Alert, AlertRule
from watchkeeper.observability.metrics import Metric
from watchkeeper.observability.projections import Occurrence, rows

PREFIX = "/api/v1/observability"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SYSTEM = Cause("cause", "cause", "evaluate-alerts")


@pytest.fixture
def time(clock_stopped_at_noon: time_machine.Traveller) -> time_machine.Traveller:
    return clock_stopped_at_noon


@pytest.fixture
def clock_stopped_at_noon() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def watch_environment(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "EVENT_STORE_TABLE": table_name("event-store"),
        "READ_MODELS_TABLE": table_name("read-models"),
        "PEOPLE_TABLE": table_name("people"),
        "CURSOR_SECRET_ARN": lay_secret("watchkeeper-test-cursor", "s" * 64),
        "CORS_ORIGINS": "*",
        "AWS_BUDGET": "people",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def admin(watch_environment: None, time: time_machine.Traveller) -> Iterator[Asker]:
    """Requests as the gateway hands them on: ``POST`` to the commands, all else to the queries."""
    from api.observability.commands.container import container as of_commands
    from api.observability.queries.container import container as of_queries
    from api.web.secrets import secret

    for cached in (of_commands, of_queries, secret):
        cached.cache_clear()
    from api.observability.commands.handler import handler as commands
    from api.observability.queries.handler import handler as queries

    def gateway(event: Any, context: Any) -> Any:
        is_command = event["requestContext"]["http"]["method"] == "POST"
        return (commands if is_command else queries)(event, context)

    yield Asker(gateway, PREFIX, groups=("Admin",))
    for cached in (of_commands, of_queries):
        cached.cache_clear()


@pytest.fixture
def developer(admin: Asker) -> Asker:
    return replace(admin, user="dev", groups=("Developer",))


@pytest.fixture
def viewer(admin: Asker) -> Asker:
    return replace(admin, user="viewer", groups=("Viewer",))


class Store:
    """The event store, and what is made of it."""

    def __init__(self) -> None:
        self.table = Table(aws.dynamodb_client(), table_name("event-store"))
        self.models = ReadModels(Table(aws.dynamodb_client(), table_name("read-models")))
        self._store = DynamoDBEventStore(self.table)
        self._told: set[str] = set()

    def events(self) -> list[Event]:
        """Those of each aggregate in order."""
        found = map(event_of, filter(is_event, self.table.scan()))
        return sorted(found, key=lambda event: (event.aggregate_id, event.sequence))

    def evaluate(self) -> None:
        """As evaluate-alerts does."""
        rules = EventSourcedRepository(self._store, AlertRule, lambda: NOON)
        alerts = EventSourcedRepository(self._store, Alert, lambda: NOON)
        events = self.events()
        known = [rules.get(event.aggregate_id).rule for event in events if event.type == "AlertRuleDefined"]
        for event in events:
            if event.type != "MetricRecorded":
                continue
            data = Metric.events[0].of(event.data)
            for rule in known:
                if rule.covers(data.series):  # type: ignore[attr-defined]
                    self._observe(alerts, rule, event, data)

    def _observe(self, alerts: EventSourcedRepository[Alert], rule: Any, event: Event, data: Any) -> None:
        from watchkeeper.observability import ids

        alerts.execute(
            ids.alert(ids.alert_of(rule.id, data.series)),
            lambda alert: alert.observe(rule, data.series, event.sequence, data.values),
            cause=SYSTEM,
        )

    def project(self) -> None:
        """As the state machine does with all that is new."""
        for event in self.events():
            if event.id not in self._told:
                self._told.add(event.id)
                self.put(event)

    def put(self, event: Event) -> None:
        for row in rows(Occurrence.of(event)):
            self.models.put(row, "1", stamp_of(event))

    def put_error(self, event: DomainEvent) -> None:
        self.put(
            Event(
                id=event.id,
                type=event.type,
                version=event.version,
                occurred_at=event.occurred_at,
                correlation_id=event.correlation_id,
                data=event.data,
                aggregate_id="",
                aggregate_type="",
                sequence=int(event.occurred_at.timestamp()),
                causation_id="",
                actor="",
            )
        )


@pytest.fixture
def store(tables: None) -> Store:
    return Store()
