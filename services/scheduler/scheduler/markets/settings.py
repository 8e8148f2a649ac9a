"""The settings of the functions of the markets watch."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from watchkeeper.errors import ConfigurationError
from watchkeeper.markets.budget import Limits

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TriggerSettings:
    progress_table: str
    assets_table: str
    earnings_table: str
    """Used by only one of the two triggers; empty for the other."""
    pollenation_queue_url: str
    event_bus: str
    limits: Limits
    maintenance_days: tuple[str, ...]


def trigger_settings(environment: Mapping[str, str] = os.environ, *, reports: bool = False) -> TriggerSettings:
    """With ``reports``, for the trigger that reads the calendar. Raises ``ConfigurationError``."""
    return TriggerSettings(
        progress_table=text(environment, "PROGRESS_TABLE"),
        assets_table=text(environment, "ASSETS_TABLE"),
        earnings_table=text(environment, "EARNINGS_CALENDAR_TABLE") if reports else "",
        pollenation_queue_url=text(environment, "POLLENATION_QUEUE_URL"),
        event_bus=text(environment, "EVENT_BUS"),
        limits=_limits(environment),
        maintenance_days=_names(environment.get("MAINTENANCE_DAYS", "")),
    )


def text(environment: Mapping[str, str], name: str) -> str:
    """Raises ``ConfigurationError``."""
    if not environment.get(name):
        raise ConfigurationError(f"{name} is not set")
    return environment[name]


def _limits(environment: Mapping[str, str]) -> Limits:
    limits = Limits(
        per_second=_number(environment, "ALPHAVANTAGE_PER_SECOND", float),
        per_minute=_number(environment, "ALPHAVANTAGE_PER_MINUTE", int),
        per_day=_number(environment, "ALPHAVANTAGE_PER_DAY", int),
        news_per_day=_number(environment, "ALPHAVANTAGE_NEWS_PER_DAY", int),
    )
    if not limits.per_second:
        raise ConfigurationError("ALPHAVANTAGE_PER_SECOND is not above 0")
    return limits


def _number(environment: Mapping[str, str], name: str, kind: Callable[[str], T]) -> T:
    try:
        value = float(text(environment, name))
        if value < 0 or not math.isfinite(value):
            raise ValueError("it is no number of calls")
        return kind(environment[name])
    except ValueError as error:
        raise ConfigurationError(f"{name} is no number of calls") from error


def _names(listed: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in listed.split(",") if name.strip())
