"""What requests may say."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from api.ferments.bodies import BatchChanges, Bottling, Confirmation, NewBatch, NewEvent, NewPhoto

OUT_OF_BOUNDS = [
    {"name": ""},
    {"name": "   "},
    {"name": "x" * 101},
    {"name": "two\nlines"},
    {"name": "a\x00b"},
    {"name": "a\x85b"},
    {"name": None},
    {"name": 5},
    {"water_ml": 0},
    {"water_ml": 1_000_001},
    {"water_ml": 1.5},
    {"water_ml": True},
    {"water_ml": "1000"},
    {"sugar_g": -1},
    {"sugar_g": 100_000.1},
    {"sugar_g": True},
    {"sugar_g": float("nan")},
    {"sugar_g": float("inf")},
    {"fruits": ["x"] * 21},
    {"fruits": ["x" * 51]},
    {"fruits": [""]},
    {"fruits": "lemon"},
    {"temperature_c": -5.1},
    {"temperature_c": 60.1},
    {"stage1": {"started_at": "2026-01-01"}},
    {"stage1": {"started_at": "2026-01-01T08:00:00"}},
    {"stage1": {"started_at": "2026-01-01T08:00Z"}},
    {"stage1": {"started_at": 1700000000}},
    {"stage1": {"started_at": "1700000000"}},
    {"stage1": {"started_at": "1999-12-31T23:59:59Z"}},
    {"stage1": {"started_at": "0001-01-01T00:00:00+14:00"}},
    {"stage1": {"started_at": "9999-12-31T23:59:59-14:00"}},
    {"stage1": {"started_at": "2026-02-30T00:00:00Z"}},
    {"stage1": {"started_at": "2026-01-01T23:59:60Z"}},
    {"stage1": {"target_hours": 0.4}},
    {"stage2": {"target_hours": 2000.5}},
    {"stage2": {"takes": 5}},
    {"bottle_count": -1},
    {"bottle_count": 1001},
    {"notes": "x" * 10_001},
    {"notes": "bell\x07"},
    {"notes": "dos\r\n"},
    {"public": "yes"},
    {"public": 1},
    {"public": None},
    {"public_note": "x" * 2001},
]
AT_THE_BOUNDS = [
    {"name": "x" * 100},
    {"water_ml": 1},
    {"water_ml": 1_000_000},
    {"sugar_g": 0},
    {"sugar_g": 100_000},
    {"fruits": ["x" * 50] * 20},
    {"temperature_c": -5},
    {"temperature_c": 60},
    {"stage1": {"started_at": "2000-01-01T00:00:00Z", "target_hours": 0.5}},
    {"stage1": {"started_at": "2026-01-01t08:00:00.123456+05:30", "target_hours": 2000}},
    {"bottle_count": 0},
    {"bottle_count": 1000},
    {"notes": "🍋" * 10_000},
    {"notes": "a\n\tb"},
    {"public_note": "x" * 2000},
]
ONLY_THE_SERVERS = [
    "id", "version", "user", "owner_id", "stage", "photos", "created_at", "updated_at", "status_since", "PK", "GSI1PK",
    "deleted_at", "__class__",
]  # fmt: skip
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def refuses(body: type[BaseModel], said: Any) -> bool:
    try:
        body.model_validate(said)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize("wrong", OUT_OF_BOUNDS, ids=str)
def test_what_is_out_of_bounds_is_refused(wrong: dict[str, Any]) -> None:
    assert refuses(NewBatch, {"name": "Ginger", **wrong})
    assert refuses(BatchChanges, wrong)


@pytest.mark.parametrize("right", AT_THE_BOUNDS, ids=lambda right: str(right)[:60])
def test_what_is_at_the_bounds_is_taken(right: dict[str, Any]) -> None:
    assert not refuses(NewBatch, {"name": "Ginger", **right})
    assert not refuses(BatchChanges, right)


@pytest.mark.parametrize("member", ONLY_THE_SERVERS)
def test_what_only_the_server_says_is_refused(member: str) -> None:
    assert refuses(NewBatch, {"name": "Ginger", member: "x"})
    assert refuses(BatchChanges, {member: "x"})


def test_a_new_batch_has_no_status_yet() -> None:
    assert refuses(NewBatch, {"name": "Ginger", "status": "done"})


def test_a_status_is_one_of_four() -> None:
    assert BatchChanges.model_validate({"status": "in_fridge"}).status == "in_fridge"
    for wrong in ("lost", None, 1, ""):
        assert refuses(BatchChanges, {"status": wrong})


def test_names_lose_the_blanks_around_them() -> None:
    assert NewBatch.model_validate({"name": " Ginger ", "fruits": [" fig"]}).model_dump(include={"name", "fruits"}) == {
        "name": "Ginger",
        "fruits": ["fig"],
    }


@pytest.mark.parametrize(
    "wrong",
    [{"stage": 1}, {"stage": 3}, {}, {"stage": "2"}, {"stage": 2, "status": "done"}, {"stage": 2, "bottle_count": -1}],
)
def test_bottling_is_to_the_second_stage(wrong: dict[str, Any]) -> None:
    assert refuses(Bottling, wrong)


@pytest.mark.parametrize(
    "right",
    [
        {"kind": "note", "text": "Sour."},
        {"kind": "note", "text": "Sour.", "at": "2026-01-01T08:00:00Z"},
        {"kind": "photo", "photo": ULID},
        {"kind": "taste", "rating": 5, "text": "Sour."},
        {"kind": "measurement", "ph": 3.4},
        {"kind": "measurement", "temperature_c": 22, "gravity": 1.02},
        {"kind": "feed", "sugar_g": 30},
    ],
    ids=str,
)
def test_each_kind_of_event_has_its_members(right: dict[str, Any]) -> None:
    assert not refuses(NewEvent, right)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"text": "Sour."},
        {"kind": "stage_change", "before": "1", "after": "2"},
        {"kind": "status_change", "before": "active", "after": "done"},
        {"kind": "note"},
        {"kind": "note", "text": ""},
        {"kind": "note", "text": "x" * 5001},
        {"kind": "note", "text": "Sour.", "rating": 5},
        {"kind": "note", "text": "Sour.", "id": ULID},
        {"kind": "photo"},
        {"kind": "photo", "photo": "../x"},
        {"kind": "taste"},
        {"kind": "taste", "rating": 0},
        {"kind": "taste", "rating": 6},
        {"kind": "taste", "rating": 2.5},
        {"kind": "measurement"},
        {"kind": "measurement", "ph": None},
        {"kind": "measurement", "ph": 15},
        {"kind": "measurement", "gravity": 2},
        {"kind": "feed"},
        {"kind": "feed", "sugar_g": -1},
        {"kind": "feed", "sugar_g": 5, "at": "1999-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_events_of_another_form_are_refused(wrong: dict[str, Any]) -> None:
    assert refuses(NewEvent, wrong)


@pytest.mark.parametrize("content_type", ["image/svg+xml", "text/html", "image/jpeg; x=y", "IMAGE/JPEG", "", None])
def test_a_photo_is_of_a_type_that_shows_and_does_no_harm(content_type: Any) -> None:
    assert refuses(NewPhoto, {"content_type": content_type})


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [{}],
        [{"key": ""}],
        [{"key": "taste"}] * 21,
        [{"key": "taste", "title": "x" * 179}],
        [{"key": "taste", "title": ""}],
        [{"key": "taste", "title": "two\nlines"}],
        [{"key": "taste", "body": "x" * 501}],
        [{"key": "taste", "kind": "bottle"}],
    ],
    ids=lambda wrong: str(wrong)[:60],
)
def test_confirmations_of_another_form_are_refused(wrong: list[Any]) -> None:
    assert refuses(Confirmation, {"reminders": wrong})
