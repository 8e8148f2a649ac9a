"""The outcome of a reminder, by Expo's answers to its messages, and later by their receipts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from scheduler.push.answers import MAY_PASS, listed
from scheduler.push.errors import PushError
from scheduler.push.expo import Answer, PushReceipt
from watchkeeper.people.devices import Device
from watchkeeper.people.reminders import Outcome, Reminder, ReminderStatus, Ticket

RECEIPTS_AFTER = timedelta(minutes=15)
RECEIPTS_AGAIN = timedelta(minutes=10)
"""Less than the interval between runs, so that each run asks."""
RECEIPTS_FOR = timedelta(hours=24)
"""Expo keeps them for this long."""

GIVE_UP_AFTER = timedelta(hours=24)
"""After it was due."""
FIRST_PAUSE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=4)

MOST_ATTEMPTS = 15
"""More than the retries within the time after which it is given up: so many claims mean that runs crash because of it,
or cannot store that they have sent it."""

NO_DEVICE = "no device is registered"
TRIED_TOO_OFTEN = "it was tried too often"
NO_RECEIPT = "no receipt came within 24 hours"
UNREADABLE_REMINDER = "it could not be read"


def pause_after(attempts: int) -> timedelta:
    """The back-off before a reminder is retried, doubling each time."""
    doubled = min(max(attempts - 1, 0), 10)
    return min(FIRST_PAUSE * (1 << doubled), LONGEST_PAUSE)


def is_spent(reminder: Reminder) -> bool:
    """Whether it must not be sent any more, because it was claimed too often."""
    return reminder.attempts > MOST_ATTEMPTS


def outcome_of_sending(reminder: Reminder, answers: Sequence[tuple[Device, Answer]], now: datetime) -> Outcome:
    """The outcome of a reminder, given the answers for each of its person's active devices."""
    if is_spent(reminder):
        return Outcome(ReminderStatus.FAILED, reason=TRIED_TOO_OFTEN)
    if not answers:
        return Outcome(ReminderStatus.FAILED, reason=NO_DEVICE)
    tickets = tuple(_ticket(device, answer) for device, answer in answers)
    if any(ticket.error is None for ticket in tickets):
        look = now + RECEIPTS_AFTER if any(ticket.is_open for ticket in tickets) else None
        return Outcome(ReminderStatus.SENT, look, sent_at=now, tickets=tickets)
    if reasons := [reason for _, answer in answers if (reason := _why_later(answer))]:
        return to_be_sent_later(reminder, listed(reasons), now)
    refused = listed(ticket.error for ticket in tickets)
    return Outcome(ReminderStatus.FAILED, reason=f"every device was refused: {refused}", tickets=tickets)


def to_be_sent_later(reminder: Reminder, reason: str, now: datetime) -> Outcome:
    if now >= reminder.due_at + GIVE_UP_AFTER:
        return Outcome(ReminderStatus.FAILED, reason=f"it could not be sent within a day: {reason}")
    return Outcome(ReminderStatus.SCHEDULED, now + pause_after(reminder.attempts), reason=reason)


def outcome_of_receipts(reminder: Reminder, receipts: Mapping[str, PushReceipt], now: datetime) -> Outcome:
    """The outcome of a reminder that was sent; missing receipts are requested again as long as there can be any."""
    tickets = tuple(_with_receipt(ticket, receipts) for ticket in reminder.tickets)
    is_over = reminder.sent_at is None or now >= reminder.sent_at + RECEIPTS_FOR
    if any(ticket.is_open for ticket in tickets) and not is_over:
        return Outcome(ReminderStatus.SENT, now + RECEIPTS_AGAIN, tickets=tickets)
    if any(ticket.delivered for ticket in tickets):
        return Outcome(ReminderStatus.DELIVERED, tickets=tickets)
    if any(ticket.error is None for ticket in tickets):
        return Outcome(ReminderStatus.SENT, reason=NO_RECEIPT, tickets=tickets)
    failed = listed(ticket.error for ticket in tickets)
    return Outcome(ReminderStatus.FAILED, reason=f"it reached no device: {failed}", tickets=tickets)


def _ticket(device: Device, answer: Answer) -> Ticket:
    if isinstance(answer, PushError):
        return Ticket(device.id, error=answer.outcome)
    return Ticket(device.id, answer.id, answer.error)


def _why_later(answer: Answer) -> str | None:
    """Why a message that was not accepted may be accepted later; ``None`` if it will not be."""
    if isinstance(answer, PushError):
        return answer.reason
    return f"Expo answered {answer.error}" if answer.error in MAY_PASS else None


def _with_receipt(ticket: Ticket, receipts: Mapping[str, PushReceipt]) -> Ticket:
    receipt = receipts.get(ticket.id) if ticket.id and ticket.is_open else None
    if receipt is None:
        return ticket
    return replace(ticket, error=receipt.error, delivered=receipt.error is None)
