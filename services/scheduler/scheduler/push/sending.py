"""Sending due reminders.

A reminder is claimed before it is sent: during the lease no other run sends it, and if a run crashes, it is found again
when the lease has expired. So it is sent at most once per claim, and never lost. It is sent twice only if a run crashes
or fails to store Expo's answer, or if that answer is lost; a phone still shows it once, because both have the same key.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol
from uuid import uuid4

import stamina

from scheduler.push.answers import GONE, credential_errors, switch_off, tell_credential_errors, tell_settled
from scheduler.push.chunks import chunks
from scheduler.push.errors import UNREADABLE, PushRefused, PushUnavailable
from scheduler.push.expo import MOST_MESSAGES, UPSTREAM, Answer, Message, PushTicket
from scheduler.push.outcomes import MOST_ATTEMPTS, UNREADABLE_REMINDER, is_spent, outcome_of_sending
from scheduler.push.shards import counted, in_chunks
from watchkeeper.clock import Clock, utc_now
from watchkeeper.errors import ConditionFailed, Unavailable, WatchkeeperError
from watchkeeper.logs import logger
from watchkeeper.metrics import REMINDER_WAIT, measure
from watchkeeper.people.devices import Device, DeviceRepository
from watchkeeper.people.reminders import (
    Outcome,
    Reminder,
    ReminderKey,
    ReminderRepository,
    ReminderStatus,
)

LEASE = timedelta(minutes=7)
"""Longer than the function may run: the holder of an expired lease has ended."""
CHUNK = 100
"""How many reminders are claimed, sent and settled together."""
WORKERS = 8
"""Threads that query the database; its client has ten connections."""
SECONDS_TO_CLAIM = 140.0
"""With less time left, no chunk is started: claimed reminders that could not be sent would wait for their lease to
expire."""
SECONDS_TO_SEND = 110.0
"""With less time left, no list is sent: enough for the longest request, 90 seconds, and to store the answers."""

_NO_TIME = "there was no time left to send"


class Pusher(Protocol):
    def send(self, messages: Sequence[Message]) -> list[Answer]: ...


@dataclass(slots=True)
class Tally:
    """The results of a run."""

    statuses: Counter[str] = field(default_factory=Counter)
    """The statuses of the reminders it settled."""
    missed: int = 0
    """Reminders that another run had claimed, or that no longer had to be sent."""
    unsettled: int = 0
    """Reminders whose lease must expire first, because the database did not answer, or its answer cannot be read."""
    credential_errors: int = 0
    longest_wait: timedelta = timedelta(0)
    more: bool = False
    """Whether some were left for the next run."""

    def as_dict(self) -> dict[str, int | bool]:
        return {**self.statuses, "missed": self.missed, "unsettled": self.unsettled, "more": self.more}


@dataclass(frozen=True, slots=True)
class Sending:
    """A claimed reminder, and its person's active devices."""

    reminder: Reminder
    devices: Sequence[Device]

    def messages(self) -> Iterator[Message]:
        reminder = self.reminder
        named = {"reminder": reminder.id, "batch": reminder.batch, "kind": reminder.kind}
        data = {name: value for name, value in named.items() if value}
        return (Message(one.token, reminder.title, reminder.body, reminder.id, data) for one in self.devices)


