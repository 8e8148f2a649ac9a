"""Metrics held against rules: alerts are raised by what was recorded, in order, once, and nothing holds them up."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from ingest.observability.stream import StreamedEvent, streamed_events
from ingest.observability.use_cases.evaluate_alerts import AlertEvaluation, Outcome
from tests.fakes.event_store import InMemoryEventStore
from tests.fakes.event_stream import record, records
from tests.unit.ingest.observability.events import NOW, a_rule, an_event, recorded
from watchkeeper.errors import NoAnswer
from watchkeeper.eventsourcing.event import Cause, Event
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import Appended, Head
from watchkeeper.observability import ids
from watchkeeper.observability.alerts import Alert, AlertRule
from watchkeeper.observability.events import AlertRuleDefined
from watchkeeper.observability.models import Rule
from watchkeeper.observability.series import Series


class Store(InMemoryEventStore):
    """It counts what is written to it, and may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.appends = 0
        self.away: Callable[[str], bool] = lambda _: False

    def append(
        self, head: Head, events: Sequence[Event], *, command_id: str | None = None, issued_at: datetime | None = None
    ) -> Appended:
        if self.away(head.aggregate_id):
            raise NoAnswer("the store is away")
        self.appends += bool(events)
        return super().append(head, events, command_id=command_id, issued_at=issued_at)


class Watch:
    def __init__(self, *rules: Rule) -> None:
        self.known = rules
        self.asked = 0
        self.alerts_of: dict[str, list[str]] = {}
        """The ids that are listed, by rule."""
        self.time_for = 1000
        self.store = Store()
        self.aside: list[str] = []
        self.raised = EventSourcedRepository(self.store, Alert, lambda: NOW)
        self.defined = EventSourcedRepository(self.store, AlertRule, lambda: NOW)

    def evaluate(self, some: Sequence[dict[str, Any]]) -> Outcome:
        evaluation = AlertEvaluation(self, self.defined, self.raised, self._set_aside)
        return evaluation.evaluate(streamed_events(some), self._has_time)

    def define(self, rule: Rule) -> None:
        """In the store; what is listed of it follows later."""
        self.defined.execute(ids.alert_rule(rule.id), lambda one: one.record(AlertRuleDefined(rule)), cause=CAUSE)

    def retire(self, rule: Rule) -> None:
        self.defined.execute(ids.alert_rule(rule.id), lambda one: one.retire(NOW), cause=CAUSE)

    def events(self, rule: Rule, series: str = "load") -> list[Event]:
        return list(self.store.read(alert_id(rule, series)))

    def types(self, rule: Rule, series: str = "load") -> list[str]:
        return [event.type for event in self.events(rule, series)]

    def rules(self) -> Sequence[Rule]:
        self.asked += 1
        return self.known

    def alerts(self, rule: Rule) -> Iterator[str]:
        return iter(self.alerts_of.get(rule.id, []))

    def _has_time(self) -> bool:
        self.time_for -= 1
        return self.time_for >= 0

    def _set_aside(self, one: StreamedEvent, error: Exception) -> None:
        self.aside.append(f"{one.named.id}: {type(error).__name__}")


def alert_id(rule: Rule, series: str = "load") -> str:
    return ids.alert(ids.alert_of(rule.id, Series.parse(series)))


CAUSE = Cause("cause", "command", "somebody")
RULE = a_rule()
OTHER = a_rule("bbbbbbbbbbbb", threshold=20)


def test_an_alert_is_raised_and_resolved_by_what_was_recorded() -> None:
    watch = Watch(RULE)

    outcome = watch.evaluate(records([recorded(1, 5), recorded(2, 15), recorded(3, 16), recorded(4, 5)]))

    assert outcome == Outcome(4, {})
    assert watch.types(RULE) == ["AlertRaised", "AlertResolved"]


def test_an_alert_follows_from_the_event_it_was_raised_by() -> None:
    watch = Watch(RULE)

    watch.evaluate(records([recorded(1, 15)]))

    [event] = watch.events(RULE)
    assert (event.correlation_id, event.causation_id, event.actor) == ("cause", "metric:load/1", "evaluate-alerts")


def test_what_changes_no_alert_is_not_written() -> None:
    watch = Watch(RULE)

    watch.evaluate(records([recorded(1, 5), recorded(2, 15), recorded(3, 16, 17, 18)]))

    assert watch.store.appends == 1


