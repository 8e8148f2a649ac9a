"""Read models rebuilt from the store by an operator: in as many calls as needed, while events keep arriving."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
import time_machine

from ingest.observability.handlers import rebuild_read_model
from tests import bus_events
from tests.bus_events import SOURCED
from tests.integration.faults import Send, denied
from tests.integration.ingest.observability.watch import Watch, context
from tests.unit.ingest.observability.events import an_event
from watchkeeper.clock import from_iso
from watchkeeper.dynamodb import Table
from watchkeeper.errors import DatabaseError
from watchkeeper.eventsourcing.event import Cause, Event
from watchkeeper.eventsourcing.read_models import Generations, Row
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.observability import ids
from watchkeeper.observability.alerts import AlertRule
from watchkeeper.observability.health import SystemHealth
from watchkeeper.observability.metrics import Metric, Sample
from watchkeeper.observability.models import AlertSeverity, Comparison, HealthStatus
from watchkeeper.observability.projections import REBUILT, Occurrence, rows

NOW = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
CAUSE = Cause("trace", "", "somebody")
RULE: dict[str, Any] = {
    "name": "high load",
    "metric": "load",
    "dimensions": {},
    "comparison": Comparison.GT,
    "threshold": Decimal(1),
    "clear_threshold": None,
    "breaches": 1,
    "cooldown_seconds": 0,
    "severity": AlertSeverity.WARNING,
    "now": NOW,
}


def call(milliseconds: int = 900_000, **event: Any) -> dict[str, Any]:
    called = context("rebuild-read-model")
    called.milliseconds = milliseconds
    return rebuild_read_model.handler(event, called)


def until_done(model: str, milliseconds: int = 900_000) -> Iterator[dict[str, Any]]:
    for _ in range(50):
        yield (answer := call(milliseconds, model=model))
        if answer["done"]:
            return
    raise AssertionError("it never came to an end")


class Recorder:
    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.metrics = EventSourcedRepository(watch.store, Metric, lambda: NOW)
        self.health = EventSourcedRepository(watch.store, SystemHealth, lambda: NOW)

    def record(self, name: str, value: int, minute: int = 0) -> None:
        at = NOW - timedelta(minutes=minute)
        self.metrics.execute(
            f"metric:{name}", lambda metric: metric.take([Sample(at, Decimal(value))], NOW), cause=CAUSE
        )

    def report(self, component: str, status: HealthStatus) -> None:
        self.health.execute(
            f"system-health:{component}", lambda health: health.report("x", status, "it is", NOW), cause=CAUSE
        )


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def recorder(watch: Watch) -> Recorder:
    recorder = Recorder(watch)
    for number in range(3):
        for name in ("load", "heat"):
            recorder.record(name, number, number)
    recorder.report("upstream/patchwork", HealthStatus.DOWN)
    recorder.report("upstream/patchwork", HealthStatus.HEALTHY)
    recorder.report("service/api", HealthStatus.DEGRADED)
    return recorder


def projected(events: list[Event], model: str) -> dict[str, Any]:
    """What projecting each event by itself leaves of a model, keyed by partition and sort key."""
    newest: dict[str, tuple[int, Row]] = {}
    for event in events:
        for row in rows(Occurrence.of(event)):
            key = f"{row.partition}/{row.sort}"
            if row.model == model and newest.get(key, (0, row))[0] < event.sequence:
                newest[key] = (event.sequence, row)
    return {key: row.record for key, (_, row) in newest.items()}


def kept(watch: Watch, model: str, *partitions: str) -> dict[str, Any]:
    view = watch.models.view()
    return {
        f"{partition}/{row.sort}": row.record
        for partition in partitions or ("",)
        for row in view.rows(model, partition)
    }


def of_every_type() -> Iterator[Event]:
    """The events of each aggregate in order."""
    versions = Counter[str]()
    for kind in SOURCED:
        aggregate_id = bus_events.event(kind)["detail"]["aggregate_id"]
        versions[aggregate_id] += 1
        detail = bus_events.event(kind, versions[aggregate_id])["detail"]
        yield Event(**detail | {"occurred_at": from_iso(detail["occurred_at"])})


def whole(watch: Watch, model: str) -> dict[str, Any]:
    """All rows of a model that was made anew once, keyed by partition and sort key."""
    made = f"{model}#2#"
    found = ((str(item["pk"]), item) for item in watch.table("read-models").scan())
    return {
        f"{pk.removeprefix(made)}/{item['sk']!s}": json.loads(str(item["record"]))
        for pk, item in found
        if pk.startswith(made)
    }


@pytest.mark.parametrize("model", REBUILT)
def test_a_model_is_what_projecting_each_event_leaves(watch: Watch, recorder: Recorder, model: str) -> None:
    for one in of_every_type():
        watch.put(one)

    [answer] = until_done(model)

    assert answer == {
        "model": model,
        "generation": "2",
        "events": 9 + len(SOURCED),
        "rows": len(projected(watch.events(), model)),
        "unreadable": 0,
        "switched": True,
        "done": True,
    }
    assert whole(watch, model) == projected(watch.events(), model) != {}


def test_buckets_whose_time_is_over_are_not_written_again(watch: Watch, recorder: Recorder) -> None:
    with time_machine.travel(NOW + timedelta(days=20)):
        [answer] = until_done("metric-series")

    assert answer["rows"] == 6, "hours and days of two series"
    assert kept(watch, "metric-series", "load#minute", "heat#minute") == {}
    assert kept(watch, "metric-series", "load#hour").keys() == {
        "load#hour/2026-11-20T20:00:00Z",
        "load#hour/2026-11-20T21:00:00Z",
    }


def test_a_rule_that_was_retired_long_ago_does_not_come_back_as_it_was_before(watch: Watch) -> None:
    rules = EventSourcedRepository(watch.store, AlertRule, lambda: NOW)
    of_rule = ids.alert_rule("0123456789ab")
    rules.execute(of_rule, lambda rule: rule.define(**RULE), cause=CAUSE)
    rules.execute(of_rule, lambda rule: rule.retire(NOW), cause=CAUSE)

    with time_machine.travel(NOW + timedelta(days=40)):
        list(until_done("alert-rules"))

    assert [record["retired_at"] for record in kept(watch, "alert-rules").values()] == ["2026-11-20T21:00:00Z"]


def test_a_model_is_made_anew_as_often_as_it_is_asked_for(watch: Watch, recorder: Recorder) -> None:
    generations = [answer["generation"] for _ in range(3) for answer in until_done("health-board")]

    assert generations == ["2", "3", "4"]
    assert kept(watch, "health-board") == projected(watch.events(), "health-board")


def test_with_little_time_left_it_says_how_far_it_is_and_goes_on_when_it_is_called_again(
    watch: Watch, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_pages(monkeypatch)

    answers = []
    for milliseconds in [1_000] * 20 + [900_000]:
        answers.append(call(milliseconds, model="latest-metrics"))

    events = [answer["events"] for answer in answers]
    assert events == sorted(events)
    assert len(set(events)) > 3
    assert {answer["generation"] for answer in answers} == {"2"}
    assert [answer["done"] for answer in answers] == [False] * 20 + [True]
    assert kept(watch, "latest-metrics") == projected(watch.events(), "latest-metrics")


def test_it_works_for_no_longer_than_it_is_asked_to(
    watch: Watch, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_pages(monkeypatch)

    answers = [call(model="latest-metrics", seconds=0), call(model="latest-metrics", seconds=600)]

    assert [answer["done"] for answer in answers] == [False, True]
    assert kept(watch, "latest-metrics") == projected(watch.events(), "latest-metrics")


def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan's page holds two items."""
    scan_page = Table.scan_page

    def small(self: Table, **given: Any) -> Any:
        with monkeypatch.context() as patch:
            scan = self._client.scan
            patch.setattr(self._client, "scan", lambda **request: scan(**request, Limit=2))
            return scan_page(self, **given)

    monkeypatch.setattr(Table, "scan_page", small)


