"""Readings and breakers as ingest keeps them, on the way from their tables' streams to the bus."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest
import requests
from aws_lambda_powertools.utilities.circuit_breaker.exceptions import CircuitBreakerOpenError
from aws_lambda_powertools.utilities.circuit_breaker.persistence import CircuitBreakerDynamoDBPersistence

from ingest.errors import UpstreamBlocked, UpstreamUnavailable
from ingest.observability.containers.publish_facts import fact_publisher
from ingest.observability.handlers import publish_facts
from ingest.reading import Caller, reading
from ingest.upstream import ATTEMPTS, breaker
from tests.integration.common.test_events import Bus
from tests.integration.faults import Faults, Plan, all_refused, broken, throttled, timed_out
from tests.integration.tables import table_name
from tests.lambdas import Context
from watchkeeper import aws, correlation
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.errors import ConfigurationError
from watchkeeper.progress import KERNEL, MARKETS, ProgressRepository

Record = dict[str, Any]
DONE: Mapping[str, Any] = {"batchItemFailures": []}


@pytest.fixture
def bus(faults: Faults, tables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    monkeypatch.setenv("EVENT_BUS", "bus")
    fact_publisher.cache_clear()
    yield Bus("facts")
    fact_publisher.cache_clear()


class Stream:
    """What a table's stream would hold, step by step, as Lambda hands it over."""

    def __init__(self, name: str, *keys: str) -> None:
        self._name, self._keys = name, keys
        self._items: dict[str, Any] = {}
        self.records: list[Record] = []

    def after(self, step: Callable[[], object]) -> None:
        step()
        client = aws.dynamodb_client()
        items = {self._key(one): one for one in client.scan(TableName=table_name(self._name))["Items"]}
        for key in sorted({*items, *self._items}):
            if items.get(key) != self._items.get(key):
                self._add(self._items.get(key), items.get(key))
        self._items = items

    def _key(self, item: Any) -> str:
        return "/".join(item[key]["S"] for key in self._keys)

    def _add(self, old: Any, new: Any) -> None:
        number = 1000 + len(self.records)
        images = {name: image for name, image in (("OldImage", old), ("NewImage", new)) if image}
        arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/{table_name(self._name)}/stream/2026"
        change = {**images, "SequenceNumber": str(number), "ApproximateCreationDateTime": 1795208400.0}
        self.records.append({"eventID": f"{self._name}-{number}", "eventSourceARN": arn, "dynamodb": change})


def test_runs_and_failures_of_every_watch_are_told(bus: Bus) -> None:
    stream = Stream("progress", "pk", "sk")
    for watch, name in ((KERNEL, "lore:linux-hwmon"), (MARKETS, "alpaca:assets")):
        with correlation.following(f"run-of-{name.partition(':')[0]}"):
            stream.after(partial(read, watch, name))
            stream.after(partial(fail, watch, name, UpstreamUnavailable("503")))
            stream.after(partial(fail, watch, name, UpstreamUnavailable("503")))
            stream.after(partial(fail, watch, name, UpstreamBlocked("403")))
            stream.after(partial(fail, watch, name, UpstreamUnavailable("503")))
            stream.after(partial(read, watch, name))

    assert publish_facts.handler({"Records": stream.records}, Context()) == DONE

    told = bus.told()
    for name in ("lore:linux-hwmon", "alpaca:assets"):
        of_source = [one for one in told if one["data"]["source"] == name]
        assert [(one["type"], one["data"].get("blocked")) for one in of_source] == [
            ("RunFinished", None),
            ("ReadingFailed", False),
            ("ReadingFailed", False),
            ("ReadingFailed", True),
            ("ReadingFailed", False),
            ("RunFinished", None),
        ]
        assert {one["correlation_id"] for one in of_source} == {f"run-of-{name.partition(':')[0]}"}
        assert (of_source[0]["data"]["fetched"], of_source[0]["data"]["stored"]) == (7, 5)
    assert {one["occurred_at"] for one in told} == {"2026-11-20T21:00:00Z"}


def read(watch: str, name: str) -> None:
    with reading(name, "upstream", progress(watch), a_caller(), utc_now) as current:
        current.start("recent")
        current.count(fetched=7, stored=5, unchanged=2)
        current.finish({"page": 1}, complete=True)


def fail(watch: str, name: str, error: Exception) -> None:
    with pytest.raises(type(error)), reading(name, "upstream", progress(watch), a_caller(), utc_now):
        raise error


def progress(watch: str) -> ProgressRepository:
    return ProgressRepository(Table(aws.dynamodb_client(), table_name("progress")), watch)


def a_caller() -> Caller:
    return Caller(f"call-{utc_now().timestamp()}", lambda: 900.0)


def test_a_breaker_is_told_of_when_it_opens_and_when_it_closes(bus: Bus) -> None:
    stream = Stream("breakers", "id")
    guard = breaker("lore", "lore.example:443", table_name("breakers"), aws.dynamodb_client())

    def down() -> requests.Response:
        raise UpstreamUnavailable("503")

    def ask(error: type[Exception]) -> None:
        with pytest.raises(error):
            guarded()

    guarded = guard(down)
    for _ in range(ATTEMPTS):
        stream.after(partial(ask, UpstreamUnavailable))
    stream.after(partial(ask, CircuitBreakerOpenError))
    store = CircuitBreakerDynamoDBPersistence(table_name("breakers"), boto3_client=aws.dynamodb_client())
    stream.after(lambda: store.try_acquire_half_open("lore lore.example:443", "probe", opened_at(stream)))
    stream.after(lambda: store.save_closed("lore lore.example:443"))

    assert publish_facts.handler({"Records": stream.records}, Context()) == DONE

    assert [one["dynamodb"]["NewImage"]["state"]["S"] for one in stream.records] == ["OPEN", "HALF_OPEN", "CLOSED"]
    assert [(one["type"], one["data"]) for one in bus.told()] == [
        ("CircuitOpened", {"upstream": "lore"}),
        ("CircuitClosed", {"upstream": "lore"}),
    ]


def opened_at(stream: Stream) -> int:
    return int(stream.records[-1]["dynamodb"]["NewImage"]["opened_at"]["N"])


@pytest.mark.parametrize("plan", [throttled, broken, timed_out, all_refused])
def test_a_bus_that_is_down_gets_the_same_facts_later(bus: Bus, faults: Faults, plan: Plan) -> None:
    stream = Stream("progress", "pk", "sk")
    stream.after(lambda: read(KERNEL, "lore:linux-hwmon"))
    run = next(one for one in stream.records if "SOURCE" in str(one["dynamodb"]["NewImage"]["pk"]))

    with faults.injected(plan, "events"):
        answer = publish_facts.handler({"Records": stream.records}, Context("a"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": run["dynamodb"]["SequenceNumber"]}]}
    assert bus.heard() == []

    publish_facts.handler({"Records": stream.records}, Context("b"))
    once = bus.heard()
    publish_facts.handler({"Records": stream.records}, Context("c"))
    assert len(once) == 1
    assert bus.heard() == once


def test_without_records_it_is_asked_whether_it_starts(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    assert publish_facts.handler({"Records": []}, Context()) == DONE

    monkeypatch.delenv("EVENT_BUS")
    fact_publisher.cache_clear()
    with pytest.raises(ConfigurationError, match="EVENT_BUS is not set"):
        publish_facts.handler({"Records": []}, Context())
