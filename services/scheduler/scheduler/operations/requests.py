"""What an operator can ask for."""

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
    """``None`` only for ``list``: all queues, counted."""
    id: str | None
    """``None`` for all letters of the queue."""
    limit: int
    reason: str

    @classmethod
    def of(cls, event: object) -> "Request":
        """Raises ``WrongRequest``. A field nobody knows is refused: a misspelt ``id`` would mean all letters."""
        given = event if isinstance(event, Mapping) else {}
        action = given.get("action")
        if not isinstance(action, str) or action not in FIELDS:
            raise WrongRequest(f'"action" is one of {", ".join(FIELDS)}')
        unknown = sorted(str(name) for name in given if name not in ("action", ATTRIBUTE, *FIELDS[action]))
        if unknown:
            raise WrongRequest(f"{action} knows no {', '.join(unknown)}; it takes {', '.join(FIELDS[action])}")
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
            raise WrongRequest(f'"reason" has at most {LONGEST_REASON} characters')


def _text(given: Mapping[str, Any], name: str) -> str | None:
    if name not in given:
        return None
    value = given[name]
    if not isinstance(value, str) or not value.strip():
        raise WrongRequest(f'"{name}" is a text that is not empty')
    return value.strip()


def _limit(given: Mapping[str, Any]) -> int:
    limit = given.get("limit", DEFAULT_LIMIT)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= HIGHEST_LIMIT:
        raise WrongRequest(f'"limit" is a number from 1 to {HIGHEST_LIMIT}')
    return limit
