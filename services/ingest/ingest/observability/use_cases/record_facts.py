"""Record the metrics, health reports and security events that follow from a fact.

Each command has an id derived from the fact's, so that processing a fact twice, or resuming it, is idempotent.
"""

from datetime import datetime

from ingest.observability.dead_lettering import RECORDING
from ingest.observability.fact_mapping import Measured, Noticed, Reported, meaning
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
from watchkeeper.observability.series import Series

MEDIUM_FROM = 10
HIGH_FROM = 100
"""From so many occurrences within an hour, the severity rises."""


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
        """Record everything that follows from the fact; raises a ``WatchkeeperError`` if some of it fails.

        Returns how many values were left out: a value that arrives too late for its metric would not be accepted on a
        retry either. A stale health report is recognised by the component, or by the metric with every report.
        """
        cause, at, left_out = Cause(event.correlation_id, event.id, RECORDING.function), event.occurred_at, 0
        for part in list(meaning(fact)):
            match part:
                case Measured():
                    left_out += not self._take(part, at, cause)
                case Reported():
                    self._report(part, at, cause)
                case Noticed():
                    self._notice(part, at, cause)
        return left_out

    def _take(self, part: Measured, at: datetime, cause: Cause) -> bool:
        """Whether the metric accepted the value, now or when the fact was first processed."""
        refused: list[str] = []

        def decide(metric: Metric) -> None:
            reasons = metric.take([Sample(at, part.value, part.unit)], self._clock())
            refused[:] = [reason for reason in reasons if reason]

        aggregate_id = ids.metric(part.series)
        processed = self._metrics.process(
            aggregate_id,
            decide,
            cause=cause,
            command_id=_command(cause, aggregate_id),
            issued_at=self._issued_at(at),
        )
        if processed.already_processed or not refused:
            return True
        logger.warning("a value was left out", series=part.series.text, reason=refused[0])
        return False

    def _report(self, part: Reported, at: datetime, cause: Cause) -> None:
        if part.every is not None and self._has_newer(part.every, at):
            return
        aggregate_id = ids.system_health(part.component)
        self._health.execute(
            aggregate_id,
            lambda health: health.report(part.key, part.status, part.text, at, is_turn=part.is_turn),
            cause=cause,
            command_id=_command(cause, aggregate_id),
            issued_at=self._issued_at(at),
        )

    def _has_newer(self, series: Series, at: datetime) -> bool:
        metric = self._metrics.find(ids.metric(series))
        return metric is not None and metric.latest is not None and metric.latest.at > at

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
        self._security.execute(
            aggregate_id,
            decide,
            cause=cause,
            command_id=_command(cause, aggregate_id),
            issued_at=self._issued_at(at),
        )

    def _issued_at(self, at: datetime) -> datetime:
        """A command may have been issued before its time says, if some clock is fast."""
        return min(at, self._clock())


def severity_of(count: int) -> SecuritySeverity:
    """By the number of occurrences within an hour."""
    if count >= HIGH_FROM:
        return SecuritySeverity.HIGH
    return SecuritySeverity.MEDIUM if count >= MEDIUM_FROM else SecuritySeverity.LOW


def _command(cause: Cause, aggregate_id: str) -> str:
    return f"{cause.causation_id}/{aggregate_id}"
