"""The maintenance window of the markets watch: whether collection is paused now, and an operator's override."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from local.stages import Stage, asking
from watchkeeper.clock import to_iso
from watchkeeper.dynamodb import Table
from watchkeeper.markets.maintenance import Maintenance, Said, Word

LONGEST = timedelta(days=14)
"""Work does not wait in queues longer than this."""
WITH_DAYS = "sync-assets"
"""A function whose settings have the days of maintenance."""

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"([1-9]\d{0,5})([mhd])", re.ASCII)


class WrongDuration(Exception):
    """The duration cannot be read."""


def duration(text: str) -> timedelta:
    """``30m``, ``6h`` or ``2d``. Raises `WrongDuration`."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise WrongDuration(f"{text!r} is no duration: say 30m, 6h or 2d")
    span = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if span > LONGEST:
        raise WrongDuration(f"{text} is too long: {LONGEST.days} days at the most")
    return span


def say(stage: Stage, word: Word, span: timedelta, now: datetime) -> None:
    """Raises `StageRefused`."""
    with asking(stage):
        maintenance_of(stage).say(word, now + span)


def unsay(stage: Stage) -> None:
    """Raises `StageRefused`."""
    with asking(stage):
        maintenance_of(stage).unsay()


def told(stage: Stage, now: datetime) -> Iterator[str]:
    """The current state, line by line. Raises `StageRefused`."""
    with asking(stage):
        days = days_of(stage)
        window = maintenance_of(stage, days)
        said, is_on = window.said(), window.is_on(now)
    yield f"{stage.stage}: the maintenance window is {'on, nothing is collected' if is_on else 'off, work goes on'}."
    yield f"  Days of maintenance, in UTC: {', '.join(days) or 'none'}."
    if said and said.until > now:
        yield f"  An operator says: {spoken(said)}."


def spoken(said: Said) -> str:
    return f"{said.word} until {to_iso(said.until)}"


def maintenance_of(stage: Stage, days: tuple[str, ...] = ()) -> Maintenance:
    return Maintenance(Table(stage.client("dynamodb"), stage.name("progress")), days)


def days_of(stage: Stage) -> tuple[str, ...]:
    """As in the settings of the deployed functions."""
    configuration = stage.client("lambda").get_function_configuration(FunctionName=stage.name(WITH_DAYS))
    named = str(configuration["Environment"]["Variables"].get("MAINTENANCE_DAYS", ""))
    return tuple(day.strip() for day in named.split(",") if day.strip())