class ReminderProcessor:
    def __init__(
        self, reminders: ReminderRepository, devices: DeviceRepository, expo: Pusher, *, clock: Clock = utc_now
    ) -> None:
        self._reminders = reminders
        self._devices = devices
        self._expo = expo
        self._clock = clock

    def count_due(self) -> int:
        return counted(self._reminders.due, self._clock())

    def run(self, seconds_left: Callable[[], float]) -> Tally:
        """Send due reminders until all are sent, the time is up, or Expo accepts nothing any more."""
        tally = Tally()
        try:
            with ThreadPoolExecutor(WORKERS) as pool:
                for keys in in_chunks(self._reminders.due, self._clock(), CHUNK):
                    if seconds_left() < SECONDS_TO_CLAIM or not self._work_off(keys, pool, seconds_left, tally):
                        tally.more = True
                        break
        finally:
            _tell(tally)
        measure(REMINDER_WAIT, tally.longest_wait.total_seconds(), upstream=UPSTREAM)  # unknown, if the run failed
        return tally

    def _work_off(
        self, keys: Sequence[ReminderKey], pool: ThreadPoolExecutor, seconds_left: Callable[[], float], tally: Tally
    ) -> bool:
        """Whether it makes sense to continue."""
        holder = uuid4().hex  # of this chunk alone: the index may show a reminder twice
        claimed = self._claimed(keys, holder, pool, tally)
        sendings = self._with_devices(claimed, pool, tally)
        messages = [message for sending in sendings for message in sending.messages()]
        answers = self._sent(messages, seconds_left)
        tally.credential_errors += credential_errors(answers)
        self._settle(sendings, answers, holder, pool, tally)
        return not _takes_nothing(answers)

    def _claimed(
        self, keys: Sequence[ReminderKey], holder: str, pool: ThreadPoolExecutor, tally: Tally
    ) -> list[Reminder]:
        """Raises ``Unavailable`` if the database answers for none of them."""
        found = list(pool.map(lambda key: self._claim(key, holder), keys))
        errors = [one for one in found if isinstance(one, Unavailable)]
        if len(errors) == len(keys):
            raise errors[0]
        tally.unsettled += len(errors)
        tally.missed += sum(one is None for one in found)
        if unreadable := [key for key, one in zip(keys, found, strict=True) if isinstance(one, UNREADABLE)]:
            self._give_up(unreadable, holder, pool, tally)
        return [one for one in found if isinstance(one, Reminder)]

    def _claim(self, key: ReminderKey, holder: str) -> Reminder | Exception | None:
        """Errors are returned, so that a reminder that cannot be read does not block the others."""
        try:
            return self._reminders.claim(key, holder, now=self._clock(), lease=LEASE)
        except ConditionFailed:
            return None
        except (Unavailable, *UNREADABLE) as error:
            return error

    def _give_up(self, unreadable: Sequence[ReminderKey], holder: str, pool: ThreadPoolExecutor, tally: Tally) -> None:
        """They are claimed a few more times, in case a version is deployed that can read them, and fail after that."""
        given_up = sum(pool.map(lambda key: self._is_given_up(key, holder), unreadable))
        tally.unsettled += len(unreadable) - given_up
        if given_up:
            tally.statuses[ReminderStatus.FAILED] += given_up
        logger.error("reminders cannot be read", reminders=[key.id for key in unreadable], given_up=given_up)

    def _is_given_up(self, key: ReminderKey, holder: str) -> bool:
        try:
            self._reminders.give_up(key, holder, UNREADABLE_REMINDER, after=MOST_ATTEMPTS, now=self._clock())
        except (ConditionFailed, Unavailable):
            return False
        return True

    def _with_devices(self, claimed: Sequence[Reminder], pool: ThreadPoolExecutor, tally: Tally) -> list[Sending]:
        """Spent reminders need no devices."""
        spent = [Sending(one, []) for one in claimed if is_spent(one)]
        others = [one for one in claimed if not is_spent(one)]
        users = list({reminder.user for reminder in others})
        devices = dict(zip(users, pool.map(self._active_devices, users), strict=True))
        found = [(one, devices[one.user]) for one in others]
        if unreadable := [one.id for one, active in found if isinstance(active, UNREADABLE)]:
            logger.error("devices cannot be read", reminders=unreadable)
        known = [Sending(one, active) for one, active in found if not isinstance(active, Exception)]
        tally.unsettled += len(others) - len(known)
        return [*spent, *known]

    def _active_devices(self, user: str) -> list[Device] | Exception:
        """Errors are returned, so that one person's devices do not block the others."""
        try:
            return [device for device in self._devices.of_user(user) if device.active]
        except (Unavailable, *UNREADABLE) as error:
            return error

    def _sent(self, messages: Sequence[Message], seconds_left: Callable[[], float]) -> list[Answer]:
        answers: list[Answer] = []
        for some in chunks(messages, MOST_MESSAGES):
            if seconds_left() < SECONDS_TO_SEND:
                answers += [PushUnavailable(_NO_TIME)] * len(some)
            else:
                answers += self._expo.send(some)
        return answers

    def _settle(
        self,
        sendings: Sequence[Sending],
        answers: Sequence[Answer],
        holder: str,
        pool: ThreadPoolExecutor,
        tally: Tally,
    ) -> None:
        now, following = self._clock(), iter(answers)
        answered = [(one, list(zip(one.devices, islice(following, len(one.devices)), strict=True))) for one in sendings]
        outcomes = [(one.reminder, outcome_of_sending(one.reminder, said, now)) for one, said in answered]
        errors = list(pool.map(lambda pair: self._finish(pair[0], pair[1], holder, now), outcomes))
        for (reminder, outcome), error in zip(outcomes, errors, strict=True):
            _count(tally, reminder, outcome, error, now)
        gone = {device.id: device for _, said in answered for device, answer in said if _is_gone(answer)}
        switch_off(self._devices, list(gone.values()))
        _require_one_stored(errors)

    def _finish(self, reminder: Reminder, outcome: Outcome, holder: str, now: datetime) -> WatchkeeperError | None:
        """It has been sent, so storing that is retried."""
        try:
            for attempt in stamina.retry_context(on=Unavailable, attempts=3, timeout=20, wait_initial=0.2):
                with attempt:
                    self._reminders.finish(reminder, holder, outcome, now=now)
        except WatchkeeperError as error:
            return error
        return None


def _takes_nothing(answers: Sequence[Answer]) -> bool:
    """Whether further messages would probably fail as well. The rejection of a single message does not mean that."""
    match answers:
        case []:
            return False
        case [PushRefused(may_be_one_message=True)]:
            return False
    return not any(isinstance(answer, PushTicket) for answer in answers)


def _is_gone(answer: Answer) -> bool:
    return isinstance(answer, PushTicket) and answer.error == GONE


def _require_one_stored(errors: Sequence[WatchkeeperError | None]) -> None:
    """Raises the error if none could be stored: more reminders would then be sent twice."""
    broken = [error for error in errors if error and not isinstance(error, ConditionFailed)]
    if broken and len(broken) == len(errors):
        raise broken[0]


def _count(tally: Tally, reminder: Reminder, outcome: Outcome, error: WatchkeeperError | None, now: datetime) -> None:
    tally.longest_wait = max(tally.longest_wait, now - reminder.due_at)
    if isinstance(error, ConditionFailed):  # snoozed, or removed with its person, while it was sent
        tally.missed += 1
    elif error:
        tally.unsettled += 1
    else:
        tally.statuses[outcome.status] += 1


def _tell(tally: Tally) -> None:
    tell_settled(tally.statuses)
    tell_credential_errors(tally.credential_errors)
    logger.info("reminders worked off", tally=tally.as_dict())
