"""The observability watch with many writers, killed publishers, duplicate, late and broken events, and a rebuild
meanwhile: nothing is lost, nothing counts twice, and order is kept."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from secrets import token_hex
from typing import Any

import pytest
import requests

from local import letters
from tests.e2e.people import Json, Person, expect
from tests.e2e.waiting import wait_for
from tests.e2e.watch import PAUSE, Rows, Watch, of, projected, sequences
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.store import KEYS, DynamoDBEventStore, Head, event_item
from watchkeeper.observability.models import HealthStatus
from watchkeeper.observability.projections import REBUILT

WRITERS = 16
ROUNDS = 2
VALUES = 3
METRIC = f"many.writers.{token_hex(4)}"
TWICE = f"twice.{token_hex(4)}"
KILLED = ("publish-events", "evaluate-alerts")
OVERLOADED = (409, 429, 503)
"""Who is answered so sends the same again."""


# Many writers, kills, and a rebuild meanwhile


@dataclass(frozen=True)
class Load:
    taken: list[str]
    """Values, as they were answered for."""
    killed: int
    """Processes."""
    rule: Json


def write(watch: Watch, writer: int) -> list[str]:
    person, taken = replace(watch.developer, session=requests.Session()), []
    with person.session:
        for number in range(ROUNDS):
            values = [f"{writer}.{number}{place}1" for place in range(VALUES)]
            sent = {"metrics": [{"name": METRIC, "value": value} for value in values]}
            results = answered(person, sent, f"{writer}-{number}")["results"]
            taken += [values[result["index"]] for result in results if result["taken"]]
    return taken


def answered(person: Person, sent: Json, key: str) -> Json:
    """The last answer to metrics that are sent again for as long as the API says so."""
    answers: list[requests.Response] = []

    def is_last() -> bool:
        answers.append(person.post("observability/metrics", sent, {"Idempotency-Key": key}))
        return answers[-1].status_code not in OVERLOADED and '"again"' not in answers[-1].text

    wait_for("an answer", is_last, 60, PAUSE)
    told: Json = expect(answers[-1], 200)
    return told


@pytest.fixture(scope="module")
def load(watch: Watch) -> Load:
    """All write to one series, whose events are published, evaluated, projected and rebuilt meanwhile."""
    rule, killed = watch.define(METRIC, threshold=0), 0
    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [pool.submit(write, watch, writer) for writer in range(1, WRITERS + 1)]
        wait_for("the first events", lambda: len(watch.events(f"metric:{METRIC}")) > 1, 60, PAUSE)
        killed += kill(watch)
        watch.rebuild("metric-series", "alert-history")
        killed += kill(watch)
        taken = [value for one in writing for value in one.result()]
    return Load(taken, killed, rule)


def kill(watch: Watch) -> int:
    """The publisher and the evaluator, wherever they are."""
    workers = watch.system.workers(KILLED)
    watch.system.kill_workers(KILLED)
    return len(workers)


def test_many_writers_lose_nothing_and_keep_their_order(watch: Watch, load: Load) -> None:
    events = watch.events(f"metric:{METRIC}")
    values = [value["value"] for event in events for value in event.data["values"]]

    assert sequences(events) == list(range(1, len(events) + 1))
    assert len(load.taken) == WRITERS * ROUNDS * VALUES
    assert sorted(values) == sorted(load.taken)
    for writer in range(1, WRITERS + 1):
        own = [value for value in values if value.startswith(f"{writer}.")]
        assert own == sorted(own)


@pytest.mark.parametrize("period", ["minute", "day"])
def test_what_killed_publishers_had_in_hand_is_read_all_the_same(watch: Watch, load: Load, period: str) -> None:
    assert load.killed >= 2
    wanted = {"count": Decimal(len(load.taken)), "sum": sum(map(Decimal, load.taken), Decimal())}

    def total(stat: str) -> Decimal:
        found = watch.read(f"metrics/{METRIC}/series", period=period, stat=stat)["items"]
        return sum((Decimal(bucket["value"]) for series in found for bucket in series["buckets"]), Decimal())

    watch.finds("all values", lambda: {stat: total(stat) for stat in wanted} == wanted)


def test_killed_evaluators_raise_an_alert_once(watch: Watch, load: Load) -> None:
    alert = watch.alert(load.rule, "open")

    assert (alert["episode"], alert["version"]) == (1, 1)
    assert [one.type for one in watch.events(f"alert:{alert['id']}")] == ["AlertRaised"]


def test_rebuilds_among_writers_end_as_if_made_of_all_events(watch: Watch, load: Load) -> None:
    alert_id = watch.alert(load.rule, "open")["id"]
    aggregates = (f"metric:{METRIC}", f"alert-rule:{load.rule['id']}", f"alert:{alert_id}")
    events = [event for aggregate_id in aggregates for event in watch.events(aggregate_id)]

    wanted = {model: projected(events, model) for model in REBUILT}

    watch.finds("all of it", lambda: shown(watch, METRIC, load.rule["id"]) == wanted)


def shown(watch: Watch, *names: str) -> dict[str, Rows]:
    """What is read of these, by model."""
    return {model: of(watch.rows(model), *names) for model in REBUILT}


# Twice, and in any order


@pytest.mark.usefixtures("load")
def test_events_that_come_twice_and_in_any_order_leave_what_a_rebuild_makes(watch: Watch) -> None:
    component = f"upstream/{TWICE.replace('.', '-')}"
    rule = watch.define(TWICE)
    watch.record(TWICE, 99)
    watch.record(TWICE, 10)
    alert = watch.alert(rule, "resolved")
    incident = watch.incident(f"{TWICE} is down")
    watch.report(component, HealthStatus.DOWN, HealthStatus.HEALTHY)
    aggregates = (
        *(f"metric:{TWICE}", f"alert-rule:{rule['id']}", f"alert:{alert['id']}"),
        *(f"security-event:{incident['id']}", f"system-health:{component}"),
    )
    own = [event for aggregate_id in aggregates for event in watch.events(aggregate_id)]
    names = (TWICE, component, rule["id"], incident["id"])
    wanted = {model: projected(own, model) for model in REBUILT}

    watch.finds("all of it", lambda: shown(watch, *names) == wanted)
    shuffled = own * 2
    random.Random(7).shuffle(shuffled)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(watch.deliver, shuffled))

    assert (len(own), all(wanted.values())) == (9, True)
    assert shown(watch, *names) == wanted
    watch.rebuild(*REBUILT)
    assert shown(watch, *names) == wanted


def test_events_on_the_way_to_a_publisher_that_is_gone_wait_for_the_next_one(watch: Watch) -> None:
    functions, publisher = watch.system.cloud.functions, watch.system.cloud.name("publish-events")
    name = f"waiting.{token_hex(4)}"
    mappings = functions.list_event_source_mappings(FunctionName=publisher)["EventSourceMappings"]
    [stream] = [one["UUID"] for one in mappings if ":dynamodb:" in one["EventSourceArn"]]
    functions.update_event_source_mapping(UUID=stream, Enabled=False)
    try:
        watch.record(name, 1, 2, 3)
        kill(watch)
        assert sequences(watch.events(f"metric:{name}")) == [1]
        assert watch.read("metrics", name=name)["items"] == []
    finally:
        functions.update_event_source_mapping(UUID=stream, Enabled=True)

    watch.finds("the value", lambda: watch.read("metrics", name=name)["items"])


# Events that cannot be projected, or not even be read


def appended(watch: Watch, name: str, **changes: Any) -> Event:
    """The first event of a metric, like that of another metric but for these changes."""
    watch.record(f"template.{name}", 7)
    [known] = watch.events(f"metric:template.{name}")
    data = {**known.data, "name": name}
    event = replace(known, id=token_hex(16), aggregate_id=f"metric:{name}", data=data, **changes)
    DynamoDBEventStore(watch.store).append(Head(event.aggregate_id), [event])
    return event


def test_an_event_nobody_can_project_is_told_kept_and_projected_once_somebody_can(watch: Watch) -> None:
    name, queues = f"nobodys.{token_hex(4)}", watch.system.queues
    event = appended(watch, name, actor="", correlation_id="of-nobody")
    [error] = watch.finds("the error", lambda: watch.errors("projections", event.id))
    wait_for("the letter", lambda: queues.depth("projections-dlq").ready == 1, 10, PAUSE)
    [letter] = listed(watch, "projections")

    assert (error["error"], error["again"], error["correlation_id"]) == ("IncompleteEvent", "projections", "of-nobody")
    assert error["event"]["aggregate_id"] == event.aggregate_id
    assert (letter["kind"], letter["correlation_id"]) == ("projection", "of-nobody")
    assert watch.read("metrics", name=name)["items"] == []

    with watch.taught(lambda asl: asl.replace("'actor': 'text'", "'actor': 'string'")):
        told, all_sent = letters.redriven(watch.system.cloud, "projections", None)
        watch.finds("the value", lambda: watch.read("metrics", name=name)["items"])

    assert (told, all_sent) == (["Sent again: 1 letter of projections."], True)
    assert queues.depth("projections-dlq").is_empty


def listed(watch: Watch, queue: str) -> list[Json]:
    request = {"action": "list", "queue": queue, "limit": 100}
    found: list[Json] = watch.system.cloud.invoke("dead-letters", request)["letters"]
    return found


def drop(watch: Watch, queue: str, correlation_id: str) -> list[Json]:
    """The letters of a queue that follow from one cause."""
    found = [letter for letter in listed(watch, queue) if letter["correlation_id"] == correlation_id]
    for letter in found:
        letters.dropped(watch.system.cloud, queue, letter["id"], "the test is over")
    return found


def test_an_event_nobody_can_read_is_told_kept_and_published_once_it_is_mended(watch: Watch) -> None:
    """What it says was cut off."""
    name = f"mended.{token_hex(4)}"
    watch.record(f"template.{name}", 8)
    [known] = watch.events(f"metric:template.{name}")
    data = {**known.data, "name": name}
    event = replace(known, id=token_hex(16), aggregate_id=f"metric:{name}", data=data, correlation_id="to-be-mended")
    watch.store.put({**event_item(event), "data": "{"}, keys=KEYS)

    [error] = watch.finds("the error", lambda: watch.errors("publish-events", event.id))
    [other] = watch.finds("the other error", lambda: watch.errors("evaluate-alerts", event.id))
    wait_for("the letter", lambda: watch.system.queues.depth("publication-dlq").ready == 1, 10, PAUSE)
    [letter] = listed(watch, "publication")
    watch.store.put(event_item(event), keys=KEYS)
    told, all_sent = letters.redriven(watch.system.cloud, "publication", None)
    watch.finds("the value", lambda: watch.read("metrics", name=name)["items"])

    assert (error["error"], error["again"], error["correlation_id"]) == ("Unreadable", "publication", "to-be-mended")
    assert (other["error"], other["again"]) == ("Unreadable", "failures")
    assert (letter["function"], letter["correlation_id"]) == ("publish-events", "to-be-mended")
    assert (told, all_sent) == (["Sent again: 1 letter of publication."], True)
    assert len(drop(watch, "failures", "to-be-mended")) == 1
