"""The markets watch's part of the event catalogue: what each event's ``data`` says.

Consumers may rely on these models; a field is never removed or given another meaning without a new version. Their
JSON schemas are written to ``docs/events/``.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from watchkeeper.events import DomainEvent, event_id

SOURCE = "markets"
"""Of the events on the bus, after ``watchkeeper.``."""


class Reason(StrEnum):
    """Why the fundamentals of an asset are wanted."""

    EARNINGS = "earnings"
    """The company has just reported."""
    REGULAR = "regular"
    """It is the best use of what is left of the day's budget."""
    REQUEST = "request"
    """Somebody asked for it."""


class MarketsEvent(BaseModel):
    """Base of the ``data`` of all events of the markets watch."""

    model_config = ConfigDict(frozen=True)

    type: ClassVar[str]
    version: ClassVar[int] = 1


class PollenationNeeded(MarketsEvent):
    """The fundamentals of an asset are to be requested. A request made after the event occurred is sufficient."""

    type: ClassVar[str] = "pollenationNeeded"

    symbol: str
    reason: Reason
    score: str | None = None
    """How much it is worth, for ``regular`` ones: a decimal, comparable only within one run."""


class EarningsProcessed(MarketsEvent):
    """All statements that a company reported for a fiscal period are available."""

    type: ClassVar[str] = "earningsProcessed"

    symbol: str
    earnings_date: date
    fiscal_date_ending: date


def domain_event(data: MarketsEvent, *, cause: str, occurred_at: datetime, correlation_id: str) -> DomainEvent:
    """The event in its envelope; the same ``cause`` gives the same id."""
    return DomainEvent(
        id=event_id(cause, data.type),
        type=data.type,
        version=data.version,
        occurred_at=occurred_at,
        correlation_id=correlation_id,
        data=data.model_dump(mode="json"),
    )


CATALOGUE: tuple[type[MarketsEvent], ...] = (PollenationNeeded, EarningsProcessed)
