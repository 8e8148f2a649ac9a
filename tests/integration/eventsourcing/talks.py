"""A read model to test with: what was last said in each talk, and all that was."""

from collections.abc import Iterable, Iterator
from typing import Any

from tests.contracts.event_store import said, say
from watchkeeper.dynamodb import Item
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.read_models import ReadModels, Row, Stamp, stamp_of
from watchkeeper.eventsourcing.store import EventStore, event_of

TALKS = "talks"
HISTORY = "history"


def rows_of(event: Event) -> list[Row]:
    text = event.data["text"]
    return [
        Row(TALKS, "", event.aggregate_id, {"text": text, "count": event.sequence}),
        Row(TALKS, HISTORY, f"{event.aggregate_id}#{event.sequence:05}", {"text": text}, expires_at=2_000_000_000),
    ]


class TalksFold:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], tuple[Row, Stamp]] = {}

    def add(self, item: Item) -> None:
        event = event_of(item)
        for row in rows_of(event):
            kept = self._rows.get(key := (row.partition, row.sort))
            if kept is None or kept[1].sequence < event.sequence:
                self._rows[key] = row, stamp_of(event)

    def rows(self) -> Iterable[tuple[Row, Stamp]]:
        return self._rows.values()


class Projection:
    """A new event on its way into every generation that is written: which these are is read first, and some time may go
    by before the first row is written."""

    def __init__(self, models: ReadModels, event: Event) -> None:
        self._models = models
        self._event = event
        self._generations = models.generations()

    def write(self) -> None:
        for row in rows_of(self._event):
            for generation in self._generations[row.model].written:
                self._models.put(row, generation, stamp_of(self._event))


def project(models: ReadModels, event: Event) -> None:
    Projection(models, event).write()


def talk(store: EventStore, aggregate_id: str, *texts: str) -> list[Event]:
    """The events, appended."""
    head = store.open(aggregate_id).head
    say(store, head, *texts)
    return list(store.read(aggregate_id, after=head.version))


def shown(models: ReadModels) -> dict[str, Any]:
    """The whole model as it is read."""
    view = models.view()
    return {kept.sort: kept.record for partition in ("", HISTORY) for kept in view.rows(TALKS, partition)}


def wanted(store: EventStore, aggregate_ids: Iterable[str]) -> dict[str, Any]:
    """The same, made of all events there are."""
    return dict(_wanted(store, aggregate_ids))


def _wanted(store: EventStore, aggregate_ids: Iterable[str]) -> Iterator[tuple[str, Any]]:
    for aggregate_id in aggregate_ids:
        texts = said(store, aggregate_id)
        if texts:
            yield aggregate_id, {"text": texts[-1], "count": len(texts)}
        yield from ((f"{aggregate_id}#{number:05}", {"text": text}) for number, text in enumerate(texts, 1))