def test_a_batch_that_comes_again_changes_nothing() -> None:
    watch = Watch(RULE, OTHER)
    batch = records([recorded(1, 15), recorded(2, 5), recorded(3, 25)])
    watch.evaluate(batch)
    before = watch.store.appends

    watch.evaluate(batch)

    assert watch.store.appends == before


def test_rules_are_asked_for_once_and_not_for_other_events() -> None:
    watch = Watch(RULE)

    watch.evaluate(records([recorded(1, 5), recorded(2, 15), recorded(3, 16)]))
    watch.evaluate(
        records([an_event("alert:x", kind="AlertResolved"), an_event("alert-rule:x", kind="AlertRuleDefined")])
    )

    assert watch.asked == 1


def test_only_the_series_a_rule_covers_are_held_against_it() -> None:
    rule = a_rule(dimensions={"zone": "a"})
    watch = Watch(rule)
    covered, other = "load{host=x,zone=a}", "load{zone=b}"

    watch.evaluate(records([recorded(1, 15, series=covered), recorded(1, 15, series=other), recorded(1, 15)]))

    assert watch.types(rule, covered) == ["AlertRaised"]
    assert watch.types(rule, other) == watch.types(rule) == []


def test_after_a_failure_no_later_event_of_the_metric_is_evaluated_and_others_are() -> None:
    watch, series = Watch(RULE), "load{host=x}"
    watch.store.away = lambda aggregate_id: aggregate_id == alert_id(RULE) and watch.store.appends == 0
    batch = records([recorded(1, 15), recorded(1, 15, series=series), recorded(2, 5)])

    outcome = watch.evaluate(batch)

    assert sorted(outcome.failed) == ["1", "3"]
    assert watch.types(RULE) == []
    assert watch.types(RULE, series) == ["AlertRaised"]

    assert watch.evaluate(batch).failed == {}
    assert watch.types(RULE) == ["AlertRaised", "AlertResolved"]


def test_what_a_rule_left_when_it_was_retired_is_over_with_the_next_value() -> None:
    watch = Watch(RULE)
    watch.evaluate(records([recorded(1, 15)]))
    watch.known = (a_rule(retired_at=NOW),)

    watch.evaluate(records([recorded(2, 16), recorded(3, 17)], 2))

    assert watch.types(RULE) == ["AlertRaised", "AlertResolved"]


ENDS = [(1, ["AlertRaised", "AlertResolved"]), (2, ["AlertPending", "AlertCalmed"])]


@pytest.mark.parametrize(("breaches", "told"), ENDS)
def test_an_alert_whose_rule_was_retired_while_it_was_raised_is_over_without_another_value(
    breaches: int, told: list[str]
) -> None:
    rule = a_rule(breaches=breaches)
    watch = Watch(rule)
    watch.define(rule)
    watch.evaluate(records([recorded(1, 15)]))
    watch.retire(rule)
    raised = records(watch.events(rule))

    assert [watch.evaluate(raised), watch.evaluate(raised)] == [Outcome(1, {})] * 2

    assert watch.types(rule) == told
    assert watch.events(rule)[1].causation_id == watch.events(rule)[0].id
    assert (watch.asked, watch.aside) == (1, [])


@pytest.mark.parametrize(("breaches", "told"), ENDS)
def test_a_rule_that_is_retired_ends_the_alerts_it_may_have_on_behalf_of_who_retired_it(
    breaches: int, told: list[str]
) -> None:
    rule, series = a_rule(breaches=breaches), "load{host=x}"
    watch = Watch(rule, OTHER)
    watch.define(rule)
    watch.evaluate(records([recorded(1, 25), recorded(1, 15, series=series)]))
    watch.retire(rule)
    watch.alerts_of[rule.id] = [alert_id(rule, one).partition(":")[2] for one in ("load", series, "load{host=y}")]
    [_, retired] = watch.store.read(ids.alert_rule(rule.id))

    assert [watch.evaluate(records([retired])) for _ in range(2)] == [Outcome(1, {})] * 2

    assert watch.types(rule) == watch.types(rule, series) == told
    assert watch.types(rule, "load{host=y}") == []
    assert watch.types(OTHER) == ["AlertRaised"]
    ended = watch.events(rule)[1]
    assert ended.causation_id == retired.id
    assert ended.data["alert"].get("resolved_by") == ("somebody" if breaches == 1 else None)


