"""The same events with the package ``eventsourcing``: ``python -m benchmarks.histories_peer EVENTS SERIES EVERY``.

An aggregate, an application and a projection as its documentation has them, with its own recorder in memory. The events
say what ours say, as plain texts and numbers, and the projection leaves the rows of the same two read models. It is
driven by what its ``ProjectionRunner`` drives it by, without that one's thread. Prints what it took, as JSON.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import ApplicationSubscription, Projection

from benchmarks.histories_worker import recorded
from watchkeeper.observability import ids
from watchkeeper.observability.events import latest_of
from watchkeeper.observability.models import figures_of

_SAVED_AT_ONCE = 50
_TIMES = 5
"""Of which the least is told: whatever else the machine does can only add to it."""


class MetricAggregate(Aggregate):
    def __init__(self, series: str) -> None:
        self.series = series
        self.latest: dict[str, str] = {}
        self.rollups: dict[tuple[str, str], dict[str, Any]] = {}

    class Recorded(Aggregate.Event):
        data: dict[str, Any]

    @event(Recorded)
    def record(self, data: dict[str, Any]) -> None:
        self.latest = latest_of(data)
        for rollup in data["rollups"]:
            self.rollups[rollup["period"], rollup["start"]] = rollup


class Metrics(Application[UUID]):
    """Remembers no aggregate: each load is from its events."""

    def load(self, metric: UUID) -> MetricAggregate:
        return self.repository.get(metric)


class View(POPOTrackingRecorder):
    """Rows in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}

    def put(self, rows: dict[tuple[str, str], dict[str, Any]], tracking: Tracking) -> None:
        with self._database_lock:
            self._assert_tracking_uniqueness(tracking)
            self._insert_tracking(tracking)
            self.rows |= rows


class ReadModels(Projection[View]):
    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """What no model takes changes nothing."""

    @process_event.register
    def _recorded(self, domain_event: MetricAggregate.Recorded, tracking: Tracking) -> None:
        data = domain_event.data
        self.view.put(dict(_rows(data)), tracking)


def _rows(data: dict[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    series, latest = data["series"], latest_of(data)
    kept = {name: data[name] for name in ("name", "unit", "dimensions", "series")}
    yield ("", series), {**kept, "at": latest["at"], "value": latest["value"]}
    for rollup in data["rollups"]:
        total, least, most = figures_of(rollup)
        figures = {"count": rollup["count"], "sum": total, "min": least, "max": most}
        yield (f"{series}#{rollup['period']}", rollup["start"]), {**figures, "unit": data["unit"]}


def main(events: int, series: int, every: int) -> None:
    app = Metrics()
    metrics = _filled(app, events, series, every)
    gc.collect()
    gc.freeze()
    notifications = events + len(metrics)
    rows = len(_project(app, notifications).rows)
    loaded = [_worked(lambda: [app.load(metric) for metric in metrics]) for _ in range(_TIMES)]
    projected = [_worked(lambda: _project(app, notifications)) for _ in range(_TIMES)]
    print(json.dumps({"load_seconds": min(loaded), "project_seconds": min(projected), "rows": rows}))


def _worked(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def _filled(app: Metrics, events: int, series: int, every: int) -> list[UUID]:
    found: dict[str, MetricAggregate] = {}
    for number, one in enumerate(recorded(events, series, every), 1):
        name = ids.own(one.aggregate_id)
        if name not in found:
            app.save(*found.values())
            found[name] = MetricAggregate(name)
        found[name].record({**one.data, "series": name})
        if number % _SAVED_AT_ONCE == 0:
            app.save(found[name])
    app.save(*found.values())
    return [metric.id for metric in found.values()]


def _project(app: Metrics, notifications: int) -> View:
    """The rows of so many events."""
    view = View()
    projection = ReadModels(view)
    with ApplicationSubscription(app) as subscription:
        for domain_event, tracking in subscription:
            projection.process_event(domain_event, tracking)
            if tracking.notification_id == notifications:
                break
    return view


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
