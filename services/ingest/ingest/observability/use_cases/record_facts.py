"""Record what the system tells of itself: the metrics, the health and the security events that follow from a fact.

Each command has an id made of the fact's: a fact that comes twice, or was done in part, leaves what it leaves once.
"""

from datetime import datetime

from ingest.observability.meaning import Measured, Noticed, Reported, meaning
from ingest.observability.setting_aside import RECORDING
from watchkeeper.clock import Clock
from watchkeeper.events import DomainEvent
from watchkeeper.eventsourcing.event import Cause
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.logs import logger
from watchkeeper.observability import ids
from watchkeeper.observability.facts import Fact
from watchkeeper.observability.health import SystemHealth
from watchkeeper.observability.metrics import Metric, Sample
from watchkeeper.observability.models import SecuritySeverity
from watchkeeper.observability.security import SecurityEvent

MEDIUM_FROM = 10
HIGH_FROM = 100
"""So often within an hour makes it worse."""


class FactRecording:
    def __init__(
        self,
        metrics: EventSourcedRepository[Metric],
        health: EventSourcedRepository[SystemHealth],
        security: EventSourcedRepository[SecurityEvent],
        clock: Clock,
    ) -> None:
        self._metrics = metrics
        self._health = health
        self._security = security
        self._clock = clock

    def record(self, event: DomainEvent, fact: Fact) -> int:
        """Record all the fact means; raises an error of the family when some of it could not be.

        A value its metric does not take, as it comes too late, would not be taken later either: it is left out. How
        many were is answered. Once a metric of the fact has a newer value, what the fact says of health is over, and
        is not reported: the fact with that value reports.
        """
        cause, at, left_out = Cause(event.correlation_id, event.id, RECORDING.function), event.occurred_at, 0
        is_over = False
        for part in list(meaning(fact)):
            match part:
                case Measured():
                    metric, is_taken = self._take(part, at, cause)
                    left_out += not is_taken
                    is_over |= metric.latest is not None and metric.latest.at > at
                case Reported() if not is_over:
                    self._report(part, at, cause)
                case Noticed():
                    self._notice(part, at, cause)
        return left_out

    def _take(self, part: Measured, at: datetime, cause: Cause) -> tuple[Metric, bool]:
        """The metric, and whether it took the value."""
        refused: list[str] = []

        def decide(metric: Metric) -> None:
            reasons = metric.take([Sample(at, part.value, part.unit)], self._clock())
            refused[:] = [reason for reason in reasons if reason]

        aggregate_id = ids.metric(part.series)
        metric = self._metrics.execute(
            aggregate_id, decide, cause=cause, command_id=_command(cause, aggregate_id), given_at=at
        )
        if refused:
            logger.warning("a value was left out", series=part.series.text, reason=refused[0])
        return metric, not refused

    def _report(self, part: Reported, at: datetime, cause: Cause) -> None:
        aggregate_id = ids.system_health(part.component)
        self._health.execute(
            aggregate_id,
            lambda health: health.report(part.key, part.status, part.text, at),
            cause=cause,
            command_id=_command(cause, aggregate_id),
            given_at=at,
        )

    def _notice(self, part: Noticed, at: datetime, cause: Cause) -> None:
        def decide(found: SecurityEvent) -> None:
            if found.is_new:
                found.detect(
                    kind=part.kind,
                    severity=severity_of(part.count),
                    summary=part.summary,
                    source=part.source,
                    at=at,
                    count=part.count,
                )
            else:
                found.repeat(severity=severity_of(found.status.count + part.count), at=at, count=part.count)

        aggregate_id = ids.security_event(ids.security_event_of_hour(part.kind, at))
        self._security.execute(aggregate_id, decide, cause=cause, command_id=_command(cause, aggregate_id), given_at=at)


def severity_of(count: int) -> SecuritySeverity:
    """Of what happened so often within an hour."""
    if count >= HIGH_FROM:
        return SecuritySeverity.HIGH
    return SecuritySeverity.MEDIUM if count >= MEDIUM_FROM else SecuritySeverity.LOW


def _command(cause: Cause, aggregate_id: str) -> str:
    return f"{cause.causation_id}/{aggregate_id}"
