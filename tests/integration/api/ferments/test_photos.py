"""Photos are uploaded to the bucket by a form, and seen by a link."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tests.integration.api.asking import Asker
from tests.integration.api.conftest import PHOTOS, Reply
from tests.integration.api.events import USER
from tests.integration.api.ferments.conftest import UNKNOWN, Stored
from watchkeeper import aws
from watchkeeper.budgets import PEOPLE
from watchkeeper.clock import from_iso

NOT_THERE = "There is no such photo now: it has not been uploaded yet, or is gone, as photos are kept for a year."


def add(ferments: Asker, batch: str, content_type: str = "image/jpeg") -> Any:
    reply = ferments.post(f"{batch}/photos", {"content_type": content_type})
    assert reply.status == 201, reply.text
    return reply.json


def upload(form: Any, octets: bytes = b"\xff\xd8\xff") -> None:
    """As the bucket would take the form."""
    aws.s3_client().put_object(Bucket=PHOTOS, Key=form["fields"]["key"], Body=octets)


def policy(form: Any) -> Any:
    return orjson.loads(base64.b64decode(form["fields"]["policy"]))


def keys() -> list[str]:
    return [one["Key"] for one in aws.s3_client().list_objects_v2(Bucket=PHOTOS).get("Contents", [])]


def test_the_form_takes_one_photo_of_one_type_and_ten_megabytes(ferments: Asker, batch: str) -> None:
    content_type = "image/heic"
    photo = add(ferments, batch, content_type)
    key = f"users/{USER}{batch}/{photo['id']}"

    assert photo["max_bytes"] == 10 * 1024 * 1024
    assert photo["upload"]["fields"] | {"key": key, "Content-Type": content_type} == photo["upload"]["fields"]
    conditions = policy(photo["upload"])["conditions"]
    assert ["content-length-range", 1, 10 * 1024 * 1024] in conditions
    assert {"Content-Type": content_type} in conditions
    assert {"key": key} in conditions
    assert {"bucket": PHOTOS} in conditions
    assert not any(isinstance(one, list) and one[0] == "starts-with" for one in conditions)


def test_the_form_is_signed_for_five_minutes(ferments: Asker, batch: str) -> None:
    photo = add(ferments, batch)
    created = ferments.get(f"{batch}/photos").json["items"][0]["created_at"]

    assert (from_iso(photo["expires_at"]) - from_iso(created)).total_seconds() == 300
    ends = from_iso(policy(photo["upload"])["expiration"])
    assert abs((ends - from_iso(photo["expires_at"])).total_seconds()) <= 2
    assert photo["upload"]["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"


def test_a_photo_counts_as_soon_as_there_is_a_form(ferments: Asker, batch: str) -> None:
    first, second = add(ferments, batch), add(ferments, batch, "image/png")

    listed = ferments.get(f"{batch}/photos").json["items"]

    assert [(photo["id"], photo["content_type"]) for photo in listed] == [
        (first["id"], "image/jpeg"),
        (second["id"], "image/png"),
    ]
    assert ferments.get(batch).json["photos"] == [first["id"], second["id"]]


def test_there_is_no_link_until_it_was_uploaded(ferments: Asker, batch: str) -> None:
    photo = add(ferments, batch)

    early = ferments.get(f"{batch}/photos/{photo['id']}")
    upload(photo["upload"])
    late = ferments.get(f"{batch}/photos/{photo['id']}")

    assert (early.status, early.json["detail"]) == (404, NOT_THERE)
    assert late.status == 200


def test_the_link_shows_an_image_whatever_was_uploaded(ferments: Asker, batch: str) -> None:
    photo = add(ferments, batch, "image/webp")
    upload(photo["upload"], b"<script>")

    reply = ferments.get(f"{batch}/photos/{photo['id']}")

    url = urlsplit(reply.json["url"])
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert url.path.endswith(f"/users/{USER}{batch}/{photo['id']}")
    assert asked["response-content-type"] == reply.json["content_type"] == "image/webp"
    assert asked["response-content-disposition"] == f'inline; filename="{photo["id"]}.webp"'
    assert (asked["X-Amz-Expires"], asked["X-Amz-Algorithm"]) == ("300", "AWS4-HMAC-SHA256")
    assert reply.headers["Cache-Control"] == "no-store"


def test_a_photo_that_was_kept_for_its_year_is_told_alike(ferments: Asker, batch: str) -> None:
    photo = add(ferments, batch)
    upload(photo["upload"])
    aws.s3_client().delete_object(Bucket=PHOTOS, Key=photo["upload"]["fields"]["key"])

    late = ferments.get(f"{batch}/photos/{photo['id']}")

    assert (late.status, late.json["detail"]) == (404, NOT_THERE)


class TestRepeating:
    """With an ``Idempotency-Key``."""

    def test_the_same_photo_gets_another_form(
        self, ferments: Asker, batch: str, stored: Stored, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = self.ask(ferments, batch)
        monkeypatch.setattr("api.web.work.utc_now", lambda: datetime.now(UTC) + timedelta(minutes=6))

        again = self.ask(ferments, batch)

        assert (first.status, again.status) == (201, 201)
        assert again.json["id"] == first.json["id"]
        assert again.headers["Location"] == first.headers["Location"]
        assert from_iso(again.json["expires_at"]) - from_iso(first.json["expires_at"]) >= timedelta(minutes=6)
        assert ferments.get(batch).json["photos"] == [first.json["id"]]
        assert len(stored("PHOTO#")) == 1

    def test_a_form_is_kept_nowhere(self, ferments: Asker, batch: str, stored: Stored) -> None:
        self.ask(ferments, batch)

        assert stored("ANSWER#") == []
        assert "x-amz-signature" not in str(stored())

    def test_another_type_is_another_request(self, ferments: Asker, batch: str) -> None:
        first = self.ask(ferments, batch)

        other = self.ask(ferments, batch, "image/png")

        assert (other.status, other.json["type"]) == (422, "urn:watchkeeper:problem:idempotency-key-reused")
        assert ferments.get(batch).json["photos"] == [first.json["id"]]

    def test_other_keys_are_other_photos_in_the_order_they_were_added(self, ferments: Asker, batch: str) -> None:
        made = [self.ask(ferments, batch, key=str(number)).json["id"] for number in range(5)]

        assert [photo["id"] for photo in ferments.get(f"{batch}/photos").json["items"]] == made

    def test_a_key_of_no_characters_that_can_be_written_is_one(self, ferments: Asker, batch: str) -> None:
        assert self.ask(ferments, batch, key="\ud800").status == 201

    def ask(self, ferments: Asker, batch: str, content_type: str = "image/jpeg", key: str = "k") -> Reply:
        return ferments.post(f"{batch}/photos", {"content_type": content_type}, {"Idempotency-Key": key})


def test_thirty_are_enough(ferments: Asker, batch: str, stored: Stored) -> None:
    for _ in range(30):
        add(ferments, batch)

    reply = ferments.post(f"{batch}/photos", {"content_type": "image/png"})

    assert reply.status == 409
    assert len(stored("PHOTO#")) == len(ferments.get(batch).json["photos"]) == 30


def test_a_photo_is_deleted_with_its_object(ferments: Asker, batch: str, stored: Stored) -> None:
    kept, gone = add(ferments, batch), add(ferments, batch)
    for photo in (kept, gone):
        upload(photo["upload"])

    assert ferments.delete(f"{batch}/photos/{gone['id']}").status == 204

    assert keys() == [kept["upload"]["fields"]["key"]]
    assert ferments.get(batch).json["photos"] == [kept["id"]]
    assert len(stored("PHOTO#")) == 1
    assert ferments.get(f"{batch}/photos/{gone['id']}").status == 404
    assert ferments.delete(f"{batch}/photos/{gone['id']}").status == 404


def test_a_photo_that_was_never_uploaded_is_deleted_too(ferments: Asker, batch: str) -> None:
    photo = add(ferments, batch)

    assert ferments.delete(f"{batch}/photos/{photo['id']}").status == 204
    assert ferments.get(f"{batch}/photos").json["items"] == []


def test_an_archived_batch_still_shows_its_photos(ferments: Asker, batch: str) -> None:
    photo = add(ferments, batch)
    upload(photo["upload"])
    ferments.post(f"{batch}/archive")

    assert ferments.get(f"{batch}/photos/{photo['id']}").status == 200
    assert ferments.delete(f"{batch}/photos/{photo['id']}").status == 409
    assert keys() == [photo["upload"]["fields"]["key"]]


def test_an_unknown_photo_is_not_there(ferments: Asker, batch: str) -> None:
    assert ferments.get(f"{batch}/photos/{UNKNOWN}").status == 404
    assert ferments.delete(f"{batch}/photos/{UNKNOWN}").status == 404


def test_a_bucket_that_does_not_say_what_is_not_there_is_understood(ferments: Asker, batch: str) -> None:
    photo = add(ferments, batch)

    def forbidden(**_: Any) -> Any:
        refusal = AWSResponse("https://s3", 403, HTTPHeaders(), None)
        refusal._content = b""  # type: ignore[attr-defined]
        return refusal

    aws.s3_client(PEOPLE).meta.events.register_first("before-send.s3.HeadObject", forbidden)

    assert ferments.get(f"{batch}/photos/{photo['id']}").json["detail"] == NOT_THERE
