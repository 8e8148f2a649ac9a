"""Errors on the error bus: an event that could not be processed, where and why, and where to redrive it from.

Nobody who reads it sees a secret: the cause is redacted here. The event itself is not included; it is in the store, or
in the queue that the error names.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import ClassVar, Self

from watchkeeper.clock import to_iso
from watchkeeper.events import DomainEvent, event_id
from watchkeeper.eventsourcing.event import Event
from watchkeeper.redaction import redacted_text

SOURCE = "errors"
"""The source of the events on the bus, after ``watchkeeper.``."""

LONGEST_CAUSE = 1000


@dataclass(frozen=True, slots=True)
class FailedEvent:
    """What identifies an event. The last two fields are for events of an aggregate."""

    id: str
    type: str
    occurred_at: datetime
    """When it happened or, if that cannot be read, when it was sent: the same however often it fails."""
    aggregate_id: str | None = None
    sequence: int | None = None

    @classmethod
    def of(cls, event: DomainEvent) -> Self:
        if isinstance(event, Event):
            return cls(event.id, event.type, event.occurred_at, event.aggregate_id, event.sequence)
        return cls(event.id, event.type, event.occurred_at)


@dataclass(frozen=True, slots=True)
class Again:
    """Where an operator can redrive it from."""

    queue: str
    """A dead-letter queue, by the name that ``dead-letters`` uses."""


@dataclass(frozen=True, slots=True)
class ErrorOccurred:
    """An event could not be processed."""

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
    """The error in its envelope. Its id is the same for every failure of an event in one place; ``occurred_at`` is when
    it failed, and the latest failure wins. ``queue`` is where it can be redriven from, and ``correlation_id`` is the
    event's own."""
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
    """The error's message without secrets and addresses, cut to ``LONGEST_CAUSE`` characters."""
    text = redacted_text(str(error))
    return text if len(text) <= LONGEST_CAUSE else f"{text[: LONGEST_CAUSE - 1]}…"


def _known(failed: FailedEvent) -> dict[str, object]:
    known = {**asdict(failed), "occurred_at": to_iso(failed.occurred_at)}
    return {name: value for name, value in known.items() if value is not None}
