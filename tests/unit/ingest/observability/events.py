"""Events and rules for the tests of who gets them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from watchkeeper.eventsourcing.event import Event
from watchkeeper.observability.events import MetricRecorded
from watchkeeper.observability.models import AlertSeverity, Comparison, Rule, Value
from watchkeeper.observability.series import Series

NOW = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)


def an_event(
    aggregate_id: str = "metric:load", sequence: int = 1, *, kind: str = "MetricRecorded", version: int = 1, **data: Any
) -> Event:
    return Event(
        id=f"{aggregate_id}/{sequence}",
        type=kind,
        version=version,
        occurred_at=NOW,
        correlation_id="cause",
        data=data,
        aggregate_id=aggregate_id,
        aggregate_type="Metric",
        sequence=sequence,
        causation_id="command",
        actor="somebody",
    )


def recorded(sequence: int, *values: float, series: str = "load") -> Event:
    """Values a minute apart, each event's after those of the one before."""
    known = Series.parse(series)
    taken = tuple(
        Value(NOW + timedelta(minutes=10 * sequence + number), Decimal(str(value)))
        for number, value in enumerate(values)
    )
    data = MetricRecorded(known, "Count", taken, taken[-1], ()).encoded()
    return an_event(f"metric:{series}", sequence, **data)


def a_rule(rule_id: str = "aaaaaaaaaaaa", *, threshold: int = 10, **members: Any) -> Rule:
    given: dict[str, Any] = {
        "name": "Too much",
        "metric": "load",
        "dimensions": {},
        "comparison": Comparison.GT,
        "threshold": Decimal(threshold),
        "clear_threshold": Decimal(threshold),
        "breaches": 1,
        "cooldown_seconds": 0,
        "severity": AlertSeverity.WARNING,
        "defined_at": NOW,
    }
    return Rule(id=rule_id, **{**given, **members})
