"""The observability watch's domain: what its events tell the state of.

Each model has the members its JSON has, by the same names; ``as_json`` writes one, its ``of`` reads it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from watchkeeper.clock import from_iso, to_iso
from watchkeeper.observability.figures import added, read
from watchkeeper.observability.series import Series

Json = Mapping[str, Any]


class Period(StrEnum):
    """What values are rolled up by."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def seconds(self) -> int:
        return _SECONDS[self]

    def start(self, at: datetime) -> datetime:
        """When the period began that a moment is in, by UTC."""
        return self.numbered(self.number(at))

    def number(self, at: datetime) -> int:
        """How many of them there were from 1970 to the moment."""
        return int(at.timestamp()) // self.seconds

    def numbered(self, number: int) -> datetime:
        return datetime.fromtimestamp(number * self.seconds, UTC)


_SECONDS = {Period.MINUTE: 60, Period.HOUR: 3600, Period.DAY: 86400}


@dataclass(frozen=True, slots=True)
class Value:
    """What a metric was, to the second."""

    at: datetime
    value: Decimal

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(from_iso(data["at"]), read(data["value"]))


@dataclass(frozen=True, slots=True)
class Rollup:
    """All values of a series within a period."""

    period: Period
    start: datetime
    count: int
    sum: Decimal
    min: Decimal
    max: Decimal

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(
            Period(data["period"]),
            from_iso(data["start"]),
            int(data["count"]),
            read(data["sum"]),
            read(data["min"]),
            read(data["max"]),
        )

    @classmethod
    def first(cls, period: Period, value: Value) -> Self:
        return cls(period, period.start(value.at), 1, value.value, value.value, value.value)

    def and_also(self, value: Decimal) -> "Rollup":
        return Rollup(
            self.period,
            self.start,
            self.count + 1,
            added(self.sum, value),
            min(self.min, value),
            max(self.max, value),
        )


class Comparison(StrEnum):
    """How a value that breaches a rule compares with its threshold."""

    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"

    @property
    def upward(self) -> bool:
        """Whether large values are the bad ones."""
        return self in (Comparison.GT, Comparison.GTE)

    def holds(self, value: Decimal, threshold: Decimal) -> bool:
        if value == threshold:
            return self in (Comparison.GTE, Comparison.LTE)
        return (value > threshold) == self.upward


class AlertSeverity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Rule:
    """When a metric calls for somebody. It covers each series of the metric with its dimensions, or with more."""

    id: str
    name: str
    metric: str
    dimensions: Mapping[str, str]
    comparison: Comparison
    threshold: Decimal
    clear_threshold: Decimal
    """What a value has to come back to. Between it and the threshold an alert stays as it is."""
    breaches: int
    """So many values in a row raise an alert."""
    cooldown_seconds: int
    """For so long after a resolution no value counts."""
    severity: AlertSeverity
    defined_at: datetime
    retired_at: datetime | None = None

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(
            id=data["id"],
            name=data["name"],
            metric=data["metric"],
            dimensions=dict(data["dimensions"]),
            comparison=Comparison(data["comparison"]),
            threshold=read(data["threshold"]),
            clear_threshold=read(data["clear_threshold"]),
            breaches=int(data["breaches"]),
            cooldown_seconds=int(data["cooldown_seconds"]),
            severity=AlertSeverity(data["severity"]),
            defined_at=from_iso(data["defined_at"]),
            retired_at=_moment(data, "retired_at"),
        )

    def covers(self, series: Series) -> bool:
        return series.name == self.metric and self.dimensions.items() <= series.dimensions.items()

    def breached_by(self, value: Decimal) -> bool:
        return self.comparison.holds(value, self.threshold)

    def cleared_by(self, value: Decimal) -> bool:
        """Whether it is as good as ``clear_threshold``, or better; what breaches the rule clears nothing."""
        good = value <= self.clear_threshold if self.comparison.upward else value >= self.clear_threshold
        return good and not self.breached_by(value)


class AlertState(StrEnum):
    QUIET = "quiet"
    PENDING = "pending"
    """Some values in a row breach the rule, not yet enough of them."""
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """Somebody has taken it on."""
    RESOLVED = "resolved"


