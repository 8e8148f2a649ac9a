"""Check recorded values against the rules that cover their series: this raises and resolves alerts.

The rules come from the read model, which is some seconds behind. A rule does not count before it is there, and one that
was retired meanwhile can still raise an alert. So each alert that becomes pending or raised is checked against its rule
in the event store, and ended if that was retired: its series may never get another value.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.observability.dead_lettering import EVALUATING
from ingest.observability.stream import StreamedEvent, Unreadable
from watchkeeper import correlation
from watchkeeper.errors import HistoryError, LimitExceeded, WatchkeeperError
from watchkeeper.eventsourcing.event import Cause, Event
from watchkeeper.eventsourcing.read_models import ReadModels
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.logs import logger
from watchkeeper.observability import ids
from watchkeeper.observability.alerts import Alert, AlertRule
from watchkeeper.observability.events import AlertEvent, AlertPending, AlertRaised, MetricRecorded
from watchkeeper.observability.models import Rule
from watchkeeper.observability.projections import ALERT_RULES
from watchkeeper.observability.refusals import Refused

SetAside = Callable[[StreamedEvent, Exception], None]
"""Raises a ``WatchkeeperError`` if it fails."""

_HEARD = frozenset({MetricRecorded.type, AlertPending.type, AlertRaised.type})

_PERMANENT = (
    *(HistoryError, LimitExceeded, Refused, Unreadable),
    *(ArithmeticError, KeyError, TypeError, ValueError),
)
"""Errors of events or histories that this release cannot read: retrying does not help."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for some records of the stream."""

    evaluated: int
    failed: dict[str, str]
    """The reason, by stream position, for each record to be retried."""


class AlertEvaluation:
    def __init__(
        self,
        known: Callable[[], Sequence[Rule]],
        rules: EventSourcedRepository[AlertRule],
        alerts: EventSourcedRepository[Alert],
        set_aside: SetAside,
    ) -> None:
        """``known`` is called once for each batch with recorded values."""
        self._known = known
        self._rules = rules
        self._alerts = alerts
        self._set_aside = set_aside

    def evaluate(self, some: Sequence[StreamedEvent], has_time: Callable[[], bool]) -> Outcome:
        """Evaluate recorded values, and alerts that became pending or raised, in order, for as long as there is time.
        Once an event fails, later ones of its aggregate are not evaluated; one that fails permanently is dead-lettered
        and blocks nothing."""
        heard = [one for one in some if one.named.type in _HEARD]
        known = self._known() if any(one.named.type == MetricRecorded.type for one in heard) else ()
        failed: dict[str, str] = {}
        stopped: dict[str, str] = {}
        for one in heard:
            late = None if has_time() else "there was no time left"
            with correlation.following(one.correlation_id):
                reason = stopped.get(one.aggregate_id) or late or self._attempt(one, known)
            if reason:
                failed[one.place] = stopped[one.aggregate_id] = reason
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
            cause = Cause(event.correlation_id, event.id, EVALUATING.function)
            self._alerts.execute(event.aggregate_id, lambda alert: alert.end(retired_at), cause=cause)
        logger.info("alert evaluated", event_id=event.id, rules=[rule_id])


def known_rules(models: ReadModels) -> list[Rule]:
    """All rules of the read model, including recently retired ones, whose alerts may not have ended yet. Unreadable
    ones are skipped."""
    rules = []
    for row in models.view().rows(ALERT_RULES):
        try:
            rules.append(Rule.of(row.record))
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            logger.error("an alert rule cannot be read", rule=row.sort, reason=type(error).__name__)
    return rules
