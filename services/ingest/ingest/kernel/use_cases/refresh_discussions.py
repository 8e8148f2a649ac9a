"""Check discussions that may have continued unnoticed: those with mail in the last 60 days, and those about a patch
that is still open.

The first are in the lists' mail of these 60 days, one request per list. Only open patches whose thread has been quiet
for longer need a request of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.kernel.use_cases.sync_discussions import REFRESH_DAYS
from ingest.reading import REFRESH
from watchkeeper.clock import Clock, to_iso
from watchkeeper.dynamodb import Between
from watchkeeper.kernel.models import Patch
from watchkeeper.kernel.repositories.patches import PatchRepository
from watchkeeper.kernel.repositories.threading import ThreadingRepository
from watchkeeper.queues import WorkQueue

OPEN_STATES = ("new", "under-review", "rfc", "changes-requested", "needs-ack", "needs_ack", "queued", "deferred")
"""States in which a patch is still open, on the servers we know; each server defines its own list of states."""

THREADS_A_MESSAGE = 20
_PAGE = 200


@dataclass(frozen=True, slots=True)
class DiscussionRefresh:
    patches: PatchRepository
    threading: ThreadingRepository
    work: WorkQueue
    threads: WorkQueue
    clock: Clock
    projects: Sequence[str]
    lists: Sequence[str]

    def start(self) -> int:
        """Queue the work; returns the number of threads requested individually."""
        for name in self.lists:
            self.work.send({"task": "discussions", "list": name, "mode": REFRESH})
        asked = list(dict.fromkeys(self._quiet_threads()))
        for start in range(0, len(asked), THREADS_A_MESSAGE):
            self.threads.send({"message_ids": asked[start : start + THREADS_A_MESSAGE]})
        return len(asked)

    def _quiet_threads(self) -> Iterator[str]:
        """One mail of each thread about an open patch older than the lists' window; each thread once."""
        edge = self.clock() - timedelta(days=REFRESH_DAYS)
        seen: set[str] = set()
        for patches in self._open_patches(edge):
            nodes = self.threading.get_many(patch.message_id for patch in patches)
            for patch in patches:
                thread = nodes[patch.message_id].thread_id if patch.message_id in nodes else patch.message_id
                if thread not in seen:
                    seen.add(thread)
                    yield patch.message_id

    def _open_patches(self, before: datetime) -> Iterator[list[Patch]]:
        for project in self.projects:
            for state in OPEN_STATES:
                yield from self._pages(project, state, before)

    def _pages(self, project: str, state: str, before: datetime) -> Iterator[list[Patch]]:
        last: str | None = None
        while True:
            between = Between(None, to_iso(before))
            page = self.patches.of_project(project, between, state=state, limit=_PAGE, before=last)
            yield [patch for patch in page.patches if not patch.archived]
            if page.last_sort is None:
                return
            last = page.last_sort
