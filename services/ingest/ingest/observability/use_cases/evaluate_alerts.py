"""Check recorded values against the rules that cover their series: this raises and resolves alerts.

The rules come from the read model, which is some seconds behind. A rule does not count before it is there, and one that
was retired meanwhile can still raise an alert. So each alert that becomes pending or raised is checked against its rule
in the event store, and ended if that was retired: its series may never get another value. When a rule is retired, all
its alerts are ended in the event store: those of the read model, and those of all series that it covers, since an alert
that was raised just before may not be in the read model yet.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ingest.observability.dead_lettering import EVALUATING
from ingest.observability.stream import StreamedEvent, Unreadable
from watchkeeper import correlation
from watchkeeper.clock import Clock
from watchkeeper.dynamodb import Between
from watchkeeper.errors import HistoryError, LimitExceeded, WatchkeeperError
from watchkeeper.eventsourcing.event import Cause, Event
from watchkeeper.eventsourcing.read_models import ReadModels
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import MALFORMED
from watchkeeper.logs import logger
from watchkeeper.observability import ids
from watchkeeper.observability.alerts import BY_ITSELF, Alert, AlertRule
from watchkeeper.observability.events import (
    AlertEvent,
    AlertPending,
    AlertRaised,
    AlertRuleEvent,
    AlertRuleRetired,
    MetricRecorded,
)
from watchkeeper.observability.models import Rule
from watchkeeper.observability.projections import ALERT_RULES, ALERTS, LATEST_METRICS
from watchkeeper.observability.refusals import Refused
from watchkeeper.observability.series import Series

SetAside = Callable[[StreamedEvent, Exception], None]
"""Raises a ``WatchkeeperError`` if it fails."""

_HEARD = frozenset({MetricRecorded.type, AlertPending.type, AlertRaised.type, AlertRuleRetired.type})

_PERMANENT = (HistoryError, LimitExceeded, Refused, Unreadable, *MALFORMED)
"""Errors of events or histories that this release cannot read: retrying does not help."""


_RETIRED_RULES = timedelta(days=1)
"""How long retired rules are still known. Their alerts are ended when they are retired; this is for values that were
evaluated at the same time."""

_LAST = "\U0010ffff"


class Listed(Protocol):
    """What the read models list."""

    def rules(self) -> Sequence[Rule]:
        """All rules, except those that were retired long ago."""

    def alerts(self, rule: Rule) -> Iterator[str]:
        """The ids of the alerts that the rule has or may have."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for some records of the stream."""

    evaluated: int
    failed: dict[str, str]
    """The reason, by stream position, for each record to be retried."""


