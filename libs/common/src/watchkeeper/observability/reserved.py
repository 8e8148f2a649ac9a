"""The names of the metrics that the system records about itself. People may read them and define rules on them, but
not record them: such a value would be mistaken for the system's own measurement."""

from collections.abc import Set
from enum import StrEnum


class SystemMetric(StrEnum):
    """A metric that is derived from the facts that services publish."""

    RUN_DURATION = "ingest.run.duration"
    RUN_ROWS_STORED = "ingest.run.rows_stored"
    RUN_ROWS_REFUSED = "ingest.run.rows_refused"
    RUN_FAILURES = "ingest.run.failures"
    CIRCUIT_OPEN = "circuit.open"
    DEAD_LETTERS_WAITING = "dead_letters.waiting"
    SOURCE_AGE = "source.age"
    SIGN_IN_FAILURES = "sign_in.failures"
    REQUESTS_REFUSED = "requests.refused"


def _prefix(name: str) -> str:
    first, dot, _ = name.partition(".")
    return first + dot


PREFIXES: Set[str] = frozenset(map(_prefix, SystemMetric))
"""The part of the names up to the first dot: all names with these prefixes are reserved for future metrics."""


def reserved_prefix(name: str) -> str | None:
    """The reserved prefix of a metric's name, such as ``ingest.``, or ``None``."""
    prefix = _prefix(name)
    return prefix if prefix in PREFIXES else None
