"""What metrics recorded, held against the rules of the read model: as Lambda delivers it, and on tables that fail."""

import json
from datetime import timedelta
from typing import Any

import pytest

from ingest.changes import NotTold
from ingest.observability.handlers import evaluate_alerts
from ingest.observability.use_cases.evaluate_alerts import ListedInReadModels
from scheduler.operations.letters import Kind, Reader
from tests.fakes.event_stream import record, records
from tests.integration.faults import Send, broken, denied, throttled
from tests.integration.ingest.observability.watch import DONE, Watch, context, from_on, listening, said
from tests.unit.ingest.observability.events import NOW, a_rule, an_event, recorded
from watchkeeper.errors import DatabaseError
from watchkeeper.eventsourcing.event import Cause
from watchkeeper.eventsourcing.read_models import Row, Stamp
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.observability import ids
from watchkeeper.observability.alerts import AlertRule
from watchkeeper.observability.events import AlertRuleRetired
from watchkeeper.observability.models import Rule, as_json

RULE, OTHER = a_rule(), a_rule("bbbbbbbbbbbb", threshold=20)
EVENTS = [recorded(1, 5), recorded(2, 15), recorded(3, 5, 25), recorded(4, 6)]
ALERTS = [
    ("a", "AlertRaised"),
    ("a", "AlertResolved"),
    ("a", "AlertRaised"),
    ("a", "AlertResolved"),
    ("b", "AlertRaised"),
    ("b", "AlertResolved"),
]


