"""Aggregates: they decide on commands, and derive their state from their events alone."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True)
class EventData(ABC):
    """Base class of the data of events. ``version`` is incremented when a field changes its meaning; events stored with
    an older version are upcast when they are read."""

    type: ClassVar[str]
    version: ClassVar[int] = 1

    @abstractmethod
    def encoded(self) -> dict[str, Any]:
        """As JSON types: strings, integers, booleans, arrays and objects."""

    @classmethod
    @abstractmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """From what ``encoded`` of any release returned. Raises one of ``MALFORMED`` for anything else."""


class AggregateRoot(ABC):
    """One aggregate, in the state that its events have led to.

    A subclass has a method for each command: it checks the state, raises a domain error if that does not allow the
    command, and otherwise records what happened. Only ``apply`` changes the state: loading replays events through it,
    so it never rejects an event, reads no clock, and has no side effects.
    """

    kind: ClassVar[str]
    """The ``aggregate_type`` of its events."""
    events: ClassVar[tuple[type[EventData], ...]]
    """The events it can record, and must be able to apply."""
    snapshot_every: ClassVar[int] = 100
    """A snapshot is stored every so many events, so that loading replays about that many at most."""
    snapshot_version: ClassVar[int] = 1
    """Incremented when the structure of ``state`` changes; snapshots of other versions are ignored."""

    def __init__(self, aggregate_id: str) -> None:
        self.id = aggregate_id
        self.version = 0
        """The sequence of its last event; 0 without events."""
        self.recorded: list[EventData] = []
        """The events since it was loaded."""

    @property
    def is_new(self) -> bool:
        return self.version == 0

    def record(self, data: EventData) -> None:
        """Apply a new event, and keep it to be appended."""
        self.replay(data)
        self.recorded.append(data)

    def replay(self, data: EventData) -> None:
        """Apply an event that is already stored."""
        self.apply(data)
        self.version += 1

    @abstractmethod
    def apply(self, data: EventData) -> None:
        """Change the state according to the event."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """The state for a snapshot, as JSON types."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the state from what ``state`` returned."""
