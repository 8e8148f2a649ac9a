"""An alert is raised when it should be, once, and goes when it should."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.observability.samples import NINE, RULE, SERIES, at
from watchkeeper.errors import ItemNotFound
from watchkeeper.observability import ids
from watchkeeper.observability.alerts import Alert, AlertRule
from watchkeeper.observability.events import AlertEvent, AlertPending, AlertRaised, AlertResolved, AlertRuleEvent
from watchkeeper.observability.models import AlertSeverity, AlertState, AlertStatus, Comparison, Rule, Value
from watchkeeper.observability.refusals import Refused, WrongState
from watchkeeper.observability.series import Series

AT_ONCE = replace(RULE, breaches=1)
"""Above ten it is bad, at 7.5 it is good again, and it rests for ten minutes."""
BAD, BETWEEN, GOOD = Decimal(11), Decimal(9), Decimal("7.5")


def alert(rule: Rule = RULE) -> Alert:
    return Alert(ids.alert(ids.alert_of(rule.id, SERIES)))


def observed(rule: Rule, *values: tuple[int, Decimal]) -> Alert:
    """The alert after values of those minutes, each in an event of its own."""
    aggregate = alert(rule)
    for sequence, (minute, value) in enumerate(values, 1):
        aggregate.observe(rule, SERIES, sequence, [Value(at(minute), value)])
    return aggregate


def told(aggregate: Alert) -> list[str]:
    return [data.type for data in aggregate.recorded]


class TestRules:
    WISH: ClassVar[dict[str, Any]] = {
        "name": " Runs take long ",
        "metric": "ingest.run.seconds",
        "comparison": Comparison.GT,
        "threshold": Decimal("10.0"),
        "severity": AlertSeverity.WARNING,
        "now": NINE,
    }

    def test_a_rule_is_defined_as_it_was_wished_for(self) -> None:
        rule = AlertRule(ids.alert_rule("0123456789ab"))

        rule.define(
            **self.WISH, dimensions={"source": "patchwork"}, clear_threshold=GOOD, breaches=3, cooldown_seconds=600
        )

        assert rule.rule == RULE

    def test_without_a_threshold_to_clear_it_is_the_one_that_raises(self) -> None:
        rule = AlertRule(ids.alert_rule("0123456789ab"))

        rule.define(**self.WISH)

        assert rule.rule.clear_threshold == 10
        assert (rule.rule.breaches, rule.rule.cooldown_seconds, rule.rule.dimensions) == (1, 0, {})

    @pytest.mark.parametrize(
        ("wish", "why"),
        [
            ({"name": " "}, "the name of a rule has 1 to 100 characters"),
            ({"name": "n" * 101}, "the name of a rule has 1 to 100 characters"),
            ({"metric": "7"}, "a metric's name"),
            ({"dimensions": {"": "x"}}, "a dimension's name"),
            ({"threshold": Decimal("NaN")}, "threshold: the value is not a finite number"),
            ({"clear_threshold": Decimal("1E-20")}, "clear_threshold: the value has more than 15 significant digits"),
            ({"clear_threshold": Decimal(11)}, "clear_threshold is not above threshold"),
            ({"comparison": Comparison.GTE, "clear_threshold": Decimal(11)}, "clear_threshold is not above threshold"),
            ({"comparison": Comparison.LT, "clear_threshold": Decimal(9)}, "clear_threshold is not below threshold"),
            ({"comparison": Comparison.LTE, "clear_threshold": Decimal(9)}, "clear_threshold is not below threshold"),
            ({"breaches": 0}, "breaches is 1 to 20"),
            ({"breaches": 21}, "breaches is 1 to 20"),
            ({"cooldown_seconds": -1}, "cooldown_seconds is 0 to 86400"),
            ({"cooldown_seconds": 86_401}, "cooldown_seconds is 0 to 86400"),
        ],
    )
    def test_a_rule_that_makes_no_sense_is_refused(self, wish: dict[str, Any], why: str) -> None:
        rule = AlertRule(ids.alert_rule("0123456789ab"))

        with pytest.raises(Refused, match=why.replace("(", r"\(")):
            rule.define(**{**self.WISH, **wish})

        assert rule.is_new

    def test_a_rule_is_defined_once_and_retired_once(self) -> None:
        rule = AlertRule(ids.alert_rule("0123456789ab"))
        rule.define(**self.WISH)

        with pytest.raises(WrongState, match="defined already"):
            rule.define(**self.WISH)
        rule.retire(at(5))
        rule.retire(at(6))

        assert [data.type for data in rule.recorded] == ["AlertRuleDefined", "AlertRuleRetired"]
        assert rule.rule.retired_at == at(5)
        assert isinstance(rule.recorded[-1], AlertRuleEvent)

    def test_a_rule_nobody_defined_is_not_found(self) -> None:
        with pytest.raises(ItemNotFound):
            AlertRule(ids.alert_rule("0123456789ab")).retire(NINE)

    def test_a_rule_covers_the_series_that_have_its_dimensions(self) -> None:
        assert RULE.covers(SERIES)
        assert RULE.covers(Series(RULE.metric, {"source": "patchwork"}))
        assert not RULE.covers(Series(RULE.metric, {"source": "lore"}))
        assert not RULE.covers(Series(RULE.metric, {}))
        assert not RULE.covers(Series("another", SERIES.dimensions))

    @pytest.mark.parametrize(
        ("comparison", "breaching", "clearing"),
        [
            (Comparison.GT, {11}, {7, 8}),
            (Comparison.GTE, {10, 11}, {7, 8}),
            (Comparison.LT, {7, 8, 9}, {12, 13}),
            (Comparison.LTE, {7, 8, 9, 10}, {12, 13}),
        ],
    )
    def test_between_its_two_thresholds_a_value_neither_breaches_nor_clears(
        self, comparison: Comparison, breaching: set[int], clearing: set[int]
    ) -> None:
        good = Decimal(8) if comparison.upward else Decimal(12)
        rule = replace(RULE, comparison=comparison, clear_threshold=good)

        assert {n for n in range(7, 12) if rule.breached_by(Decimal(n))} == breaching
        assert {n for n in range(7, 14) if rule.cleared_by(Decimal(n))} == clearing

    @pytest.mark.parametrize("comparison", Comparison)
    def test_with_one_threshold_each_value_either_breaches_or_clears(self, comparison: Comparison) -> None:
        rule = replace(RULE, comparison=comparison, clear_threshold=RULE.threshold)

        assert all(rule.breached_by(Decimal(n)) != rule.cleared_by(Decimal(n)) for n in range(9, 12))


def test_an_alert_is_raised_by_as_many_values_in_a_row_as_its_rule_says() -> None:
    raised = observed(RULE, (0, BAD), (1, BAD), (2, Decimal("12.5")))

    assert told(raised) == ["AlertPending", "AlertPending", "AlertRaised"]
    assert raised.status == AlertStatus(
        id=ids.alert_of(RULE.id, SERIES),
        rule_id=RULE.id,
        rule_name=RULE.name,
        metric=SERIES.name,
        series=SERIES.text,
        dimensions=SERIES.dimensions,
        severity=RULE.severity,
        comparison=RULE.comparison,
        threshold=RULE.threshold,
        state=AlertState.OPEN,
        breaches=3,
        value=Decimal("12.5"),
        observed=3,
        observed_at=at(2),
        episode=1,
        raised_at=at(2),
    )


def test_a_value_between_that_does_not_breach_begins_the_row_anew() -> None:
    calmed = observed(RULE, (0, BAD), (1, BAD), (2, BETWEEN), (3, BAD), (4, BAD))

    assert told(calmed) == ["AlertPending", "AlertPending", "AlertCalmed", "AlertPending", "AlertPending"]
    assert (calmed.status.state, calmed.status.breaches, calmed.status.episode) == (AlertState.PENDING, 2, 0)


def test_values_of_one_event_count_as_those_of_several() -> None:
    aggregate = alert()

    aggregate.observe(RULE, SERIES, 1, [Value(at(minute), BAD) for minute in range(5)])

    assert told(aggregate) == ["AlertPending", "AlertPending", "AlertRaised"]


def test_good_values_are_not_worth_an_event() -> None:
    assert told(observed(RULE, (0, GOOD), (1, BETWEEN))) == []


def test_an_open_alert_is_raised_no_more() -> None:
    assert told(observed(AT_ONCE, (0, BAD), (1, BAD), (2, BETWEEN), (3, BAD))) == ["AlertRaised"]


def test_an_alert_is_resolved_by_a_value_as_good_as_its_rule_wants_it() -> None:
    resolved = observed(AT_ONCE, (0, BAD), (1, BETWEEN), (2, GOOD))

    assert told(resolved) == ["AlertRaised", "AlertResolved"]
    assert (resolved.status.state, resolved.status.resolved_at) == (AlertState.RESOLVED, at(2))
    assert (resolved.status.resolved_by, resolved.status.reason) == ("system", "A value of 7.5 is good again.")


def test_after_a_resolution_it_rests_before_a_new_episode() -> None:
    again = observed(AT_ONCE, (0, BAD), (1, GOOD), (2, BAD), (10, BAD), (11, BAD))

    assert told(again) == ["AlertRaised", "AlertResolved", "AlertRaised"]
    assert (again.status.episode, again.status.raised_at) == (2, at(11))
    assert (again.status.resolved_at, again.status.resolved_by, again.status.reason) == (None, None, None)


def test_values_no_newer_than_the_resolution_belong_to_what_is_over() -> None:
    without_rest = replace(AT_ONCE, cooldown_seconds=0)
    aggregate = observed(without_rest, (0, BAD), (1, BAD))
    aggregate.resolve(by="a-person", now=at(1), reason="over")

    aggregate.observe(without_rest, SERIES, 2, [Value(at(1), BAD)])
    assert told(aggregate) == ["AlertRaised", "AlertResolved"]
    aggregate.observe(without_rest, SERIES, 3, [Value(at(1, 1), BAD)])
    assert told(aggregate) == ["AlertRaised", "AlertResolved", "AlertRaised"]


def test_values_while_it_rests_do_not_count_for_the_row() -> None:
    rested = observed(RULE, (0, BAD), (1, BAD), (2, BAD), (3, GOOD), (4, BAD), (5, BAD), (20, BAD))

    assert told(rested)[-2:] == ["AlertResolved", "AlertPending"]
    assert rested.status.breaches == 1


def test_a_value_that_comes_late_says_nothing_of_now() -> None:
    assert told(observed(AT_ONCE, (5, BAD), (3, GOOD))) == ["AlertRaised"]
    assert told(observed(RULE, (5, BAD), (3, BETWEEN), (4, BAD))) == ["AlertPending"]


def test_a_retired_rule_observes_nothing() -> None:
    assert told(observed(replace(AT_ONCE, retired_at=NINE), (0, BAD))) == []


@pytest.mark.parametrize("value", [BAD, BETWEEN, GOOD])
@pytest.mark.parametrize("taken_on", [False, True])
def test_what_a_rule_left_raised_when_it_was_retired_is_over_with_the_next_value(
    value: Decimal, taken_on: bool
) -> None:
    retired = replace(AT_ONCE, retired_at=at(2))
    aggregate = observed(AT_ONCE, (1, BAD))
    if taken_on:
        aggregate.acknowledge(by="a-person", now=at(1))

    aggregate.observe(retired, SERIES, 1, [Value(at(3), value)])
    assert told(aggregate)[-1] != "AlertResolved", "it was observed before"
    for sequence in (2, 3):
        aggregate.observe(retired, SERIES, sequence, [Value(at(3), value)])

    assert told(aggregate).count("AlertResolved") == 1
    assert (aggregate.status.state, aggregate.status.resolved_at) == (AlertState.RESOLVED, at(2))
    assert (aggregate.status.resolved_by, aggregate.status.reason) == ("system", "rule retired")


def test_what_a_retired_rule_had_raised_later_is_over_no_earlier_than_that() -> None:
    aggregate = observed(AT_ONCE, (5, BAD))

    aggregate.observe(replace(AT_ONCE, retired_at=at(2)), SERIES, 2, [Value(at(3), GOOD)])

    assert aggregate.status.resolved_at == at(5)


def test_a_retired_rule_calms_what_was_pending_and_leaves_the_rest() -> None:
    pending, resolved = observed(RULE, (0, BAD)), observed(AT_ONCE, (0, BAD), (1, GOOD))

    for aggregate in (pending, resolved):
        for sequence in (3, 4):
            aggregate.observe(replace(RULE, retired_at=at(2)), SERIES, sequence, [Value(at(30), BAD)])

    assert told(pending) == ["AlertPending", "AlertCalmed"]
    assert (pending.status.state, pending.status.breaches) == (AlertState.QUIET, 0)
    assert told(resolved) == ["AlertRaised", "AlertResolved"]


@pytest.mark.parametrize(
    ("aggregate", "end"),
    [
        (observed(AT_ONCE, (0, BAD)), ["AlertResolved"]),
        (observed(RULE, (0, BAD)), ["AlertCalmed"]),
        (observed(AT_ONCE, (0, BAD), (1, GOOD)), []),
        (alert(), []),
    ],
    ids=["raised", "pending", "resolved", "unheard of"],
)
def test_what_is_left_of_an_alert_ends_once_with_its_rule(aggregate: Alert, end: list[str]) -> None:
    before = told(aggregate)

    aggregate.end(at(2))
    aggregate.end(at(3))

    assert told(aggregate) == before + end


def test_a_rule_observes_nothing_of_a_series_it_does_not_cover() -> None:
    aggregate = alert()

    aggregate.observe(AT_ONCE, Series("another", {}), 1, [Value(NINE, BAD)])

    assert told(aggregate) == []


def test_an_alert_is_acknowledged_once() -> None:
    aggregate = observed(AT_ONCE, (0, BAD))

    aggregate.acknowledge(by="a-person", now=at(1), note=" looking ")
    aggregate.acknowledge(by="a-person", now=at(2), note="again")

    assert told(aggregate) == ["AlertRaised", "AlertAcknowledged"]
    assert (aggregate.status.acknowledged_by, aggregate.status.acknowledged_at) == ("a-person", at(1))
    assert aggregate.status.note == "looking"
    with pytest.raises(WrongState, match="somebody else has acknowledged"):
        aggregate.acknowledge(by="another", now=at(3))


def test_only_what_is_raised_can_be_acknowledged_or_resolved() -> None:
    pending, resolved = observed(RULE, (0, BAD)), observed(AT_ONCE, (0, BAD), (1, GOOD))

    for aggregate, state in ((pending, "pending"), (resolved, "resolved")):
        with pytest.raises(WrongState, match=f"the alert is {state}"):
            aggregate.acknowledge(by="a-person", now=at(2))
        with pytest.raises(WrongState, match=f"the alert is {state}"):
            aggregate.resolve(by="a-person", now=at(2), reason="over")
    with pytest.raises(ItemNotFound):
        alert().acknowledge(by="a-person", now=at(2))


def test_a_person_resolves_with_a_reason() -> None:
    aggregate = observed(AT_ONCE, (0, BAD))
    aggregate.acknowledge(by="a-person", now=at(1))

    for reason in (" ", "x" * 501):
        with pytest.raises(Refused, match="the reason has 1 to 500 characters"):
            aggregate.resolve(by="a-person", now=at(2), reason=reason)
    aggregate.resolve(by="a-person", now=at(2), reason="It was the deployment.")

    assert told(aggregate)[-1] == "AlertResolved"
    assert (aggregate.status.resolved_by, aggregate.status.reason) == ("a-person", "It was the deployment.")
    assert aggregate.status.acknowledged_by == "a-person"


def test_a_note_is_not_longer_than_an_event_should_be() -> None:
    with pytest.raises(Refused, match="the note has 1 to 500 characters"):
        observed(AT_ONCE, (0, BAD)).acknowledge(by="a-person", now=at(1), note="x" * 501)


@dataclass
class History:
    """An alert that is loaded anew for each command, and the deliveries it had."""

    rule: Rule
    aggregate: Alert = field(init=False)
    now: datetime = NINE
    recorded: list[AlertEvent] = field(default_factory=list)
    delivered: list[tuple[int, list[Value]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.aggregate = alert(self.rule)

    def deliver(self, values: Sequence[Decimal]) -> None:
        told = [Value(self.now + timedelta(seconds=n), value) for n, value in enumerate(values)]
        self.now += timedelta(seconds=len(values))
        self.delivered.append((len(self.delivered) + 1, told))
        self.aggregate.observe(self.rule, SERIES, *self.delivered[-1])
        self.keep()

    def deliver_again(self, which: int) -> None:
        if self.delivered:
            self.aggregate.observe(self.rule, SERIES, *self.delivered[which % len(self.delivered)])
            assert self.aggregate.recorded == []

    def act(self, action: str) -> None:
        state = AlertState.QUIET if self.aggregate.is_new else self.aggregate.status.state
        if action == "acknowledge" and state is AlertState.OPEN:
            self.aggregate.acknowledge(by="a-person", now=self.now)
        if action == "resolve" and state in (AlertState.OPEN, AlertState.ACKNOWLEDGED):
            self.aggregate.resolve(by="a-person", now=self.now, reason="over")
        self.keep()

    def keep(self) -> None:
        self.recorded += [data for data in self.aggregate.recorded if isinstance(data, AlertEvent)]
        loaded = alert(self.rule)
        if not self.aggregate.is_new:
            loaded.restore(orjson.loads(orjson.dumps(self.aggregate.state())))
            loaded.version = self.aggregate.version
        self.aggregate = loaded


RULES = st.builds(
    lambda comparison, gap, breaches, cooldown: replace(
        RULE,
        comparison=comparison,
        threshold=Decimal(5),
        clear_threshold=Decimal(5 - gap if comparison.upward else 5 + gap),
        breaches=breaches,
        cooldown_seconds=cooldown,
    ),
    st.sampled_from(Comparison),
    st.integers(0, 3),
    st.integers(1, 4),
    st.sampled_from([0, 1, 5, 60]),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["deliver", "deliver", "deliver", "again", "acknowledge", "resolve"]),
        st.integers(0, 20),
        st.lists(st.integers(0, 10).map(Decimal), max_size=6),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(RULES, STEPS)
def test_an_alert_never_flaps_and_a_second_delivery_changes_nothing(
    rule: Rule, steps: list[tuple[str, int, list[Decimal]]]
) -> None:
    history = History(rule)
    for action, number, values in steps:
        history.now += timedelta(seconds=number)
        if action == "deliver":
            history.deliver(values)
        elif action == "again":
            history.deliver_again(number)
        else:
            history.act(action)

    _require_rest_between_episodes(rule, history.recorded)
    _require_whole_rows(rule, history.recorded)


def _require_rest_between_episodes(rule: Rule, recorded: Sequence[AlertEvent]) -> None:
    marks = [data for data in recorded if isinstance(data, AlertRaised | AlertResolved)]
    assert [type(data) for data in marks] == [AlertRaised, AlertResolved] * (len(marks) // 2) + [AlertRaised] * (
        len(marks) % 2
    )
    for resolved, raised in zip(marks[1::2], marks[2::2], strict=False):
        assert resolved.alert.resolved_at is not None
        assert raised.alert.raised_at is not None
        rest = (raised.alert.raised_at - resolved.alert.resolved_at).total_seconds()
        assert rest >= max(rule.cooldown_seconds, 1)
        assert raised.alert.episode == resolved.alert.episode + 1


def _require_whole_rows(rule: Rule, recorded: Sequence[AlertEvent]) -> None:
    row = 0
    for data in recorded:
        if isinstance(data, AlertPending | AlertRaised):
            row += 1
            assert data.alert.breaches == row
            assert isinstance(data, AlertRaised) == (row == rule.breaches)
        if not isinstance(data, AlertPending):
            row = 0
