from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from api.ferments.sharing.shared import public_view
from watchkeeper.ferments.models import Batch, BatchStatus, Stage, Timing

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BATCH = Batch(
    id="B1",
    user="user-of-the-pool",
    name="Ginger",
    created_at=NOON - timedelta(days=9),
    updated_at=NOON,
    stage=Stage.BOTTLED,
    stage1=Timing(NOON - timedelta(days=3), 48),
    stage2=Timing(NOON - timedelta(hours=20), 36),
    water_ml=1000,
    sugar_g=80,
    fruits=("figs",),
    temperature_c=21.5,
    bottle_count=3,
    notes="secret notes",
    public=True,
    public_note="for all",
    photos=("secret-photo",),
    version=77,
)
PRIVATE = {"user", "created_at", "updated_at", "status_since", "notes", "photos", "version", "public"}


def test_all_that_is_shown_of_a_batch() -> None:
    assert public_view(BATCH, "https://x/B1", NOON) == {
        "id": "B1",
        "name": "Ginger",
        "stage": 2,
        "status": "active",
        "stage_started_at": NOON - timedelta(hours=20),
        "stage_target_hours": 36,
        "stage_target_at": NOON + timedelta(hours=16),
        "going_hours": 72,
        "water_ml": 1000,
        "sugar_g": 80,
        "fruits": ["figs"],
        "temperature_c": 21.5,
        "bottle_count": 3,
        "public_note": "for all",
        "url": "https://x/B1",
        "qr_url": "https://x/B1/qr.svg",
    }


def test_what_is_private_is_named_here_or_shown() -> None:
    shown = set(public_view(BATCH, "", NOON)) | {"stage1", "stage2"}

    assert {field.name for field in fields(Batch)} - shown == PRIVATE


@pytest.mark.parametrize("status", [status for status in BatchStatus if status is not BatchStatus.ACTIVE])
def test_what_has_come_to_its_end_goes_on_no_more(status: BatchStatus) -> None:
    assert public_view(replace(BATCH, status=status), "", NOON)["going_hours"] is None


@pytest.mark.parametrize(
    ("stage1", "stage2", "hours"),
    [
        (Timing(), Timing(NOON - timedelta(hours=5)), 5),
        (Timing(NOON - timedelta(minutes=59)), Timing(), 0),
        (Timing(NOON + timedelta(hours=1)), Timing(), None),
        (Timing(), Timing(), None),
    ],
)
def test_it_has_been_going_since_its_first_stage_began(stage1: Timing, stage2: Timing, hours: int | None) -> None:
    assert public_view(replace(BATCH, stage1=stage1, stage2=stage2), "", NOON)["going_hours"] == hours


def test_nothing_is_planned_without_a_target() -> None:
    view = public_view(replace(BATCH, stage2=Timing(NOON)), "", NOON)

    assert (view["stage_target_hours"], view["stage_target_at"]) == (None, None)
