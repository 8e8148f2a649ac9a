"""What the services tell of themselves on the events bus: the facts' part of the event catalogue.

Consumers may rely on these fields; none is removed or given another meaning without a new version. Their JSON schemas
are written to ``docs/events/``. They are plain dataclasses, since functions that tell facts should start without the
models of those that answer requests.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import ClassVar

from watchkeeper.events import DomainEvent, event_id

SOURCE = "facts"
"""Of the events on the bus, after ``watchkeeper.``."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Base of the ``data`` of all facts."""

    type: ClassVar[str]
    version: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class RunFinished(Fact):
    """A run of a source came to its end; how long it took, and what became of the rows."""

    type: ClassVar[str] = "RunFinished"

    source: str
    mode: str
    seconds: float
    fetched: int
    stored: int
    unchanged: int
    refused: int


@dataclass(frozen=True, slots=True)
class ReadingFailed(Fact):
    """A source begins to fail, or to be blocked by its upstream; that it goes on is not told again."""

    type: ClassVar[str] = "ReadingFailed"

    source: str
    error: str
    blocked: bool
    """Whether its upstream answers with a challenge or a refusal instead of data."""


@dataclass(frozen=True, slots=True)
class CircuitOpened(Fact):
    """An upstream failed so often that it is left alone."""

    type: ClassVar[str] = "CircuitOpened"

    upstream: str


@dataclass(frozen=True, slots=True)
class CircuitClosed(Fact):
    """An upstream that was left alone is asked again."""

    type: ClassVar[str] = "CircuitClosed"

    upstream: str


@dataclass(frozen=True, slots=True)
class DeadLettersCounted(Fact):
    """How many letters lie in a queue of dead letters, as SQS approximates it."""

    type: ClassVar[str] = "DeadLettersCounted"

    queue: str
    service: str
    """Whose work they are."""
    waiting: int


@dataclass(frozen=True, slots=True)
class SourceAged(Fact):
    """How old the newest facts of a source are."""

    type: ClassVar[str] = "SourceAged"

    source: str
    seconds: int
    stale: bool
    blocked: bool


@dataclass(frozen=True, slots=True)
class SignInFailed(Fact):
    """Somebody, who is not named, was not let in."""

    type: ClassVar[str] = "SignInFailed"

    reason: str


@dataclass(frozen=True, slots=True)
class RequestRefused(Fact):
    """Requests to a route were refused with a status of 401, 403 or 429."""

    type: ClassVar[str] = "RequestRefused"

    status: int
    route: str
    count: int


def fact(data: Fact, *, cause: str, occurred_at: datetime, correlation_id: str) -> DomainEvent:
    """The fact in its envelope; the same ``cause`` makes the same id."""
    return DomainEvent(
        id=event_id(cause, data.type),
        type=data.type,
        version=data.version,
        occurred_at=occurred_at,
        correlation_id=correlation_id,
        data=asdict(data),
    )


CATALOGUE: tuple[type[Fact], ...] = (
    RunFinished,
    ReadingFailed,
    CircuitOpened,
    CircuitClosed,
    DeadLettersCounted,
    SourceAged,
    SignInFailed,
    RequestRefused,
)
