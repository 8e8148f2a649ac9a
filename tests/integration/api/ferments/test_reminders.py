"""Reminders are suggested, confirmed, and cancelled when nobody needs them any more."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.asking import Asker
from tests.integration.api.events import USER
from tests.integration.api.ferments.conftest import begin
from watchkeeper.clock import from_iso, to_iso
from watchkeeper.dynamodb import Table
from watchkeeper.people.reminders import ReminderRepository, ReminderStatus, cancelled
from watchkeeper.people.table import KEYS


@pytest.fixture
def reminders(people: Table) -> ReminderRepository:
    return ReminderRepository(people)


def ahead(hours: float) -> str:
    return to_iso(datetime.now(UTC) + timedelta(hours=hours))


def confirm(ferments: Asker, batch: str, *wanted: dict[str, Any]) -> Any:
    return ferments.post(f"{batch}/reminders/confirm", {"reminders": list(wanted)})


class TestSuggestions:
    def test_they_follow_stage_temperature_and_target(self, ferments: Asker) -> None:
        began = to_iso(datetime.now(UTC) - timedelta(hours=16))
        stage = {"started_at": began, "target_hours": 40}
        batch = f"/batches/{begin(ferments, temperature_c=32, stage1=stage)['id']}"

        taste, bottle = ferments.get(f"{batch}/reminders/suggestions").json["items"]

        assert (taste["key"], taste["overdue"]) == ("taste", True)
        assert (bottle["key"], bottle["kind"], bottle["overdue"]) == ("bottle", "bottle", False)
        assert from_iso(bottle["due_at"]) - from_iso(began) == timedelta(hours=20)
        assert bottle["title"] == "Bottle Ginger"

    def test_they_are_others_in_every_state(self, ferments: Asker, batch: str) -> None:
        def keys() -> list[str]:
            return [one["key"] for one in ferments.get(f"{batch}/reminders/suggestions").json["items"]]

        seen = [keys()]
        ferments.post(f"{batch}/stage", {"stage": 2})
        seen.append(keys())
        for status in ("in_fridge", "done", "archived"):
            ferments.patch(batch, {"status": status})
            seen.append(keys())

        assert seen == [["taste", "bottle"], ["burp-1", "fridge"], ["drink"], [], []]


class TestConfirming:
    def test_what_is_suggested_is_scheduled(self, ferments: Asker, batch: str, reminders: ReminderRepository) -> None:
        suggested = ferments.get(f"{batch}/reminders/suggestions").json["items"]

        reply = confirm(ferments, batch, {"key": "taste"}, {"key": "bottle"})

        assert reply.status == 201
        told = ("key", "kind", "title", "body", "due_at")
        assert [{name: one[name] for name in told} for one in reply.json["items"]] == [
            {name: one[name] for name in told} for one in suggested
        ]
        kept = {one.id: one for one in reminders.of_user(USER)}
        assert {one["id"]: one["due_at"] for one in reply.json["items"]} == {
            name: to_iso(one.due_at) for name, one in kept.items()
        }
        assert {one.batch for one in kept.values()} == {batch.removeprefix("/batches/")}
        assert {one.status for one in kept.values()} == {ReminderStatus.SCHEDULED}

    def test_time_and_texts_can_be_others(self, ferments: Asker, batch: str) -> None:
        said = {"key": "taste", "due_at": ahead(5), "title": "Now!", "body": "Or never."}

        (kept,) = confirm(ferments, batch, said).json["items"]

        assert kept | said == kept

    def test_there_is_one_for_each_key(self, ferments: Asker, batch: str, reminders: ReminderRepository) -> None:
        first = confirm(ferments, batch, {"key": "taste", "due_at": ahead(5)}).json["items"]
        second = confirm(ferments, batch, {"key": "taste", "due_at": ahead(9)}).json["items"]

        (kept,) = reminders.of_user(USER)

        assert (kept.id, to_iso(kept.due_at)) == (second[0]["id"], second[0]["due_at"])
        assert first[0]["id"] == second[0]["id"]

    def test_one_that_is_over_is_scheduled_anew(
        self, ferments: Asker, batch: str, reminders: ReminderRepository, people: Table
    ) -> None:
        confirm(ferments, batch, {"key": "taste"})
        (before,) = reminders.of_user(USER)
        people.write([cancelled(before, "no need", datetime.now(UTC))], keys=KEYS)

        confirm(ferments, batch, {"key": "taste", "due_at": ahead(3)})

        (after,) = reminders.of_user(USER)
        assert (after.status, after.reason) == (ReminderStatus.SCHEDULED, None)

    def test_one_that_is_being_sent_is_not_touched(
        self, ferments: Asker, batch: str, reminders: ReminderRepository
    ) -> None:
        confirm(ferments, batch, {"key": "taste", "due_at": ahead(1)})
        due = datetime.now(UTC) + timedelta(hours=2)
        (key,) = [key for shard in range(8) for key in reminders.due(shard, due)]
        reminders.claim(key, "a run", now=due, lease=timedelta(minutes=10))

        reply = confirm(ferments, batch, {"key": "taste", "due_at": ahead(9)}, {"key": "bottle"})

        assert reply.status == 409
        assert [one.status for one in reminders.of_user(USER)] == [ReminderStatus.SENDING]

    @pytest.mark.parametrize(
        ("wanted", "member"),
        [
            ([{"key": "burp-1"}], "reminders.0.key"),
            ([{"key": "taste"}, {"key": "x"}], "reminders.1.key"),
            ([{"key": "taste"}, {"key": "taste"}], "reminders"),
            ([{"key": "taste", "due_at": "2026-01-01T00:00:00Z"}], "reminders.0.due_at"),
            ([{"key": "taste", "due_at": "2999-01-01T00:00:00Z"}], "reminders.0.due_at"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, ferments: Asker, batch: str, reminders: ReminderRepository, wanted: list[Any], member: str
    ) -> None:
        reply = confirm(ferments, batch, *wanted)

        assert (reply.status, reply.json["errors"][0]["parameter"]) == (422, member)
        assert list(reminders.of_user(USER)) == []

    def test_a_year_ahead_is_near_enough(self, ferments: Asker, batch: str) -> None:
        assert confirm(ferments, batch, {"key": "taste", "due_at": ahead(366 * 24 - 1)}).status == 201
        assert confirm(ferments, batch, {"key": "taste", "due_at": ahead(366 * 24 + 1)}).status == 422

    def test_what_is_overdue_needs_another_time(self, ferments: Asker) -> None:
        batch = f"/batches/{begin(ferments, stage1={'started_at': '2026-01-01T00:00:00Z'})['id']}"

        assert confirm(ferments, batch, {"key": "taste"}).status == 422
        assert confirm(ferments, batch, {"key": "taste", "due_at": ahead(1)}).status == 201

    @pytest.mark.parametrize("status", ["done", "archived"])
    def test_what_is_over_needs_none(self, ferments: Asker, batch: str, status: str) -> None:
        ferments.patch(batch, {"status": status})

        assert confirm(ferments, batch, {"key": "taste"}).status == 409


class TestCancelling:
    @pytest.mark.parametrize(
        ("end", "reason"),
        [("done", "the batch is done"), ("archived", "the batch is archived"), ("deleted", "the batch was deleted")],
    )
    def test_what_is_over_reminds_of_nothing(
        self, ferments: Asker, batch: str, reminders: ReminderRepository, end: str, reason: str
    ) -> None:
        other = f"/batches/{begin(ferments)['id']}"
        confirm(ferments, batch, {"key": "taste"}, {"key": "bottle"})
        confirm(ferments, other, {"key": "taste"})

        ended = ferments.delete(batch) if end == "deleted" else ferments.patch(batch, {"status": end})

        assert ended.status < 300
        found = {
            (one.batch == batch.removeprefix("/batches/"), one.status, one.reason) for one in reminders.of_user(USER)
        }
        assert found == {
            (True, ReminderStatus.CANCELLED, reason),
            (False, ReminderStatus.SCHEDULED, None),
        }
        assert len([key for shard in range(8) for key in reminders.due(shard, datetime.max.replace(tzinfo=UTC))]) == 1

    def test_a_batch_that_moves_on_reminds_of_nothing_it_left_behind(
        self, ferments: Asker, batch: str, reminders: ReminderRepository
    ) -> None:
        confirm(ferments, batch, {"key": "taste"}, {"key": "bottle"})
        ferments.post(f"{batch}/stage", {"stage": 2})
        confirm(ferments, batch, {"key": "fridge"})
        ferments.patch(batch, {"status": "in_fridge"})
        confirm(ferments, batch, {"key": "drink"})
        ferments.patch(batch, {"name": "Blue kefir"})

        assert {(one.kind, one.status, one.reason) for one in reminders.of_user(USER)} == {
            ("taste", ReminderStatus.CANCELLED, "the batch was bottled"),
            ("bottle", ReminderStatus.CANCELLED, "the batch was bottled"),
            ("fridge", ReminderStatus.CANCELLED, "the batch is in the fridge"),
            ("drink", ReminderStatus.SCHEDULED, None),
        }

    def test_one_that_is_being_sent_goes_on(self, ferments: Asker, batch: str, reminders: ReminderRepository) -> None:
        confirm(ferments, batch, {"key": "taste", "due_at": ahead(1)}, {"key": "bottle"})
        due = datetime.now(UTC) + timedelta(hours=2)
        (key,) = [key for shard in range(8) for key in reminders.due(shard, due)]
        reminders.claim(key, "a run", now=due, lease=timedelta(minutes=10))

        assert ferments.post(f"{batch}/archive").status == 200

        assert sorted(one.status for one in reminders.of_user(USER)) == ["cancelled", "sending"]
