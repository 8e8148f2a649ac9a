"""Turning confirmed suggestions into reminders, and cancelling them when the batch moves on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from api.ferments.bodies import ConfirmedSuggestion
from api.ferments.identifiers import id_within
from api.ferments.suggesting import ALL_KEYS, Suggestion, suggestions
from api.people.reminders import due_in_time
from api.web.problems import Conflict, InvalidParameter
from api.web.work import Work
from watchkeeper.ferments.models import Batch, BatchStatus
from watchkeeper.ferments.repository import FermentRepository, unchanged_batch
from watchkeeper.people.reminders import (
    Reminder,
    ReminderKey,
    ReminderRepository,
    ReminderStatus,
    cancelled,
    not_scheduled,
    scheduled_anew,
)

_UNWATCHED = frozenset({BatchStatus.DONE, BatchStatus.ARCHIVED})
"""Statuses in which a batch needs no reminders."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    key: str
    reminder: Reminder


@dataclass(frozen=True, slots=True)
class Reminding:
    ferments: FermentRepository
    reminders: ReminderRepository

    def confirm(self, work: Work, batch: str, wanted: Sequence[ConfirmedSuggestion]) -> list[Confirmed]:
        """Schedule these. A batch has one reminder for each key: confirming a key again replaces its reminder, whatever
        that one's status. Raises ``ItemNotFound``, ``Conflict`` and ``InvalidParameter``."""
        about = self.ferments.batch(work.user, batch)
        if about.status in _UNWATCHED:
            raise Conflict(f"The batch is {about.status}, and needs no reminders.")
        _require_different(wanted)
        known = {suggestion.key: suggestion for suggestion in suggestions(about)}
        confirmed = [_confirmed(about, known, one, f"reminders.{place}", work.now) for place, one in enumerate(wanted)]
        work.add(unchanged_batch(about))
        for one in confirmed:
            work.add(
                scheduled_anew(one.reminder),
                otherwise=Conflict(f"The reminder `{one.key}` is being sent at this very moment."),
            )
        return confirmed

    def cancel(self, work: Work, batch: str, reason: str) -> None:
        """Cancel the reminders that are still scheduled; if another is confirmed meanwhile, the request is retried. One
        that is being sent is not cancelled, and is sent later if the push service does not accept it now."""
        keys = [ReminderKey(work.user, id_within(batch, key)) for key in ALL_KEYS]
        known = {reminder.id: reminder for reminder in self.reminders.get_many(keys)}
        for key in keys:
            found = known.get(key.id)
            if found and found.status is ReminderStatus.SCHEDULED:
                work.add(cancelled(found, reason, work.now))
            else:
                work.add(not_scheduled(key))


def _require_different(wanted: Sequence[ConfirmedSuggestion]) -> None:
    if len({one.key for one in wanted}) < len(wanted):
        raise InvalidParameter("reminders", "names a key twice")


def _confirmed(
    batch: Batch, known: dict[str, Suggestion], wanted: ConfirmedSuggestion, member: str, now: datetime
) -> Confirmed:
    if wanted.key not in known:
        raise InvalidParameter(f"{member}.key", f"is not suggested now; current suggestions: {', '.join(known)}")
    suggested = known[wanted.key]
    reminder = Reminder(
        id=id_within(batch.id, suggested.key),
        user=batch.user,
        title=wanted.title or suggested.title,
        body=wanted.body or suggested.body,
        due_at=due_in_time(wanted.due_at or suggested.due_at, now, f"{member}.due_at"),
        created_at=now,
        batch=batch.id,
        kind=suggested.kind,
    )
    return Confirmed(suggested.key, reminder)
