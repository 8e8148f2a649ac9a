"""When a batch needs attention, by its stage, its temperature and its target.

How long a stage takes depends on the temperature. Targets apply at 22 °C, in the middle of the 20 to 25 °C that water
kefir is usually kept at; for another temperature T the time is ``target × 2^((22 - T) / 10)``. That is van 't Hoff's
rule (J. H. van 't Hoff, Études de dynamique chimique, Amsterdam 1884) with the temperature coefficient Q10 = 2:
reactions, including those in living things, are about twice as fast for each ten degrees more. It is a rule of thumb,
valid between about 15 and 30 °C; when colder or much hotter, cultures hardly work at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from watchkeeper.ferments.models import Batch, BatchStatus, Stage

REFERENCE_C = 22.0
DEFAULT_HOURS = {Stage.OPEN: 48.0, Stage.BOTTLED: 36.0}
"""Without a target: two days in the jar, and the middle of one to two days in the bottles."""

KEEPS_IN_FRIDGE = timedelta(days=14)

_BURP_EVERY = timedelta(days=1)
_MOST_BURPS = 5

ALL_KEYS = ("taste", "bottle", *(f"burp-{number}" for number in range(1, _MOST_BURPS + 1)), "fridge", "drink")
"""The keys of all possible suggestions of a batch."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    key: str
    """Identifies it within its batch, as long as the batch exists."""
    kind: str
    title: str
    body: str
    due_at: datetime


def suggestions(batch: Batch) -> list[Suggestion]:
    """Sorted by time, including past ones. Empty for a batch that is done or archived."""
    match batch.status, batch.stage:
        case BatchStatus.ACTIVE, Stage.OPEN:
            return list(_in_the_jar(batch))
        case BatchStatus.ACTIVE, Stage.BOTTLED:
            return list(_in_bottles(batch))
        case BatchStatus.IN_FRIDGE, _:
            return list(_in_the_fridge(batch))
    return []


def stage_takes(batch: Batch) -> timedelta:
    """The duration of its current stage at its temperature."""
    target, temperature = batch.timing.target_hours, batch.temperature_c
    hours = DEFAULT_HOURS[batch.stage] if target is None else target
    warmer = (REFERENCE_C if temperature is None else temperature) - REFERENCE_C
    return timedelta(seconds=round(hours * 3600 * 2 ** (-warmer / 10)))


def _began(batch: Batch) -> datetime:
    return batch.timing.started_at or batch.created_at


def _in_the_jar(batch: Batch) -> Iterator[Suggestion]:
    began, takes = _began(batch), stage_takes(batch)
    yield Suggestion(
        "taste",
        "taste",
        f"Taste {batch.name}",
        "Three quarters of the first ferment are over. Is it sour enough already?",
        _to_the_second(began + takes * 3 / 4),
    )
    yield Suggestion(
        "bottle",
        "bottle",
        f"Bottle {batch.name}",
        "The first ferment should be done: strain off the grains, add fruit, and fill the bottles.",
        began + takes,
    )


def _in_bottles(batch: Batch) -> Iterator[Suggestion]:
    end = _began(batch) + stage_takes(batch)
    for number in count(1):
        due = _began(batch) + number * _BURP_EVERY
        if due >= end or number > _MOST_BURPS:
            break
        yield Suggestion(
            f"burp-{number}",
            "burp",
            f"Let gas out of {batch.name}",
            "Open the bottles for a moment: what builds up in them can burst them.",
            due,
        )
    yield Suggestion(
        "fridge",
        "fridge",
        f"Put {batch.name} in the fridge",
        "The second ferment should be done. Cold stops it, and keeps the bubbles in.",
        end,
    )


def _in_the_fridge(batch: Batch) -> Iterator[Suggestion]:
    yield Suggestion(
        "drink",
        "drink",
        f"Drink up {batch.name}",
        f"It has been in the fridge for {KEEPS_IN_FRIDGE.days} days, and is best until now.",
        (batch.status_since or batch.created_at) + KEEPS_IN_FRIDGE,
    )


def _to_the_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
