"""The life cycle of a batch. Functions from a batch to the changed batch; they raise ``Conflict``.

A batch begins open and active. It is bottled once, while it is active, which is an operation and not a field. Only
bottles go into the fridge: grains would stop working there. They can be taken out again, to get more bubbles, and a
batch that was done can go back into the fridge. An archived batch never changes again, except that sharing can be
stopped.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from api.ferments.bodies import BatchChanges, BatchMembers, Bottling, NewBatch, StageTiming
from api.web.problems import Conflict, InvalidParameter
from watchkeeper.ferments.models import Batch, BatchStatus, Stage, Timing

AHEAD = timedelta(days=1)
"""How far in the future a time may be: clocks are wrong, and days are entered before they begin."""

NumberT = TypeVar("NumberT", int, float)

_MOVES: Mapping[BatchStatus, frozenset[BatchStatus]] = {
    BatchStatus.ACTIVE: frozenset({BatchStatus.IN_FRIDGE, BatchStatus.DONE, BatchStatus.ARCHIVED}),
    BatchStatus.IN_FRIDGE: frozenset({BatchStatus.ACTIVE, BatchStatus.DONE, BatchStatus.ARCHIVED}),
    BatchStatus.DONE: frozenset({BatchStatus.IN_FRIDGE, BatchStatus.ARCHIVED}),
    BatchStatus.ARCHIVED: frozenset(),
}
_EMPTY: Mapping[str, Any] = {"notes": "", "public_note": "", "fruits": (), "stage1": Timing(), "stage2": Timing()}
"""The values ``null`` stands for, where that is not ``None``."""


def require_changeable(batch: Batch) -> None:
    if batch.status is BatchStatus.ARCHIVED:
        raise Conflict("The batch is archived, and can no longer be changed.")


def require_changeable_so(batch: Batch, wanted: BatchChanges) -> None:
    """Sharing can be stopped at any time."""
    if wanted.model_fields_set != {"public"} or wanted.public:
        require_changeable(batch)


def begun(wanted: NewBatch, *, batch: str, user: str, now: datetime) -> Batch:
    """Raises ``InvalidParameter``."""
    new = Batch(id=batch, user=user, name=wanted.name, created_at=now, updated_at=now, status_since=now)
    return changed(new, wanted, now)


def changed(batch: Batch, wanted: BatchMembers, now: datetime) -> Batch:
    """With the members that were sent, except the status. Raises ``InvalidParameter``."""
    given = {name: getattr(wanted, name) for name in wanted.model_fields_set - {"status"}}
    after = replace(batch, **{name: _value(batch, name, value, now) for name, value in given.items()})
    if given.keys() & {"stage1", "stage2"}:
        _require_order(after)
    return after


def _require_order(batch: Batch) -> None:
    first, second = batch.stage1.started_at, batch.stage2.started_at
    if first and second and second < first:
        raise InvalidParameter("stage2.started_at", "is before the first stage began")


def moved(batch: Batch, status: BatchStatus, now: datetime) -> Batch:
    if status is batch.status:
        return batch
    if status not in _MOVES[batch.status]:
        raise Conflict(f"A batch that is {batch.status} cannot become {status}.")
    if status is BatchStatus.IN_FRIDGE and batch.stage is not Stage.BOTTLED:
        raise Conflict("Only a batch that is bottled goes into the fridge.")
    return replace(batch, status=status, status_since=now)


def bottled(batch: Batch, wanted: Bottling, now: datetime) -> Batch:
    """Omitted members of the second stage stay as planned; it begins now by default. Raises ``InvalidParameter``."""
    require_changeable(batch)
    if batch.stage is not Stage.OPEN:
        raise Conflict("The batch is bottled already.")
    if batch.status is not BatchStatus.ACTIVE:
        raise Conflict(f"Only an active batch can be bottled; this one is {batch.status}.")
    began = not_ahead(wanted.started_at, now, "started_at") or now
    if batch.stage1.started_at and began < batch.stage1.started_at:
        raise InvalidParameter("started_at", "is before the first stage began")
    return replace(
        batch,
        stage=Stage.BOTTLED,
        stage2=Timing(began, _or(batch.stage2.target_hours, wanted.target_hours)),
        bottle_count=_or(batch.bottle_count, wanted.bottle_count),
        fruits=batch.fruits if wanted.fruits is None else tuple(wanted.fruits),
    )


def not_ahead(moment: datetime | None, now: datetime, member: str) -> datetime | None:
    """Raises ``InvalidParameter`` if it is too far in the future."""
    if moment and moment > now + AHEAD:
        raise InvalidParameter(member, "is more than a day in the future")
    return moment


def _or(planned: NumberT | None, said: NumberT | None) -> NumberT | None:
    return planned if said is None else said


def _value(batch: Batch, name: str, value: Any, now: datetime) -> Any:
    match value:
        case None:
            return _EMPTY.get(name)
        case StageTiming():
            given = value.model_dump(exclude_unset=True)
            not_ahead(given.get("started_at"), now, f"{name}.started_at")
            return replace(getattr(batch, name), **given)
        case list():
            return tuple(value)
    return value
