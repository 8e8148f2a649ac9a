"""Turn changes of the tables into domain events: events describe only what is stored, and all of it.

An event is attributed to what wrote the row, and not to its publication: it carries the row's correlation id, which
is the same however often the change is delivered.
"""

from collections.abc import Iterable, Iterator

from ingest.changes import Change, Published, publish
from watchkeeper.dynamodb import Item
from watchkeeper.events import DomainEvent, EventPublisher, event_id
from watchkeeper.kernel.events import (
    DiscussionReceived,
    KernelEvent,
    PatchReceived,
    PatchStateChanged,
    SeriesCompleted,
)
from watchkeeper.kernel.repositories.discussions import discussion_from_item
from watchkeeper.kernel.repositories.patches import patch_from_item, series_from_item


def publish_changes(changes: Iterable[Change], publisher: EventPublisher, correlation_id: str) -> Published:
    """Publish the events of changes of ``patches``, ``series`` and ``discussions``.

    ``correlation_id`` is for changes of rows that carry none.
    """
    return publish(changes, lambda change: _events(change, correlation_id), publisher)


def _events(change: Change, correlation_id: str) -> Iterator[DomainEvent]:
    for data in _meaning(change):
        yield DomainEvent(
            id=event_id(change.id, type(data).__name__),
            type=type(data).__name__,
            version=data.version,
            occurred_at=change.at,
            correlation_id=change.cause or correlation_id,
            data=data.model_dump(mode="json"),
        )


def _meaning(change: Change) -> Iterator[KernelEvent]:
    if change.new is None:  # only operators delete rows, and no consumer needs an event of that
        return
    tell = {"patches": _of_patch, "series": _of_series, "discussions": _of_discussion}
    yield from tell[change.table](change.old, change.new)


def _of_patch(old: Item | None, new: Item) -> Iterator[KernelEvent]:
    patch = patch_from_item(new)
    if old is None:
        yield PatchReceived.of(patch)
    elif (before := patch_from_item(old)).state != patch.state:
        yield PatchStateChanged.of(patch, before.state)


def _of_series(old: Item | None, new: Item) -> Iterator[KernelEvent]:
    series = series_from_item(new)
    was_complete = old is not None and series_from_item(old).received_all
    if series.received_all and not was_complete:
        yield SeriesCompleted.of(series)


def _of_discussion(old: Item | None, new: Item) -> Iterator[KernelEvent]:
    if old is None:
        yield DiscussionReceived.of(discussion_from_item(new))
