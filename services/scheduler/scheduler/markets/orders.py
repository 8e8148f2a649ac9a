"""What an operator may have a function do instead of its work."""

from collections.abc import Mapping
from typing import Any

COUNT = "count"


def only_counts(event: Mapping[str, Any]) -> bool:
    """Whether it is asked only what it would do. Raises ``ValueError`` for any other order: one that is misspelt is not
    to be taken for none."""
    action = event.get("action")
    if action not in (None, COUNT):
        raise ValueError(f"action is {action!r}; it can be {COUNT}, or left out")
    return action == COUNT
