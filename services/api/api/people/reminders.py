"""A person's reminders: finding, cancelling and snoozing them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from api.people.bodies import Snooze
from api.people.views import ReminderDetail
from api.web.paging import Slice, take
from api.web.problems import Conflict, InvalidParameter
from api.web.work import Work
from watchkeeper.clock import to_iso
from watchkeeper.people.reminders import FURTHEST, Reminder, ReminderStatus, after_put_off, cancelled, put_off

BY_OWNER = "by its owner"
"""Why a reminder was cancelled."""

_SNOOZED = frozenset({ReminderStatus.SCHEDULED, ReminderStatus.SENT, ReminderStatus.DELIVERED, ReminderStatus.FAILED})
"""What can be snoozed; for one that is being sent, the outcome is not known yet."""


@dataclass(frozen=True, slots=True)
class Wanted:
    status: ReminderStatus | None = None
    batch: str | None = None

    def matches(self, reminder: Reminder) -> bool:
        return self.status in (None, reminder.status) and self.batch in (None, reminder.batch)


def find(reminders: Iterable[Reminder], wanted: Wanted, *, limit: int, after: Sequence[str] | None) -> Slice[Reminder]:
    """Soonest due first; only those after the position, if given. A person's reminders are few, and expire after a
    while, so they are all read: no key sorts them by time."""
    return take(_after(reminders, after), wanted.matches, limit)


def cancel(reminder: Reminder, work: Work) -> Reminder:
    """Raises ``Conflict`` unless it is still scheduled."""
    if reminder.status is not ReminderStatus.SCHEDULED:
        raise Conflict(f"It is {reminder.status}. Only a scheduled reminder can be cancelled.")
    work.add(cancelled(reminder, BY_OWNER, work.now))
    return replace(reminder, status=ReminderStatus.CANCELLED, reason=BY_OWNER)


def snooze(reminder: Reminder, wanted: Snooze, work: Work) -> Reminder:
    """Raises ``Conflict`` and ``InvalidParameter``."""
    if reminder.status not in _SNOOZED:
        raise Conflict(f"It is {reminder.status}, and cannot be snoozed.")
    due_at = _due_at(wanted, work.now)
    work.add(put_off(reminder, due_at))
    return after_put_off(reminder, due_at)


def due_in_time(due_at: datetime, now: datetime, member: str) -> datetime:
    """Raises ``InvalidParameter`` for that member if the time is past or too far in the future."""
    if not now < due_at <= now + FURTHEST:
        raise InvalidParameter(member, f"is not in the future, or more than {FURTHEST.days} days away")
    return due_at


def view(reminder: Reminder) -> ReminderDetail:
    return ReminderDetail(
        id=reminder.id,
        status=reminder.status,
        reason=reminder.reason,
        kind=reminder.kind,
        batch=reminder.batch,
        title=reminder.title,
        body=reminder.body,
        due_at=reminder.due_at,
        sent_at=reminder.sent_at,
    )


def _after(reminders: Iterable[Reminder], position: Sequence[str] | None) -> Iterator[tuple[tuple[str, str], Reminder]]:
    for place, reminder in sorted(((_place(one), one) for one in reminders), key=lambda pair: pair[0]):
        if position is None or place > tuple(position):
            yield place, reminder


def _place(reminder: Reminder) -> tuple[str, str]:
    return to_iso(reminder.due_at), reminder.id


def _due_at(wanted: Snooze, now: datetime) -> datetime:
    if wanted.due_at is None:
        return now + timedelta(minutes=wanted.minutes or 0)
    return due_in_time(wanted.due_at, now, "due_at")