class AlertEvaluation:
    def __init__(
        self,
        listed: Listed,
        rules: EventSourcedRepository[AlertRule],
        alerts: EventSourcedRepository[Alert],
        set_aside: SetAside,
    ) -> None:
        """Rules are listed once for each batch with recorded values."""
        self._listed = listed
        self._rules = rules
        self._alerts = alerts
        self._set_aside = set_aside

    def evaluate(self, some: Sequence[StreamedEvent], has_time: Callable[[], bool]) -> Outcome:
        """Evaluate recorded values, alerts that became pending or raised, and rules that were retired, in order, for as
        long as there is time. Once an event fails, later ones of its aggregate are not evaluated; one that fails
        permanently is dead-lettered and blocks nothing."""
        heard = [one for one in some if one.named.type in _HEARD]
        known = self._listed.rules() if any(one.named.type == MetricRecorded.type for one in heard) else ()
        failed: dict[str, str] = {}
        stopped: dict[str, str] = {}
        for one in heard:
            late = None if has_time() else "there was no time left"
            with correlation.following(one.correlation_id):
                reason = stopped.get(one.aggregate_id) or late or self._attempt(one, known)
            if reason:
                failed[one.position] = stopped[one.aggregate_id] = reason
        return Outcome(len(heard) - len(failed), failed)

    def _attempt(self, one: StreamedEvent, known: Sequence[Rule]) -> str | None:
        """The reason to retry it, if any."""
        try:
            try:
                self._evaluate(one.content, known)
            except _PERMANENT as error:
                self._set_aside(one, error)
        except WatchkeeperError as error:
            return f"{type(error).__name__}: {error}"
        return None

    def _evaluate(self, event: Event | Unreadable, known: Sequence[Rule]) -> None:
        if isinstance(event, Unreadable):
            raise event
        if event.type == MetricRecorded.type:
            self._observe_all(event, known)
        elif event.type == AlertRuleRetired.type:
            self._end_all(event)
        else:
            self._end_if_retired(event)

    def _observe_all(self, event: Event, known: Sequence[Rule]) -> None:
        recorded = MetricRecorded.of(event.data)
        covering = [rule for rule in known if rule.covers(recorded.series)]
        permanent: list[Exception] = []
        for rule in covering:
            try:
                self._observe(rule, recorded, event)
            except _PERMANENT as error:  # the remaining rules must still be evaluated
                permanent.append(error)
        if permanent:
            raise permanent[0]
        logger.info("metric evaluated", event_id=event.id, rules=[rule.id for rule in covering])

    def _observe(self, rule: Rule, recorded: MetricRecorded, event: Event) -> None:
        self._alerts.execute(
            ids.alert(ids.alert_of(rule.id, recorded.series)),
            lambda alert: alert.observe(rule, recorded.series, event.sequence, recorded.values),
            cause=Cause(event.correlation_id, event.id, EVALUATING.function),
            command_id=f"{event.id}/{rule.id}",
            issued_at=event.occurred_at,
        )

    def _end_if_retired(self, event: Event) -> None:
        """According to the rule in the event store, not the read model."""
        rule_id = AlertEvent.of(event.data).alert.rule_id
        rule = self._rules.find(ids.alert_rule(rule_id))
        if rule and (retired_at := rule.rule.retired_at):
            self._end(event.aggregate_id, retired_at, BY_ITSELF, event)
        logger.info("alert evaluated", event_id=event.id, rules=[rule_id])

    def _end_all(self, event: Event) -> None:
        """On behalf of the person who retired the rule."""
        rule = AlertRuleEvent.of(event.data).rule
        for alert_id in self._listed.alerts(rule):
            self._end(ids.alert(alert_id), rule.retired_at or event.occurred_at, event.actor, event)
        logger.info("alerts of a retired rule ended", event_id=event.id, rules=[rule.id])

    def _end(self, aggregate_id: str, retired_at: datetime, by: str, event: Event) -> None:
        cause = Cause(event.correlation_id, event.id, EVALUATING.function)
        self._alerts.execute(aggregate_id, lambda alert: alert.end(retired_at, by), cause=cause)


class ListedInReadModels:
    """``Listed``, by the read models."""

    def __init__(self, models: ReadModels, clock: Clock) -> None:
        self._models = models
        self._clock = clock

    def rules(self) -> list[Rule]:
        """Unreadable ones are skipped."""
        retired_since = self._clock() - _RETIRED_RULES
        rules = []
        for row in self._models.view().rows(ALERT_RULES):
            try:
                rule = Rule.of(row.record)
            except MALFORMED as error:
                logger.error("an alert rule cannot be read", rule=row.sort, reason=type(error).__name__)
            else:
                if rule.retired_at is None or rule.retired_at >= retired_since:
                    rules.append(rule)
        return rules

    def alerts(self, rule: Rule) -> Iterator[str]:
        """Those of the read model first, then those of all other series that the rule covers."""
        view = self._models.view()
        listed = {row.sort for row in view.rows(ALERTS, between=_beginning(f"{rule.id}."))}
        yield from sorted(listed)
        for row in view.rows(LATEST_METRICS, between=_beginning(rule.metric)):
            series = Series.parse(row.sort)
            if rule.covers(series) and (alert_id := ids.alert_of(rule.id, series)) not in listed:
                yield alert_id


def _beginning(prefix: str) -> Between:
    return Between(prefix, prefix + _LAST)
