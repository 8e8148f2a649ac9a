"""Which run of a schedule an invocation is: whatever comes of the same run is known by the same ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchkeeper.clock import from_iso, to_iso


@dataclass(frozen=True, slots=True)
class Occurrence:
    at: datetime
    """When the run was to be; of one that nobody planned, the beginning of its UTC day. What is wanted in it was last
    asked for on a day before."""

    @property
    def name(self) -> str:
        return to_iso(self.at)


def occurrence_of(event: Mapping[str, Any], now: datetime) -> Occurrence:
    """EventBridge says when its schedule was due: the same whenever it, Lambda or an operator tries again."""
    try:
        return Occurrence(min(from_iso(str(event["time"])), now))
    except (KeyError, ValueError):
        return Occurrence(now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
