"""Runs commands of people on aggregates, and translates domain errors into API problems."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import urandom
from typing import TypeVar

from api.observability.commands.bodies import NewAlertRule, NewSecurityEvent
from api.observability.rows import ROWS_PER_READ
from api.web.problems import Changed, Conflict, InvalidParameter
from api.web.work import Work
from watchkeeper import correlation
from watchkeeper.eventsourcing.aggregate import AggregateRoot
from watchkeeper.eventsourcing.event import Cause
from watchkeeper.eventsourcing.read_models import ReadModels
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import ConcurrencyConflict
from watchkeeper.observability import ids
from watchkeeper.observability.alerts import MAX_ACTIVE_RULES, AlertRule
from watchkeeper.observability.projections import ALERT_RULES
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
        return aggregates.execute(
            aggregate_id, checked, cause=cause_of(work), command_id=work.command_id(), issued_at=work.issued_at()
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


def retire_rule(rules: EventSourcedRepository[AlertRule], rule_id: str, work: Work) -> AlertRule:
    """Its alerts are ended by ``evaluate-alerts``, which hears of it."""
    return decide(rules, ids.alert_rule(rule_id), lambda rule: rule.retire(work.now), work)


def detect(events: EventSourcedRepository[SecurityEvent], body: NewSecurityEvent, work: Work) -> SecurityEvent:
    at = work.issued_at()

    def tell(event: SecurityEvent) -> None:
        event.detect(kind=body.kind, severity=body.severity, summary=body.summary, source=body.source, at=at)

    return decide(events, ids.security_event(ids.security_event_by(_new_id(work), at)), tell, work)


def _active_rules(models: ReadModels) -> int:
    rows = models.view().rows(ALERT_RULES, page_size=ROWS_PER_READ)
    return sum("retired_at" not in row.record for row in rows)


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
