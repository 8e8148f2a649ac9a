"""Pages of batches and events."""

from collections.abc import Iterable

from api.web.cursors import Cursors
from api.web.paging import Slice, page, take
from watchkeeper.ferments.models import Batch, BatchStatus, Event, Stage
from watchkeeper.ferments.repository import FermentRepository

SHOWN = frozenset(BatchStatus) - {BatchStatus.ARCHIVED}
"""The default statuses."""


def batches(
    ferments: FermentRepository,
    cursors: Cursors,
    user: str,
    *,
    stage: Stage | None,
    statuses: Iterable[BatchStatus],
    limit: int,
    cursor: str | None,
) -> tuple[list[Batch], str | None]:
    """Newest first. Raises ``InvalidCursor``."""
    wanted = frozenset(statuses) or SHOWN

    def matches(batch: Batch) -> bool:
        return batch.status in wanted and stage in (None, batch.stage)

    def find(before: str | None) -> Slice[Batch]:
        return take(((batch.id, batch) for batch in ferments.batches(user, before)), matches, limit)

    query = {"list": "batches", "user": user, "stage": stage, "statuses": sorted(wanted)}
    return page(cursors, query, cursor, find)


def events(
    ferments: FermentRepository,
    cursors: Cursors,
    user: str,
    batch: str,
    *,
    newest_first: bool,
    limit: int,
    cursor: str | None,
) -> tuple[list[Event], str | None]:
    """Raises ``ItemNotFound`` for an unknown batch, and ``InvalidCursor``."""
    ferments.batch(user, batch)

    def find(after: str | None) -> Slice[Event]:
        reads = limit + 2  # including the one it continues after, and one more to know whether there are more
        found = ferments.events(user, batch, after, newest_first=newest_first, page_size=reads)
        return take(((event.id, event) for event in found), lambda _: True, limit)

    query = {"list": "events", "user": user, "batch": batch, "newest_first": newest_first}
    return page(cursors, query, cursor, find)
