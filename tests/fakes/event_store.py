"""An event store in memory: plain lists, and a lock."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from threading import Lock

from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.store import (
    Appended,
    ConcurrencyConflict,
    Head,
    Opened,
    Snapshot,
    event_item,
    require_appendable,
)


class InMemoryEventStore:
    """It remembers all commands."""

    def __init__(self) -> None:
        self._events: dict[str, list[Event]] = defaultdict(list)
        self._commands: dict[str, set[str]] = defaultdict(set)
        self._snapshots: dict[str, Snapshot] = {}
        self._lock = Lock()

    def open(self, aggregate_id: str) -> Opened:
        with self._lock:
            return Opened(self._head(aggregate_id), self._snapshots.get(aggregate_id))

    def append(
        self,
        head: Head,
        events: Sequence[Event],
        *,
        command_id: str | None = None,
        issued_at: datetime | None = None,
    ) -> Appended:
        require_appendable(head, [event_item(event) for event in events])
        with self._lock:
            now = self._head(head.aggregate_id)
            if command_id in self._commands[head.aggregate_id]:
                return Appended(now, already_processed=True)
            if not events:
                return Appended(head)
            if now.version != head.version:
                raise ConcurrencyConflict(head.aggregate_id, expected=head.version, current=now.version)
            self._events[head.aggregate_id] += events
            if command_id:
                self._commands[head.aggregate_id].add(command_id)
            return Appended(self._head(head.aggregate_id))

    def has_processed(self, head: Head, command_id: str, issued_at: datetime | None = None) -> bool:
        return command_id in self._commands[head.aggregate_id]

    def read(self, aggregate_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[Event]:
        return iter(self._events[aggregate_id][max(after, 0) : up_to])

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        kept = self._snapshots.get(snapshot.aggregate_id)
        if kept is None or kept.version < snapshot.version or kept.schema_version < snapshot.schema_version:
            self._snapshots[snapshot.aggregate_id] = snapshot

    def _head(self, aggregate_id: str) -> Head:
        return Head(aggregate_id, len(self._events[aggregate_id]))
