"""Facts that services publish about themselves: the facts' part of the event catalogue.

Consumers may rely on these fields; none is removed or given another meaning without a new version. Their JSON schemas
are written to ``docs/events/``. They are plain dataclasses, so that functions that publish facts start without loading
the models that the API needs.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import ClassVar

from watchkeeper.events import DomainEvent, event_id

SOURCE = "facts"
"""The source of the events on the bus, after ``watchkeeper.``."""

ALL_SERVICES = "all"
"""The ``service`` of a queue that all services share."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Base class of the ``data`` of facts."""

    type: ClassVar[str]
    version: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class RunFinished(Fact):
    """A run of a source finished: how long it took, and what happened to its rows."""

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
    """An attempt to read a source failed. Every failure is published, even while the source keeps failing."""

    type: ClassVar[str] = "ReadingFailed"

    source: str
    error: str
    blocked: bool
    """Whether its upstream responds with a challenge or a refusal instead of data."""


@dataclass(frozen=True, slots=True)
class CircuitOpened(Fact):
    """An upstream failed so often that it is no longer called."""

    type: ClassVar[str] = "CircuitOpened"

    upstream: str


@dataclass(frozen=True, slots=True)
class CircuitClosed(Fact):
    """An upstream is called again after a pause."""

    type: ClassVar[str] = "CircuitClosed"

    upstream: str


@dataclass(frozen=True, slots=True)
class DeadLettersCounted(Fact):
    """The number of letters in a dead-letter queue, as approximated by SQS."""

    type: ClassVar[str] = "DeadLettersCounted"

    queue: str
    service: str
    """The service whose work failed; ``all`` for a queue that all services share."""
    waiting: int


@dataclass(frozen=True, slots=True)
class SourceAged(Fact):
    """The age of the newest data from a source."""

    type: ClassVar[str] = "SourceAged"

    source: str
    seconds: int
    stale: bool
    blocked: bool


@dataclass(frozen=True, slots=True)
class SignInFailed(Fact):
    """A sign-in failed. The person is not named."""

    type: ClassVar[str] = "SignInFailed"

    reason: str


@dataclass(frozen=True, slots=True)
class RequestRefused(Fact):
    """Requests to a route were refused with 401, 403 or 429."""

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
