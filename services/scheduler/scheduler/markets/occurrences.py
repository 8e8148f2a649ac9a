"""Identifying the run of a schedule, so that retries of the same run use the same ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchkeeper.clock import from_iso, to_iso


@dataclass(frozen=True, slots=True)
class Occurrence:
    at: datetime
    """When the run was due; for one without a schedule, the start of its UTC day. What it requests was last requested
    on an earlier day."""

    @property
    def name(self) -> str:
        return to_iso(self.at)


def occurrence_of(event: Mapping[str, Any], now: datetime) -> Occurrence:
    """EventBridge says when its schedule was due: the same in retries by it, Lambda or an operator."""
    try:
        return Occurrence(min(from_iso(str(event["time"])), now))
    except (KeyError, ValueError):
        return Occurrence(now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
