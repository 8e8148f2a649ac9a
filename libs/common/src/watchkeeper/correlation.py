"""The correlation id: one id for everything that follows from one cause, in logs, messages, events and responses.

It starts with a request (the caller's ``X-Correlation-Id``) or with a schedule, and is passed on: to queues as a
message attribute, to the bus in a domain event's envelope. Rows of facts carry the one they were written under, and so
do the events made from their tables' streams.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

ATTRIBUTE = "correlation_id"
"""The name of the SQS message attribute, of a row's attribute, and of the field in a function's payload."""

HEADER = "x-correlation-id"

_HARMLESS = re.compile(r"[A-Za-z0-9._-]{1,64}")

_current: ContextVar[str] = ContextVar("correlation_id", default="")


def current() -> str:
    """The current correlation id; empty if there is none."""
    return _current.get()


def noted() -> dict[str, str]:
    """The current correlation id as an attribute of a row; empty if there is none."""
    return {ATTRIBUTE: cause} if (cause := current()) else {}


@contextmanager
def following(correlation_id: str) -> Iterator[None]:
    """Makes it the current correlation id inside the block."""
    token = _current.set(correlation_id)
    try:
        yield
    finally:
        _current.reset(token)


def accepted(given: object) -> str | None:
    """An id that somebody sent us, if it is harmless in headers and log lines."""
    return given if isinstance(given, str) and _HARMLESS.fullmatch(given) else None


def of_event(event: object) -> str | None:
    """The id a function was invoked with: from an HTTP request's header, a domain event's envelope, the client metadata
    that Cognito passes to its triggers, or an operator's field."""
    candidates = (
        _header(_field(event, "headers")),
        _field(_field(event, "detail"), ATTRIBUTE),
        _field(_field(_field(event, "request"), "clientMetadata"), ATTRIBUTE),
        _field(event, ATTRIBUTE),
    )
    return next((found for found in map(accepted, candidates) if found), None)


def of_message(record: Mapping[str, Any]) -> str | None:
    """The id an SQS message carries, given the record Lambda makes of it."""
    return accepted(_field(_field(record.get("messageAttributes"), ATTRIBUTE), "stringValue"))


def _header(headers: object) -> object:
    if not isinstance(headers, Mapping):
        return None
    return next((value for name, value in headers.items() if str(name).lower() == HEADER), None)


def _field(mapping: object, name: str) -> object:
    return mapping.get(name) if isinstance(mapping, Mapping) else None
