"""The event store: every aggregate's events, in order, for ever.

| access pattern | key condition |
|---|---|
| an aggregate's head and snapshot | table: `aggregateId`, `eventSequence` of -1 and 0 |
| an aggregate's events from one on | table: `aggregateId`, `eventSequence` >= it |
| the commands an aggregate has taken | table: `aggregateId`, `eventSequence` < -1 |

The **head** says how many events there are. Each append replaces it in the same transaction, on condition that it still
says what the writer saw: so there is one writer for each sequence, and no gap. (That an event is not there yet would
stop two writers of the same sequence, and let a third leave one out.)

It also remembers the last commands, by six octets of their digest each: the same command a second time appends
nothing. A marker of its own for each command would make an append half as dear again. When the head is full, what it
remembers is moved to a **page of commands**, which is kept for thirty days, and looked at only for a command that may
be as old as the newest of them. An append of one event up to a kilobyte takes four write units, and each sixty-fourth
two more.
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
from watchkeeper.errors import ConditionFailed, DatabaseError, LimitExceeded, WatchkeeperError
from watchkeeper.events import MAX_EVENT_BYTES
from watchkeeper.eventsourcing.event import Event

KEYS = Keys("aggregateId", "eventSequence")

COMMANDS_IN_HEAD = 64
COMMANDS_KEPT = timedelta(days=30)
"""Longer than a dead letter is."""

CLOCKS_DIFFER = timedelta(minutes=15)
"""At the most, between who gives a command and who appends its events."""

MAX_EVENTS_PER_APPEND = 98
"""A transaction's hundred writes, without those of the head and of a page of commands."""

MAX_DATA_BYTES = MAX_EVENT_BYTES - 4 * 1024
"""Of what an event says, as JSON: a bus takes it with all that is around it."""

_SNAPSHOT = -1
_HEAD = 0
_PAGES_PER_READ = 32
_TOKEN_OCTETS = 6
_TOKENS = COMMANDS_IN_HEAD * _TOKEN_OCTETS
_IS_NEW = "attribute_not_exists(aggregateId)"


class ConcurrencyConflict(WatchkeeperError):
    """Somebody else has appended to the aggregate since it was loaded."""

    def __init__(self, aggregate_id: str, *, expected: int, current: int) -> None:
        super().__init__(f"{aggregate_id} has {current} events, not {expected}")
        self.aggregate_id = aggregate_id
        self.expected = expected
        self.current = current


class HistoryUnreadable(DatabaseError):
    """This release cannot read what an aggregate's history holds, however often it tries."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far an aggregate is: what an append is conditional on."""

    aggregate_id: str
    version: int = 0
    """The sequence of its last event; 0 before the first."""
    commands: bytes = b""
    """Tokens of the last commands, the oldest first."""
    paged_at: datetime | None = None
    """When the newest page of older commands was made; ``None`` if there is none."""

    def pages_may_hold(self, given_at: datetime | None, now: datetime) -> bool:
        """Whether a command can be on a page that was first given at that time, or at any."""
        if self.paged_at is None or self.paged_at + COMMANDS_KEPT < now:
            return False
        return _may_hold(self.paged_at, given_at)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An aggregate's state after ``version`` events."""

    aggregate_id: str
    version: int
    form: int
    """The aggregate's ``snapshot_version``."""
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """What an aggregate's loading begins with."""

    head: Head
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of an append."""

    head: Head
    """After it; of a repeated command the one it was sent with, or a later one."""
    repeated: bool = False
    """The command was taken before: nothing was appended now."""


class EventStore(Protocol):
    def open(self, aggregate_id: str) -> Opened:
        """The head and the newest snapshot, as they are now."""

    def append(
        self, head: Head, events: Sequence[Event], *, command_id: str | None = None, given_at: datetime | None = None
    ) -> Appended:
        """Append all of a command's events, or none.

        They follow the head's version without a gap; ``ValueError`` if not. The same command a second time appends
        nothing, whatever its events are now, and says so; one without an id cannot come again. ``given_at`` is when the
        command was given for the first time, or a time before that, where any is known: pages that are older are not
        looked at. Raises ``ConcurrencyConflict`` if the aggregate is not at ``head`` any more, and ``LimitExceeded``
        for more than 98 events, or one that is larger than a bus takes.
        """

    def took(self, head: Head, command_id: str, given_at: datetime | None = None) -> bool:
        """Whether the aggregate has taken that command, in the last thirty days at the least; ``given_at`` is as in
        ``append``."""

    def read(self, aggregate_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[Event]:
        """Its events in order, those with a sequence above ``after`` and not above ``up_to``, as they were appended:
        no event is upcast here."""

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Keep it, unless a newer one is kept already."""


