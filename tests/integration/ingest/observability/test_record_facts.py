"""Facts on their way from the queue into the event store."""

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest

from ingest.observability.handlers import record_facts
from tests.integration.faults import Plan, Send, broken, lost, throttled
from tests.integration.ingest.observability.watch import DONE, Watch, context
from tests.lambdas import sqs_record
from watchkeeper import metrics
from watchkeeper.clock import from_iso, to_iso, utc_now
from watchkeeper.observability.facts import (
    ALL_SERVICES,
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

SOURCE = "lore:linux-hwmon"
FACTS: dict[str, Fact] = {
    "a run": RunFinished(SOURCE, "recent", 12.5, 9, 4, 3, 2),
    "a failure": ReadingFailed(SOURCE, "it answers 503", blocked=False),
    "a breaker": CircuitOpened("lore"),
    "letters": DeadLettersCounted("threads", "ingest", 3),
    "letters of all services": DeadLettersCounted("failures", ALL_SERVICES, 3),
    "an age": SourceAged(SOURCE, 90, stale=True, blocked=False),
    "a sign-in": SignInFailed("wrong-code"),
    "refusals": RequestRefused(401, "GET /api/v1/me", 12),
}
WRITES = dict.fromkeys(FACTS, 2) | {"a run": 6, "letters of all services": 4}
every_fact = pytest.mark.parametrize("name", FACTS)


@pytest.fixture(autouse=True)
def _letters_of_facts(watch: Watch) -> None:
    watch.use_letters_of("facts-dlq")


def body(given: Fact, /, *, hours_ago: int = 0, **members: Any) -> str:
    then = utc_now() - timedelta(hours=hours_ago)
    told = fact(given, cause="cause", occurred_at=then, correlation_id="trace")
    return orjson.dumps({**orjson.loads(orjson.dumps(told)), **members}).decode()


def take(*bodies: str, receives: int = 1) -> dict[str, Any]:
    taken = [
        sqs_record(f"m{place}", text, queue="facts", receives=receives, correlation_id="rule")
        for place, text in enumerate(bodies)
    ]
    return record_facts.handler({"Records": taken}, context("record-facts"))


@every_fact
def test_what_follows_from_a_fact_is_recorded_once_however_often_it_comes(watch: Watch, name: str) -> None:
    text = body(FACTS[name])

    assert take(text) == DONE
    once = watch.events()
    assert take(text, text) == DONE

    assert watch.events() == once
    assert len(once) == WRITES[name]
    assert {event.correlation_id for event in once} == {"trace"}


@every_fact
def test_a_recording_killed_before_any_write_goes_on_where_it_was(watch: Watch, name: str) -> None:
    text = body(FACTS[name])
    for before in range(WRITES[name]):
        clear(watch)

        def killed(send: Send, before: int = before) -> None:
            if send.number >= before:
                raise KeyboardInterrupt

        watch.faults.sends.clear()
        with (
            watch.faults.injected(killed, operation="TransactWriteItems"),
            pytest.raises(KeyboardInterrupt),
        ):
            take(text)
        assert len(watch.events()) == before

        assert take(text) == DONE
        assert len(watch.events()) == WRITES[name]


def clear(watch: Watch) -> None:
    for event in watch.events():
        for sequence in range(event.sequence + 1):
            watch.table("event-store").delete({"aggregateId": event.aggregate_id, "eventSequence": sequence})


@pytest.mark.parametrize("plan", [lost, throttled, broken], ids=lambda plan: plan.__name__)
def test_a_fact_whose_writing_fails_comes_again_and_leaves_what_it_leaves_once(watch: Watch, plan: Plan) -> None:
    text = body(FACTS["a run"])
    with watch.faults.injected(plan, operation="TransactWriteItems"):
        assert take(text) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}

    assert take(text) == DONE

    assert len(watch.events()) == 6
    assert watch.letters("facts-dlq") == watch.told("errors") == []


UNKNOWN = {
    "another type": (body(FACTS["a run"], type="RunBegun"), "RunBegun"),
    "another version": (body(FACTS["a run"], version=9), "RunFinished"),
    "other data": (body(FACTS["a run"], data={}), "RunFinished"),
    "a name no metric can have": (body(SignInFailed("two words")), "SignInFailed"),
}


@pytest.mark.parametrize(("text", "kind"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_fact_nobody_can_record_is_a_letter_with_the_reason_and_heard_of(watch: Watch, text: str, kind: str) -> None:
    assert take(text) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert watch.told("errors") == []

    assert take(text, receives=5) == DONE

    [letter] = watch.letters("facts-dlq")
    assert letter["Body"] == text
    reason = json.loads(letter["MessageAttributes"]["failure"]["StringValue"])
    sent, [told] = json.loads(text), watch.told("errors")
    assert told["data"] == {
        "where": "record-facts",
        "error": reason["error"],
        "cause": reason["message"],
        "event": {"id": sent["id"], "type": kind, "occurred_at": to_iso(from_iso(sent["occurred_at"]))},
        "again": {"queue": "facts"},
    }
    assert told["correlation_id"] == "trace"
    assert watch.events() == []


def test_of_a_message_that_is_no_fact_the_message_is_named(watch: Watch) -> None:
    assert take("rubbish {", receives=5) == DONE

    [told] = watch.told("errors")
    assert told["data"]["event"] == {
        "id": sha256(b"rubbish {").hexdigest()[:32],
        "type": "unknown",
        "occurred_at": "2026-01-01T00:00:00Z",
    }
    assert told["correlation_id"] == "rule"


def test_a_message_that_is_no_fact_stays_one_error_however_often_it_is_sent_again(watch: Watch) -> None:
    work = sqs_record("again", "rubbish {", queue="facts", receives=5)
    first_sent = {"first_sent_at": {"stringValue": "2025-12-31T00:00:00Z", "dataType": "String"}}

    for record in (work, {**work, "messageAttributes": first_sent}):
        record_facts.handler({"Records": [record]}, context("record-facts"))

    first, again = watch.told("errors")
    assert first["id"] == again["id"]
    assert again["data"]["event"]["occurred_at"] == "2025-12-31T00:00:00Z"
    letters = [json.loads(one["MessageAttributes"]["failure"]["StringValue"]) for one in watch.letters("facts-dlq")]
    assert sorted(letter["sent_at"] for letter in letters) == ["2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z"]


def test_a_letter_stays_a_letter_when_nobody_can_be_told(watch: Watch) -> None:
    with watch.faults.injected(broken, "events"):
        assert take("rubbish {", receives=5) == DONE

    assert len(watch.letters("facts-dlq")) == 1


def test_a_setting_that_is_missing_makes_one_letter_of_a_fact(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVENT_STORE_TABLE")
    watch.forget()

    assert take(body(FACTS["an age"]), receives=5) == DONE

    assert len(watch.letters("facts-dlq")) == 1


def test_one_bad_fact_keeps_no_other_from_being_recorded(watch: Watch) -> None:
    answer = take("rubbish {", body(FACTS["a breaker"]))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert len(watch.events()) == 2


def test_a_value_that_comes_too_late_is_no_failure_and_is_counted(
    watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics.write()
    capsys.readouterr()

    assert take(body(FACTS["letters"], hours_ago=8)) == DONE

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "ValuesRefused" in line]
    assert [line["ValuesRefused"] for line in lines] == [[1]]
    assert [event.aggregate_id for event in watch.events()] == ["system-health:service/ingest"]


def test_whether_it_starts_is_asked_without_messages(watch: Watch) -> None:
    assert take() == DONE
