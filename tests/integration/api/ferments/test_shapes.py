"""Every answer is of the shape the documents tell."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from tests.integration.api.asking import Asker
from tests.integration.api.conftest import PHOTOS
from tests.integration.api.ferments.test_batches import EVERYTHING
from watchkeeper import aws


@pytest.fixture
def filled(ferments: Asker) -> dict[str, str]:
    """The names in paths of a batch that has everything."""
    batch = ferments.post("/batches", EVERYTHING).json["id"]
    photo = ferments.post(f"/batches/{batch}/photos", {"content_type": "image/png"}).json
    aws.s3_client().put_object(Bucket=PHOTOS, Key=photo["upload"]["fields"]["key"], Body=b"x")
    measured = {"kind": "measurement", "ph": 3.5, "temperature_c": 20, "gravity": 1}
    event = ferments.post(f"/batches/{batch}/events", measured).json["id"]
    return {"<batch_id>": batch, "<photo_id>": photo["id"], "<event_id>": event}


REQUESTS: dict[str, Any] = {
    "begin_batch": EVERYTHING,
    "list_batches": None,
    "read_batch": None,
    "change_batch": {"stage1": {"started_at": None}},
    "add_event": {"kind": "taste", "rating": 3},
    "list_events": None,
    "read_event": None,
    "add_photo": {"content_type": "image/heic"},
    "list_photos": None,
    "read_photo": None,
    "suggest_reminders": None,
    "confirm_reminders": {"reminders": [{"key": "taste"}]},
    "bottle_batch": {"stage": 2},
    "archive_batch": None,
}
"""In an order in which all are possible."""


def test_every_answer_is_of_its_documented_shape(ferments: Asker, filled: dict[str, str]) -> None:
    from api.ferments.routes import PREFIX, routes

    assert REQUESTS.keys() == {one.name for one in routes.operations.values() if one.view is not None}
    for name, body in REQUESTS.items():
        operation = routes.operations[name]
        path = operation.path.removeprefix(PREFIX)
        for placeholder, identifier in filled.items():
            path = path.replace(placeholder, identifier)

        reply = ferments(operation.method, path, body)

        assert reply.status == operation.status, (name, reply.text)
        TypeAdapter(operation.view).validate_json(reply.text, strict=True)
