"""Actions that an operator can request instead of a function's usual work."""

from collections.abc import Mapping
from typing import Any

COUNT = "count"


def only_counts(event: Mapping[str, Any]) -> bool:
    """Whether the event requests only a count. Raises ``ValueError`` for any other action: a misspelt one must not be
    ignored."""
    action = event.get("action")
    if action not in (None, COUNT):
        raise ValueError(f"action is {action!r}; it can be {COUNT}, or left out")
    return action == COUNT
