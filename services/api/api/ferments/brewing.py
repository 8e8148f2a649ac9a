"""Creating, changing, bottling, archiving and deleting batches, with the timeline events this causes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from api.ferments import rules
from api.ferments.bodies import BatchChanges, Bottling, NewBatch
from api.ferments.identifiers import new_id
from api.ferments.reminding import Reminding
from api.people.erasures import erase_batch
from api.web.work import Work
from watchkeeper.errors import ItemNotFound
from watchkeeper.ferments.models import Batch, BatchStatus, Event, EventKind
from watchkeeper.ferments.repository import FermentRepository, changed_batch, deleted_batch, new_batch, new_event
from watchkeeper.queues import WorkQueue

_BOTTLED = "the batch was bottled"
_MOVED_ON = {
    BatchStatus.ACTIVE: "the batch is active again",
    BatchStatus.IN_FRIDGE: "the batch is in the fridge",
    BatchStatus.DONE: "the batch is done",
    BatchStatus.ARCHIVED: "the batch is archived",
}


@dataclass(frozen=True, slots=True)
class Brewing:
    ferments: FermentRepository
    reminding: Reminding
    erasures: WorkQueue
    """The queue of the function that removes what was deleted."""

    def begin(self, work: Work, wanted: NewBatch) -> Batch:
        """Written without a condition: its id is new, and only a retry of this request could find it there."""
        batch = rules.begun(wanted, batch=new_id(), user=work.user, now=work.now)
        work.add(replace(new_batch(batch), condition=None))
        return batch

    def change(self, work: Work, batch: str, wanted: BatchChanges) -> Batch:
        """Nothing is written if nothing changes."""
        before = self._read(work, batch)
        rules.require_changeable_so(before, wanted)
        after = rules.changed(before, wanted, work.now)
        if "status" in wanted.model_fields_set:
            after = rules.moved(after, wanted.status, work.now)
        return self._store(work, before, after)

    def bottle(self, work: Work, batch: str, wanted: Bottling) -> Batch:
        before = self._read(work, batch)
        return self._store(work, before, rules.bottled(before, wanted, work.now))

    def archive(self, work: Work, batch: str) -> Batch:
        before = self._read(work, batch)
        rules.require_changeable(before)
        return self._store(work, before, rules.moved(before, BatchStatus.ARCHIVED, work.now))

    def delete(self, work: Work, batch: str) -> None:
        """The batch disappears for its owner at once, and its data is removed later by ``erase``. The message to
        ``erase`` is sent first, and again for a batch that is already marked. Raises ``ItemNotFound``."""
        before = self._read_unless_deleted(work, batch)
        erase_batch(self.erasures, work.user, batch)
        if before:
            work.add(deleted_batch(before, work.now))
            self.reminding.cancel(work, batch, "the batch was deleted")

    def _read_unless_deleted(self, work: Work, batch: str) -> Batch | None:
        """``None`` if it is marked as deleted. Raises ``ItemNotFound`` if it never existed, or is erased."""
        try:
            return self._read(work, batch)
        except ItemNotFound:
            if self.ferments.is_deleted(work.user, batch):
                return None
            raise

    def _read(self, work: Work, batch: str) -> Batch:
        """Raises ``ItemNotFound`` and ``PreconditionFailed``."""
        found = self.ferments.batch(work.user, batch)
        work.require_version(found.version)
        return found

    def _store(self, work: Work, before: Batch, after: Batch) -> Batch:
        if after == before:
            return before
        stored = replace(after, version=before.version + 1, updated_at=work.now)
        work.add(changed_batch(stored, was=before.version), *map(new_event, _changes(before, stored, work.now)))
        if reason := _outdating(before, after):
            self.reminding.cancel(work, before.id, reason)
        return stored


def _outdating(before: Batch, after: Batch) -> str | None:
    """Why scheduled reminders of the batch are obsolete: its stage or status has changed."""
    if after.stage is not before.stage:
        return _BOTTLED
    return _MOVED_ON[after.status] if after.status is not before.status else None


def _changes(before: Batch, after: Batch, now: datetime) -> Iterable[Event]:
    """The events that the timeline records automatically."""
    told = (
        (EventKind.STAGE_CHANGE, str(before.stage.value), str(after.stage.value)),
        (EventKind.STATUS_CHANGE, before.status.value, after.status.value),
    )
    for kind, was, becomes in told:
        if was != becomes:
            yield Event(new_id(), before.id, before.user, kind, now, before=was, after=becomes)
