"""`/me/reminders`: found in the order they are due, cancelled, put off."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ulid import ULID

from tests.integration.api.asking import Asker
from tests.integration.faults import Faults, first, unmet
from watchkeeper.clock import from_iso, to_iso
from watchkeeper.dynamodb import Table
from watchkeeper.people.reminders import (
    Outcome,
    Reminder,
    ReminderKey,
    ReminderRepository,
    ReminderStatus,
    Ticket,
    cancelled,
    scheduled,
)
from watchkeeper.people.table import KEYS

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LEASE = timedelta(minutes=7)


@pytest.fixture
def remind(table: Table, user: str) -> Callable[..., Reminder]:
    """Stores a reminder, of which only what matters is given."""

    def make(due: datetime = NOW + HOUR, **given: Any) -> Reminder:
        made = Reminder(str(ULID()), user, "Taste it", "Batch 7 may be ready.", due, NOW, kind="taste")
        reminder = replace(made, **given)
        table.write([scheduled(reminder)], keys=KEYS)
        return reminder

    return make


Remind = Callable[..., Reminder]


@pytest.fixture
def brought(table: Table, reminders: ReminderRepository) -> Callable[[Reminder, str], None]:
    """Brings a reminder that is due into a state."""

    def bring(reminder: Reminder, status: str) -> None:
        key = ReminderKey(reminder.user, reminder.id)
        if status == "cancelled":
            table.write([cancelled(reminder, "why", NOW)], keys=KEYS)
        elif status != "scheduled":
            claimed = reminders.claim(key, "run", now=reminder.due_at, lease=LEASE)
            if status != "sending":
                ticket = Ticket("device", "ticket-1")
                look = NOW + HOUR if status == "sent" else None
                outcome = Outcome(ReminderStatus(status), look, "why", NOW, (ticket,))
                reminders.finish(claimed, "run", outcome, now=NOW)

    return bring


def ids(me: Asker, query: str = "") -> list[str]:
    return [item["id"] for item in me.get(f"/reminders{query}").json["items"]]


def test_a_reminder_says_what_became_of_it_and_nothing_of_the_machinery(
    me: Asker, remind: Remind, brought: Callable[[Reminder, str], None]
) -> None:
    reminder = remind(NOW - HOUR, batch="01B")
    brought(reminder, "sent")

    answer = me.get(f"/reminders/{reminder.id}")

    assert answer.status == 200
    assert answer.json == {
        "id": reminder.id,
        "status": "sent",
        "reason": "why",
        "kind": "taste",
        "batch": "01B",
        "title": "Taste it",
        "body": "Batch 7 may be ready.",
        "due_at": to_iso(NOW - HOUR),
        "sent_at": to_iso(NOW),
    }
    assert me.get("/reminders").json == {"items": [answer.json], "cursor": None}


def test_soonest_due_comes_first(me: Asker, remind: Remind) -> None:
    made = [remind(NOW + hours * HOUR) for hours in (5, 1, 3, 2, 4)]

    assert ids(me) == [one.id for one in sorted(made, key=lambda one: one.due_at)]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_hold_every_reminder_once_also_those_due_at_once(me: Asker, remind: Remind, limit: int) -> None:
    made = [remind(NOW + (number % 3) * HOUR) for number in range(7)]

    found, query = [], f"?limit={limit}"
    while query:
        page = me.get(f"/reminders{query}").json
        assert len(page["items"]) <= limit
        found += [item["id"] for item in page["items"]]
        query = f"?limit={limit}&cursor={page['cursor']}" if page["cursor"] else ""

    assert found == [one.id for one in sorted(made, key=lambda one: (one.due_at, one.id))]


def test_reminders_are_found_by_state_and_batch(
    me: Asker, remind: Remind, brought: Callable[[Reminder, str], None]
) -> None:
    one, two = remind(batch="01A"), remind(batch="01B")
    gone = remind(batch="01A")
    brought(gone, "cancelled")

    assert set(ids(me, "?batch=01A")) == {one.id, gone.id}
    assert ids(me, "?status=cancelled") == [gone.id]
    assert ids(me, "?status=scheduled&batch=01B") == [two.id]
    assert ids(me, "?batch=none") == []


@pytest.mark.parametrize("query", ["?status=lost", "?limit=0", "?limit=101", "?batch="])
def test_wrong_parameters_are_refused(me: Asker, query: str) -> None:
    assert me.get(f"/reminders{query}").status == 422


def test_a_cursor_is_good_for_its_own_list_alone(me: Asker, other: Asker, remind: Remind) -> None:
    remind(), remind()
    cursor = me.get("/reminders?limit=1").json["cursor"]

    assert me.get(f"/reminders?limit=1&cursor={cursor}").status == 200
    assert me.get(f"/reminders?status=scheduled&cursor={cursor}").status == 400
    assert other.get(f"/reminders?limit=1&cursor={cursor}").status == 400
    assert me.get("/reminders?cursor=x").status == 400


def test_another_persons_reminder_is_not_there(me: Asker, other: Asker, remind: Remind) -> None:
    path = f"/reminders/{remind().id}"

    assert other.get("/reminders").json["items"] == []
    assert other.get(path).status == 404
    assert other.post(f"{path}/cancel").status == 404
    assert other.post(f"{path}/snooze", {"minutes": 1}).status == 404
    assert me.get(path).json["status"] == "scheduled"


def test_a_cancelled_reminder_is_never_due(me: Asker, remind: Remind, reminders: ReminderRepository) -> None:
    reminder = remind(NOW - MINUTE)

    answer = me.post(f"/reminders/{reminder.id}/cancel")

    assert (answer.status, answer.json["status"]) == (200, "cancelled")
    assert answer.json == me.get(f"/reminders/{reminder.id}").json
    assert not [key for shard in range(8) for key in reminders.due(shard, NOW)]


@pytest.mark.parametrize("status", ["sending", "sent", "delivered", "failed", "cancelled"])
def test_only_what_is_scheduled_can_be_cancelled(
    me: Asker, remind: Remind, brought: Callable[[Reminder, str], None], status: str
) -> None:
    reminder = remind(NOW - HOUR)
    brought(reminder, status)

    answer = me.post(f"/reminders/{reminder.id}/cancel")

    assert answer.status == 409
    assert status in answer.json["detail"]
    assert me.get(f"/reminders/{reminder.id}").json["status"] == status


@pytest.mark.parametrize("status", ["scheduled", "sent", "delivered", "failed"])
def test_a_snoozed_reminder_is_scheduled_anew(
    me: Asker, remind: Remind, brought: Callable[[Reminder, str], None], reminders: ReminderRepository, status: str
) -> None:
    reminder = remind(NOW - HOUR)
    brought(reminder, status)
    due = NOW + 3 * HOUR

    answer = me.post(f"/reminders/{reminder.id}/snooze", {"due_at": to_iso(due)})

    assert answer.status == 200
    told = {name: answer.json[name] for name in ("status", "reason", "due_at", "sent_at")}
    assert told == {"status": "scheduled", "reason": None, "due_at": to_iso(due), "sent_at": None}
    assert answer.json == me.get(f"/reminders/{reminder.id}").json
    assert not [key for shard in range(8) for key in reminders.due(shard, due - MINUTE)]
    assert [key.id for shard in range(8) for key in reminders.due(shard, due)] == [reminder.id]
    assert not [key for shard in range(8) for key in reminders.awaiting_receipts(shard, due)]


@pytest.mark.parametrize("status", ["sending", "cancelled"])
def test_what_is_being_sent_or_was_cancelled_cannot_be_put_off(
    me: Asker, remind: Remind, brought: Callable[[Reminder, str], None], status: str
) -> None:
    reminder = remind(NOW - HOUR)
    brought(reminder, status)

    assert me.post(f"/reminders/{reminder.id}/snooze", {"minutes": 5}).status == 409
    assert me.get(f"/reminders/{reminder.id}").json["status"] == status


def test_minutes_count_from_now(me: Asker, remind: Remind) -> None:
    answer = me.post(f"/reminders/{remind().id}/snooze", {"minutes": 90})

    assert abs(from_iso(answer.json["due_at"]) - datetime.now(UTC) - 90 * MINUTE) < MINUTE


def test_an_offset_is_taken_into_account(me: Asker, remind: Remind) -> None:
    due = (NOW + HOUR).replace(tzinfo=None).isoformat()

    answer = me.post(f"/reminders/{remind().id}/snooze", {"due_at": f"{due}.75-05:00"})

    assert from_iso(answer.json["due_at"]) == NOW + 6 * HOUR


WRONG: dict[str, Any] = {
    "nothing": {},
    "both": {"minutes": 5, "due_at": to_iso(NOW + HOUR)},
    "neither": {"minutes": None},
    "the past": {"due_at": to_iso(NOW - MINUTE)},
    "now": {"due_at": to_iso(NOW)},
    "too far": {"due_at": to_iso(NOW + timedelta(days=367))},
    "the end of time": {"due_at": "9999-12-31T23:59:59-12:00"},
    "its beginning": {"due_at": "0001-01-01T00:00:00+12:00"},
    "no zone": {"due_at": "2030-01-01T00:00:00"},
    "a day": {"due_at": "2030-01-01"},
    "a number": {"due_at": 1893456000},
    "a number as text": {"due_at": "1893456000"},
    "rubbish": {"due_at": "tomorrow"},
    "no minutes": {"minutes": 0},
    "negative": {"minutes": -5},
    "too many": {"minutes": 366 * 24 * 60 + 1},
    "half a minute": {"minutes": 0.5},
    "a flag": {"minutes": True},
    "a text": {"minutes": "5"},
    "another member": {"minutes": 5, "status": "sent"},
    "no object": [],
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_a_snooze_to_no_good_moment_is_refused(me: Asker, remind: Remind, body: Any) -> None:
    reminder = remind()

    answer = me.post(f"/reminders/{reminder.id}/snooze", body)

    assert answer.status == 422
    assert from_iso(me.get(f"/reminders/{reminder.id}").json["due_at"]) == reminder.due_at


def test_the_longest_snooze_is_taken(me: Asker, remind: Remind) -> None:
    assert me.post(f"/reminders/{remind().id}/snooze", {"minutes": 366 * 24 * 60}).status == 200


def test_a_reminder_that_a_sender_takes_meanwhile_is_read_again(me: Asker, remind: Remind, faults: Faults) -> None:
    path = f"/reminders/{remind().id}"

    with faults.injected(first(1, unmet), "dynamodb", "UpdateItem"):
        assert me.post(f"{path}/cancel").status == 200
    assert me.get(path).json["status"] == "cancelled"


def test_the_same_cancelling_twice_is_told_alike_by_its_key(me: Asker, remind: Remind) -> None:
    path, key = f"/reminders/{remind().id}/cancel", {"Idempotency-Key": "k"}

    once = me.post(path, headers=key)

    assert me.post(path, headers=key).json == once.json
    assert me.post(path).status == 409
