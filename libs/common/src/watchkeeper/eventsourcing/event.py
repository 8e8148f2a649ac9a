"""An event as it is kept, and what it follows from."""

from dataclasses import dataclass

from watchkeeper.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(DomainEvent):
    """A domain event of an aggregate. On the bus it is its envelope: what others have, and these fields."""

    aggregate_id: str
    aggregate_type: str
    sequence: int
    """Its place among the aggregate's events: 1, 2, 3 and so on, without a gap."""
    causation_id: str
    """The id of the event or command it follows from."""
    actor: str
    """Who made it happen: the user pool's ``sub`` of a person, or the name of one of our functions."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What a command follows from."""

    correlation_id: str
    causation_id: str
    actor: str
