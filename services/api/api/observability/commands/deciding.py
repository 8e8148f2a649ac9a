"""Runs commands of people on aggregates, and translates domain errors into API problems."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import urandom
from typing import TypeVar

from api.observability.commands.bodies import NewAlertRule, NewSecurityEvent
from api.observability.rows import ROWS_PER_READ, beginning
from api.web.problems import Changed, Conflict, InvalidParameter
from api.web.work import Work
from watchkeeper import correlation
from watchkeeper.eventsourcing.aggregate import AggregateRoot
from watchkeeper.eventsourcing.event import Cause
from watchkeeper.eventsourcing.read_models import ReadModels
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import ConcurrencyConflict
from watchkeeper.observability import ids
from watchkeeper.observability.alerts import MAX_ACTIVE_RULES, RULE_RETIRED, Alert, AlertRule
from watchkeeper.observability.models import RAISED, AlertState, AlertStatus
from watchkeeper.observability.projections import ALERT_RULES, ALERTS
from watchkeeper.observability.refusals import Refused, WrongState
from watchkeeper.observability.security import SecurityEvent

A = TypeVar("A", bound=AggregateRoot)


def cause_of(work: Work) -> Cause:
    return Cause(correlation.current(), work.command_id() or correlation.current(), work.user)


def decide(aggregates: EventSourcedRepository[A], aggregate_id: str, decision: Callable[[A], object], work: Work) -> A:
    """The aggregate afterwards. Raises ``ItemNotFound``, ``PreconditionFailed``, ``Conflict``, ``InvalidParameter``,
    ``KeyReused``, ``HistoryError`` for one that cannot be read, and ``Changed`` when conflicts persist."""

    def checked(aggregate: A) -> None:
        if not aggregate.is_new:
            work.require_version(aggregate.version)
        decision(aggregate)

    with _refusals_told():
        return execute(aggregates, aggregate_id, checked, work)


def execute(aggregates: EventSourcedRepository[A], aggregate_id: str, decision: Callable[[A], object], work: Work) -> A:
    return aggregates.execute(
        aggregate_id, decision, cause=cause_of(work), command_id=work.command_id(), issued_at=work.issued_at()
    )


def define_rule(
    rules: EventSourcedRepository[AlertRule], models: ReadModels, body: NewAlertRule, work: Work
) -> AlertRule:
    """The limit is checked against the read model: concurrent requests may exceed it slightly."""
    is_full = _active_rules(models) >= MAX_ACTIVE_RULES

    def define(rule: AlertRule) -> None:
        if is_full:
            raise WrongState(f"there are already {MAX_ACTIVE_RULES} active rules: retire one that is not needed")
        rule.define(
            name=body.name,
            metric=body.metric,
            dimensions=body.dimensions,
            comparison=body.comparison,
            threshold=body.threshold,
            clear_threshold=body.clear_threshold,
            breaches=body.breaches,
            cooldown_seconds=body.cooldown_seconds,
            severity=body.severity,
            now=work.now,
        )

    return decide(rules, ids.alert_rule(ids.rule_by(_new_id(work))), define, work)


def retire_rule(
    rules: EventSourcedRepository[AlertRule],
    alerts: EventSourcedRepository[Alert],
    models: ReadModels,
    rule_id: str,
    work: Work,
) -> AlertRule:
    """Also resolve or calm its alerts, which no value could any more. A retry continues where it stopped."""

    def settle(alert: Alert) -> None:
        if alert.status.state in RAISED:
            alert.resolve(by=work.user, now=work.now, reason=RULE_RETIRED)
        else:
            alert.end(work.now)

    rule = decide(rules, ids.alert_rule(rule_id), lambda rule: rule.retire(work.now), work)
    for alert_id in _unsettled(rule_id, models):
        with _refusals_told():
            execute(alerts, ids.alert(alert_id), settle, work)
    return rule


def detect(events: EventSourcedRepository[SecurityEvent], body: NewSecurityEvent, work: Work) -> SecurityEvent:
    at = work.issued_at()

    def tell(event: SecurityEvent) -> None:
        event.detect(kind=body.kind, severity=body.severity, summary=body.summary, source=body.source, at=at)

    return decide(events, ids.security_event(ids.security_event_by(_new_id(work), at)), tell, work)


def _active_rules(models: ReadModels) -> int:
    rows = models.view().rows(ALERT_RULES, page_size=ROWS_PER_READ)
    return sum("retired_at" not in row.record for row in rows)


def _unsettled(rule_id: str, models: ReadModels) -> Iterator[str]:
    for row in models.view().rows(ALERTS, between=beginning(f"{rule_id}."), page_size=ROWS_PER_READ):
        if AlertStatus.of(row.record).state in (AlertState.PENDING, *RAISED):
            yield row.sort


def _new_id(work: Work) -> str:
    """Derived from the command's id; random for a command that cannot be retried."""
    return work.command_id() or urandom(16).hex()


@contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        yield
    except WrongState as error:
        raise Conflict(_sentence(error)) from error
    except Refused as error:
        raise InvalidParameter("", str(error)) from error
    except ConcurrencyConflict as error:
        raise Changed("others are faster") from error


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
