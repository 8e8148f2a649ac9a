"""An operator's requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scheduler.operations.errors import WrongRequest
from watchkeeper.correlation import ATTRIBUTE

DEFAULT_LIMIT = 20
HIGHEST_LIMIT = 200
LONGEST_REASON = 500
FIELDS = {
    "list": ("queue", "limit"),
    "show": ("queue", "id"),
    "redrive": ("queue", "id"),
    "drop": ("queue", "id", "reason"),
}


@dataclass(frozen=True, slots=True)
class Request:
    action: str
    queue: str | None
    """``None`` only for ``list``, which then counts the letters of all queues."""
    id: str | None
    """``None`` for all letters of the queue."""
    limit: int
    reason: str

    @classmethod
    def of(cls, event: object) -> "Request":
        """Raises ``WrongRequest``. Unknown fields are rejected: a misspelt ``id`` would mean all letters."""
        given = event if isinstance(event, Mapping) else {}
        action = given.get("action")
        if not isinstance(action, str) or action not in FIELDS:
            raise WrongRequest(f'"action" must be one of {", ".join(FIELDS)}')
        unknown = sorted(str(name) for name in given if name not in ("action", ATTRIBUTE, *FIELDS[action]))
        if unknown:
            raise WrongRequest(f"{action} has no {', '.join(unknown)}; it takes {', '.join(FIELDS[action])}")
        request = cls(action, _text(given, "queue"), _text(given, "id"), _limit(given), _text(given, "reason") or "")
        request._check()
        return request

    def _check(self) -> None:
        if self.action != "list" and self.queue is None:
            raise WrongRequest(f'{self.action} needs a "queue"')
        if self.action == "show" and self.id is None:
            raise WrongRequest('show needs the "id" of a letter')
        if self.action == "drop" and not self.reason:
            raise WrongRequest('drop needs a "reason"')
        if len(self.reason) > LONGEST_REASON:
            raise WrongRequest(f'"reason" must have at most {LONGEST_REASON} characters')


def _text(given: Mapping[str, Any], name: str) -> str | None:
    if name not in given:
        return None
    value = given[name]
    if not isinstance(value, str) or not value.strip():
        raise WrongRequest(f'"{name}" must be a non-empty string')
    return value.strip()


def _limit(given: Mapping[str, Any]) -> int:
    limit = given.get("limit", DEFAULT_LIMIT)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= HIGHEST_LIMIT:
        raise WrongRequest(f'"limit" must be a whole number from 1 to {HIGHEST_LIMIT}')
    return limit
