"""The event store: the events of every aggregate, in order, for ever.

| access pattern | key condition |
|---|---|
| an aggregate's head and snapshot | table: `aggregateId`, `eventSequence` of -1 and 0 |
| an aggregate's events from a sequence on | table: `aggregateId`, `eventSequence` >= it |
| older commands of an aggregate | table: `aggregateId`, `eventSequence` < -1 |

The **head** holds the number of events. Each append replaces it in the same transaction, on condition that it has not
changed since the writer read it (optimistic concurrency): so each sequence has one writer, and there are no gaps. (The
condition that an event does not exist yet would stop two writers of the same sequence, but let a third skip one.)

It also remembers the latest commands, by six bytes of their digest each, so that a retried command appends nothing. A
marker item for each command would raise the cost of an append by half. When the head is full, its commands are moved to
a **page of commands**, which is kept for thirty days and read only for a command that may be old enough to be on it.
An append of one event up to a kilobyte takes four write units; every 64th append costs two more.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import takewhile
from os import urandom
from typing import Any, Protocol

from watchkeeper import records
from watchkeeper.clock import Clock, from_iso, to_iso, utc_now
from watchkeeper.dynamodb import Item, Keys, Put, Span, Table, Write
from watchkeeper.errors import ConditionFailed, HistoryError, LimitExceeded, WatchkeeperError
from watchkeeper.events import MAX_EVENT_BYTES
from watchkeeper.eventsourcing.event import Event

KEYS = Keys("aggregateId", "eventSequence")

COMMANDS_IN_HEAD = 64
COMMANDS_KEPT = timedelta(days=30)
"""Longer than dead letters are kept."""

CLOCKS_DIFFER = timedelta(minutes=1)
"""The maximum clock skew between whoever issues a command and whoever appends its events."""

MAX_EVENTS_PER_APPEND = 98
"""A transaction has at most a hundred writes, of which two are for the head and a page of commands."""

MAX_DATA_BYTES = MAX_EVENT_BYTES - 4 * 1024
"""The maximum size of an event's data as JSON: a bus accepts that together with the envelope."""

MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What parsing malformed data raises."""

_SNAPSHOT = -1
_HEAD = 0
_PAGES_PER_READ = 32
_TOKEN_BYTES = 6
_TOKENS = COMMANDS_IN_HEAD * _TOKEN_BYTES
_IS_NEW = "attribute_not_exists(aggregateId)"


class ConcurrencyConflict(WatchkeeperError):
    """Another writer has appended to the aggregate since it was loaded."""

    def __init__(self, aggregate_id: str, *, expected: int, current: int) -> None:
        super().__init__(f"{aggregate_id} has {current} events, not {expected}")
        self.aggregate_id = aggregate_id
        self.expected = expected
        self.current = current


class HistoryUnreadable(HistoryError):
    """Items of the event store are malformed or missing."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an aggregate, which appends are conditional on."""

    aggregate_id: str
    version: int = 0
    """The sequence of its last event; 0 before the first."""
    commands: bytes = b""
    """Tokens of the latest commands, oldest first."""
    paged_at: datetime | None = None
    """When the newest page of older commands was created; ``None`` if there is none."""

    def pages_may_hold(self, issued_at: datetime | None, now: datetime) -> bool:
        """Whether a command issued at that time, or at an unknown one, can be on a page."""
        if self.paged_at is None or self.paged_at + COMMANDS_KEPT < now:
            return False
        return _may_hold(self.paged_at, issued_at)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An aggregate's state after ``version`` events."""

    aggregate_id: str
    version: int
    schema_version: int
    """The aggregate's ``snapshot_version``."""
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """What loading an aggregate starts with."""

    head: Head
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """The result of an append."""

    head: Head
    """The head afterwards; for a repeated command the given one, or a later one."""
    already_processed: bool = False
    """The command had been processed before: nothing was appended now."""


