"""Alerts: rules on metrics, and the state of each rule for each series it covers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from watchkeeper.errors import ItemNotFound
from watchkeeper.eventsourcing.aggregate import AggregateRoot, EventData
from watchkeeper.observability import ids
from watchkeeper.observability.decimals import checked
from watchkeeper.observability.events import (
    AlertAcknowledged,
    AlertCalmed,
    AlertEvent,
    AlertPending,
    AlertRaised,
    AlertResolved,
    AlertRuleDefined,
    AlertRuleEvent,
    AlertRuleRetired,
)
from watchkeeper.observability.models import (
    RAISED,
    AlertSeverity,
    AlertState,
    AlertStatus,
    Comparison,
    Rule,
    Value,
    as_json,
)
from watchkeeper.observability.refusals import WrongState, optional_text, require, required_text
from watchkeeper.observability.series import Series, check_dimensions, check_name

MAX_BREACHES = 20
MAX_COOLDOWN_SECONDS = 86_400
LONGEST_NAME = 100
LONGEST_TEXT = 500
"""Of a note, and of a reason."""

MAX_ACTIVE_RULES = 200
"""Every value of a metric is checked against all of them."""

RULE_RETIRED = "rule retired"
"""The reason given for ending the alerts of a retired rule, which no value can resolve any more."""

BY_ITSELF = "system"
"""Who resolved an alert, if not a person."""


class AlertRule(AggregateRoot):
    """A rule. It is immutable, so that it always explains its alerts; to change one, define another and retire it."""

    kind: ClassVar[str] = "AlertRule"
    events: ClassVar[tuple[type[EventData], ...]] = (AlertRuleDefined, AlertRuleRetired)

    def __init__(self, aggregate_id: str) -> None:
        super().__init__(aggregate_id)
        self._rule: Rule | None = None

    @property
    def rule(self) -> Rule:
        """Raises ``ItemNotFound`` for one that was never defined."""
        if self._rule is None:
            raise ItemNotFound(f"there is no {self.id}")
        return self._rule

    def define(
        self,
        *,
        name: str,
        metric: str,
        comparison: Comparison,
        threshold: Decimal,
        severity: AlertSeverity,
        now: datetime,
        dimensions: Mapping[str, str] | None = None,
        clear_threshold: Decimal | None = None,
        breaches: int = 1,
        cooldown_seconds: int = 0,
    ) -> None:
        """Without a ``clear_threshold``, the first value that does not breach the threshold resolves an alert."""
        if self._rule is not None:
            raise WrongState("the rule is defined already")
        check_name(metric)
        check_dimensions(dimensions or {})
        threshold = checked("threshold", threshold)
        rule = Rule(
            id=ids.own(self.id),
            name=required_text("the name of a rule", name, LONGEST_NAME),
            metric=metric,
            dimensions=dict(sorted((dimensions or {}).items())),
            comparison=comparison,
            threshold=threshold,
            clear_threshold=threshold if clear_threshold is None else checked("clear_threshold", clear_threshold),
            breaches=breaches,
            cooldown_seconds=cooldown_seconds,
            severity=severity,
            defined_at=now.replace(microsecond=0),
        )
        _check(rule)
        self.record(AlertRuleDefined(rule))

    def retire(self, now: datetime) -> None:
        """Idempotent."""
        if self.rule.retired_at is None:
            self.record(AlertRuleRetired(replace(self.rule, retired_at=now.replace(microsecond=0))))

    def apply(self, data: EventData) -> None:
        assert isinstance(data, AlertRuleEvent)
        self._rule = data.rule

    def state(self) -> dict[str, Any]:
        return {"rule": as_json(self.rule)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._rule = Rule.of(state["rule"])


class Alert(AggregateRoot):
    """The state of one rule for one series.

    It does not flap: it takes consecutive breaching values to raise it, a value past the clear threshold to resolve it,
    and then a cooldown. Values are evaluated in order of time; one older than the value that last changed the alert, or
    not newer than its resolution, is stale and ignored.
    """

    kind: ClassVar[str] = "Alert"
    events: ClassVar[tuple[type[EventData], ...]] = (
        AlertPending,
        AlertCalmed,
        AlertRaised,
        AlertAcknowledged,
        AlertResolved,
    )

    def __init__(self, aggregate_id: str) -> None:
        super().__init__(aggregate_id)
        self._status: AlertStatus | None = None

    @property
    def status(self) -> AlertStatus:
        """Raises ``ItemNotFound`` for one without events."""
        if self._status is None:
            raise ItemNotFound(f"there is no {self.id}")
        return self._status

    def observe(self, rule: Rule, series: Series, sequence: int, values: Sequence[Value]) -> None:
        """Evaluate the values, in order of time, of the metric's event with that sequence. Idempotent by sequence. If
        the rule is retired, no value is evaluated: the alert is ended, whatever the values are."""
        if not rule.covers(series) or (self._status is not None and sequence <= self._status.observed):
            return
        if rule.retired_at is not None:
            self.end(rule.retired_at)
            return
        for value in values:
            self._judge(rule, self._status or _quiet(ids.own(self.id), rule, series), sequence, value)

    def acknowledge(self, *, by: str, now: datetime, note: str = "") -> None:
        """Record that somebody is working on it. Idempotent for the same person."""
        status = self.status
        if status.state is AlertState.ACKNOWLEDGED:
            if status.acknowledged_by != by:
                raise WrongState("somebody else has acknowledged the alert")
            return
        if status.state is not AlertState.OPEN:
            raise WrongState(f"the alert is {status.state}, and only an open one can be acknowledged")
        self.record(
            AlertAcknowledged(
                replace(
                    status,
                    state=AlertState.ACKNOWLEDGED,
                    acknowledged_at=now.replace(microsecond=0),
                    acknowledged_by=by,
                    note=optional_text("the note", note, LONGEST_TEXT),
                )
            )
        )

    def resolve(self, *, by: str, now: datetime, reason: str) -> None:
        """End it, whatever the values are."""
        if self.status.state not in RAISED:
            raise WrongState(f"the alert is {self.status.state}, and only an open or acknowledged one can be resolved")
        self.record(
            AlertResolved(_resolved(self.status, now, by=by, reason=required_text("the reason", reason, LONGEST_TEXT)))
        )

    def end(self, retired_at: datetime, by: str = BY_ITSELF) -> None:
        """Calm or resolve it, because its rule was retired at that time. Idempotent."""
        status = self._status
        if status is None:
            return
        if status.state is AlertState.PENDING:
            self.record(AlertCalmed(replace(status, state=AlertState.QUIET, breaches=0)))
        elif status.state in RAISED:
            at = max(retired_at, status.observed_at or retired_at)
            self.record(AlertResolved(_resolved(status, at, by=by, reason=RULE_RETIRED)))

    def apply(self, data: EventData) -> None:
        assert isinstance(data, AlertEvent)
        self._status = data.alert

    def state(self) -> dict[str, Any]:
        return {"alert": as_json(self.status)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._status = AlertStatus.of(state["alert"])

    def _judge(self, rule: Rule, status: AlertStatus, sequence: int, value: Value) -> None:
        if _is_late(status, value) or _rests(rule, status, value):
            return
        after = replace(status, observed=sequence, observed_at=value.at, value=value.value)
        if status.state in RAISED:
            if rule.cleared_by(value.value):
                reason = f"A value of {value.value:f} is good again."
                self.record(AlertResolved(_resolved(after, value.at, by=BY_ITSELF, reason=reason)))
        elif rule.breached_by(value.value):
            self._count(rule, after, value)
        elif status.state is AlertState.PENDING:
            self.record(AlertCalmed(replace(after, state=AlertState.QUIET, breaches=0)))

    def _count(self, rule: Rule, status: AlertStatus, value: Value) -> None:
        """Count one more breaching value. The fields of the previous episode are cleared."""
        status = replace(_forgotten(status), state=AlertState.PENDING, breaches=status.breaches + 1)
        if status.breaches < rule.breaches:
            self.record(AlertPending(status))
        else:
            self.record(
                AlertRaised(replace(status, state=AlertState.OPEN, episode=status.episode + 1, raised_at=value.at))
            )


def _check(rule: Rule) -> None:
    require(1 <= rule.breaches <= MAX_BREACHES, f"breaches is 1 to {MAX_BREACHES}")
    require(0 <= rule.cooldown_seconds <= MAX_COOLDOWN_SECONDS, f"cooldown_seconds is 0 to {MAX_COOLDOWN_SECONDS}")
    if rule.comparison.upward:
        require(
            rule.clear_threshold <= rule.threshold, "clear_threshold is not above threshold, if large values breach"
        )
    else:
        require(
            rule.clear_threshold >= rule.threshold, "clear_threshold is not below threshold, if small values breach"
        )


def _quiet(alert_id: str, rule: Rule, series: Series) -> AlertStatus:
    """The status of a new alert."""
    return AlertStatus(
        id=alert_id,
        rule_id=rule.id,
        rule_name=rule.name,
        metric=series.name,
        series=series.text,
        dimensions=series.dimensions,
        severity=rule.severity,
        comparison=rule.comparison,
        threshold=rule.threshold,
    )


def _is_late(status: AlertStatus, value: Value) -> bool:
    return status.observed_at is not None and value.at < status.observed_at


def _rests(rule: Rule, status: AlertStatus, value: Value) -> bool:
    """Whether the value falls before the resolution or within the cooldown after it."""
    if status.resolved_at is None:
        return False
    rested_at = status.resolved_at + timedelta(seconds=rule.cooldown_seconds)
    return value.at < rested_at or value.at <= status.resolved_at


def _resolved(status: AlertStatus, at: datetime, *, by: str, reason: str) -> AlertStatus:
    return replace(
        status,
        state=AlertState.RESOLVED,
        breaches=0,
        resolved_at=at.replace(microsecond=0),
        resolved_by=by,
        reason=reason,
    )


def _forgotten(status: AlertStatus) -> AlertStatus:
    """Without the fields of the previous episode."""
    return replace(
        status,
        raised_at=None,
        acknowledged_at=None,
        acknowledged_by=None,
        note=None,
        resolved_at=None,
        resolved_by=None,
        reason=None,
    )
