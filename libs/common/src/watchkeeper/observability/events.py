"""The observability watch's part of the event catalogue: the events its aggregates are made of.

Each says the state after it, so that a read model takes the one with the highest sequence and needs no other. They are
stored for ever: a field never changes its meaning without a new version, and a step that makes the old one into it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from watchkeeper.eventsourcing.aggregate import EventData
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.upcasting import UnknownEvent, Upcasters
from watchkeeper.observability.models import (
    AlertStatus,
    Health,
    Rollup,
    Rule,
    SecurityStatus,
    Value,
    as_json,
)
from watchkeeper.observability.series import Series

SOURCE = "observability"
"""Of the events on the bus, after ``watchkeeper.``."""


@dataclass(frozen=True, slots=True)
class MetricRecorded(EventData):
    """Values of a series were taken."""

    type: ClassVar[str] = "MetricRecorded"

    series: Series
    unit: str
    values: tuple[Value, ...]
    """In order of time."""
    latest: Value
    """The newest the series has, of this event or an earlier one."""
    rollups: tuple[Rollup, ...]
    """Those the values are in, with all that was taken before."""

    def encoded(self) -> dict[str, Any]:
        return {
            "name": self.series.name,
            "unit": self.unit,
            "dimensions": dict(self.series.dimensions),
            "series": self.series.text,
            "values": as_json(self.values),
            "latest": as_json(self.latest),
            "rollups": as_json(self.rollups),
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            Series(data["name"], dict(data["dimensions"])),
            data["unit"],
            tuple(Value.of(one) for one in data["values"]),
            Value.of(data["latest"]),
            tuple(Rollup.of(one) for one in data["rollups"]),
        )


@dataclass(frozen=True, slots=True)
class AlertRuleEvent(EventData):
    """Base of the events of rules."""

    rule: Rule

    def encoded(self) -> dict[str, Any]:
        return {"rule": as_json(self.rule)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(Rule.of(data["rule"]))


class AlertRuleDefined(AlertRuleEvent):
    """From now on the series a rule covers are watched."""

    __slots__ = ()
    type: ClassVar[str] = "AlertRuleDefined"


class AlertRuleRetired(AlertRuleEvent):
    """A rule watches nothing any more."""

    __slots__ = ()
    type: ClassVar[str] = "AlertRuleRetired"


@dataclass(frozen=True, slots=True)
class AlertEvent(EventData):
    """Base of the events of alerts."""

    alert: AlertStatus

    def encoded(self) -> dict[str, Any]:
        return {"alert": as_json(self.alert)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(AlertStatus.of(data["alert"]))


class AlertPending(AlertEvent):
    """A value breaches the rule; some more in a row, and an alert is raised."""

    __slots__ = ()
    type: ClassVar[str] = "AlertPending"


class AlertCalmed(AlertEvent):
    """A value came between that does not breach the rule, before there were enough of them."""

    __slots__ = ()
    type: ClassVar[str] = "AlertCalmed"


class AlertRaised(AlertEvent):
    """Enough values in a row breached the rule: a new episode."""

    __slots__ = ()
    type: ClassVar[str] = "AlertRaised"


class AlertAcknowledged(AlertEvent):
    """Somebody has taken it on."""

    __slots__ = ()
    type: ClassVar[str] = "AlertAcknowledged"


class AlertResolved(AlertEvent):
    """The values are good again, or somebody says it is over."""

    __slots__ = ()
    type: ClassVar[str] = "AlertResolved"


@dataclass(frozen=True, slots=True)
class SecurityEventEvent(EventData):
    """Base of the events of security events."""

    security_event: SecurityStatus

    def encoded(self) -> dict[str, Any]:
        return {"security_event": as_json(self.security_event)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(SecurityStatus.of(data["security_event"]))


class SecurityEventDetected(SecurityEventEvent):
    """Something happened that somebody should look at."""

    __slots__ = ()
    type: ClassVar[str] = "SecurityEventDetected"


class SecurityEventRepeated(SecurityEventEvent):
    """It happened again."""

    __slots__ = ()
    type: ClassVar[str] = "SecurityEventRepeated"


class SecurityEventTriaged(SecurityEventEvent):
    """Somebody looked at it."""

    __slots__ = ()
    type: ClassVar[str] = "SecurityEventTriaged"


class SecurityEventClosed(SecurityEventEvent):
    """Nothing is left to be done about it."""

    __slots__ = ()
    type: ClassVar[str] = "SecurityEventClosed"


@dataclass(frozen=True, slots=True)
class HealthChanged(EventData):
    """A component has other reasons not to be healthy than before, or was heard of for the first time."""

    type: ClassVar[str] = "HealthChanged"

    health: Health

    def encoded(self) -> dict[str, Any]:
        return {"health": as_json(self.health)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(Health.of(data["health"]))


CATALOGUE: tuple[type[EventData], ...] = (
    MetricRecorded,
    AlertRuleDefined,
    AlertRuleRetired,
    AlertPending,
    AlertCalmed,
    AlertRaised,
    AlertAcknowledged,
    AlertResolved,
    SecurityEventDetected,
    SecurityEventRepeated,
    SecurityEventTriaged,
    SecurityEventClosed,
    HealthChanged,
)

VERSIONS: Mapping[str, int] = {event.type: event.version for event in CATALOGUE}
"""The newest of each type."""

UPCASTERS = Upcasters()
"""All steps there ever were; whoever reads events out of the store reads them by these."""


def newest(event: Event) -> Event:
    """The event as this release knows it. Raises ``UnknownEvent``, or what a step does of one that is spoilt."""
    version = VERSIONS.get(event.type)
    if version is None:
        raise UnknownEvent(f"nobody knows {event.type}")
    return UPCASTERS.upcast(event, version)
