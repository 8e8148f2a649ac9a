"""Turn changes of the tables into domain events: an event tells of what is stored, and nothing stored goes untold."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, slots=True)
class Change:
    """A record of a table's stream."""

    id: str
    """The record's own id: the same change keeps it when it is delivered again."""
    table: str
    """``patches``, ``series`` or ``discussions``."""
    at: datetime
    old: Item | None
    new: Item | None


def publish_changes(changes: Iterable[Change], publisher: EventPublisher, correlation_id: str) -> int:
    """Publish what the changes mean; returns how many events that were. Raises ``DeliveryFailed``."""
    told = [
        DomainEvent(
            id=event_id(change.id, type(data).__name__),
            type=type(data).__name__,
            version=data.version,
            occurred_at=change.at,
            correlation_id=correlation_id,
            data=data.model_dump(mode="json"),
        )
        for change in changes
        for data in _meaning(change)
    ]
    publisher.publish(told)
    return len(told)


def _meaning(change: Change) -> Iterator[KernelEvent]:
    if change.new is None:  # nothing is ever deleted but by an operator, whom no event needs to tell
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
