"""What facts mean: values of metrics, reports of a component's health, and security events."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from watchkeeper.observability.facts import (
    CircuitClosed,
    CircuitOpened,
    DeadLettersCounted,
    Fact,
    ReadingFailed,
    RequestRefused,
    RunFinished,
    SignInFailed,
    SourceAged,
)
from watchkeeper.observability.models import ComponentKind, HealthStatus
from watchkeeper.observability.refusals import require
from watchkeeper.observability.series import Series

INGEST = f"{ComponentKind.SERVICE}/ingest"
CIRCUIT = "circuit"
SEEN = "seen"
"""The key of a report that only says that a component is there, and how nobody ever says anything against it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric has a value."""

    series: Series
    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Reported:
    """A component has a reason not to be healthy, or has it no longer."""

    component: str
    key: str
    status: HealthStatus
    text: str = ""


@dataclass(frozen=True, slots=True)
class Noticed:
    """Somebody should look at this; what is of the same kind is counted together for an hour."""

    kind: str
    summary: str
    source: str
    count: int = 1


Meaning = Measured | Reported | Noticed


def meaning(fact: Fact) -> Iterator[Meaning]:
    """Raises ``Refused`` for a fact whose names no metric can have."""
    yield from _MEANINGS[type(fact)](fact)


def _run_finished(fact: RunFinished) -> Iterator[Meaning]:
    yield _measured("ingest.run.duration", fact.seconds, "Seconds", source=fact.source)
    yield _measured("ingest.run.rows_stored", fact.stored, source=fact.source)
    yield _measured("ingest.run.rows_refused", fact.refused, source=fact.source)
    yield _measured("ingest.run.failures", 0, source=fact.source)
    yield Reported(_upstream_of(fact.source), _reading(fact.source), HealthStatus.HEALTHY)
    yield Reported(INGEST, SEEN, HealthStatus.HEALTHY)


def _reading_failed(fact: ReadingFailed) -> Iterator[Meaning]:
    yield _measured("ingest.run.failures", 1, source=fact.source)
    status = HealthStatus.DOWN if fact.blocked else HealthStatus.DEGRADED
    text = f"{fact.source} is blocked: {fact.error}" if fact.blocked else f"{fact.source} fails: {fact.error}"
    yield Reported(_upstream_of(fact.source), _reading(fact.source), status, text)


def _circuit_opened(fact: CircuitOpened) -> Iterator[Meaning]:
    yield _measured("circuit.open", 1, upstream=fact.upstream)
    yield Reported(_upstream(fact.upstream), CIRCUIT, HealthStatus.DOWN, "It failed so often that it is left alone.")


def _circuit_closed(fact: CircuitClosed) -> Iterator[Meaning]:
    yield _measured("circuit.open", 0, upstream=fact.upstream)
    yield Reported(_upstream(fact.upstream), CIRCUIT, HealthStatus.HEALTHY)


def _dead_letters_counted(fact: DeadLettersCounted) -> Iterator[Meaning]:
    yield _measured("dead_letters.waiting", fact.waiting, queue=fact.queue)
    yield Reported(
        f"{ComponentKind.SERVICE}/{fact.service}",
        f"dead-letters:{fact.queue}",
        HealthStatus.DEGRADED if fact.waiting else HealthStatus.HEALTHY,
        f"There are dead letters in {fact.queue}.",
    )


def _source_aged(fact: SourceAged) -> Iterator[Meaning]:
    yield _measured("source.age", fact.seconds, "Seconds", source=fact.source)
    yield Reported(
        _upstream_of(fact.source),
        f"stale:{fact.source}",
        HealthStatus.DEGRADED if fact.stale or fact.blocked else HealthStatus.HEALTHY,
        f"{fact.source} is blocked." if fact.blocked else f"What is known from {fact.source} is too old.",
    )


def _sign_in_failed(fact: SignInFailed) -> Iterator[Meaning]:
    yield _measured("sign_in.failures", 1, reason=fact.reason)
    yield Noticed("sign-in-failed", "People, or somebody who tries, were not let in.", "api/auth")


def _request_refused(fact: RequestRefused) -> Iterator[Meaning]:
    require(fact.count >= 1, "the count is 1 or more")
    yield _measured("requests.refused", fact.count, status=str(fact.status))
    yield Noticed("request-refused", "Requests were refused with 401, 403 or 429.", "api", fact.count)


def _measured(name: str, value: float, unit: str = "Count", **dimensions: str) -> Measured:
    return Measured(Series.named(name, dimensions), Decimal(str(value)), unit)


def _reading(source: str) -> str:
    return f"reading:{source}"


def _upstream_of(source: str) -> str:
    """``patchwork:linux-hwmon`` is read from ``patchwork``."""
    return _upstream(source.partition(":")[0])


def _upstream(name: str) -> str:
    return f"{ComponentKind.UPSTREAM}/{name}"


_MEANINGS: Mapping[type[Fact], Callable[[Any], Iterator[Meaning]]] = {
    RunFinished: _run_finished,
    ReadingFailed: _reading_failed,
    CircuitOpened: _circuit_opened,
    CircuitClosed: _circuit_closed,
    DeadLettersCounted: _dead_letters_counted,
    SourceAged: _source_aged,
    SignInFailed: _sign_in_failed,
    RequestRefused: _request_refused,
}
