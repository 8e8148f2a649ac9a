"""An event as it is stored, and its cause."""

from dataclasses import dataclass

from watchkeeper.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(DomainEvent):
    """A domain event of an aggregate. On the bus these fields are added to the common envelope."""

    aggregate_id: str
    aggregate_type: str
    sequence: int
    """Its position among the aggregate's events: 1, 2, 3 and so on, without gaps."""
    causation_id: str
    """The id of the event or command that caused it."""
    actor: str
    """Who caused it: a person, by the user pool's ``sub``, or one of our functions, by name."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What caused a command."""

    correlation_id: str
    causation_id: str
    actor: str
