"""Getting the receipts of reminders that were sent, and recording the outcome.

Failed or concurrent runs do no harm: receipts can be requested any number of times, and writes are conditional on the
previous state.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from scheduler.push.answers import GONE, credential_errors, switch_off, tell_credential_errors, tell_settled
from scheduler.push.errors import UNREADABLE, PushError, PushRefused
from scheduler.push.expo import PushReceipt
from scheduler.push.outcomes import RECEIPTS_FOR, UNREADABLE_REMINDER, outcome_of_receipts
from scheduler.push.shards import counted, in_chunks
from watchkeeper.clock import Clock, utc_now
from watchkeeper.errors import ConditionFailed, Unavailable
from watchkeeper.logs import logger
from watchkeeper.people.devices import Device, DeviceRepository
from watchkeeper.people.reminders import (
    Outcome,
    Reminder,
    ReminderKey,
    ReminderRepository,
    ReminderStatus,
)

CHUNK = 200
"""Reminders whose receipts are requested together."""
WORKERS = 8
"""Threads that query the database; its client has ten connections."""
SECONDS_TO_ASK = 120.0
"""With less time left, no chunk is started: a request takes at most 70 seconds."""


class Receipts(Protocol):
    def receipts(self, ids: Sequence[str]) -> dict[str, PushReceipt]: ...


@dataclass(slots=True)
class Tally:
    statuses: Counter[str] = field(default_factory=Counter)
    """The final statuses of reminders."""
    waiting: int = 0
    """Reminders to be checked again: their receipts are not ready yet, or they cannot be read."""
    missed: int = 0
    """Reminders that have changed meanwhile."""
    credential_errors: int = 0
    stopped: str | None = None
    """Why some were not checked."""

    def as_dict(self) -> dict[str, int | str | None]:
        return {**self.statuses, "waiting": self.waiting, "missed": self.missed, "stopped": self.stopped}


class ReceiptChecker:
    def __init__(
        self, reminders: ReminderRepository, devices: DeviceRepository, expo: Receipts, *, clock: Clock = utc_now
    ) -> None:
        self._reminders = reminders
        self._devices = devices
        self._expo = expo
        self._clock = clock

    def count_waiting(self) -> int:
        return counted(self._reminders.awaiting_receipts, self._clock())

    def run(self, seconds_left: Callable[[], float]) -> Tally:
        tally = Tally()
        try:
            with ThreadPoolExecutor(WORKERS) as pool:
                self._look_at_all(pool, seconds_left, tally)
        except PushError as error:
            tally.stopped = error.reason
            tally.credential_errors += credential_errors([error])
        finally:
            _tell(tally)
        return tally

    def _look_at_all(self, pool: ThreadPoolExecutor, seconds_left: Callable[[], float], tally: Tally) -> None:
        for keys in in_chunks(self._reminders.awaiting_receipts, self._clock(), CHUNK):
            if seconds_left() < SECONDS_TO_ASK:
                tally.stopped = "there was no time left"
                return
            self._look(keys, pool, tally)

    def _look(self, keys: Sequence[ReminderKey], pool: ThreadPoolExecutor, tally: Tally) -> None:
        """Raises ``PushError``. Devices are switched off first: the receipts of a settled reminder are never requested
        again."""
        sent = [one for one in self._read(keys, pool, tally) if one.status is ReminderStatus.SENT]
        ids = [ticket.id for reminder in sent for ticket in reminder.tickets if ticket.id and ticket.is_open]
        receipts = self._receipts(ids, tally)
        now = self._clock()
        outcomes = [(reminder, outcome_of_receipts(reminder, receipts, now)) for reminder in sent]
        gone = pool.map(lambda pair: self._gone(pair[0], pair[1]), outcomes)
        switch_off(self._devices, list({device.id: device for devices in gone for device in devices}.values()))
        noted = list(pool.map(lambda pair: self._note(pair[0], pair[1], now), outcomes))
        for (_, outcome), is_noted in zip(outcomes, noted, strict=True):
            _count(tally, outcome, is_noted=is_noted)
        tally.credential_errors += credential_errors(receipts.values())

    def _read(self, keys: Sequence[ReminderKey], pool: ThreadPoolExecutor, tally: Tally) -> list[Reminder]:
        """If one cannot be read, each is read individually, so that it does not block the others."""
        try:
            return self._reminders.get_many(keys)
        except UNREADABLE:
            found = list(pool.map(self._read_alone, keys))
        self._give_up([key for key, one in zip(keys, found, strict=True) if one is None], pool, tally)
        return [reminder for one in found if one for reminder in one]

    def _read_alone(self, key: ReminderKey) -> list[Reminder] | None:
        """The reminder, if it still exists; ``None`` if it cannot be read."""
        try:
            return self._reminders.get_many([key])
        except UNREADABLE:
            return None

    def _give_up(self, unreadable: Sequence[ReminderKey], pool: ThreadPoolExecutor, tally: Tally) -> None:
        """They are checked again as long as there can be receipts, in case a version is deployed that can read them.
        After that they stay as they are: sent."""
        given_up = sum(pool.map(self._is_given_up, unreadable))
        tally.waiting += len(unreadable) - given_up
        if given_up:
            tally.statuses[ReminderStatus.SENT] += given_up
        logger.error("reminders cannot be read", reminders=[key.id for key in unreadable], given_up=given_up)

    def _is_given_up(self, key: ReminderKey) -> bool:
        now = self._clock()
        try:
            self._reminders.give_up_receipts(key, UNREADABLE_REMINDER, since=now - RECEIPTS_FOR, now=now)
        except (ConditionFailed, Unavailable):
            return False
        return True

    def _receipts(self, ids: Sequence[str], tally: Tally) -> Mapping[str, PushReceipt]:
        """Raises ``PushError``. If Expo rejects the request because of its content, it would do so in each run: those
        receipts count as not ready, so that they block nothing, and are given up eventually."""
        try:
            return self._expo.receipts(ids) if ids else {}
        except PushRefused as refused:
            if not refused.may_be_one_message:
                raise
            tally.stopped = refused.reason
            return {}

    def _note(self, reminder: Reminder, outcome: Outcome, now: datetime) -> bool:
        try:
            self._reminders.note_receipts(reminder, outcome, now=now)
        except ConditionFailed:
            return False
        return True

    def _gone(self, reminder: Reminder, outcome: Outcome) -> list[Device]:
        """Devices newly known to be gone that have not been registered again since the reminder was sent."""
        known = {ticket.device for ticket in reminder.tickets if ticket.error == GONE}
        gone = {ticket.device for ticket in outcome.tickets if ticket.error == GONE} - known
        if not gone or reminder.sent_at is None:
            return []
        then = reminder.sent_at
        try:
            devices = self._devices.of_user(reminder.user)
        except UNREADABLE:
            logger.error("devices cannot be read", reminders=[reminder.id])
            return []
        return [one for one in devices if one.id in gone and one.active and one.registered_at <= then]


def _count(tally: Tally, outcome: Outcome, *, is_noted: bool) -> None:
    if not is_noted:
        tally.missed += 1
    elif outcome.next_look:
        tally.waiting += 1
    else:
        tally.statuses[outcome.status] += 1


def _tell(tally: Tally) -> None:
    tell_settled(tally.statuses)
    tell_credential_errors(tally.credential_errors)
    logger.info("receipts looked at", tally=tally.as_dict())