def test_an_alert_whose_rule_holds_stays_as_it_is() -> None:
    watch = Watch(RULE, OTHER)
    watch.define(RULE)
    watch.evaluate(records([recorded(1, 25)]))

    assert watch.evaluate(records([*watch.events(RULE), *watch.events(OTHER)])) == Outcome(2, {})

    assert watch.types(RULE) == watch.types(OTHER) == ["AlertRaised"]


def test_an_alert_that_cannot_be_ended_now_comes_again() -> None:
    watch = Watch(RULE)
    watch.define(RULE)
    watch.evaluate(records([recorded(1, 15)]))
    watch.retire(RULE)
    watch.store.away = lambda aggregate_id: aggregate_id == alert_id(RULE)

    assert watch.evaluate(records(watch.events(RULE))).failed == {"1": "NoAnswer: the store is away"}


def test_an_alert_whose_rule_nobody_can_read_is_set_aside() -> None:
    watch = Watch(RULE)
    watch.evaluate(records([recorded(1, 15)]))
    poison = an_event(ids.alert_rule(RULE.id), 1, kind="AlertRuleDefined")
    watch.store.append(Head(poison.aggregate_id), [poison])
    [raised] = watch.events(RULE)

    assert watch.evaluate(records([raised])).failed == {}

    assert watch.aside == [f"{raised.id}: HistoryUnreadable"]


def test_records_of_a_metric_that_come_reversed_raise_what_those_in_order_raise() -> None:
    watch = Watch(RULE)

    watch.evaluate(records([recorded(1, 15), recorded(2, 5), recorded(3, 15)])[::-1])

    assert watch.types(RULE) == ["AlertRaised", "AlertResolved", "AlertRaised"]


def test_what_there_is_no_time_for_comes_again() -> None:
    watch = Watch(RULE)
    watch.time_for = 2
    batch = records([recorded(1, 15), recorded(2, 5), recorded(3, 15), recorded(1, 15, series="load{host=x}")])

    assert watch.evaluate(batch).failed == {"3": "there was no time left", "4": "there was no time left"}

    assert watch.types(RULE) == ["AlertRaised", "AlertResolved"]


def test_a_rule_that_was_evaluated_before_the_failure_is_not_evaluated_twice() -> None:
    watch = Watch(RULE, OTHER)
    watch.store.away = lambda aggregate_id: aggregate_id == alert_id(OTHER)
    batch = records([recorded(1, 25)])
    assert list(watch.evaluate(batch).failed) == ["1"]
    watch.store.away = lambda _: False

    assert watch.evaluate(batch).failed == {}

    assert watch.types(RULE) == watch.types(OTHER) == ["AlertRaised"]


BROKEN: dict[str, dict[str, Any]] = {
    "broken JSON": record(recorded(1, 15), data={"S": "{"}),
    "a version of the future": record(an_event("metric:load", 1, version=99)),
    "no values": record(an_event("metric:load", 1, name="load")),
    "a figure that is none": record(an_event("metric:load", 1, **{**recorded(1, 1).data, "latest": {"at": "x"}})),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_an_event_that_never_can_be_evaluated_is_set_aside_and_holds_up_nobody(broken: dict[str, Any]) -> None:
    watch = Watch(RULE)

    outcome = watch.evaluate([broken, record(recorded(2, 15), 2)])

    assert outcome.failed == {}
    assert [said.partition(":")[0] for said in watch.aside] == ["metric"]
    assert watch.types(RULE) == ["AlertRaised"]


@pytest.mark.parametrize(("kind", "error"), [("AlertForgotten", "UnknownEvent"), ("AlertRaised", "HistoryUnreadable")])
def test_an_alert_nobody_can_read_keeps_no_other_rule_from_being_evaluated(kind: str, error: str) -> None:
    watch = Watch(RULE, OTHER)
    poison = an_event(alert_id(RULE), 1, kind=kind)
    watch.store.append(Head(alert_id(RULE)), [poison])

    outcome = watch.evaluate(records([recorded(1, 25)]))

    assert outcome.failed == {}
    assert watch.aside == [f"metric:load/1: {error}"]
    assert watch.types(OTHER) == ["AlertRaised"]
