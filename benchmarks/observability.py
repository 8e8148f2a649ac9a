"""What the observability watch asks of AWS: requests, units of DynamoDB, and the events that follow.

The deployed handlers run each in a process of its own, against a stand-in for DynamoDB in this one. Units are computed
from the sizes of the items (see ``benchmarks.units``), and are the same on every machine. What the state machine does
is counted from the rows it makes. Run it with ``python -m benchmarks.observability``.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from benchmarks.deployed import Functions, answers
from benchmarks.figures import Figure, Target
from benchmarks.functions import environment
from benchmarks.histories_worker import History
from benchmarks.stand_in import Store, served
from benchmarks.units import WireItem, meter
from tests.integration.api.events import claims_of, http_request
from tests.integration.tables import table_name
from tests.lambdas import sqs_record
from watchkeeper import aws
from watchkeeper.clock import to_iso, utc_now
from watchkeeper.dynamodb import Table, item_from_stream
from watchkeeper.eventsourcing.read_models import ReadModels, stamp_of
from watchkeeper.eventsourcing.store import COMMANDS_IN_HEAD, event_of
from watchkeeper.observability.facts import (
    CircuitClosed,
    CircuitOpened,
    DeadLettersCounted,
    Fact,
    ReadingFailed,
    RequestRefused,
    RunFinished,
    SignInFailed,
    SourceAged,
    fact,
)
from watchkeeper.observability.projections import Occurrence, rows

MAX_WRITE_UNITS = 4
"""Of an ordinary command that makes one event."""
QUICK = {"minutes": 3}

_EVENTS, _MODELS = table_name("event-store"), table_name("read-models")
_COMMANDS, _QUERIES = "api/observability-commands", "api/observability-queries"
_PREFIX = "/api/v1/observability"
_METRIC = {"name": "api.request.duration", "unit": "Milliseconds"}
_RULE = {
    "name": "Requests are slow",
    "metric": _METRIC["name"],
    "dimensions": {"route": "watched"},
    "comparison": "gt",
    "threshold": 800,
}
_FACTS: tuple[Fact, ...] = (
    RunFinished("patchwork:linux-hwmon", "recent", 12.5, fetched=25, stored=3, unchanged=22, refused=0),
    ReadingFailed("lore:linux-hwmon", "UpstreamUnavailable: 503", blocked=False),
    CircuitOpened("lore"),
    CircuitClosed("lore"),
    DeadLettersCounted("patches", "ingest", 0),
    SourceAged("patchwork:linux-hwmon", 840, stale=False, blocked=False),
    SignInFailed("wrong-code"),
    RequestRefused(401, "GET /api/v1/kernel/{proxy+}", 3),
)

Cost = dict[str, float]


@dataclass(frozen=True, slots=True)
class _Watch:
    functions: Functions

    def asked(self, path: str, body: Mapping[str, Any] | None = None) -> tuple[Cost, dict[str, Any]]:
        """A command, or a query if nothing is sent; and what is answered."""
        claims = claims_of(groups=("Admin",))
        if body is None:
            cost, answer = self._called(_QUERIES, http_request("GET", f"{_PREFIX}{path}", claims=claims))
        else:
            kind = {"content-type": "application/json"}
            event = http_request("POST", f"{_PREFIX}{path}", kind, body=json.dumps(body), claims=claims)
            cost, answer = self._called(_COMMANDS, event)
        if answer["statusCode"] >= 300:
            raise AssertionError(answer["body"])
        return cost, json.loads(answer["body"])

    def told(self, data: Fact, number: int) -> Cost:
        """A fact, for the so manieth time."""
        event = fact(data, cause=str(number), occurred_at=utc_now(), correlation_id="1")
        body = json.dumps({**asdict(event), "occurred_at": to_iso(event.occurred_at)})
        cost, answer = self._called("ingest/record-facts", {"Records": [sqs_record("1", body)]})
        if answer["batchItemFailures"]:
            raise AssertionError(f"{data} was not recorded")
        return cost

    def evaluated(self, item: WireItem) -> Cost:
        record = {
            "eventID": "1",
            "eventName": "INSERT",
            "eventSourceARN": f"arn:aws:dynamodb:us-east-1:123456789012:table/{_EVENTS}/stream/1",
            "dynamodb": {"SequenceNumber": "1", "ApproximateCreationDateTime": 1795208400, "NewImage": item},
        }
        cost, answer = self._called("ingest/evaluate-alerts", {"Records": [record]})
        if answer.get("batchItemFailures"):
            raise AssertionError("the event was not evaluated")
        return cost

    def projected(self, item: WireItem) -> Cost:
        """As the state machine does it: it reads the generations, and writes each row."""
        self.functions.clear()
        event = event_of(item_from_stream(item))
        models = ReadModels(Table(aws.dynamodb_client(), _MODELS))
        generations = models.generations()
        made = rows(Occurrence.of(event))
        for row in made:
            for generation in generations[row.model].written:
                models.put(row, generation, stamp_of(event))
        return {**self.functions.used(), "rows": len(made)}

    def newest(self, event_type: str, number: int) -> list[WireItem]:
        """So many events of the type, the last one at the end."""
        return [item for item in self._events() if item["eventType"]["S"] == event_type][-number:]

    def last(self, event_type: str) -> WireItem:
        return self.newest(event_type, 1)[0]

    def _called(self, name: str, event: Mapping[str, Any]) -> tuple[Cost, Any]:
        function, before = self.functions.function(name), len(self._events())
        self.functions.clear()
        answer = function.call(event)["answer"]
        return {**self.functions.used(), "events": len(self._events()) - before}, answer

    def _events(self) -> list[WireItem]:
        return [item for item in self.functions.store.items(_EVENTS) if "eventType" in item]


def run(*, minutes: int = 1_600) -> dict[str, Any]:
    """A metric gets a value in each of so many minutes. By default as many as snapshots and pages of commands both come
    round after."""
    with _deployed() as watch:
        operations = dict(_operations(watch))
        facts = dict(_facts(watch))
        projections = dict(_projections(watch))
        over_time = _over_time(watch, minutes)
    return {
        "benchmark": "observability",
        "operations": operations,
        "facts": facts,
        "projections": projections,
        "over_time": over_time,
    }


def figures(result: Mapping[str, Any]) -> Iterator[Figure]:
    for name, cost in result["operations"].items():
        target = Target("<=", MAX_WRITE_UNITS) if name == "record a value" else None
        yield from _figures_of(f"observability: {name}", cost, target)
    for name, cost in result["facts"].items():
        yield from _figures_of(f"observability: {name} recorded", cost)
    for name, cost in result["projections"].items():
        yield Figure(f"observability: {name} projected: rows", cost["rows"])
        yield Figure(f"observability: {name} projected: write units", cost["write_units"])
    title, over_time = "observability: a value a minute, on average", result["over_time"]
    yield Figure(f"{title}: write units", over_time["write_units"])
    yield Figure(f"{title}: read units", over_time["read_units"])


def _figures_of(title: str, cost: Mapping[str, float], target: Target | None = None) -> Iterator[Figure]:
    yield Figure(f"{title}: AWS requests", cost["requests"])
    yield Figure(f"{title}: write units", cost["write_units"], "", target)
    yield Figure(f"{title}: read units", cost["read_units"])
    yield Figure(f"{title}: events", cost["events"])


def _operations(watch: _Watch) -> Iterator[tuple[str, Cost]]:
    yield from _recordings(watch)
    yield from _alerts(watch)
    yield from _security_events(watch)
    for item in watch.newest("MetricRecorded", 40):
        watch.projected(item)
    watch.asked("/metrics")  # a first request also reads the secret its cursors are signed with
    yield "list 30 metrics", watch.asked("/metrics")[0]


def _recordings(watch: _Watch) -> Iterator[tuple[str, Cost]]:
    value = {**_METRIC, "value": 312.5, "dimensions": {"route": "one"}}
    yield "record a value of a new series", watch.asked("/metrics", value)[0]
    yield "record a value", watch.asked("/metrics", value)[0]
    for _ in range(COMMANDS_IN_HEAD - 2):
        watch.asked("/metrics", value)
    yield f"record a value, each {COMMANDS_IN_HEAD}th", watch.asked("/metrics", value)[0]
    for series in (1, 50, 500):
        yield f"record 500 values of {series} series", watch.asked("/metrics", _batch(series))[0]


def _batch(series: int) -> dict[str, Any]:
    """All within an hour."""
    start = utc_now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    values = (
        {
            **_METRIC,
            "value": 300 + number / 8,
            "dimensions": {"route": f"{series}-{number % series:03}"},
            "at": to_iso(start + timedelta(seconds=7 * number)),
        }
        for number in range(500)
    )
    return {"metrics": list(values)}


def _alerts(watch: _Watch) -> Iterator[tuple[str, Cost]]:
    cost, _ = watch.asked("/alert-rules", _RULE)
    yield "define an alert rule", cost
    watch.projected(watch.last("AlertRuleDefined"))
    for title, value in (("hold a value against a rule", 312.5), ("raise an alert", 900), ("resolve an alert", 312.5)):
        watch.asked("/metrics", {**_METRIC, "value": value, "dimensions": _RULE["dimensions"]})
        yield title, watch.evaluated(watch.last("MetricRecorded"))
    watch.asked("/metrics", {**_METRIC, "value": 900, "dimensions": _RULE["dimensions"]})


def _security_events(watch: _Watch) -> Iterator[tuple[str, Cost]]:
    told = {"kind": "token-leaked", "severity": "high", "summary": "A token is in a public place", "source": "a person"}
    cost, answer = watch.asked("/security-events", told)
    yield "tell of a security event", cost
    yield "triage a security event", watch.asked(f"/security-events/{answer['id']}/triage", {"note": "Revoked."})[0]


def _facts(watch: _Watch) -> Iterator[tuple[str, Cost]]:
    """Each of what is known already, and as it was before where it tells of health."""
    for number in range(2):
        costs = {data.type: watch.told(data, number) for data in _FACTS}
    yield from costs.items()


def _projections(watch: _Watch) -> Iterator[tuple[str, Cost]]:
    """Of each an event that comes after another one of its aggregate."""
    for kind in ("MetricRecorded", "AlertRaised", "AlertResolved", "SecurityEventTriaged", "HealthChanged"):
        watch.projected(watch.last(kind))
        yield kind, watch.projected(watch.last(kind))


def _over_time(watch: _Watch, minutes: int) -> Cost:
    """On average, of a metric whose snapshots are as large as they become."""
    history = History("over-time")
    for _ in range(8):
        history.take(50)
    watch.functions.clear()
    for _ in range(minutes):
        history.take()
    return {name: round(number / minutes, 3) for name, number in watch.functions.used().items()}


@contextmanager
def _deployed() -> Iterator[_Watch]:
    """On empty tables. What this process asks for goes to the same stand-in."""
    counting, calls = meter(), Counter[str]()
    store = Store(counting)
    with ExitStack() as stack:
        endpoint = stack.enter_context(served(store, answers(calls, {"cursor": "s" * 64})))
        settings = {
            "AWS_ENDPOINT_URL": endpoint,
            "LOG_LEVEL": "ERROR",
            "CURSOR_SECRET_ARN": "cursor",
            "ERROR_BUS": "errors",
            "FAILURES_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/failures",
        }
        stack.enter_context(environment(AWS_ENDPOINT_URL=endpoint))
        aws.forget_clients()
        stack.callback(aws.forget_clients)
        yield _Watch(Functions(store=store, meter=counting, elsewhere=calls, settings=settings, stack=stack))


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
