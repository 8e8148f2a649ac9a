"""Erasing, which can be cut off anywhere, and begins again with whatever is still there.

Everything is removed by where it stands, until a look finds nothing more. What says that it is to be removed, the mark
of a batch or the row of a deletion, outlives all of it. A form for an upload that was given out just before may still
be used: so an erasing that comes to its end has itself repeated once no form can hold any more.
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
"""Twice as long as a form for an upload holds: an upload that was begun in time may take a while."""

InTime = Callable[[], None]
"""Asked before each step; raises if there is no time left for it."""


@dataclass(frozen=True, slots=True)
class Eraser:
    table: Table
    objects: ErasedObjects
    users: UserPool
    work: WorkQueue
    """Where its own messages come from."""
    clock: Clock

    def erase_batch(self, user: str, batch: str, in_time: InTime) -> None:
        """Nothing is removed of a batch that nobody deleted."""
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
        """Nothing is removed of somebody who did not ask for it."""
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
        """A device that somebody else registered meanwhile stays theirs."""
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
