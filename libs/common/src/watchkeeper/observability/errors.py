"""What is told on the errors bus: an event that came to nothing, where and why, and what does it again.

Whoever reads it is shown no secret: the cause is redacted here. The event itself is not repeated; it is in the store,
or in the queue the error names.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import ClassVar, Self

from watchkeeper.events import DomainEvent, event_id
from watchkeeper.eventsourcing.event import Event
from watchkeeper.redaction import redacted_text

SOURCE = "errors"
"""Of the events on the bus, after ``watchkeeper.``."""

LONGEST_CAUSE = 1000


@dataclass(frozen=True, slots=True)
class FailedEvent:
    """What identifies an event; the last two are of events of an aggregate."""

    id: str
    type: str
    aggregate_id: str | None = None
    sequence: int | None = None

    @classmethod
    def of(cls, event: DomainEvent) -> Self:
        if isinstance(event, Event):
            return cls(event.id, event.type, event.aggregate_id, event.sequence)
        return cls(event.id, event.type)


@dataclass(frozen=True, slots=True)
class Again:
    """Where an operator has it done again."""

    queue: str
    """A queue of dead letters, by the name ``dead-letters`` knows it by."""


@dataclass(frozen=True, slots=True)
class ErrorOccurred:
    """Something could not do what an event asks for."""

    type: ClassVar[str] = "ErrorOccurred"
    version: ClassVar[int] = 1

    where: str
    """The function that failed, or ``projections``."""
    error: str
    cause: str
    event: FailedEvent
    again: Again


def error_event(
    failed: FailedEvent, error: Exception, *, where: str, queue: str, occurred_at: datetime, correlation_id: str
) -> DomainEvent:
    """The error in its envelope: one event fails once in one place, however often it is tried. ``queue`` is where it is
    done again from, and ``correlation_id`` the event's own."""
    data = ErrorOccurred(where, type(error).__name__, cause_of(error), failed, Again(queue))
    return DomainEvent(
        id=event_id(failed.id, where),
        type=data.type,
        version=data.version,
        occurred_at=occurred_at,
        correlation_id=correlation_id,
        data={**asdict(data), "event": _known(failed)},
    )


def cause_of(error: Exception) -> str:
    """What an error says, without secrets and addresses, and no longer than ``LONGEST_CAUSE``."""
    text = redacted_text(str(error))
    return text if len(text) <= LONGEST_CAUSE else f"{text[: LONGEST_CAUSE - 1]}…"


def _known(failed: FailedEvent) -> dict[str, object]:
    return {name: value for name, value in asdict(failed).items() if value is not None}
