"""The observability watch of the running system: its users, its event store, its read models, and its state machine."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, cast

import boto3
import orjson
import requests
from botocore.config import Config

from local import rebuilding
from local.cloud import CREDENTIALS, REGION
from local.functions import log_lines
from tests.e2e.people import Json, Person, expect
from tests.e2e.system import System
from tests.e2e.waiting import wait_for
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.eventsourcing.event import Cause, Event
from watchkeeper.eventsourcing.read_models import ReadModels, Row, Stamp, partition_key
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import DynamoDBEventStore
from watchkeeper.observability.events import newest
from watchkeeper.observability.health import SystemHealth
from watchkeeper.observability.models import HealthStatus
from watchkeeper.observability.projections import Fold, Occurrence

EVENTS = "watchkeeper.observability"
"""The source of its events on the bus."""
PAUSE = 0.1

Rows = Mapping[tuple[str, str], Json]
"""A read model's items by partition and sort key, without their generation."""


@dataclass
class Watch:
    system: System
    viewer: Person
    developer: Person
    admin: Person

    # What people do and see

    def read(self, path: str, **parameters: str | int) -> Any:
        """As the viewer; `path` counts from /api/v1/observability/."""
        return self.viewer.read(f"observability/{path}", **parameters)

    def finds(self, what: str, look: Callable[[], Any], seconds: float = 30) -> Any:
        """What is found after a while."""
        found: list[Any] = []

        def looked() -> bool:
            found[:] = [look()]
            return bool(found[0])

        wait_for(what, looked, seconds, PAUSE)
        return found[0]

    def define(self, metric: str, **more: Any) -> Json:
        """A rule on values above 80; it holds once it is read."""
        rule = {"name": f"{metric} is high", "metric": metric, "comparison": "gt", "threshold": 80, **more}
        defined: Json = expect(self.admin.post("observability/alert-rules", rule), 201)
        self.finds("the rule", lambda: self.viewer.get(f"observability/alert-rules/{defined['id']}").ok)
        return defined

    def record(self, name: str, *values: float, **headers: str) -> requests.Response:
        """Values of one series, as a developer's system sends them; headers are named with underscores."""
        named = {header.replace("_", "-"): text for header, text in headers.items()}
        metrics = [{"name": name, "value": value} for value in values]
        return self.developer.post("observability/metrics", {"metrics": metrics}, named)

    def incident(self, summary: str) -> Json:
        """One an admin has reported and triaged."""
        event = {"kind": "outage", "severity": "high", "summary": summary, "source": "a test"}
        reported: Json = expect(self.admin.post("observability/security-events", event), 201)
        triaged: Json = expect(self.admin.post(f"observability/security-events/{reported['id']}/triage"), 200)
        return triaged

    def report(self, component: str, *statuses: HealthStatus) -> None:
        """As facts do."""
        health = EventSourcedRepository(DynamoDBEventStore(self.store), SystemHealth, utc_now)
        for status in statuses:
            now = utc_now().replace(microsecond=0)
            health.execute(
                f"system-health:{component}",
                lambda one, status=status, now=now: one.report("test", status, "of a test", now),  # type: ignore[misc]
                cause=Cause("of-a-test", "of-a-test", "test"),
            )

    def alert(self, rule: Json, state: str) -> Json:
        """The rule's alert, once it is in that state."""

        def found() -> Json | None:
            alerts = self.read("alerts", rule=rule["id"], state=state)["items"]
            return alerts[0] if alerts else None

        alert: Json = self.finds(f"an alert that is {state}", found)
        return alert

    def component(self, name: str) -> Json:
        """Its health; nothing for an unknown component."""
        board = {one["component"]: one for one in self.read("health")["components"]}
        found: Json = board.get(name, {"status": None, "reasons": []})
        return found

    def reasons(self, component: str) -> dict[str, str]:
        return {reason["key"]: reason["status"] for reason in self.component(component)["reasons"]}

    def noticed(self, kind: str) -> int:
        """How often the system itself has reported something of a kind."""
        found = self.read("security-events", limit=100)["items"]
        return sum(one["count"] for one in found if one["kind"] == kind)

    def errors(self, where: str, event_id: str) -> list[Json]:
        found = self.read("errors", where=where, limit=100)["items"]
        return [one for one in found if one["event"]["id"] == event_id]

    # The event store

    @cached_property
    def store(self) -> Table:
        return Table(self.system.cloud.dynamodb, self.system.cloud.name("event-store"))

    def events(self, aggregate_id: str) -> list[Event]:
        return list(DynamoDBEventStore(self.store).read(aggregate_id))

    # The read models

    def rows(self, model: str) -> Rows:
        """Its rows in the generation that is currently read."""
        kept = Table(self.system.cloud.dynamodb, self.system.cloud.name("read-models"))
        generation = partition_key(model, ReadModels(kept).generations()[model].read, "")
        return {
            (item["pk"]["S"].removeprefix(generation), item["sk"]["S"]): _row(item)
            for item in self.system.tables.items("read-models")
            if item["pk"]["S"].startswith(generation)
        }

    def rebuild(self, *models: str) -> None:
        """Rebuild as `make rebuild` does, in parallel; it waits some seconds for what is in flight."""
        with ThreadPoolExecutor(len(models)) as pool:
            told = pool.map(lambda model: list(rebuilding.rebuilt(self.system.cloud, model))[-1], models)
        assert [line for line in told if not line.endswith("done")] == []

    # Input other than over HTTP

    def access_log_says(self, line: str) -> None:
        """Write to the API's access log as its gateway does. The emulator takes each word of the subscription's pattern
        for one that has to stand in the line."""
        logs, group = self.system.cloud.logs, f"/aws/http-api/{self.system.cloud.name('api')}"
        logs.create_log_stream(logGroupName=group, logStreamName="of-a-test")
        now = int(utc_now().timestamp() * 1000)
        told: Any = [{"timestamp": now, "message": line}]
        logs.put_log_events(logGroupName=group, logStreamName="of-a-test", logEvents=told)

    # The state machine

    @cached_property
    def machine(self) -> str:
        """Its ARN."""
        return f"arn:aws:states:{REGION}:000000000000:stateMachine:{self.system.cloud.name('projections')}"

    @cached_property
    def machines(self) -> Any:
        """A client whose requests always go to the given endpoint, even those for which AWS has a separate host."""
        return cast("Any", boto3).client(
            "stepfunctions",
            endpoint_url=self.system.cloud.endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(inject_host_prefix=False, max_pool_connections=8),
        )

    def deliver(self, event: Event) -> None:
        """Start the machine with an event as the bus does, and wait for its end."""
        answer = self.machines.start_sync_execution(stateMachineArn=self.machine, input=json.dumps(passed_on(event)))
        assert answer["status"] == "SUCCEEDED", answer

    @contextmanager
    def taught(self, taught: Callable[[str], str]) -> Iterator[None]:
        """Another definition of the machine, as a later release brings it."""
        definition = self.machines.describe_state_machine(stateMachineArn=self.machine)["definition"]
        changed = taught(definition)
        assert changed != definition
        self.machines.update_state_machine(stateMachineArn=self.machine, definition=changed)
        try:
            yield
        finally:
            self.machines.update_state_machine(stateMachineArn=self.machine, definition=definition)

    # Logs

    def logged(self, function: str, correlation_id: str) -> set[str]:
        """What a function logged about a request."""
        texts = (line.partition(" ")[2] for line in log_lines(self.system.cloud, function, 100_000, False))
        lines = (json.loads(text) for text in texts if text.startswith('{"level"'))
        return {line["message"] for line in lines if line.get("correlation_id") == correlation_id}


