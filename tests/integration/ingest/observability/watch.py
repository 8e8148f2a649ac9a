"""The observability watch's part of ingest: its tables, buses and queues, and the stream as functions get it."""

import json
from collections.abc import Sequence
from io import StringIO
from typing import Any

import pytest

from ingest.observability.containers.evaluate_alerts import evaluation
from ingest.observability.containers.publish_events import publication
from ingest.observability.containers.rebuild_read_model import read_model_rebuilding
from ingest.observability.containers.record_facts import recording
from tests.fakes.event_stream import inserted, record
from tests.integration.account import ACCOUNT, REGION, lay_queue
from tests.integration.faults import Faults
from tests.integration.ingest.functions import untroubled
from tests.integration.tables import table_name
from tests.lambdas import Context
from watchkeeper import aws
from watchkeeper.clock import from_iso
from watchkeeper.dynamodb import Table, item_from_stream
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.read_models import ReadModels
from watchkeeper.eventsourcing.store import KEYS, DynamoDBEventStore, event_item, event_of
from watchkeeper.logs import logger

DONE: dict[str, Any] = {"batchItemFailures": []}
QUEUES = ("publication-dlq", "facts-dlq", "failures", "heard-events", "heard-errors")
BUSES = ("events", "errors")


class Watch:
    """What there is, looked at past all faults."""

    def __init__(self, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
        self.faults = faults
        self._patch = monkeypatch
        self._queues = {name: lay_queue(name) for name in QUEUES}
        for bus in BUSES:
            self._listen(bus)
        self.store = DynamoDBEventStore(self.table("event-store"))
        self.models = ReadModels(self.table("read-models"))
        self.set(
            EVENT_STORE_TABLE=table_name("event-store"),
            READ_MODELS_TABLE=table_name("read-models"),
            REQUESTS_END_SECONDS="10",
            EVENT_BUS="events",
            ERROR_BUS="errors",
            FAILURES_QUEUE_URL=self._queues["failures"],
            DEAD_LETTERS_URL=self._queues["publication-dlq"],
        )

    def set(self, **settings: str) -> None:
        for name, value in settings.items():
            self._patch.setenv(name, value)
        self.forget()

    def forget(self) -> None:
        """What was built of the settings before."""
        publication.cache_clear()
        evaluation.cache_clear()
        recording.cache_clear()
        read_model_rebuilding.cache_clear()

    def use_letters_of(self, queue: str) -> None:
        self.set(DEAD_LETTERS_URL=self._queues[queue])

    def table(self, name: str) -> Table:
        return Table(aws.dynamodb_client(), table_name(name))

    def put(self, *events: Event) -> None:
        """Straight into the table."""
        for event in events:
            self.table("event-store").put(event_item(event), keys=KEYS)

    def events(self, prefix: str = "") -> list[Event]:
        """All there are, each aggregate's in order."""
        found = [event_of(item_from_stream(item)) for item in self._items() if "eventType" in item]
        ordered = sorted(found, key=lambda event: (event.aggregate_id, event.sequence))
        return [event for event in ordered if event.aggregate_id.startswith(prefix)]

    def stream(self, prefix: str = "") -> list[dict[str, Any]]:
        """Their insertions, and those of the heads."""
        heads = [item for item in self._items() if item["eventSequence"]["N"] == "0"]
        others = [inserted(head, 1 + place, from_iso("2026-11-20T21:00:00Z")) for place, head in enumerate(heads)]
        return others + [record(event, 1001 + place) for place, event in enumerate(self.events(prefix))]

    def told(self, bus: str = "events") -> list[dict[str, Any]]:
        """The details of what a bus was told since."""
        return [event["detail"] for event in self.heard(bus)]

    def heard(self, bus: str = "events") -> list[dict[str, Any]]:
        return [json.loads(message["Body"]) for message in self._taken(f"heard-{bus}")]

    def letters(self, queue: str) -> list[dict[str, Any]]:
        return self._taken(queue)

    def _items(self) -> list[dict[str, Any]]:
        pages = untroubled("dynamodb").get_paginator("scan").paginate(TableName=table_name("event-store"))
        return [item for page in pages for item in page["Items"]]

    def _taken(self, queue: str) -> list[dict[str, Any]]:
        url, sqs, taken = self._queues[queue], untroubled("sqs"), []
        asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        while messages := sqs.receive_message(**asked).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            taken += messages
        return taken

    def _listen(self, bus: str) -> None:
        events, source = untroubled("events"), "observability" if bus == "events" else "errors"
        events.create_event_bus(Name=bus)
        pattern = json.dumps({"source": [f"watchkeeper.{source}"]})
        events.put_rule(Name="all", EventBusName=bus, EventPattern=pattern)
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:heard-{bus}"
        events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])


def context(name: str) -> Context:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:watchkeeper-test-{name}"
    return Context(function_name=f"watchkeeper-test-{name}", invoked_function_arn=arn)


def from_on(records: Sequence[dict[str, Any]], number: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": records[number]["dynamodb"]["SequenceNumber"]}]}


def listening(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What is logged from now on."""
    lines = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", lines)
    return lines


def said(lines: StringIO, message: str) -> list[str]:
    """The correlation ids of the lines with that message."""
    told = map(json.loads, lines.getvalue().splitlines())
    return [line["correlation_id"] for line in told if line["message"] == message]