def evaluate(some: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return evaluate_alerts.handler({"Records": some, **more}, context("evaluate-alerts"))


def define(watch: Watch, *rules: Rule, **record: Any) -> None:
    for rule in rules:
        row = Row("alert-rules", "", rule.id, {**as_json(rule), **record})
        watch.models.put(row, "1", Stamp("event", 1, "2026-11-20T21:00:00Z", "cause"))


def raised(watch: Watch) -> list[tuple[str, str]]:
    """What was recorded of alerts, by the first letter of the rule."""
    return [(event.aggregate_id[6], event.type) for event in watch.events("alert:")]


def test_the_rules_of_the_read_model_raise_and_resolve_alerts(watch: Watch) -> None:
    define(watch, RULE, OTHER, a_rule("cccccccccccc", threshold=0, retired_at=NOW))
    watch.put(*EVENTS)

    assert evaluate(watch.stream()) == DONE

    assert raised(watch) == ALERTS


def test_every_event_that_is_evaluated_has_a_line_under_the_id_of_its_cause(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = listening(monkeypatch)
    watch.put(*EVENTS)
    evaluate(watch.stream())

    assert said(lines, "metric evaluated") == [event.correlation_id for event in EVENTS]


def test_a_rule_that_was_retired_meanwhile_leaves_no_alert(watch: Watch) -> None:
    define(watch, RULE)
    evaluate(records(EVENTS[:2]))
    watch.models.put(Row("alert-rules", "", RULE.id, as_json(a_rule(retired_at=NOW))), "1", Stamp("e", 2, "", "cause"))

    evaluate(records(EVENTS[2:], 3))

    assert raised(watch) == [("a", "AlertRaised"), ("a", "AlertResolved")]


def test_a_rule_that_was_retired_while_an_alert_was_raised_leaves_none(watch: Watch) -> None:
    rules = EventSourcedRepository(watch.store, AlertRule, lambda: NOW)
    retired = AlertRuleRetired(a_rule(retired_at=NOW))
    cause = Cause("cause", "command", "somebody")
    rules.execute(ids.alert_rule(RULE.id), lambda rule: rule.record(retired), cause=cause)
    define(watch, RULE)  # as the read model has it for a moment after
    evaluate(records(EVENTS[:2]))

    assert [evaluate(watch.stream("alert:")), evaluate(watch.stream("alert:"))] == [DONE] * 2

    assert raised(watch) == [("a", "AlertRaised"), ("a", "AlertResolved")]


@pytest.mark.parametrize("model", ["alerts", "latest-metrics"])
def test_a_rule_that_is_retired_leaves_no_alert_of_those_the_read_models_know_of(watch: Watch, model: str) -> None:
    """Though no more values come, and the alert may not be listed yet."""
    define(watch, RULE)
    evaluate(records(EVENTS[:2]))
    alert_id = watch.events("alert:")[0].aggregate_id.partition(":")[2]
    for sort in [alert_id] if model == "alerts" else ["loa", "load", "load.other", "load{host=x}"]:
        watch.models.put(Row(model, "", sort, {}), "1", Stamp("event", 1, "2026-11-20T21:00:00Z", "cause"))
    retired = AlertRuleRetired(a_rule(retired_at=NOW)).encoded()
    event = an_event(ids.alert_rule(RULE.id), 2, kind="AlertRuleRetired", **retired)

    assert [evaluate(records([event])), evaluate(records([event]))] == [DONE] * 2

    assert raised(watch) == [("a", "AlertRaised"), ("a", "AlertResolved")]
    assert watch.events("alert:")[-1].data["alert"]["resolved_by"] == "somebody"


def test_rules_that_were_retired_long_ago_are_not_known(watch: Watch) -> None:
    gone = a_rule("cccccccccccc", retired_at=NOW - timedelta(days=1, seconds=1))
    define(watch, RULE, a_rule("bbbbbbbbbbbb", retired_at=NOW - timedelta(hours=23)), gone)

    known = ListedInReadModels(watch.models, lambda: NOW).rules()

    assert [rule.id for rule in known] == [RULE.id, "bbbbbbbbbbbb"]


def test_what_alerts_record_changes_nothing_while_their_rules_hold(watch: Watch) -> None:
    define(watch, RULE)
    watch.put(*EVENTS)
    evaluate(watch.stream())
    before = watch.events()

    assert evaluate(watch.stream()) == DONE

    assert watch.events() == before


def test_without_rules_nothing_is_written(watch: Watch) -> None:
    assert evaluate(records(EVENTS)) == DONE

    assert watch.events() == []


def test_a_rule_nobody_can_read_keeps_no_other_from_being_held_against(watch: Watch) -> None:
    define(watch, OTHER, threshold="much")
    define(watch, RULE)

    assert evaluate(records(EVENTS)) == DONE

    assert {rule for rule, _ in raised(watch)} == {"a"}


@pytest.mark.parametrize("before", range(5))
def test_an_evaluation_killed_before_any_append_and_repeated_leaves_what_it_leaves_once(
    watch: Watch, before: int
) -> None:
    def killed(send: Send) -> None:
        if send.number >= before:
            raise KeyboardInterrupt

    define(watch, RULE, OTHER)
    batch = records(EVENTS)
    with watch.faults.injected(killed, operation="TransactWriteItems"), pytest.raises(KeyboardInterrupt):
        evaluate(batch)
    assert raised(watch) != ALERTS

    assert evaluate(batch) == DONE

    assert raised(watch) == ALERTS


def test_a_table_that_fails_in_passing_gets_the_rest_again(watch: Watch) -> None:
    define(watch, RULE)
    batch = records([*EVENTS, recorded(1, 99, series="load{host=x}")])

    def from_second(send: Send) -> Any:
        return throttled(send) if send.number >= 1 else None

    with watch.faults.injected(from_second, operation="TransactWriteItems"):
        assert evaluate(batch) == from_on(batch, 2)
    assert [kind for _, kind in raised(watch)] == ["AlertRaised"]

    assert evaluate(batch[2:]) == DONE
    assert [kind for _, kind in raised(watch)].count("AlertRaised") == 3


def test_rules_that_cannot_be_read_fail_the_batch(watch: Watch) -> None:
    with watch.faults.injected(denied, operation="GetItem"), pytest.raises(DatabaseError):
        evaluate(records(EVENTS))


def test_records_sent_again_by_an_operator_fail_aloud(watch: Watch) -> None:
    define(watch, RULE)

    with watch.faults.injected(broken, operation="TransactWriteItems"), pytest.raises(NotTold):
        evaluate(records(EVENTS), redriven=True)


def test_an_event_nobody_can_read_is_heard_of_kept_and_evaluated_once_it_is_sent_again(watch: Watch) -> None:
    define(watch, RULE)
    poison = record(EVENTS[1], 2, data={"S": "{"})

    assert evaluate([record(EVENTS[0], 1), poison]) == DONE

    assert raised(watch) == []
    [told] = watch.told("errors")
    assert told["data"]["where"] == "evaluate-alerts"
    assert told["data"]["event"] == {
        "id": "metric:load/2",
        "type": "MetricRecorded",
        "occurred_at": "2026-11-20T21:00:00Z",
        "aggregate_id": "metric:load",
        "sequence": 2,
    }
    assert told["data"]["again"] == {"queue": "failures"}
    [letter] = watch.letters("failures")
    read = Reader("failures", None, "watchkeeper-test-").read(letter)
    assert (read.kind, read.function, read.error, read.correlation_id) == (
        Kind.INVOCATION,
        "evaluate-alerts",
        "Unreadable",
        "cause",
    )
    [again] = json.loads(json.dumps(read.work["Records"]))
    assert again == poison
    again["dynamodb"]["NewImage"]["data"] = record(EVENTS[1])["dynamodb"]["NewImage"]["data"]  # a release that reads it
    assert evaluate([again], redriven=read.work["redriven"]) == DONE
    assert [kind for _, kind in raised(watch)] == ["AlertRaised"]


@pytest.mark.parametrize(("service", "operation"), [("events", "PutEvents"), ("sqs", "SendMessage")])
def test_what_can_neither_be_evaluated_nor_set_aside_comes_again(watch: Watch, service: str, operation: str) -> None:
    batch = [record(EVENTS[0], 1, data={"S": "{"}), record(EVENTS[1], 2)]

    with watch.faults.injected(broken, service, operation):
        assert evaluate(batch) == from_on(batch, 0)

    assert evaluate(batch) == DONE
    assert len(watch.letters("failures")) == 1


def test_an_alert_is_of_the_time_of_its_value(watch: Watch) -> None:
    define(watch, RULE)

    evaluate(records([EVENTS[1]]))

    [event] = watch.events("alert:")
    assert event.data["alert"]["raised_at"] == (NOW + timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