class EventStore(Protocol):
    def open(self, aggregate_id: str) -> Opened:
        """The current head and the latest snapshot."""

    def append(
        self, head: Head, events: Sequence[Event], *, command_id: str | None = None, issued_at: datetime | None = None
    ) -> Appended:
        """Append all of a command's events, or none.

        They must follow the head's version without a gap; otherwise it raises ``ValueError``. A retried command
        appends nothing, whatever its events are now, even if there are none, and the result says so; a command without
        an id is never retried. ``issued_at`` is when the command was first issued, or an earlier time, if known: older
        pages are not read. Raises ``ConcurrencyConflict`` if the aggregate is no longer at ``head``, and
        ``LimitExceeded`` for more than 98 events, or one that is larger than a bus accepts.
        """

    def has_processed(self, head: Head, command_id: str, issued_at: datetime | None = None) -> bool:
        """Whether the aggregate has processed that command, within at least the last thirty days; for ``issued_at`` see
        ``append``."""

    def read(self, aggregate_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[Event]:
        """Its events in order, with sequences above ``after`` and up to ``up_to``, as they were appended: nothing is
        upcast here."""

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Store it, unless a newer one is already stored."""


class DynamoDBEventStore:
    """An ``EventStore`` in one DynamoDB table, with consistent reads. Errors are those of ``Table``."""

    def __init__(self, table: Table, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock

    def open(self, aggregate_id: str) -> Opened:
        found = self._query(aggregate_id, Span(_SNAPSHOT, _HEAD))
        items = {item["eventSequence"]: item for item in found}
        with _reading():
            head = _head(items[_HEAD]) if _HEAD in items else Head(aggregate_id)
            return Opened(head, _snapshot(items[_SNAPSHOT]) if _SNAPSHOT in items else None)

    def append(
        self, head: Head, events: Sequence[Event], *, command_id: str | None = None, issued_at: datetime | None = None
    ) -> Appended:
        items = [event_item(event) for event in events]
        require_appendable(head, items)
        if command_id and self.has_processed(head, command_id, issued_at):
            return Appended(head, already_processed=True)
        if not items:
            return Appended(head)
        now = self._clock().replace(microsecond=0)
        token = _token(command_id) if command_id else urandom(_TOKEN_BYTES)
        full = len(head.commands) >= _TOKENS
        after = Head(
            head.aggregate_id,
            head.version + len(items),
            token if full else head.commands + token,
            now if full else head.paged_at,
        )
        page = [Put(_page_item(head, now + COMMANDS_KEPT))] if full else []
        writes = [_head_write(head, after), *(Put(item, _IS_NEW) for item in items), *page]
        try:
            self._table.write(writes, keys=KEYS)
        except ConditionFailed as error:
            return self._outrun(head, token, issued_at if command_id else now, error)
        return Appended(after)

    def has_processed(self, head: Head, command_id: str, issued_at: datetime | None = None) -> bool:
        return self._has_processed(head, _token(command_id), issued_at)

    def read(self, aggregate_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[Event]:
        return map(event_of, self._query(aggregate_id, Span(max(after, 0) + 1, up_to)))

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        item: Item = {
            "aggregateId": snapshot.aggregate_id,
            "eventSequence": _SNAPSHOT,
            "version": snapshot.version,
            "schemaVersion": snapshot.schema_version,
            "state": records.dumps(snapshot.state),
        }
        condition = f"{_IS_NEW} OR version < :version OR schemaVersion < :schemaVersion"
        values = {":version": snapshot.version, ":schemaVersion": snapshot.schema_version}
        try:
            self._table.put(item, keys=KEYS, condition=condition, values=values)
        except ConditionFailed:
            return

    def _outrun(self, head: Head, token: bytes, issued_at: datetime | None, error: ConditionFailed) -> Appended:
        """Another append won: of this very command, as when its response was lost, or of another."""
        now = self.open(head.aggregate_id).head
        if self._has_processed(now, token, issued_at):
            return Appended(now, already_processed=True)
        raise ConcurrencyConflict(head.aggregate_id, expected=head.version, current=now.version) from error

    def _has_processed(self, head: Head, token: bytes, issued_at: datetime | None) -> bool:
        if _holds(head.commands, token):
            return True
        if not head.pages_may_hold(issued_at, self._clock()):
            return False
        return any(_holds(_bytes(page, "commands"), token) for page in self._pages(head.aggregate_id, issued_at))

    def _pages(self, aggregate_id: str, issued_at: datetime | None) -> Iterator[Item]:
        """Newest first, as far back as they may hold a command issued at that time."""
        at_once = None if issued_at is None else _PAGES_PER_READ
        pages = self._query(aggregate_id, Span(None, _SNAPSHOT - 1), page_size=at_once)
        return takewhile(lambda page: _may_hold(_made_at(page), issued_at), pages)

    def _query(self, aggregate_id: str, between: Span, *, page_size: int | None = None) -> Iterator[Item]:
        key, sort = {"aggregateId": aggregate_id}, ("eventSequence", between)
        return self._table.query(key, sort=sort, consistent=True, page_size=page_size)


def event_of(item: Item) -> Event:
    """The event in an item of the table, from a query, a scan or the stream. Raises ``HistoryUnreadable`` for an item
    that is not an event, or is malformed."""
    with _reading():
        return Event(
            id=str(item["eventId"]),
            type=str(item["eventType"]),
            version=int(item["eventVersion"]),
            occurred_at=from_iso(str(item["occurredAt"])),
            correlation_id=str(item["correlationId"]),
            data=records.loads(str(item["data"])),
            aggregate_id=str(item["aggregateId"]),
            aggregate_type=str(item["aggregateType"]),
            sequence=int(item["eventSequence"]),
            causation_id=str(item["causationId"]),
            actor=str(item["actor"]),
        )


@contextmanager
def _reading() -> Iterator[None]:
    """Turns parsing errors into ``HistoryUnreadable``."""
    try:
        yield
    except MALFORMED as error:
        raise HistoryUnreadable(f"an item of the event store cannot be read: {type(error).__name__}") from error


def is_event(item: Item) -> bool:
    """Whether an item of the table is an event, rather than a head, snapshot or page of commands."""
    return "eventType" in item


def event_item(event: Event) -> Item:
    """The item for an event, with its data as one JSON string."""
    return {
        "aggregateId": event.aggregate_id,
        "eventSequence": event.sequence,
        "aggregateType": event.aggregate_type,
        "eventId": event.id,
        "eventType": event.type,
        "eventVersion": event.version,
        "occurredAt": to_iso(event.occurred_at),
        "correlationId": event.correlation_id,
        "causationId": event.causation_id,
        "actor": event.actor,
        "data": records.dumps(event.data),
    }


def require_appendable(head: Head, items: Sequence[Item]) -> None:
    """Raises ``ValueError`` for events that do not follow the head, and ``LimitExceeded`` for too many, or one that is
    too large: an event that no bus accepts could never be published."""
    places = [(item["aggregateId"], item["eventSequence"]) for item in items]
    wanted = [(head.aggregate_id, head.version + number) for number in range(1, len(items) + 1)]
    if places != wanted:
        raise ValueError(f"the events do not follow the {head.version} of {head.aggregate_id}")
    if len(items) > MAX_EVENTS_PER_APPEND:
        raise LimitExceeded(f"{head.aggregate_id} cannot take {len(items)} events at once")
    if any(len(str(item["data"]).encode()) > MAX_DATA_BYTES for item in items):
        raise LimitExceeded(f"an event of {head.aggregate_id} is larger than a bus takes")


def _head_write(before: Head, after: Head) -> Write:
    item: Item = {
        "aggregateId": after.aggregate_id,
        "eventSequence": _HEAD,
        "version": after.version,
        "commands": after.commands,
        **({"pagedAt": to_iso(after.paged_at)} if after.paged_at else {}),
    }
    if before.version == 0:
        return Put(item, _IS_NEW)
    return Put(item, "version = :expected", {":expected": before.version})


def _page_item(head: Head, until: datetime) -> Item:
    """The commands of a full head; pages have sequences of -2 and below, by the number of events at the time."""
    return {
        "aggregateId": head.aggregate_id,
        "eventSequence": _SNAPSHOT - head.version,
        "commands": head.commands,
        "expires_at": int(until.timestamp()),
    }


def _made_at(page: Item) -> datetime:
    return datetime.fromtimestamp(int(page["expires_at"]), UTC) - COMMANDS_KEPT


def _may_hold(made_at: datetime, issued_at: datetime | None) -> bool:
    """Whether a page created then can hold a command issued at that time, or at an unknown one."""
    return issued_at is None or issued_at <= made_at + CLOCKS_DIFFER


def _head(item: Item) -> Head:
    paged = records.moment(item.get("pagedAt"))
    return Head(str(item["aggregateId"]), int(item["version"]), _bytes(item, "commands"), paged)


def _snapshot(item: Item) -> Snapshot:
    state = records.loads(str(item["state"]))
    return Snapshot(str(item["aggregateId"]), int(item["version"]), int(item["schemaVersion"]), state)


def _bytes(item: Item, name: str) -> bytes:
    value = item[name]
    return value if isinstance(value, bytes) else b""


def _token(command_id: str) -> bytes:
    return sha256(command_id.encode()).digest()[:_TOKEN_BYTES]


def _holds(tokens: bytes, token: bytes) -> bool:
    return any(tokens[start : start + _TOKEN_BYTES] == token for start in range(0, len(tokens), _TOKEN_BYTES))
