"""Aggregates: what decides, and remembers by its events alone."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True)
class EventData(ABC):
    """Base of what the events of a domain say. ``version`` rises when a field changes its meaning; what was stored
    under an older one is upcast when it is read."""

    type: ClassVar[str]
    version: ClassVar[int] = 1

    @abstractmethod
    def encoded(self) -> dict[str, Any]:
        """It as JSON has it: texts, whole numbers, flags, lists and objects."""

    @classmethod
    @abstractmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """It from what ``encoded`` made, by whichever release. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for
        anything else."""


class AggregateRoot(ABC):
    """One aggregate, as its events made it.

    A subclass has a method for each command: it looks at the state, raises an error of the domain if that does not
    allow the command, and else records what happens. ``apply`` alone changes the state: it is what loading repeats, so
    it refuses nothing, asks no clock, and does nothing but that.
    """

    kind: ClassVar[str]
    """What its events name it, as ``aggregate_type``."""
    events: ClassVar[tuple[type[EventData], ...]]
    """Those it can record, and has to be able to apply."""
    snapshot_every: ClassVar[int] = 100
    """Events after which its state is stored, so that no more than about so many are read to load it."""
    snapshot_version: ClassVar[int] = 1
    """Rises when ``state`` changes its form; snapshots of another version are not used."""

    def __init__(self, aggregate_id: str) -> None:
        self.id = aggregate_id
        self.version = 0
        """The sequence of the last event that made it; 0 for one nothing has happened to."""
        self.recorded: list[EventData] = []
        """What happened since it was loaded."""

    @property
    def is_new(self) -> bool:
        return self.version == 0

    def record(self, data: EventData) -> None:
        """It happened: apply it, and keep it to be appended."""
        self.replay(data)
        self.recorded.append(data)

    def replay(self, data: EventData) -> None:
        """It happened, and is stored already."""
        self.apply(data)
        self.version += 1

    @abstractmethod
    def apply(self, data: EventData) -> None:
        """Change the state as the event says."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """The state as a snapshot keeps it, in terms of JSON."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what ``state`` described."""
