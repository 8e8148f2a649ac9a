"""The observability watch's domain models: the state that its events carry.

The fields of each model are those of its JSON; ``as_json`` writes one, and its ``of`` reads it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from watchkeeper.clock import from_iso, to_iso
from watchkeeper.observability.decimals import added, read
from watchkeeper.observability.series import Series

Json = Mapping[str, Any]


class Period(StrEnum):
    """The length of a roll-up."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def seconds(self) -> int:
        return _SECONDS[self]

    def start(self, at: datetime) -> datetime:
        """The start of the period that contains this moment, in UTC."""
        return self.numbered(self.number(at))

    def number(self, at: datetime) -> int:
        """The number of whole periods since 1970."""
        return int(at.timestamp()) // self.seconds

    def numbered(self, number: int) -> datetime:
        return datetime.fromtimestamp(number * self.seconds, UTC)


_SECONDS = {Period.MINUTE: 60, Period.HOUR: 3600, Period.DAY: 86400}


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a metric, with its time to the second."""

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
        count, total = int(data["count"]), read(data["sum"])
        least, most = (total, total) if count == 1 else (read(data["min"]), read(data["max"]))
        return cls(Period(data["period"]), from_iso(data["start"]), count, total, least, most)

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

    def encoded(self) -> dict[str, Any]:
        """As an event holds it: the sum of a single value is also its minimum and maximum."""
        told: dict[str, Any] = as_json(self)
        if self.count != 1:
            return told
        return {name: figure for name, figure in told.items() if name not in ("min", "max")}


def figures_of(rollup: Json) -> tuple[Any, Any, Any]:
    """Sum, minimum and maximum, as strings, of a roll-up as an event holds it."""
    total = rollup["sum"]
    return (total, total, total) if rollup["count"] == 1 else (total, rollup["min"], rollup["max"])


class Comparison(StrEnum):
    """How a breaching value compares with the threshold."""

    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"

    @property
    def upward(self) -> bool:
        """Whether large values breach."""
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
    """The condition under which a metric raises alerts. A rule covers every series of the metric that has at least its
    dimensions."""

    id: str
    name: str
    metric: str
    dimensions: Mapping[str, str]
    comparison: Comparison
    threshold: Decimal
    clear_threshold: Decimal
    """The value that must be reached again for an alert to be resolved. In between, an alert stays as it is."""
    breaches: int
    """The number of consecutive breaching values that raise an alert."""
    cooldown_seconds: int
    """How long after a resolution values are ignored."""
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
        """Whether it is at ``clear_threshold`` or better; a breaching value never clears."""
        good = value <= self.clear_threshold if self.comparison.upward else value >= self.clear_threshold
        return good and not self.breached_by(value)


class AlertState(StrEnum):
    QUIET = "quiet"
    PENDING = "pending"
    """Consecutive values breach the rule, but not yet enough of them."""
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """Somebody is working on it."""
    RESOLVED = "resolved"


RAISED = (AlertState.OPEN, AlertState.ACKNOWLEDGED)
"""The states of an alert that needs attention."""


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """An alert: the state of one rule for one series."""

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
    """Consecutive breaching values, until it is raised."""
    value: Decimal | None = None
    """The value that last changed the alert."""
    observed: int = 0
    """The sequence of the metric's event with that value."""
    observed_at: datetime | None = None
    """The time of that value."""
    episode: int = 0
    """How many times it has been raised."""
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
    """From lowest to highest."""

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
    """A security event, and how it was handled."""

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
    """From best to worst."""

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
    """Why a component is not healthy. There is at most one per key."""

    key: str
    status: HealthStatus
    text: str
    since: datetime
    """When it was first reported with this status."""

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(data["key"], HealthStatus(data["status"]), data["text"], from_iso(data["since"]))


@dataclass(frozen=True, slots=True)
class Recovery:
    """The reason with this key does not apply, or no longer."""

    key: str
    at: datetime

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(data["key"], from_iso(data["at"]))


@dataclass(frozen=True, slots=True)
class Health:
    """The health of a component."""

    component: str
    kind: ComponentKind
    status: HealthStatus
    since: datetime
    """When the status last changed."""
    reasons: tuple[Reason, ...] = ()
    """Worst first."""
    previous: HealthStatus | None = None
    """The previous status."""

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
    """A model, or a part of one, as JSON types: numbers and times as strings, and ``None`` fields omitted."""
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
