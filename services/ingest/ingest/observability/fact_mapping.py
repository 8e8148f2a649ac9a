"""Maps facts to metric values, health reports and security events."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from watchkeeper.observability.facts import (
    ALL_SERVICES,
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
from watchkeeper.observability.reserved import SystemMetric
from watchkeeper.observability.series import Series

SERVICES = ("ingest", "api", "scheduler")
CIRCUIT = "circuit"
SEEN = "seen"
"""The key of a report that only says that a component exists: it is never reported as unhealthy."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A value of a metric."""

    series: Series
    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Reported:
    """A component has a reason not to be healthy, or no longer has it."""

    component: str
    key: str
    status: HealthStatus
    text: str = ""
    is_turn: bool = False
    """Whether it is reported only on change, and not again while it lasts."""
    every: Series | None = None
    """A metric that gets a value with every report, good or bad: if it has a newer value, this report is stale. The
    component itself does not remember repeated good reports."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something needs attention; occurrences of the same kind within an hour are counted together."""

    kind: str
    summary: str
    source: str
    count: int = 1


Meaning = Measured | Reported | Noticed


def meaning(fact: Fact) -> Iterator[Meaning]:
    """Raises ``Refused`` for a fact with names that no metric can have."""
    yield from _MEANINGS[type(fact)](fact)


def _run_finished(fact: RunFinished) -> Iterator[Meaning]:
    yield _measured(SystemMetric.RUN_DURATION, fact.seconds, "Seconds", source=fact.source)
    yield _measured(SystemMetric.RUN_ROWS_STORED, fact.stored, source=fact.source)
    yield _measured(SystemMetric.RUN_ROWS_REFUSED, fact.refused, source=fact.source)
    yield (failures := _measured(SystemMetric.RUN_FAILURES, 0, source=fact.source))
    yield Reported(_upstream_of(fact.source), _reading(fact.source), HealthStatus.HEALTHY, every=failures.series)
    yield Reported(_service("ingest"), SEEN, HealthStatus.HEALTHY)


def _reading_failed(fact: ReadingFailed) -> Iterator[Meaning]:
    yield (failures := _measured(SystemMetric.RUN_FAILURES, 1, source=fact.source))
    status = HealthStatus.DOWN if fact.blocked else HealthStatus.DEGRADED
    text = f"{fact.source} is blocked: {fact.error}" if fact.blocked else f"{fact.source} fails: {fact.error}"
    yield Reported(_upstream_of(fact.source), _reading(fact.source), status, text, every=failures.series)


def _circuit_opened(fact: CircuitOpened) -> Iterator[Meaning]:
    yield _measured(SystemMetric.CIRCUIT_OPEN, 1, upstream=fact.upstream)
    text = "It failed so often that it is left alone."
    yield Reported(_upstream(fact.upstream), CIRCUIT, HealthStatus.DOWN, text, is_turn=True)


def _circuit_closed(fact: CircuitClosed) -> Iterator[Meaning]:
    yield _measured(SystemMetric.CIRCUIT_OPEN, 0, upstream=fact.upstream)
    yield Reported(_upstream(fact.upstream), CIRCUIT, HealthStatus.HEALTHY, is_turn=True)


def _dead_letters_counted(fact: DeadLettersCounted) -> Iterator[Meaning]:
    """Letters are only counted, not read: those of a queue that all services share may belong to any service."""
    yield _measured(SystemMetric.DEAD_LETTERS_WAITING, fact.waiting, queue=fact.queue)
    status = HealthStatus.DEGRADED if fact.waiting else HealthStatus.HEALTHY
    shared = fact.service == ALL_SERVICES
    text = f"There are dead letters in {fact.queue}" + (", each of one of the services." if shared else ".")
    for service in SERVICES if shared else (fact.service,):
        yield Reported(_service(service), f"dead-letters:{fact.queue}", status, text)


def _source_aged(fact: SourceAged) -> Iterator[Meaning]:
    yield _measured(SystemMetric.SOURCE_AGE, fact.seconds, "Seconds", source=fact.source)
    yield Reported(
        _upstream_of(fact.source),
        f"stale:{fact.source}",
        HealthStatus.DEGRADED if fact.stale or fact.blocked else HealthStatus.HEALTHY,
        f"{fact.source} is blocked." if fact.blocked else f"What is known from {fact.source} is too old.",
    )


def _sign_in_failed(fact: SignInFailed) -> Iterator[Meaning]:
    yield _measured(SystemMetric.SIGN_IN_FAILURES, 1, reason=fact.reason)
    yield Noticed("sign-in-failed", "People, or somebody who tries, were not let in.", "api/auth")


def _request_refused(fact: RequestRefused) -> Iterator[Meaning]:
    require(fact.count >= 1, "the count is 1 or more")
    yield _measured(SystemMetric.REQUESTS_REFUSED, fact.count, status=str(fact.status))
    yield Noticed("request-refused", "Requests were refused with 401, 403 or 429.", "api", fact.count)


def _measured(name: SystemMetric, value: float, unit: str = "Count", **dimensions: str) -> Measured:
    return Measured(Series.named(name.value, dimensions), Decimal(str(value)), unit)


def _reading(source: str) -> str:
    return f"reading:{source}"


def _upstream_of(source: str) -> str:
    """``patchwork:linux-hwmon`` is read from ``patchwork``."""
    return _upstream(source.partition(":")[0])


def _upstream(name: str) -> str:
    return f"{ComponentKind.UPSTREAM}/{name}"


def _service(name: str) -> str:
    return f"{ComponentKind.SERVICE}/{name}"


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