class DynamoDBEventStore:
    """An ``EventStore`` in one table. Reads are consistent. Errors are those of ``Table``."""

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
        self, head: Head, events: Sequence[Event], *, command_id: str | None = None, given_at: datetime | None = None
    ) -> Appended:
        items = [event_item(event) for event in events]
        require_appendable(head, items)
        if not items:
            return Appended(head)
        token = _token(command_id) if command_id else urandom(_TOKEN_OCTETS)
        if command_id and self._took(head, token, given_at):
            return Appended(head, repeated=True)
        full = len(head.commands) >= _TOKENS
        now = self._clock().replace(microsecond=0)
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
            return self._outrun(head, token, given_at, error)
        return Appended(after)

    def took(self, head: Head, command_id: str, given_at: datetime | None = None) -> bool:
        return self._took(head, _token(command_id), given_at)

    def read(self, aggregate_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[Event]:
        return map(event_of, self._query(aggregate_id, Span(max(after, 0) + 1, up_to)))

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        item: Item = {
            "aggregateId": snapshot.aggregate_id,
            "eventSequence": _SNAPSHOT,
            "version": snapshot.version,
            "form": snapshot.form,
            "state": records.dumps(snapshot.state),
        }
        condition = f"{_IS_NEW} OR version < :version OR form < :form"
        values = {":version": snapshot.version, ":form": snapshot.form}
        try:
            self._table.put(item, keys=KEYS, condition=condition, values=values)
        except ConditionFailed:
            return

    def _outrun(self, head: Head, token: bytes, given_at: datetime | None, error: ConditionFailed) -> Appended:
        """Somebody was faster: this very command, as when its answer was lost, or another."""
        now = self.open(head.aggregate_id).head
        if self._took(now, token, given_at):
            return Appended(now, repeated=True)
        raise ConcurrencyConflict(head.aggregate_id, expected=head.version, current=now.version) from error

    def _took(self, head: Head, token: bytes, given_at: datetime | None) -> bool:
        if _holds(head.commands, token):
            return True
        if not head.pages_may_hold(given_at, self._clock()):
            return False
        return any(_holds(_octets(page, "commands"), token) for page in self._pages(head.aggregate_id, given_at))

    def _pages(self, aggregate_id: str, given_at: datetime | None) -> Iterator[Item]:
        """The newest first, as far back as they may hold a command that was given then."""
        at_once = None if given_at is None else _PAGES_PER_READ
        pages = self._query(aggregate_id, Span(None, _SNAPSHOT - 1), page_size=at_once)
        return takewhile(lambda page: _may_hold(_made_at(page), given_at), pages)

    def _query(self, aggregate_id: str, between: Span, *, page_size: int | None = None) -> Iterator[Item]:
        key, sort = {"aggregateId": aggregate_id}, ("eventSequence", between)
        return self._table.query(key, sort=sort, consistent=True, page_size=page_size)


def event_of(item: Item) -> Event:
    """The event an item of the table holds, from a query, a scan or the table's stream. Raises ``HistoryUnreadable``
    for an item that is none, or cannot be read."""
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
    """What cannot be read leaves as ``HistoryUnreadable``."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise HistoryUnreadable(f"an item of the event store cannot be read: {type(error).__name__}") from error


def is_event(item: Item) -> bool:
    """Whether an item of the table is an event, and neither head, snapshot nor page of commands."""
    return "eventType" in item


def event_item(event: Event) -> Item:
    """The item that holds an event; what it says is one JSON text."""
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
    """Raises ``ValueError`` for items of events that do not follow the head, and ``LimitExceeded`` for too many, or one
    that is too large: what no bus takes would be known to nobody, for ever."""
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
    """The commands of a full head; pages go downwards from -2, by how many events there were."""
    return {
        "aggregateId": head.aggregate_id,
        "eventSequence": _SNAPSHOT - head.version,
        "commands": head.commands,
        "expires_at": int(until.timestamp()),
    }


def _made_at(page: Item) -> datetime:
    return datetime.fromtimestamp(int(page["expires_at"]), UTC) - COMMANDS_KEPT


def _may_hold(made_at: datetime, given_at: datetime | None) -> bool:
    """Whether a page that was made then can hold a command that was given at that time, or at any."""
    return given_at is None or given_at <= made_at + CLOCKS_DIFFER


def _head(item: Item) -> Head:
    paged = records.moment(item.get("pagedAt"))
    return Head(str(item["aggregateId"]), int(item["version"]), _octets(item, "commands"), paged)


def _snapshot(item: Item) -> Snapshot:
    state = records.loads(str(item["state"]))
    return Snapshot(str(item["aggregateId"]), int(item["version"]), int(item["form"]), state)


def _octets(item: Item, name: str) -> bytes:
    value = item[name]
    return value if isinstance(value, bytes) else b""


def _token(command_id: str) -> bytes:
    return sha256(command_id.encode()).digest()[:_TOKEN_OCTETS]


def _holds(tokens: bytes, token: bytes) -> bool:
    return any(tokens[start : start + _TOKEN_OCTETS] == token for start in range(0, len(tokens), _TOKEN_OCTETS))
