"""Hold what a metric recorded against the rules that cover it: alerts are raised and resolved by it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.observability.setting_aside import EVALUATING
from ingest.observability.stream import Appended, Unreadable
from watchkeeper import correlation
from watchkeeper.errors import LimitExceeded, WatchkeeperError
from watchkeeper.eventsourcing.event import Cause, Event
from watchkeeper.eventsourcing.read_models import ReadModels
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import HistoryUnreadable
from watchkeeper.eventsourcing.upcasting import UnknownEvent
from watchkeeper.logs import logger
from watchkeeper.observability import ids
from watchkeeper.observability.alerts import Alert
from watchkeeper.observability.events import MetricRecorded
from watchkeeper.observability.models import Rule
from watchkeeper.observability.projections import ALERT_RULES
from watchkeeper.observability.refusals import Refused

SetAside = Callable[[Appended, Exception], None]
"""Raises an error of the family if it cannot."""

_FOR_GOOD = (
    *(HistoryUnreadable, LimitExceeded, Refused, UnknownEvent, Unreadable),
    *(ArithmeticError, KeyError, TypeError, ValueError),
)
"""What comes of an event, or of an alert's history, that this release cannot read: it fails again however often."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some records of the stream."""

    evaluated: int
    failed: dict[str, str]
    """Why, by the place of each that is to come again."""


class AlertEvaluation:
    def __init__(
        self, rules: Callable[[], Sequence[Rule]], alerts: EventSourcedRepository[Alert], set_aside: SetAside
    ) -> None:
        """``rules`` are asked for once for each batch that has anything to evaluate."""
        self._rules = rules
        self._alerts = alerts
        self._set_aside = set_aside

    def evaluate(self, some: Sequence[Appended], has_time: Callable[[], bool]) -> Outcome:
        """Evaluate what metrics recorded, in the order it came, as long as there is time. Once one fails no later one
        of its metric is looked at; one that fails for good is set aside, and holds up nobody."""
        recorded = [one for one in some if one.named.type == MetricRecorded.type]
        rules = self._rules() if recorded else ()
        failed: dict[str, str] = {}
        stopped: dict[str, str] = {}
        for one in recorded:
            late = None if has_time() else "there was no time left"
            with correlation.following(one.correlation_id):
                reason = stopped.get(one.aggregate_id) or late or self._attempt(one, rules)
            if reason:
                failed[one.place] = stopped[one.aggregate_id] = reason
        return Outcome(len(recorded) - len(failed), failed)

    def _attempt(self, one: Appended, rules: Sequence[Rule]) -> str | None:
        """Why it is to come again."""
        try:
            try:
                self._evaluate(one.content, rules)
            except _FOR_GOOD as error:
                self._set_aside(one, error)
        except WatchkeeperError as error:
            return f"{type(error).__name__}: {error}"
        return None

    def _evaluate(self, event: Event | Unreadable, rules: Sequence[Rule]) -> None:
        if isinstance(event, Unreadable):
            raise event
        recorded = MetricRecorded.of(event.data)
        covering = [rule for rule in rules if rule.covers(recorded.series)]
        hopeless: list[Exception] = []
        for rule in covering:
            try:
                self._observe(rule, recorded, event)
            except _FOR_GOOD as error:  # no reason to leave out the rules after it
                hopeless.append(error)
        if hopeless:
            raise hopeless[0]
        logger.info("metric evaluated", event_id=event.id, rules=[rule.id for rule in covering])

    def _observe(self, rule: Rule, recorded: MetricRecorded, event: Event) -> None:
        self._alerts.execute(
            ids.alert(ids.alert_of(rule.id, recorded.series)),
            lambda alert: alert.observe(rule, recorded.series, event.sequence, recorded.values),
            cause=Cause(event.correlation_id, event.id, EVALUATING.function),
            command_id=f"{event.id}/{rule.id}",
            given_at=event.occurred_at,
        )


def known_rules(models: ReadModels) -> list[Rule]:
    """All there are, and those that were retired of late, whose alerts may be left. One that cannot be read is left
    out, and the others are not."""
    rules = []
    for row in models.view().rows(ALERT_RULES):
        try:
            rules.append(Rule.of(row.record))
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            logger.error("an alert rule cannot be read", rule=row.sort, reason=type(error).__name__)
    return rules
