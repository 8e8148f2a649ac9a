"""What may become of a batch."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.ferments import rules
from api.ferments.bodies import BatchChanges, Bottling
from api.web.problems import Conflict, InvalidParameter
from watchkeeper.ferments.models import Batch, BatchStatus, Stage, Timing

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
JAR = Batch("b", "u", "Ginger", NOW, NOW)
BOTTLES = replace(JAR, stage=Stage.BOTTLED)
ALLOWED = {
    ("active", "in_fridge"),
    ("active", "done"),
    ("active", "archived"),
    ("in_fridge", "active"),
    ("in_fridge", "done"),
    ("in_fridge", "archived"),
    ("done", "in_fridge"),
    ("done", "archived"),
}


def bottling(**said: Any) -> Bottling:
    return Bottling.model_validate({"stage": 2, **said})


@pytest.mark.parametrize("before", BatchStatus)
@pytest.mark.parametrize("after", BatchStatus)
def test_a_bottled_batch_moves_as_the_table_says(before: BatchStatus, after: BatchStatus) -> None:
    batch = replace(BOTTLES, status=before)

    if before == after:
        assert rules.moved(batch, after, NOW) is batch
    elif (before.value, after.value) in ALLOWED:
        assert rules.moved(batch, after, NOW) == replace(batch, status=after, status_since=NOW)
    else:
        with pytest.raises(Conflict, match=f"that is {before} cannot become {after}"):
            rules.moved(batch, after, NOW)


@pytest.mark.parametrize("before", [BatchStatus.ACTIVE, BatchStatus.DONE])
def test_a_jar_never_goes_into_the_fridge(before: BatchStatus) -> None:
    with pytest.raises(Conflict, match="bottled"):
        rules.moved(replace(JAR, status=before), BatchStatus.IN_FRIDGE, NOW)


@pytest.mark.parametrize("status", [status for status in BatchStatus if status is not BatchStatus.ACTIVE])
def test_only_what_is_active_is_bottled(status: BatchStatus) -> None:
    with pytest.raises(Conflict):
        rules.bottled(replace(JAR, status=status), bottling(), NOW)


def test_no_change_lets_the_second_stage_begin_before_the_first() -> None:
    with pytest.raises(InvalidParameter, match="before the first"):
        rules.changed(
            replace(JAR, stage1=Timing(NOW), stage2=Timing(NOW)),
            BatchChanges.model_validate({"stage1": {"started_at": (NOW + timedelta(hours=1)).isoformat()}}),
            NOW,
        )


def test_what_is_bottled_is_not_bottled_again() -> None:
    with pytest.raises(Conflict, match="already"):
        rules.bottled(BOTTLES, bottling(), NOW)


def test_bottling_keeps_what_was_planned() -> None:
    planned = replace(JAR, stage2=Timing(None, 30.0), bottle_count=3, fruits=("fig",))

    assert rules.bottled(planned, bottling(), NOW) == replace(planned, stage=Stage.BOTTLED, stage2=Timing(NOW, 30.0))


def test_a_second_stage_that_begins_now_does_not_begin_before_the_first() -> None:
    tomorrow = replace(JAR, stage1=Timing(NOW + timedelta(hours=1)))

    with pytest.raises(InvalidParameter) as refused:
        rules.bottled(tomorrow, bottling(), NOW)
    assert refused.value.parameter == "started_at"


def test_bottling_takes_what_is_said() -> None:
    said = bottling(started_at="2026-06-30T12:00:00Z", target_hours=5, bottle_count=0, fruits=[])
    planned = replace(JAR, stage2=Timing(None, 30.0), bottle_count=3, fruits=("fig",))

    bottled = rules.bottled(planned, said, NOW)

    assert bottled.stage2 == Timing(NOW - timedelta(days=1), 5.0)
    assert (bottled.bottle_count, bottled.fruits) == (0, ())


@pytest.mark.parametrize("member", ["stage1", "stage2"])
def test_a_stage_may_begin_a_day_ahead_and_not_more(member: str) -> None:
    tomorrow = {member: {"started_at": "2026-07-02T12:00:00Z"}}
    later = {member: {"started_at": "2026-07-02T12:00:01Z"}}

    assert getattr(rules.changed(JAR, BatchChanges.model_validate(tomorrow), NOW), member).started_at
    with pytest.raises(InvalidParameter) as refused:
        rules.changed(JAR, BatchChanges.model_validate(later), NOW)
    assert refused.value.parameter == f"{member}.started_at"
