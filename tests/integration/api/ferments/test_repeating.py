"""What is asked again, at once, or in vain: each request is done wholly, once, or not at all."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError

from api.ferments.bodies import BatchChanges, Bottling, ConfirmedSuggestion, NewPhoto
from api.web.identity import Caller
from api.web.work import Work
from tests.integration.api.asking import OTHER, Asker
from tests.integration.api.conftest import Reply
from tests.integration.api.events import USER, http_request
from tests.integration.api.ferments.conftest import Queue, Stored, begin, event_kinds
from tests.integration.faults import Faults, Send, timed_out
from watchkeeper import aws
from watchkeeper.budgets import PEOPLE
from watchkeeper.dynamodb import Table
from watchkeeper.people.reminders import ReminderRepository

KEY = {"Idempotency-Key": "0b2f"}
POSTS: dict[str, Any] = {
    "": {"name": "Fig"},
    "/stage": {"stage": 2},
    "/archive": None,
    "/events": {"kind": "note", "text": "Sour."},
    "/photos": {"content_type": "image/png"},
    "/reminders/confirm": {"reminders": [{"key": "bottle"}]},
}
"""Every POST below a batch; of the first, the batch itself."""


@contextmanager
def before_write(act: Callable[[], None], operation: str, *, always: bool = False) -> Iterator[list[str]]:
    """Act before the first write of that kind is sent, or before each; those that are sent, with those of the act."""
    sent: list[str] = []
    acting: list[bool] = []

    def meanwhile(**_: Any) -> None:
        sent.append(operation)
        if not acting and (always or len(sent) == 1):
            acting.append(True)
            act()
            acting.clear()

    events, name = aws.dynamodb_client(PEOPLE).meta.events, f"before-call.dynamodb.{operation}"
    events.register(name, meanwhile)
    try:
        yield sent
    finally:
        events.unregister(name, meanwhile)


def doing(use: Callable[[Any, Work], object]) -> Callable[[], None]:
    """Another request of the same person: one and the same function answers one at a time."""

    def done() -> None:
        from api.ferments.container import container

        work = Work(http_request("POST", "/"), Caller(USER), container().table)
        use(container(), work)
        work.commit(Response(200))

    return done


def changing(batch: str, **changes: Any) -> Callable[[], None]:
    """To other values each time, or nothing would be written."""
    count = itertools.count(1)

    def change(built: Any, work: Work) -> None:
        wanted = BatchChanges.model_validate({"sugar_g": next(count), **changes})
        built.brewing.change(work, named(batch), wanted)

    return doing(change)


def named(batch: str) -> str:
    return batch.removeprefix("/batches/")


def told(post: str, reply: Reply) -> Any:
    """What is the same in an answer that is repeated: a form is signed anew."""
    return reply.json["id"] if post == "/photos" else reply.text


def path_of(batch: str, post: str) -> str:
    return batch + post if post else "/batches"


class TestIdempotencyKeys:
    def test_the_same_request_is_done_once_and_answered_alike(self, ferments: Asker, stored: Stored) -> None:
        for number, (post, body) in enumerate(POSTS.items()):
            batch, key = f"/batches/{begin(ferments)['id']}", {"Idempotency-Key": str(number)}
            first = ferments.post(path_of(batch, post), body, key)
            once = stored()

            again = ferments.post(path_of(batch, post), body, key)

            assert first.status in (200, 201), post
            assert again.status == first.status
            assert told(post, again) == told(post, first)
            assert again.headers.get("ETag") == first.headers.get("ETag")
            assert again.headers.get("Location") == first.headers.get("Location")
            assert stored() == once

    def test_every_post_is_tried(self, ferments: Asker) -> None:
        from api.ferments.routes import PREFIX, routes

        posts = {one.path for one in routes.operations.values() if one.method == "POST"}

        assert posts == {PREFIX + path_of("/batches/<batch_id>", post) for post in POSTS}

    def test_another_request_with_the_same_key_is_refused(self, ferments: Asker, batch: str, stored: Stored) -> None:
        ferments.post(f"{batch}/events", {"kind": "note", "text": "Sour."}, KEY)
        before = stored()

        others = [
            ferments.post(f"{batch}/events", {"kind": "note", "text": "Sweet."}, KEY),
            ferments.post(f"{batch}/archive", None, KEY),
        ]

        assert [reply.status for reply in others] == [422, 422]
        assert others[0].json["type"] == "urn:watchkeeper:problem:idempotency-key-reused"
        assert stored() == before

    def test_a_key_is_of_one_person(self, ferments: Asker) -> None:
        mine = ferments.post("/batches", {"name": "Fig"}, KEY)
        theirs = ferments.as_(OTHER).post("/batches", {"name": "Fig"}, KEY)

        assert mine.status == theirs.status == 201
        assert mine.json["id"] != theirs.json["id"]

    def test_what_was_refused_may_be_asked_again(self, ferments: Asker, batch: str) -> None:
        early = ferments.post(f"{batch}/stage", {"stage": 2}, {**KEY, "If-Match": '"2"'})
        ferments.patch(batch, {"notes": "x"})

        late = ferments.post(f"{batch}/stage", {"stage": 2}, {**KEY, "If-Match": '"2"'})

        assert (early.status, late.status) == (412, 200)

    def test_twins_that_come_at_once_are_done_once(self, ferments: Asker, stored: Stored) -> None:
        twins: list[Any] = []

        with before_write(lambda: twins.append(ferments.post("/batches", {"name": "Fig"}, KEY)), "TransactWriteItems"):
            twins.append(ferments.post("/batches", {"name": "Fig"}, KEY))

        assert [twin.status for twin in twins] == [201, 201]
        assert twins[0].text == twins[1].text
        assert len(stored("BATCH#")) == 1

    def test_twins_that_add_a_photo_at_once_add_one(self, ferments: Asker, batch: str, stored: Stored) -> None:
        def add() -> Reply:
            return ferments.post(f"{batch}/photos", {"content_type": "image/png"}, KEY)

        twins: list[Reply] = []

        with before_write(lambda: twins.append(add()), "TransactWriteItems"):
            twins.append(add())

        assert [twin.status for twin in twins] == [201, 201]
        assert twins[0].json["id"] == twins[1].json["id"]
        assert len(stored("PHOTO#")) == len(ferments.get(batch).json["photos"]) == 1


class TestConcurrency:
    def test_a_change_without_a_condition_is_done_on_what_another_has_left(self, ferments: Asker, batch: str) -> None:
        with before_write(changing(batch, water_ml=1500), "PutItem") as sent:
            late = ferments.patch(batch, {"notes": "Sour."})

        assert (late.status, late.json["version"]) == (200, 3)
        assert (late.json["water_ml"], late.json["notes"]) == (1500, "Sour.")
        assert len(sent) == 3

    def test_a_change_of_a_version_is_refused_when_another_was_faster(self, ferments: Asker, batch: str) -> None:
        with before_write(changing(batch, notes="first"), "PutItem"):
            late = ferments.patch(batch, {"notes": "second"}, {"If-Match": '"1"'})

        assert late.status == 412
        assert ferments.get(batch).json["notes"] == "first"

    def test_a_batch_that_is_changed_all_the_time_is_a_conflict(self, ferments: Asker, batch: str) -> None:
        with before_write(changing(batch, notes="first"), "PutItem", always=True) as sent:
            reply = ferments.patch(batch, {"name": "Late"})

        assert (reply.status, reply.headers["Retry-After"]) == (409, "2")
        assert reply.json["type"] == "urn:watchkeeper:problem:changed-meanwhile"
        assert len(sent) > 3 * 2
        assert ferments.get(batch).json["name"] == "Ginger"

    @pytest.mark.parametrize("path", ["stage", "archive"])
    def test_one_that_was_outrun_by_its_twin_is_answered_as_that_was(
        self, ferments: Asker, batch: str, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        """It looks for the answer before its twin has stored it, and for the batch afterwards."""
        key, body = {"Idempotency-Key": "one"}, {"stage": 2} if path == "stage" else None
        twin = ferments.post(f"{batch}/{path}", body, key)
        known, asked = Work.known_answer, iter([True])

        monkeypatch.setattr(Work, "known_answer", lambda work: None if next(asked, False) else known(work))
        late = ferments.post(f"{batch}/{path}", body, key)

        assert (late.status, late.json) == (twin.status, twin.json) == (200, twin.json)

    def test_a_note_for_a_batch_that_is_archived_meanwhile_is_refused(self, ferments: Asker, batch: str) -> None:
        with before_write(doing(lambda built, work: built.brewing.archive(work, named(batch))), "TransactWriteItems"):
            late = ferments.post(f"{batch}/events", {"kind": "note", "text": "Sour."})

        assert late.status == 409
        assert event_kinds(ferments, batch) == ["status_change"]

    def test_a_batch_is_bottled_by_one_of_two(self, ferments: Asker, batch: str) -> None:
        bottling = Bottling(stage=2)

        with before_write(
            doing(lambda built, work: built.brewing.bottle(work, named(batch), bottling)), "TransactWriteItems"
        ):
            late = ferments.post(f"{batch}/stage", {"stage": 2})

        assert (late.status, late.json["detail"]) == (409, "The batch is bottled already.")
        assert event_kinds(ferments, batch) == ["stage_change"]

    @pytest.mark.parametrize("end", ["archived", "bottled", "done", "deleted"])
    def test_a_reminder_that_is_confirmed_meanwhile_is_cancelled_too(
        self, ferments: Asker, batch: str, people: Table, end: str
    ) -> None:
        """Confirming writes nothing into the batch itself."""
        ends: dict[str, Callable[[], Reply]] = {
            "archived": lambda: ferments.post(f"{batch}/archive"),
            "bottled": lambda: ferments.post(f"{batch}/stage", {"stage": 2}),
            "done": lambda: ferments.patch(batch, {"status": "done"}),
            "deleted": lambda: ferments.delete(batch),
        }
        wanted = [ConfirmedSuggestion(key="taste"), ConfirmedSuggestion(key="bottle")]
        confirming = doing(lambda built, work: built.reminding.confirm(work, named(batch), wanted))

        with before_write(confirming, "TransactWriteItems"):
            ended = ends[end]()

        assert ended.status < 300
        assert [one.status for one in ReminderRepository(people).of_user(USER)] == ["cancelled", "cancelled"]

    def test_a_change_of_a_batch_that_is_deleted_meanwhile_does_not_bring_it_back(
        self, ferments: Asker, batch: str, erasures: Queue
    ) -> None:
        with before_write(doing(lambda built, work: built.brewing.delete(work, named(batch))), "PutItem"):
            late = ferments.patch(batch, {"notes": "Sour."})

        assert late.status == 404
        assert ferments.get("/batches").json["items"] == []
        assert len(erasures()) == 1

    def test_a_photo_is_added_beside_another(self, ferments: Asker, batch: str, stored: Stored) -> None:
        wanted = NewPhoto(content_type="image/png")

        with before_write(
            doing(lambda built, work: built.photos.add(work, named(batch), wanted)), "TransactWriteItems"
        ):
            late = ferments.post(f"{batch}/photos", {"content_type": "image/png"})

        photos = ferments.get(batch).json["photos"]
        assert (late.status, len(photos), photos[1]) == (201, 2, late.json["id"])
        assert len(stored("PHOTO#")) == 2


def break_(client: Any, operation: str, times: int = 1000) -> None:
    """Has an operation get no answer, so many times."""
    left = itertools.count(times - 1, -1)

    def fail(**_: Any) -> None:
        if next(left) >= 0:
            raise EndpointConnectionError(endpoint_url="https://away")

    client.meta.events.register_first(f"before-call.{operation}", fail)


class TestFailures:
    def test_a_transaction_that_fails_leaves_nothing(self, ferments: Asker, batch: str, stored: Stored) -> None:
        ferments.post(f"{batch}/reminders/confirm", {"reminders": [{"key": "bottle"}]})
        before = stored()
        break_(aws.dynamodb_client(PEOPLE), "dynamodb.TransactWriteItems")

        replies = [
            ferments.post(f"{batch}/stage", {"stage": 2}),
            ferments.post(f"{batch}/events", {"kind": "note", "text": "Sour."}, KEY),
            ferments.post(f"{batch}/photos", {"content_type": "image/png"}),
            ferments.delete(batch),
        ]

        assert {reply.status for reply in replies} == {503}
        assert stored() == before

    def test_a_batch_whose_writing_was_not_answered_is_made_once(
        self, ferments: Asker, stored: Stored, faults: Faults
    ) -> None:
        def lost(send: Send) -> AWSResponse | None:
            if send.number:
                return None
            send.pass_on()
            return timed_out(send)

        with faults.injected(lost, operation="PutItem"):
            made = begin(ferments)

        assert [item["SK"] for item in stored("BATCH#")] == [f"BATCH#{made['id']}"]

    def test_what_could_not_be_handed_on_is_not_deleted(self, ferments: Asker, batch: str, erasures: Queue) -> None:
        break_(aws.sqs_client(PEOPLE), "sqs.SendMessage", times=1)

        refused, kept = ferments.delete(batch), ferments.get(batch)
        again = ferments.delete(batch)

        assert (refused.status, kept.status, again.status) == (503, 200, 204)
        assert len(erasures()) == 1

    def test_a_photo_whose_object_cannot_be_removed_stays_known(self, ferments: Asker, batch: str) -> None:
        photo = ferments.post(f"{batch}/photos", {"content_type": "image/png"}).json["id"]
        break_(aws.s3_client(PEOPLE), "s3.DeleteObject")

        assert ferments.delete(f"{batch}/photos/{photo}").status == 503

        assert ferments.get(batch).json["photos"] == [photo]


def test_a_batch_that_is_made_twice_without_a_key_is_two(ferments: Asker) -> None:
    assert begin(ferments)["id"] != begin(ferments)["id"]
