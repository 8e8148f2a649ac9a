"""What happened to a batch is noted, listed and deleted."""

from typing import Any

import pytest

from tests.integration.api.asking import Asker
from tests.integration.api.ferments.conftest import UNKNOWN, Stored, begin

NOTHING = dict.fromkeys(("rating", "ph", "temperature_c", "gravity", "sugar_g", "photo", "before", "after"), None) | {
    "text": ""
}


def note(ferments: Asker, batch: str, text: str, at: str | None = None) -> Any:
    reply = ferments.post(f"{batch}/events", {"kind": "note", "text": text, "at": at})
    assert reply.status == 201, reply.text
    return reply.json


def texts(ferments: Asker, batch: str, query: str = "") -> list[str]:
    return [event["text"] for event in ferments.get(f"{batch}/events{query}").json["items"]]


KINDS: list[dict[str, Any]] = [
    {"kind": "note", "text": "Bubbles!"},
    {"kind": "taste", "rating": 4, "text": "Sour."},
    {"kind": "measurement", "ph": 3.4, "temperature_c": 22.5, "gravity": 1.02},
    {"kind": "feed", "sugar_g": 30.0},
]


def test_an_event_of_any_kind_is_read_as_it_was_noted(ferments: Asker, batch: str) -> None:
    noted = []
    for said in KINDS:
        reply = ferments.post(f"{batch}/events", {**said, "at": "2026-01-01T09:00:00+01:00"})

        assert reply.status == 201
        assert reply.json == NOTHING | said | {"id": reply.json["id"], "at": "2026-01-01T08:00:00Z"}
        assert reply.headers["Location"] == f"events/{reply.json['id']}"
        assert ferments.get(f"{batch}/events/{reply.json['id']}").json == reply.json
        noted.append(reply.json)
    assert ferments.get(f"{batch}/events").json["items"] == noted


def test_a_photo_of_the_batch_can_be_told_of(ferments: Asker, batch: str) -> None:
    photo = ferments.post(f"{batch}/photos", {"content_type": "image/png"}).json["id"]

    reply = ferments.post(f"{batch}/events", {"kind": "photo", "photo": photo})

    assert (reply.status, reply.json["photo"]) == (201, photo)


def test_a_photo_of_another_batch_cannot(ferments: Asker, batch: str) -> None:
    other = f"/batches/{begin(ferments)['id']}"
    photo = ferments.post(f"{other}/photos", {"content_type": "image/png"}).json["id"]

    reply = ferments.post(f"{batch}/events", {"kind": "photo", "photo": photo})

    assert (reply.status, reply.json["errors"][0]["parameter"]) == (422, "photo")


def test_events_are_in_the_order_they_happened_in(ferments: Asker, batch: str) -> None:
    note(ferments, batch, "third")
    note(ferments, batch, "first", "2001-01-01T00:00:00Z")
    note(ferments, batch, "second", "2026-01-01T00:00:00Z")
    note(ferments, batch, "fourth")

    assert texts(ferments, batch) == ["first", "second", "third", "fourth"]
    assert texts(ferments, batch, "?order=desc") == ["fourth", "third", "second", "first"]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_follow_each_other(ferments: Asker, batch: str, order: str) -> None:
    made = [note(ferments, batch, str(number))["text"] for number in range(5)]
    note(ferments, f"/batches/{begin(ferments)['id']}", "of another batch")
    seen: list[str] = []
    query = f"?limit=2&order={order}"
    while query:
        page = ferments.get(f"{batch}/events{query}").json
        seen += [event["text"] for event in page["items"]]
        query = f"?limit=2&order={order}&cursor={page['cursor']}" if page["cursor"] else ""

    assert seen == (made if order == "asc" else made[::-1])


def test_a_cursor_is_of_one_batch_and_one_order(ferments: Asker, batch: str) -> None:
    other = f"/batches/{begin(ferments)['id']}"
    for number in range(2):
        note(ferments, batch, str(number))
    cursor = ferments.get(f"{batch}/events?limit=1").json["cursor"]

    assert ferments.get(f"{batch}/events?limit=1&cursor={cursor}").status == 200
    assert ferments.get(f"{batch}/events?limit=1&order=desc&cursor={cursor}").status == 400
    assert ferments.get(f"{other}/events?limit=1&cursor={cursor}").status == 400


def test_what_is_far_ahead_is_refused(ferments: Asker, batch: str) -> None:
    reply = ferments.post(f"{batch}/events", {"kind": "note", "text": "x", "at": "2999-01-01T00:00:00Z"})

    assert (reply.status, reply.json["errors"][0]["parameter"]) == (422, "at")


def test_changes_are_noted_by_the_system_alone(ferments: Asker, batch: str, stored: Stored) -> None:
    for kind in ("stage_change", "status_change"):
        assert ferments.post(f"{batch}/events", {"kind": kind, "before": "1", "after": "2"}).status == 422
    assert stored("EVENT#") == []


def test_an_event_is_deleted_once(ferments: Asker, batch: str) -> None:
    event = note(ferments, batch, "Sour.")["id"]

    assert ferments.delete(f"{batch}/events/{event}").status == 204
    assert ferments.delete(f"{batch}/events/{event}").status == 404
    assert texts(ferments, batch) == []


def test_an_unknown_event_is_not_there(ferments: Asker, batch: str) -> None:
    assert ferments.get(f"{batch}/events/{UNKNOWN}").status == 404
    assert ferments.delete(f"{batch}/events/{UNKNOWN}").status == 404


def test_changes_of_stage_and_status_stay(ferments: Asker, batch: str) -> None:
    ferments.post(f"{batch}/stage", {"stage": 2})
    ferments.patch(batch, {"status": "in_fridge"})
    events = ferments.get(f"{batch}/events").json["items"]

    assert [event["kind"] for event in events] == ["stage_change", "status_change"]
    assert [ferments.delete(f"{batch}/events/{event['id']}").status for event in events] == [409, 409]
