"""Does with the event store what it is told in each line that comes in, and prints what that took, as JSON.

Imports nothing a function does not. It is run by ``benchmarks.histories``.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Item, Table
from watchkeeper.events import event_id
from watchkeeper.eventsourcing.event import Cause, Event
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import DynamoDBEventStore, event_item, is_event
from watchkeeper.observability import ids
from watchkeeper.observability.metrics import Metric, Sample
from watchkeeper.observability.projections import Fold, Occurrence
from watchkeeper.observability.series import Series

START = datetime(2026, 1, 1, tzinfo=UTC)
UNIT = "Milliseconds"

_CAUSE = Cause("52fdfc07-2182-454f-963f-5f0f9a621d72", "9566c74d-1003-4c4d-bbbb-0407d1e2c649", "benchmark")
_PAGE_OCTETS = 1024 * 1024
_TIMES = 5


class Unabridged(Metric):
    """A metric of which no snapshot is kept."""

    snapshot_every = 1_000_000_000


class History:
    """A metric that gets a value each minute; each is an event of its own."""

    def __init__(self, route: str, *, snapshots: bool = True) -> None:
        self.id = ids.metric(Series.named("api.request.duration", {"route": route}))
        self._now = START
        store = DynamoDBEventStore(Table(aws.dynamodb_client(), table_name("event-store")), self.now)
        self._metrics = EventSourcedRepository(store, Metric if snapshots else Unabridged, self.now)

    def now(self) -> datetime:
        return self._now

    def take(self, values: int = 1) -> None:
        """A command."""

        def decide(metric: Metric) -> None:
            for _ in range(values):
                self._now += timedelta(minutes=1)
                if metric.take([_sample(self._now)], self._now) != [None]:
                    raise AssertionError("the value was not taken")

        issued_at = self._now
        self._metrics.execute(self.id, decide, cause=_CAUSE, command_id=f"{self.id}/{issued_at}", issued_at=issued_at)

    def load(self) -> int:
        return self._metrics.get(self.id).version


def main() -> None:
    told, sys.stdout = sys.stdout, sys.stderr
    gc.collect()
    gc.freeze()
    histories: dict[str, History] = {}
    for line in sys.stdin:
        print(json.dumps(_done(histories, json.loads(line))), file=told, flush=True)


def _done(histories: dict[str, History], told: Mapping[str, Any]) -> dict[str, Any]:
    match told:
        case {"rebuild": models, "events": events, "series": series, "every": every}:
            return _rebuilt(models, events, series, every)
        case {"take": values, "route": route, "times": times, **rest}:
            history = histories.setdefault(route, History(route, snapshots=rest.get("snapshots", True)))
            return _timed(lambda: history.take(values), times)
        case {"load": route, "times": times}:
            return {**_timed(histories[route].load, times), "version": histories[route].load()}
    raise ValueError(f"nobody knows how to do {told}")


def _timed(call: Callable[[], object], times: int) -> dict[str, Any]:
    """Seconds of each call, and those of the processor for all."""
    seconds = []
    worked = time.process_time()
    for _ in range(times):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return {"seconds": seconds, "processor_seconds": time.process_time() - worked}


def recorded(events: int, series: int, every: int) -> Iterator[Event]:
    """So many events of so many metrics, one after the other, as a scan finds them; a value comes ``every`` seconds."""
    for number in range(series):
        metric = Metric(ids.metric(Series.named("api.request.duration", {"route": f"route-{number:04}"})))
        for sequence in range(1, events // series + 1):
            now = START + timedelta(seconds=every * sequence)
            metric.take([_sample(now)], now)
            data = metric.recorded.pop()
            yield Event(
                id=event_id(f"{metric.id}/{sequence}", data.type),
                type=data.type,
                version=data.version,
                occurred_at=now,
                correlation_id=_CAUSE.correlation_id,
                data=data.encoded(),
                aggregate_id=metric.id,
                aggregate_type=metric.kind,
                sequence=sequence,
                causation_id=_CAUSE.causation_id,
                actor=_CAUSE.actor,
            )


def _sample(at: datetime) -> Sample:
    return Sample(at, Decimal(at.minute * 7 + at.second % 97) / 8, UNIT)


def _rebuilt(models: Sequence[Sequence[str]], events: int, series: int, every: int) -> dict[str, Any]:
    """Processor seconds of making each set of models, and the rows that are left."""
    table = Table(_Pages(recorded(events, series, every)), "event-store")  # type: ignore[arg-type]
    gc.collect()
    return {"rebuilt": [{"models": some, **_least(table, some)} for some in models]}


def _least(table: Table, models: Sequence[str]) -> dict[str, Any]:
    """Of several times: whatever else the machine does can only add to it."""
    seconds = []
    for _ in range(_TIMES):
        worked = time.process_time()
        rows = _rows(table, models)
        seconds.append(time.process_time() - worked)
    return {"rows": rows, "processor_seconds": min(seconds)}


def _rows(table: Table, models: Sequence[str]) -> int:
    """Page by page, as a rebuild does, but that nothing is written."""
    rows, start = 0, None
    while True:
        page, fold = table.scan_page(start=start, consistent=True), Fold(models)
        for item in filter(is_event, page.items):
            if fold.takes(str(item["eventType"])):
                fold.add(Occurrence.of_item(item))
        rows += sum(1 for _ in fold.winners())
        if (start := page.last_key) is None:
            return rows


class _Pages:
    """A client that scans a table: answers as DynamoDB sends them, kept as octets."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._bodies = list(_bodies(events))

    def scan(self, *, ExclusiveStartKey: Any = None, **_: Any) -> Any:  # noqa: N803 -- botocore's name
        place = int(ExclusiveStartKey["place"]["N"]) if ExclusiveStartKey else 0
        answer = orjson.loads(self._bodies[place])
        return answer | (
            {"LastEvaluatedKey": {"place": {"N": str(place + 1)}}} if place + 1 < len(self._bodies) else {}
        )


def _bodies(events: Iterator[Event]) -> Iterator[bytes]:
    items: list[bytes] = []
    for event in events:
        items.append(orjson.dumps(_wire(event_item(event))))
        if len(items) * len(items[0]) > _PAGE_OCTETS:
            yield b'{"Items":[' + b",".join(items) + b"]}"
            items = []
    yield b'{"Items":[' + b",".join(items) + b"]}"


def _wire(item: Item) -> dict[str, Any]:
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in item.items()}


if __name__ == "__main__":
    main()
