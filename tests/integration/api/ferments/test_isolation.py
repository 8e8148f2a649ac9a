"""What is somebody's own is there for nobody else; and who leaves is served no more."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from tests.integration.api.asking import OTHER, Asker
from tests.integration.api.conftest import Reply
from tests.integration.api.events import USER
from tests.integration.api.ferments.conftest import UNKNOWN, Stored
from watchkeeper.dynamodb import Table
from watchkeeper.people.accounts import AccountRepository

B, E, P = "<batch_id>", "<event_id>", "<photo_id>"
REQUESTS: dict[tuple[str, str], Any] = {
    ("GET", f"/batches/{B}"): None,
    ("PATCH", f"/batches/{B}"): {"notes": "mine now"},
    ("DELETE", f"/batches/{B}"): None,
    ("POST", f"/batches/{B}/stage"): {"stage": 2},
    ("POST", f"/batches/{B}/archive"): None,
    ("POST", f"/batches/{B}/events"): {"kind": "note", "text": "mine now"},
    ("GET", f"/batches/{B}/events"): None,
    ("GET", f"/batches/{B}/events/{E}"): None,
    ("DELETE", f"/batches/{B}/events/{E}"): None,
    ("POST", f"/batches/{B}/photos"): {"content_type": "image/png"},
    ("GET", f"/batches/{B}/photos"): None,
    ("GET", f"/batches/{B}/photos/{P}"): None,
    ("DELETE", f"/batches/{B}/photos/{P}"): None,
    ("GET", f"/batches/{B}/reminders/suggestions"): None,
    ("POST", f"/batches/{B}/reminders/confirm"): {"reminders": [{"key": "taste"}]},
}
"""Every route that names a batch, with a body its owner could send."""
WITHOUT_A_NAME: dict[tuple[str, str], Any] = {("POST", "/batches"): {"name": "x"}, ("GET", "/batches"): None}
NO_IDS = ["x", "0", UNKNOWN.lower(), UNKNOWN + "0", "8" * 26, "%00", "%2e%2e", "a%20b", "%F0%9F%8D%8B", "x" * 5000]


@pytest.fixture
def names(ferments: Asker, batch: str) -> dict[str, str]:
    """Of a batch with an event and a photo."""
    event = ferments.post(f"{batch}/events", {"kind": "note", "text": "Sour."}).json["id"]
    photo = ferments.post(f"{batch}/photos", {"content_type": "image/png"}).json["id"]
    return {B: batch.removeprefix("/batches/"), E: event, P: photo}


def named(path: str, names: dict[str, str]) -> str:
    for placeholder, name in names.items():
        path = path.replace(placeholder, name)
    return path


def body_of(reply: Reply) -> bytes:
    """Without what differs for each request."""
    return orjson.dumps({name: value for name, value in reply.json.items() if name != "correlation_id"})


def test_every_route_is_tried(ferments: Asker) -> None:
    from api.ferments.routes import PREFIX, routes

    known = {(one.method, one.path.removeprefix(PREFIX)) for one in routes.operations.values()}

    assert REQUESTS.keys() | WITHOUT_A_NAME.keys() == known


def test_what_is_anothers_is_like_what_is_unknown(ferments: Asker, names: dict[str, str], stored: Stored) -> None:
    before, unknown = stored(), dict.fromkeys(names, UNKNOWN)
    for (method, path), body in REQUESTS.items():
        theirs = ferments.as_(OTHER)(method, named(path, names), body)
        nobodys = ferments.as_(OTHER)(method, named(path, unknown), body)

        assert theirs.status == nobodys.status == 404, (method, path)
        assert body_of(theirs) == body_of(nobodys), (method, path)
        assert theirs.headers.keys() == nobodys.headers.keys()
    assert stored() == before


def test_nobody_sees_anothers_in_a_list(ferments: Asker, names: dict[str, str]) -> None:
    assert ferments.as_(OTHER).get("/batches").json["items"] == []


def test_who_has_not_signed_in_gets_nothing(ferments: Asker, names: dict[str, str], stored: Stored) -> None:
    before = stored()
    for (method, path), body in (REQUESTS | WITHOUT_A_NAME).items():
        assert ferments.as_("")(method, named(path, names), body).status == 401, (method, path)
    assert stored() == before


def test_who_leaves_is_served_no_more(ferments: Asker, names: dict[str, str], people: Table, stored: Stored) -> None:
    AccountRepository(people).request_deletion(USER, datetime.now(UTC))
    before = stored()
    for (method, path), body in (REQUESTS | WITHOUT_A_NAME).items():
        reply = ferments(method, named(path, names), body)
        assert (reply.status, reply.json["type"]) == (410, "urn:watchkeeper:problem:gone"), (method, path)
    assert stored() == before


def test_what_can_be_no_id_is_not_there(ferments: Asker, names: dict[str, str]) -> None:
    for path in (f"/batches/{B}", f"/batches/{B}/events/{E}", f"/batches/{B}/photos/{P}"):
        last = path.rpartition("/")[2]
        for wrong in NO_IDS:
            for method in ("GET", "DELETE"):
                assert ferments(method, named(path, names | {last: wrong})).status == 404, (method, path, wrong)


def test_names_of_one_batch_lead_to_nothing_of_another(ferments: Asker, names: dict[str, str]) -> None:
    other = ferments.post("/batches", {"name": "Fig"}).json["id"]
    for (method, path), body in REQUESTS.items():
        if E in path or P in path:
            assert ferments(method, named(path, names | {B: other}), body).status == 404, (method, path)
