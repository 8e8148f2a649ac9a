"""The event store's stream on its way to the bus: nothing is lost, nothing is held up, and what cannot be told is where
an operator finds it."""

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import time_machine

from ingest.changes import NotTold
from ingest.observability.containers.publish_events import publication
from ingest.observability.handlers import publish_events
from scheduler.operations.letters import Kind, Reader
from tests.fakes.event_stream import record, records
from tests.integration.faults import Plan, Send, all_refused, broken, burst, every, first, garbage, throttled, timed_out
from tests.integration.ingest.observability.watch import DONE, Watch, context, from_on, listening, said
from tests.lambdas import sqs_record
from tests.unit.ingest.observability.events import NOW, an_event
from watchkeeper.dead_letters import FAILURE
from watchkeeper.errors import ConfigurationError
from watchkeeper.events import MAX_EVENT_BYTES
from watchkeeper.eventsourcing.upcasting import Upcasters
from watchkeeper.observability import events

EVENTS = [an_event(f"metric:{name}", sequence) for sequence in range(1, 9) for name in "abc"]
LARGE = replace(an_event("metric:a", 9), data={"text": "x" * MAX_EVENT_BYTES})
LATER = an_event("metric:a", 10)


def publish(some: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return publish_events.handler({"Records": some, **more}, context("publish-events"))


def ids(details: list[dict[str, Any]]) -> list[str]:
    return [detail["id"] for detail in details]


def test_an_event_is_told_whole(watch: Watch) -> None:
    event = an_event("metric:a", 3, name="a")

    assert publish(records([event])) == DONE

    [heard] = watch.heard()
    assert (heard["source"], heard["detail-type"]) == ("watchkeeper.observability", "MetricRecorded")
    assert heard["detail"] == {
        "id": event.id,
        "type": "MetricRecorded",
        "version": 1,
        "occurred_at": "2026-11-20T21:00:00Z",
        "correlation_id": "cause",
        "data": {"name": "a"},
        "aggregate_id": "metric:a",
        "aggregate_type": "Metric",
        "sequence": 3,
        "causation_id": "command",
        "actor": "somebody",
    }


def test_what_was_appended_and_not_told_is_told_by_the_stream(watch: Watch) -> None:
    """Whoever appended may be dead by then; heads are no events."""
    watch.put(*EVENTS)

    assert publish(watch.stream()) == DONE

    assert sorted(ids(watch.told())) == sorted(event.id for event in EVENTS)


def test_every_event_that_is_told_has_a_line_under_the_id_of_its_cause(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = listening(monkeypatch)
    publish(records([an_event("metric:a", 3, name="a")]))

    assert said(lines, "event told") == ["cause"]


@pytest.mark.parametrize("plan", [every(2, throttled), first(2, timed_out), burst(1, 2, broken)])
def test_what_passes_is_outlived(watch: Watch, plan: Plan) -> None:
    with watch.faults.injected(plan, "events"):
        assert publish(records(EVENTS)) == DONE

    assert set(ids(watch.told())) == {event.id for event in EVENTS}


@pytest.mark.parametrize("plan", [throttled, broken, timed_out, garbage, all_refused])
def test_a_bus_that_is_down_gets_the_batch_again(watch: Watch, plan: Plan) -> None:
    batch = records(EVENTS)
    with watch.faults.injected(plan, "events"):
        assert publish(batch) == from_on(batch, 0)
    assert watch.told() == []

    assert publish(batch) == DONE

    assert len(watch.told()) == len(EVENTS)


def test_a_bus_that_never_answers_is_given_up_before_the_function_is_cut_off(watch: Watch) -> None:
    """Neither with events, nor with word of those that never can be told."""
    some = [an_event(f"metric:m{number}") for number in range(100)]
    batch = [
        *records(some[:50]),
        *(record(event, 51 + place, data={"S": "{"}) for place, event in enumerate(some[50:])),
    ]
    clock = watch.faults.clock
    called = context("publish-events")
    called.milliseconds, begun = 60_000, clock.now

    with watch.faults.injected(timed_out, "events"):
        answer = publish_events.handler({"Records": batch}, called)

    assert answer == from_on(batch, 0)
    assert clock.now - begun < 60


def test_a_publisher_killed_before_any_request_loses_nothing(watch: Watch) -> None:
    batch = records(EVENTS)
    for number in range(3):

        def killed(send: Send, number: int = number) -> None:
            if send.number >= number:
                raise KeyboardInterrupt

        watch.faults.sends.clear()
        with watch.faults.injected(killed, "events"), pytest.raises(KeyboardInterrupt):
            publish(batch)
        assert publish(batch) == DONE
        assert set(ids(watch.told())) == {event.id for event in EVENTS}


def test_records_sent_again_by_an_operator_fail_aloud(watch: Watch) -> None:
    with watch.faults.injected(all_refused, "events"), pytest.raises(NotTold, match="24 of 24"):
        publish(records(EVENTS), redriven=True)

    assert publish(records(EVENTS), redriven=True) == DONE


def poisoned(kind: str) -> dict[str, Any]:
    return record(LARGE, 9) if kind == "too large" else record(an_event("metric:a", 9), 9, data={"S": "{"})


@pytest.mark.parametrize(("kind", "error"), [("too large", "LimitExceeded"), ("unreadable", "Unreadable")])
def test_an_event_that_never_can_be_told_is_heard_of_and_kept_and_holds_up_nobody(
    watch: Watch, kind: str, error: str
) -> None:
    assert publish([poisoned(kind), record(LATER, 10)]) == DONE

    assert ids(watch.told()) == [LATER.id]
    [heard] = watch.heard("errors")
    told = heard["detail"]
    assert (heard["source"], heard["detail-type"]) == ("watchkeeper.errors", "ErrorOccurred")
    assert told["correlation_id"] == "cause"
    assert told["data"]["event"] == {
        "id": LARGE.id,
        "type": "MetricRecorded",
        "occurred_at": "2026-11-20T21:00:00Z",
        "aggregate_id": "metric:a",
        "sequence": 9,
    }
    assert (told["data"]["where"], told["data"]["error"]) == ("publish-events", error)
    assert told["data"]["again"] == {"queue": "publication"}
    [letter] = watch.letters("publication-dlq")
    assert json.loads(letter["Body"]) == told["data"]["event"]


@pytest.mark.parametrize("body", ["whole", "key"])
def test_an_unreadable_event_stays_one_error_however_often_it_is_sent_again(watch: Watch, body: str) -> None:
    watch.put(bad := an_event("metric:a", 9, version=7))  # by a newer release
    publish([record(bad, 9)])
    [letter] = watch.letters("publication-dlq")
    work = json.loads(letter["Body"]) if body == "whole" else {"aggregate_id": "metric:a", "sequence": 9}

    for number in range(2):
        publish([{**message(receives=5, **work), "messageId": f"m{number}"}])

    first, *again = (told["id"] for told in watch.told("errors"))
    assert len(again) == 2
    assert len(set(again)) == 1
    assert (first in again) == (body == "whole")


def test_an_event_that_fails_again_is_the_same_error_of_a_later_time(watch: Watch) -> None:
    for hour in (1, 2):
        with time_machine.travel(NOW + timedelta(hours=hour), tick=False):
            publish([record(LARGE, 9)])

    first, again = watch.told("errors")
    assert (first["id"], first["data"]) == (again["id"], again["data"])
    assert [first["occurred_at"], again["occurred_at"]] == ["2026-11-20T22:00:00Z", "2026-11-20T23:00:00Z"]


def test_its_letter_says_why_to_who_reads_it(watch: Watch) -> None:
    publish([record(LARGE, 9)])

    [letter] = watch.letters("publication-dlq")
    read = Reader("publication", "publish-events", "watchkeeper-test-").read(letter)
    assert (read.kind, read.function, read.error, read.correlation_id) == (
        Kind.WORK,
        "publish-events",
        "LimitExceeded",
        "cause",
    )
    assert "larger" in str(read.message)


@pytest.mark.parametrize(
    ("service", "operation"), [("events", "PutEvents"), ("sqs", "SendMessage")], ids=["the bus", "the queue"]
)
def test_what_can_neither_be_told_nor_set_aside_comes_again(watch: Watch, service: str, operation: str) -> None:
    batch = [record(LARGE, 9), record(LATER, 10)]

    with watch.faults.injected(broken, service, operation):
        assert publish(batch) == from_on(batch, 0)
    assert publish(batch) == DONE

    assert len({one["id"] for one in watch.told("errors")}) == len(watch.letters("publication-dlq")) == 1


def message(*, receives: int = 1, **body: Any) -> Any:
    return sqs_record("m", json.dumps(body), queue="publication", receives=receives, correlation_id="redrive")


def test_a_letter_that_is_sent_again_has_the_event_told(watch: Watch) -> None:
    watch.put(LATER)

    assert publish([message(aggregate_id="metric:a", sequence=10)]) == DONE

    assert ids(watch.told()) == [LATER.id]


def test_an_event_of_an_old_version_is_told_in_the_newest(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Upcasters({("MetricRecorded", 0): lambda data: {"load": data["amount"]}})
    monkeypatch.setattr(events, "UPCASTERS", steps)
    old = an_event("metric:a", 10, version=0, amount=1)
    watch.put(old)

    assert publish(records([old])) == publish([message(aggregate_id="metric:a", sequence=10)]) == DONE

    assert [(told["version"], told["data"]) for told in watch.told()] == [(1, {"load": 1})] * 2


def test_a_message_that_fails_in_passing_comes_again(watch: Watch) -> None:
    watch.put(LATER)

    with watch.faults.injected(broken, "events"):
        answer = publish([message(aggregate_id="metric:a", sequence=10)])

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m"}]}
    assert watch.told("errors") == watch.letters("publication-dlq") == []


def test_an_event_that_still_cannot_be_told_is_a_letter_again_and_heard_of(watch: Watch) -> None:
    watch.put(replace(LARGE, data={"text": "x" * (MAX_EVENT_BYTES + 1)}))

    assert publish([message(aggregate_id="metric:a", sequence=9, receives=5)]) == DONE

    [told] = watch.told("errors")
    assert told["data"]["event"]["aggregate_id"] == "metric:a"
    assert told["data"]["again"] == {"queue": "publication"}
    assert len(watch.letters("publication-dlq")) == 1


WRONG: dict[str, dict[str, Any]] = {
    "no such event": {"aggregate_id": "metric:a", "sequence": 77},
    "a head": {"aggregate_id": "metric:a", "sequence": 0},
    "no sequence": {"aggregate_id": "metric:a"},
    "something else": {"project": "x"},
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_a_message_that_names_no_event_is_a_letter_in_the_end(watch: Watch, body: dict[str, Any]) -> None:
    watch.put(LATER)
    first_answer = publish([message(**body)])
    assert first_answer == {"batchItemFailures": [{"itemIdentifier": "m"}]}

    assert publish([message(**body, receives=5)]) == DONE

    assert [json.loads(letter["Body"]) for letter in watch.letters("publication-dlq")] == [body]
    [told] = watch.told("errors")
    assert told["data"]["error"] == "WorkRefused"
    named = body.items() if "sequence" in body else ()
    assert told["data"]["event"] == {
        "id": sha256(json.dumps(body).encode()).hexdigest()[:32],
        "type": "unknown",
        "occurred_at": "2026-01-01T00:00:00Z",  # it was sent
        **dict(named),
    }
    assert watch.told() == []


def test_a_letter_stays_a_letter_when_nobody_can_be_told(watch: Watch) -> None:
    with watch.faults.injected(broken, "events"):
        assert publish([message(project="x", receives=5)]) == DONE

    assert len(watch.letters("publication-dlq")) == 1


def test_a_setting_that_is_missing_makes_letters_that_say_so(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVENT_STORE_TABLE")
    watch.forget()

    assert publish([message(aggregate_id="metric:a", sequence=1, receives=5)]) == DONE

    [letter] = watch.letters("publication-dlq")
    assert "EVENT_STORE_TABLE is not set" in letter["MessageAttributes"][FAILURE]["StringValue"]


def test_the_function_says_at_its_start_what_it_lacks(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ERROR_BUS")
    monkeypatch.delenv("EVENT_BUS")
    watch.forget()

    with pytest.raises(ConfigurationError, match="EVENT_BUS is not set; ERROR_BUS is not set"):
        publication()
    with pytest.raises(Exception, match="ERROR_BUS"):
        publish([])