def test_what_is_told_meanwhile_is_in_the_model_and_the_unfinished_are_shown(
    watch: Watch, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_pages(monkeypatch)
    assert call()["rebuilds"] == {}

    for number in range(12):
        call(1_000, model="latest-metrics")
        recorder.record("load", 100 + number)
        project(watch, watch.events("metric:load")[-1])
        shown = call()["rebuilds"]
        assert shown.get("latest-metrics", {}).get("generation") == "2"
    for _ in until_done("latest-metrics"):
        pass

    assert call()["rebuilds"] == {}
    assert kept(watch, "latest-metrics") == projected(watch.events(), "latest-metrics")


def project(watch: Watch, event: Event) -> None:
    """As the state machine does."""
    written = watch.models.generations()
    for row in rows(Occurrence.of(event)):
        for generation in written[row.model].written:
            watch.models.put(row, generation, Occurrence.of(event).stamp)


def test_a_rebuild_killed_before_any_write_goes_on(watch: Watch, recorder: Recorder) -> None:
    def killed_at(number: int) -> Any:
        written = count()

        def killed(send: Send) -> None:
            if send.operation in ("PutItem", "UpdateItem") and next(written) >= number:
                raise KeyboardInterrupt

        return killed

    for number in range(4):
        with watch.faults.injected(killed_at(number)), pytest.raises(KeyboardInterrupt):
            call(model="health-board")

    list(until_done("health-board"))
    assert kept(watch, "health-board") == projected(watch.events(), "health-board")
    assert call()["rebuilds"] == {}


POISON = {
    "no event of ours": an_event("system-health:service/ingest", 1, kind="HealthChanged", nothing="of it"),
    "a version of the future": an_event("system-health:service/ingest", 1, kind="HealthChanged", version=99),
}


def with_data(**changes: Any) -> Event:
    """A newer event of a metric than the recorder's, with something else in its data, or without it."""
    data = {"name": "load", "unit": "Count", "dimensions": {}, "values": [VALUE], "rollups": [ROLLUP]} | changes
    return an_event("metric:load", 99, **{name: one for name, one in data.items() if one is not None})


VALUE = {"at": "2026-11-20T21:00:00Z", "value": "1"}
ROLLUP = {"period": "minute", "start": "2026-11-20T21:00:00Z", "count": 1, "sum": "1"}
SPOILT = {
    "no unit": {"unit": None},
    "no minimum": {"rollups": [ROLLUP | {"count": 2}]},
    "no time": {"values": [{"at": "soon", "value": "1"}]},
    "a time before all time": {"values": [{"at": "0001-01-01T00:00:00+14:00", "value": "1"}]},
    "no object": {"dimensions": "x"},
}


@pytest.mark.parametrize("changes", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("model", ["latest-metrics", "metric-series"])
def test_an_event_whose_rows_cannot_be_built_leaves_those_of_the_event_before(
    watch: Watch, recorder: Recorder, model: str, changes: dict[str, Any]
) -> None:
    before = projected(watch.events(), model)
    watch.put(with_data(**changes))

    assert call(model=model)["unreadable"] == 1
    assert call(model=model, leave_out=True)["done"]

    assert kept(watch, model, *{key.rpartition("/")[0] for key in before}) == before


def test_what_the_state_machine_refuses_is_not_rebuilt_either(watch: Watch) -> None:
    watch.put(an_event("alert:r.s", 1, kind="AlertRaised", alert={"id": "r.s", "rule_id": "r", "state": "open"}))

    assert call(model="alerts")["unreadable"] == 1


def test_a_rebuild_that_another_release_began_begins_anew(watch: Watch, recorder: Recorder) -> None:
    begun = Generations("1", ("1", "2"), {"generation": "2", "words": "that nobody knows"})
    watch.models.change("health-board", Generations(), begun)
    assert call()["rebuilds"] == {}

    answer = call(model="health-board")

    assert (answer["generation"], answer["done"]) == ("3", True)
    assert kept(watch, "health-board") == projected(watch.events(), "health-board")


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_what_cannot_be_projected_stops_it_until_somebody_says_that_it_may_be_left_out(
    watch: Watch, recorder: Recorder, poison: Event
) -> None:
    watch.put(poison)

    stopped = call(model="health-board")
    assert (stopped["done"], stopped["switched"], stopped["unreadable"]) == (False, False, 1)
    assert stopped["stopped"].startswith("1 events cannot be read")
    assert kept(watch, "health-board") == {}

    answer = call(model="health-board", leave_out=True)
    assert (answer["events"], answer["unreadable"], answer["rows"], answer["done"]) == (10, 1, 2, True)
    assert "stopped" not in answer


def test_the_generation_before_is_not_deleted_while_somebody_may_be_reading_it(
    watch: Watch, recorder: Recorder
) -> None:
    before = watch.faults.clock.now

    list(until_done("health-board"))

    assert watch.faults.clock.now - before >= 5


@pytest.mark.parametrize("model", ["errors", "everything", 7])
def test_a_model_events_do_not_make_is_refused_with_those_there_are(watch: Watch, model: Any) -> None:
    answer = call(model=model)

    assert list(answer) == ["error"]
    assert all(name in answer["error"] for name in REBUILT)


def test_without_a_model_it_says_which_there_are(watch: Watch) -> None:
    assert call() == {"models": list(REBUILT), "rebuilds": {}}
    assert "errors" not in REBUILT


def test_two_rebuilds_at_once_are_one_that_is_told_to_call_again(watch: Watch, recorder: Recorder) -> None:
    def somebody_is_faster(send: Send) -> None:
        if send.number == 0:
            call(1_000, model="health-board")

    with watch.faults.injected(somebody_is_faster, operation="UpdateItem"):
        answer = call(model="health-board")

    assert "call again" in answer["error"]
    assert list(until_done("health-board"))[-1]["done"]


def test_a_store_that_cannot_be_read_fails_the_call(watch: Watch, recorder: Recorder) -> None:
    with watch.faults.injected(denied, operation="Scan"), pytest.raises(DatabaseError):
        call(model="health-board")
