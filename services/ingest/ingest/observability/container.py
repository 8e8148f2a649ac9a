"""Builds what the functions of the observability watch need. Each reads the settings it needs, once per execution
environment; what decides by aggregates is imported by the functions alone that do."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from ingest.observability.setting_aside import (
    EVALUATING,
    PUBLISHING,
    InvocationLetters,
    PublicationLetters,
    SettingAside,
)
from ingest.settings import Reader
from watchkeeper import aws
from watchkeeper.budgets import Deadline
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.events import EventBridgePublisher, EventPublisher
from watchkeeper.eventsourcing.read_models import ReadModels
from watchkeeper.eventsourcing.store import DynamoDBEventStore
from watchkeeper.observability import errors, events
from watchkeeper.observability.events import UPCASTERS

if TYPE_CHECKING:
    from ingest.observability.use_cases.rebuild_read_model import ReadModelRebuilding
    from ingest.observability.use_cases.record_facts import FactRecording
    from watchkeeper.eventsourcing.repository import EventSourcedRepository
    from watchkeeper.observability.alerts import Alert
    from watchkeeper.observability.models import Rule


@dataclass(frozen=True, slots=True)
class Publication:
    """What ``publish-events`` has."""

    store: Table
    publisher: EventPublisher
    errors: EventPublisher
    setting_aside: SettingAside
    deadline: Deadline
    """After it neither bus is asked for anything."""


@cache
def publication() -> Publication:
    """Raises ``ConfigurationError`` naming what is missing."""
    read = Reader(os.environ)
    store, bus = read.text("EVENT_STORE_TABLE"), read.text("EVENT_BUS")
    error_bus, letters_url = read.text("ERROR_BUS"), read.text("DEAD_LETTERS_URL")
    read.complain()
    deadline = Deadline()
    told = _errors(error_bus, deadline)
    letters = PublicationLetters(aws.sqs_client(), letters_url, utc_now)
    return Publication(
        store=_table(store),
        publisher=EventBridgePublisher(aws.events_client(), bus, events.SOURCE, deadline=deadline),
        errors=told,
        setting_aside=SettingAside(told, letters, PUBLISHING),
        deadline=deadline,
    )


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What ``evaluate-alerts`` has."""

    rules: "Callable[[], Sequence[Rule]]"
    alerts: "EventSourcedRepository[Alert]"
    setting_aside: SettingAside


@cache
def evaluation() -> Evaluation:
    """Raises ``ConfigurationError`` naming what is missing."""
    from ingest.observability.use_cases.evaluate_alerts import known_rules
    from watchkeeper.eventsourcing.repository import EventSourcedRepository
    from watchkeeper.observability.alerts import Alert

    read = Reader(os.environ)
    store, models = read.text("EVENT_STORE_TABLE"), read.text("READ_MODELS_TABLE")
    error_bus, failures_url = read.text("ERROR_BUS"), read.text("FAILURES_QUEUE_URL")
    read.complain()
    letters = InvocationLetters(aws.sqs_client(), failures_url, utc_now)
    return Evaluation(
        rules=partial(known_rules, ReadModels(_table(models))),
        alerts=EventSourcedRepository(DynamoDBEventStore(_table(store)), Alert, utc_now, upcasters=UPCASTERS),
        setting_aside=SettingAside(_errors(error_bus), letters, EVALUATING),
    )


@dataclass(frozen=True, slots=True)
class Recording:
    """What ``record-facts`` has."""

    facts: "FactRecording"
    errors: EventPublisher


@cache
def recording() -> Recording:
    """Raises ``ConfigurationError`` naming what is missing."""
    from ingest.observability.use_cases.record_facts import FactRecording
    from watchkeeper.eventsourcing.repository import EventSourcedRepository
    from watchkeeper.observability.health import SystemHealth
    from watchkeeper.observability.metrics import Metric
    from watchkeeper.observability.security import SecurityEvent

    read = Reader(os.environ)
    table, error_bus = read.text("EVENT_STORE_TABLE"), read.text("ERROR_BUS")
    read.complain()
    store = DynamoDBEventStore(_table(table))
    facts = FactRecording(
        metrics=EventSourcedRepository(store, Metric, utc_now, upcasters=UPCASTERS),
        health=EventSourcedRepository(store, SystemHealth, utc_now, upcasters=UPCASTERS),
        security=EventSourcedRepository(store, SecurityEvent, utc_now, upcasters=UPCASTERS),
        clock=utc_now,
    )
    return Recording(facts, _errors(error_bus))


@cache
def read_model_rebuilding() -> "ReadModelRebuilding":
    """Raises ``ConfigurationError`` naming what is missing."""
    from ingest.observability.use_cases.rebuild_read_model import ReadModelRebuilding

    read = Reader(os.environ)
    store, models = read.text("EVENT_STORE_TABLE"), read.text("READ_MODELS_TABLE")
    requests_end = read.whole("REQUESTS_END_SECONDS")
    read.complain()
    return ReadModelRebuilding(_table(store), ReadModels(_table(models)), utc_now, time.sleep, requests_end)


def _errors(bus: str, deadline: Deadline | None = None) -> EventBridgePublisher:
    return EventBridgePublisher(aws.events_client(), bus, errors.SOURCE, deadline=deadline)


def _table(name: str) -> Table:
    return Table(aws.dynamodb_client(), name)
