"""The observability watch's part of the event catalogue: the events that its aggregates are made of.

Each carries the state after it, so that a read model needs only the one with the highest sequence. They are stored
for ever: a field never changes its meaning without a new version and an upcasting step from the old one.
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
    Recovery,
    Rollup,
    Rule,
    SecurityStatus,
    Value,
    as_json,
)
from watchkeeper.observability.series import Series

SOURCE = "observability"
"""The source of the events on the bus, after ``watchkeeper.``."""


@dataclass(frozen=True, slots=True)
class MetricRecorded(EventData):
    """Values of a series were recorded.

    Nothing is stored twice: the aggregate's id holds the text of the series, ``latest`` is omitted if it is the last of
    ``values``, and for a roll-up of one value the sum is also its minimum and maximum. Most events in the store are of
    this type, and one of more than a kilobyte would cost half as much again.
    """

    type: ClassVar[str] = "MetricRecorded"

    series: Series
    unit: str
    values: tuple[Value, ...]
    """In order of time; at least one."""
    latest: Value
    """The latest value of the series, from this event or an earlier one."""
    rollups: tuple[Rollup, ...]
    """The roll-ups that the values fall into, including all earlier values."""

    def encoded(self) -> dict[str, Any]:
        return {
            "name": self.series.name,
            "unit": self.unit,
            "dimensions": dict(self.series.dimensions),
            "values": as_json(self.values),
            **({} if self.latest == self.values[-1] else {"latest": as_json(self.latest)}),
            "rollups": [rollup.encoded() for rollup in self.rollups],
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        values = tuple(map(Value.of, data["values"]))
        return cls(
            Series(data["name"], dict(data["dimensions"])),
            data["unit"],
            values,
            Value.of(data["latest"]) if "latest" in data else values[-1],
            tuple(map(Rollup.of, data["rollups"])),
        )


def latest_of(data: Mapping[str, Any]) -> Any:
    """The latest value of a series, from the JSON of ``MetricRecorded``."""
    if "latest" in data:
        return data["latest"]
    *_, last = data["values"]
    return last


@dataclass(frozen=True, slots=True)
class AlertRuleEvent(EventData):
    """Base class of rule events."""

    rule: Rule

    def encoded(self) -> dict[str, Any]:
        return {"rule": as_json(self.rule)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(Rule.of(data["rule"]))


class AlertRuleDefined(AlertRuleEvent):
    """A rule was defined: the series it covers are watched from now on."""

    __slots__ = ()
    type: ClassVar[str] = "AlertRuleDefined"


class AlertRuleRetired(AlertRuleEvent):
    """A rule was retired: it no longer watches anything."""

    __slots__ = ()
    type: ClassVar[str] = "AlertRuleRetired"


@dataclass(frozen=True, slots=True)
class AlertEvent(EventData):
    """Base class of alert events."""

    alert: AlertStatus

    def encoded(self) -> dict[str, Any]:
        return {"alert": as_json(self.alert)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(AlertStatus.of(data["alert"]))


class AlertPending(AlertEvent):
    """A value breached the rule, but not yet enough consecutive ones to raise the alert."""

    __slots__ = ()
    type: ClassVar[str] = "AlertPending"


class AlertCalmed(AlertEvent):
    """A pending alert became quiet again before it was raised."""

    __slots__ = ()
    type: ClassVar[str] = "AlertCalmed"


class AlertRaised(AlertEvent):
    """Enough consecutive values breached the rule: a new episode begins."""

    __slots__ = ()
    type: ClassVar[str] = "AlertRaised"


class AlertAcknowledged(AlertEvent):
    """Somebody is working on the alert."""

    __slots__ = ()
    type: ClassVar[str] = "AlertAcknowledged"


class AlertResolved(AlertEvent):
    """The values are back to normal, somebody resolved the alert, or its rule was retired."""

    __slots__ = ()
    type: ClassVar[str] = "AlertResolved"


@dataclass(frozen=True, slots=True)
class SecurityEventChange(EventData):
    """Base class of events about security events."""

    security_event: SecurityStatus

    def encoded(self) -> dict[str, Any]:
        return {"security_event": as_json(self.security_event)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(SecurityStatus.of(data["security_event"]))


class SecurityEventDetected(SecurityEventChange):
    """Something that needs attention was detected."""

    __slots__ = ()
    type: ClassVar[str] = "SecurityEventDetected"


class SecurityEventRepeated(SecurityEventChange):
    """It happened again."""

    __slots__ = ()
    type: ClassVar[str] = "SecurityEventRepeated"


class SecurityEventTriaged(SecurityEventChange):
    """Somebody has looked at it."""

    __slots__ = ()
    type: ClassVar[str] = "SecurityEventTriaged"


class SecurityEventClosed(SecurityEventChange):
    """Nothing more needs to be done about it."""

    __slots__ = ()
    type: ClassVar[str] = "SecurityEventClosed"


@dataclass(frozen=True, slots=True)
class HealthChanged(EventData):
    """The reasons why a component is not healthy changed, or it was reported for the first time, or a reason that is
    reported only on change was reported again."""

    type: ClassVar[str] = "HealthChanged"

    health: Health
    recovery: Recovery | None = None
    """The reason that was reported as recovered, if any: an older report of it that arrives later is stale."""

    def encoded(self) -> dict[str, Any]:
        recovery = {"recovery": as_json(self.recovery)} if self.recovery else {}
        return {"health": as_json(self.health), **recovery}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        recovery = Recovery.of(data["recovery"]) if "recovery" in data else None
        return cls(Health.of(data["health"]), recovery)


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
"""The newest version of each type."""

UPCASTERS = Upcasters()
"""All upcasting steps there ever were; everything that reads events from the store applies them."""


def newest(event: Event) -> Event:
    """The event in its newest version. Raises ``UnknownEvent``, or what a step raises for a malformed event."""
    version = VERSIONS.get(event.type)
    if version is None:
        raise UnknownEvent(f"nobody knows {event.type}")
    return UPCASTERS.upcast(event, version)
