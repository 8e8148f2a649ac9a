"""Batches are begun, changed, bottled, put away and deleted, each with what it writes into the timeline."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from api.ferments import rules
from api.ferments.bodies import BatchChanges, Bottling, NewBatch
from api.ferments.identifiers import new_id
from api.ferments.reminding import UNWATCHED, Reminding
from api.web.work import Work
from watchkeeper.errors import ItemNotFound
from watchkeeper.ferments.models import Batch, BatchStatus, Event, EventKind
from watchkeeper.ferments.repository import FermentRepository, changed_batch, deleted_batch, new_batch, new_event
from watchkeeper.queues import WorkQueue


@dataclass(frozen=True, slots=True)
class Brewing:
    ferments: FermentRepository
    reminding: Reminding
    erasures: WorkQueue
    """Read by who removes what was deleted."""

    def begin(self, work: Work, wanted: NewBatch) -> Batch:
        batch = rules.begun(wanted, batch=new_id(), user=work.user, now=work.now)
        work.add(new_batch(batch))
        return batch

    def change(self, work: Work, batch: str, wanted: BatchChanges) -> Batch:
        """Nothing is written when everything is as wanted already."""
        before = self._read(work, batch)
        rules.require_changeable(before)
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
        """It is gone for its maker at once, and removed by others later; one that is marked already is handed to them
        again, lest it stay for ever when they could not be told. Raises ``ItemNotFound``."""
        work.then(partial(self.erasures.send, {"task": "batch", "user": work.user, "batch": batch}))
        try:
            before = self._read(work, batch)
        except ItemNotFound:
            if not self.ferments.is_deleted(work.user, batch):
                raise
            return
        work.add(deleted_batch(before, work.now))
        self.reminding.cancel(work, batch, "the batch was deleted")

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
        if after.status is not before.status and after.status in UNWATCHED:
            self.reminding.cancel(work, before.id, UNWATCHED[after.status])
        return stored


def _changes(before: Batch, after: Batch, now: datetime) -> Iterable[Event]:
    """What the timeline is told by itself."""
    told = (
        (EventKind.STAGE_CHANGE, str(before.stage.value), str(after.stage.value)),
        (EventKind.STATUS_CHANGE, before.status.value, after.status.value),
    )
    for kind, was, becomes in told:
        if was != becomes:
            yield Event(new_id(), before.id, before.user, kind, now, before=was, after=becomes)