def envelope(event: Event) -> Json:
    told: Json = orjson.loads(orjson.dumps(event, option=orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS))
    return told


def passed_on(event: Event) -> Json:
    """The event as the bus passes it to the machine."""
    return {"id": event.id, "source": EVENTS, "detail-type": event.type, "detail": envelope(event)}


def projected(events: Iterable[Event], *models: str) -> Rows:
    """The rows that these events leave of these models, whatever order they come in."""
    fold = Fold(models)
    for event in events:
        fold.add(Occurrence.of(newest(event)))
    return {(row.partition, row.sort): _shown(row, stamp) for row, stamp in fold.winners()}


def _shown(row: Row, stamp: Stamp) -> Json:
    expiry = {} if row.expires_at is None else {"expires_at": str(row.expires_at)}
    return {**asdict(stamp), **expiry, "sequence": str(stamp.sequence), "record": dict(row.record)}


def of(rows: Rows, *names: str) -> Rows:
    """Those that are about one of these series, rules, alerts or components: others may change meanwhile."""
    return {key: row for key, row in rows.items() if any(name in "/".join(key) for name in names)}


def sequences(events: Iterable[Event]) -> list[int]:
    return [event.sequence for event in events]


def _row(item: Any) -> Json:
    told = {name: next(iter(value.values())) for name, value in item.items() if name not in ("pk", "sk")}
    return {**told, "record": json.loads(told["record"])}
