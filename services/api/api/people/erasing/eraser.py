"""Erasing, which can be interrupted anywhere, and resumes with whatever is left.

Everything is removed by its key prefix or partition, until a query finds nothing more. The record that it is to be
removed, the mark of a batch or the row of a deletion, outlives all of that. An upload form that was issued just before
may still be used: so a completed erasure is repeated once all forms have expired.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from api.people.account import UserPool
from api.people.erasing.objects import ErasedObjects
from watchkeeper.clock import Clock
from watchkeeper.dynamodb import Table
from watchkeeper.errors import ConditionFailed, ItemNotFound
from watchkeeper.ferments.models import exports_of_user, objects_of_batch, objects_of_user
from watchkeeper.ferments.repository import FermentRepository
from watchkeeper.logs import logger
from watchkeeper.people.accounts import AccountRepository
from watchkeeper.people.devices import DeviceRepository, removed
from watchkeeper.people.reminders import ReminderKey, ReminderRepository
from watchkeeper.people.table import KEYS, STEP, swept
from watchkeeper.queues import WorkQueue

UPLOADS_ENDED_SECONDS = 600
"""Twice the validity of an upload form: an upload that began in time may take a while."""

InTime = Callable[[], None]
"""Called before each step; raises if there is no time left for it."""


@dataclass(frozen=True, slots=True)
class Eraser:
    table: Table
    objects: ErasedObjects
    users: UserPool
    work: WorkQueue
    """The queue its own messages come from."""
    clock: Clock

    def erase_batch(self, user: str, batch: str, in_time: InTime) -> None:
        """Removes nothing of a batch that is not deleted."""
        ferments = FermentRepository(self.table)
        if _is_there(ferments, user, batch):
            logger.warning("a batch is not deleted, and was not erased")
            return
        marked = ferments.is_deleted(user, batch)
        _run(self._reminders_of(user, batch), in_time)
        _run(swept(self.table, lambda: ferments.children(user, batch)), in_time)
        _run(self.objects.remove(objects_of_batch(user, batch)), in_time)
        if marked:
            in_time()
            self.work.send({"task": "batch", "user": user, "batch": batch}, delay=UPLOADS_ENDED_SECONDS)
            ferments.remove_deleted(user, batch)

    def erase_person(self, user: str, in_time: InTime) -> None:
        """Removes nothing of a person who did not request it."""
        accounts = AccountRepository(self.table)
        deletion = accounts.deletion(user)
        if deletion is None:
            logger.warning("nobody asked for the deletion; nothing was erased")
            return
        _run(self._devices_of(user), in_time)
        _run(accounts.remove_all(user), in_time)
        _run(self.objects.remove(objects_of_user(user)), in_time)
        _run(self.objects.remove(exports_of_user(user)), in_time)
        in_time()
        self.users.remove(user)
        if deletion.finished_at is None:
            self.work.send({"task": "person", "user": user}, delay=UPLOADS_ENDED_SECONDS)
            accounts.finish_deletion(user, self.clock())

    def _reminders_of(self, user: str, batch: str) -> Iterator[int]:
        reminders = ReminderRepository(self.table)
        while found := list(islice((one for one in reminders.of_user(user) if one.batch == batch), STEP)):
            reminders.remove_many(ReminderKey(user, one.id) for one in found)
            yield len(found)

    def _devices_of(self, user: str) -> Iterator[int]:
        """A device that somebody else has registered meanwhile is kept."""
        devices = DeviceRepository(self.table)
        while found := devices.of_user(user):
            for device in found:
                with suppress(ConditionFailed):
                    self.table.write([removed(user, device.id)], keys=KEYS)
                yield 1


def _run(steps: Iterable[int], in_time: InTime) -> None:
    in_time()
    for _ in steps:
        in_time()


def _is_there(ferments: FermentRepository, user: str, batch: str) -> bool:
    with suppress(ItemNotFound):
        ferments.batch(user, batch)
        return True
    return False