RAISED = (AlertState.OPEN, AlertState.ACKNOWLEDGED)
"""Of an alert that somebody has to see to."""


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """An alert: how a rule stands with one series."""

    id: str
    rule_id: str
    rule_name: str
    metric: str
    series: str
    dimensions: Mapping[str, str]
    severity: AlertSeverity
    comparison: Comparison
    threshold: Decimal
    state: AlertState = AlertState.QUIET
    breaches: int = 0
    """Values in a row, until it is raised."""
    value: Decimal | None = None
    """The one that changed the alert last."""
    observed: int = 0
    """The sequence of the metric's event that value was told by."""
    observed_at: datetime | None = None
    """That value's time."""
    episode: int = 0
    """How often it was raised."""
    raised_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    note: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    reason: str | None = None

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(
            id=data["id"],
            rule_id=data["rule_id"],
            rule_name=data["rule_name"],
            metric=data["metric"],
            series=data["series"],
            dimensions=dict(data["dimensions"]),
            severity=AlertSeverity(data["severity"]),
            comparison=Comparison(data["comparison"]),
            threshold=read(data["threshold"]),
            state=AlertState(data["state"]),
            breaches=int(data["breaches"]),
            value=read(data["value"]) if "value" in data else None,
            observed=int(data["observed"]),
            observed_at=_moment(data, "observed_at"),
            episode=int(data["episode"]),
            raised_at=_moment(data, "raised_at"),
            acknowledged_at=_moment(data, "acknowledged_at"),
            acknowledged_by=data.get("acknowledged_by"),
            note=data.get("note"),
            resolved_at=_moment(data, "resolved_at"),
            resolved_by=data.get("resolved_by"),
            reason=data.get("reason"),
        )


class SecuritySeverity(StrEnum):
    """From the mildest to the worst."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    def or_worse(self, other: "SecuritySeverity") -> "SecuritySeverity":
        order = list(SecuritySeverity)
        return max(self, other, key=order.index)


class SecurityState(StrEnum):
    DETECTED = "detected"
    TRIAGED = "triaged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class SecurityStatus:
    """A security event, and what was made of it."""

    id: str
    kind: str
    severity: SecuritySeverity
    summary: str
    source: str
    state: SecurityState
    count: int
    detected_at: datetime
    last_seen_at: datetime
    triaged_at: datetime | None = None
    triaged_by: str | None = None
    note: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    resolution: str | None = None

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(
            id=data["id"],
            kind=data["kind"],
            severity=SecuritySeverity(data["severity"]),
            summary=data["summary"],
            source=data["source"],
            state=SecurityState(data["state"]),
            count=int(data["count"]),
            detected_at=from_iso(data["detected_at"]),
            last_seen_at=from_iso(data["last_seen_at"]),
            triaged_at=_moment(data, "triaged_at"),
            triaged_by=data.get("triaged_by"),
            note=data.get("note"),
            closed_at=_moment(data, "closed_at"),
            closed_by=data.get("closed_by"),
            resolution=data.get("resolution"),
        )


class HealthStatus(StrEnum):
    """From the best to the worst."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"

    @property
    def badness(self) -> int:
        return list(HealthStatus).index(self)


class ComponentKind(StrEnum):
    UPSTREAM = "upstream"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a component is not healthy. There is one for each key."""

    key: str
    status: HealthStatus
    text: str
    since: datetime
    """When it was first told with this status."""

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(data["key"], HealthStatus(data["status"]), data["text"], from_iso(data["since"]))


@dataclass(frozen=True, slots=True)
class Health:
    """How a component is."""

    component: str
    kind: ComponentKind
    status: HealthStatus
    since: datetime
    """When the status last changed."""
    reasons: tuple[Reason, ...] = ()
    """The worst first."""
    previous: HealthStatus | None = None
    """The status before that."""

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(
            component=data["component"],
            kind=ComponentKind(data["kind"]),
            status=HealthStatus(data["status"]),
            since=from_iso(data["since"]),
            reasons=tuple(Reason.of(one) for one in data["reasons"]),
            previous=HealthStatus(data["previous"]) if "previous" in data else None,
        )


def as_json(value: Any) -> Any:
    """A model, or a part of one, in terms of JSON: figures and times as texts, and nothing where nothing is."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return to_iso(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [as_json(one) for one in value]
    if isinstance(value, Mapping):
        return {key: as_json(one) for key, one in value.items()}
    if is_dataclass(value):
        members = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: as_json(member) for name, member in members if member is not None}
    return value


def _moment(data: Json, name: str) -> datetime | None:
    return from_iso(data[name]) if name in data else None
