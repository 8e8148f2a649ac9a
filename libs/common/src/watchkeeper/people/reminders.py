"""Reminders: what a person wants to be reminded of, when, and what became of it.

A reminder is processed repeatedly until it is finished, and its place in the index says when next: ``DUE#<shard>``
holds those that are to be sent, from when they are due, or, while one is being sent, from when the sender's lease
expires; ``RECEIPT#<shard>`` holds those that Expo has accepted and may have a receipt for. So one query finds what is
due together with what a crashed sender has left behind.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zlib import crc32

from watchkeeper import records
from watchkeeper.clock import from_iso, to_iso
from watchkeeper.dynamodb import Between, Check, Item, Put, Table, Update, Value
from watchkeeper.errors import ItemNotFound
from watchkeeper.people.table import INDEX, IS_NEW, KEYS, partition, user_key

SHARDS = 8
"""A partition of DynamoDB accepts 1,000 writes a second; eight are enough for what Expo accepts (600 notifications a
second per project), with two changes of place for each."""

FURTHEST = timedelta(days=366)
"""How far ahead a reminder may be due."""

KEPT = timedelta(days=90)
"""How long a finished reminder can still be read."""


class ReminderStatus(StrEnum):
    SCHEDULED = "scheduled"
    SENDING = "sending"
    """Claimed by a run of the processor, with a lease that expires."""
    SENT = "sent"
    """Accepted by Expo for at least one device."""
    DELIVERED = "delivered"
    """Handed over to Apple's or Google's service for at least one device, as Expo's receipt says."""
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Expo's response for one device; the ``id`` of a ticket that is ``ok`` is used to request its receipt."""

    device: str
    id: str | None = None
    error: str | None = None
    """Expo's ``details.error``, of the ticket or of the receipt."""
    delivered: bool = False

    @property
    def is_open(self) -> bool:
        """Whether its receipt is still outstanding."""
        return self.id is not None and self.error is None and not self.delivered


@dataclass(frozen=True, slots=True)
class Reminder:
    id: str
    user: str
    title: str
    body: str
    due_at: datetime
    created_at: datetime
    batch: str | None = None
    kind: str = ""
    """What it reminds of, such as ``taste`` or ``bottle``."""
    status: ReminderStatus = ReminderStatus.SCHEDULED
    reason: str | None = None
    """Why it failed, was cancelled, or has no receipt."""
    attempts: int = 0
    """How often it was claimed."""
    sent_at: datetime | None = None
    tickets: tuple[Ticket, ...] = ()


@dataclass(frozen=True, slots=True)
class ReminderKey:
    """A reminder as the index knows it."""

    user: str
    id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of processing a reminder. ``next_look`` is when to send it again, or, for one that was sent, when to
    request its receipts; ``None`` if nothing is left to do."""

    status: ReminderStatus
    next_look: datetime | None = None
    reason: str | None = None
    sent_at: datetime | None = None
    tickets: tuple[Ticket, ...] = ()


class ReminderRepository:
    def __init__(self, table: Table) -> None:
        self._table = table

    def of_user(self, user: str) -> Iterator[Reminder]:
        """In the order they were created."""
        return map(_reminder, partition(self._table, user, "REMINDER#"))

    def get(self, user: str, reminder: str) -> Reminder:
        """Raises ``ItemNotFound``."""
        item = self._table.get(_key(user, reminder))
        if item is None:
            raise ItemNotFound("no such reminder")
        return _reminder(item)

    def due(self, shard: int, now: datetime) -> Iterator[ReminderKey]:
        """Those to be sent: they are due, or their sender's lease has expired. The index may lag in both directions."""
        return self._to_look_at(f"DUE#{shard}", now)

    def awaiting_receipts(self, shard: int, now: datetime) -> Iterator[ReminderKey]:
        """Those that were sent, and whose receipts may be available."""
        return self._to_look_at(f"RECEIPT#{shard}", now)

    def _to_look_at(self, place: str, now: datetime) -> Iterator[ReminderKey]:
        until = ("GSI1SK", Between(high=_until(now)))
        for item in self._table.query({"GSI1PK": place}, index=INDEX, sort=until):
            yield ReminderKey(str(item["PK"]).removeprefix("USER#"), str(item["SK"]).removeprefix("REMINDER#"))

    def get_many(self, keys: Iterable[ReminderKey]) -> list[Reminder]:
        """Those that exist, in no particular order."""
        return [_reminder(item) for item in self._table.batch_get(_key(key.user, key.id) for key in keys)]

    def remove_many(self, keys: Iterable[ReminderKey]) -> None:
        """Whatever their state: a run that is sending one of them can no longer store the outcome."""
        self._table.batch_delete((_key(key.user, key.id) for key in keys), keys=KEYS)

    def claim(self, key: ReminderKey, holder: str, *, now: datetime, lease: timedelta) -> Reminder:
        """Claim it for sending, with a lease during which nobody else can claim it.

        Raises ``ConditionFailed`` if it is not, or no longer, to be sent: it is cancelled, put off, gone, or claimed by
        another. Claiming it again with the same holder succeeds.
        """
        return _reminder(
            self._table.update(
                _key(key.user, key.id),
                {"reminder_status": ReminderStatus.SENDING, "holder": holder, **_place("DUE", key.id, now + lease)},
                keys=KEYS,
                add={"attempts": 1},
                condition="GSI1PK = :place AND (GSI1SK <= :now OR holder = :holder)",
                values={":place": _shard("DUE", key.id), ":now": _until(now), ":holder": holder},
            )
        )

    def finish(self, reminder: Reminder, holder: str, outcome: Outcome, *, now: datetime) -> None:
        """Store the outcome, and release the claim.

        Raises ``ConditionFailed`` if ``holder`` no longer has it: its lease expired and another claimed it, or it is
        gone with its person.
        """
        place = "RECEIPT" if outcome.status is ReminderStatus.SENT else "DUE"
        self._table.update(
            _key(reminder.user, reminder.id),
            {"holder": None, **_outcome(reminder.id, place, outcome, now)},
            keys=KEYS,
            condition="holder = :holder AND reminder_status = :sending",
            values={":holder": holder, ":sending": ReminderStatus.SENDING},
        )

    def note_receipts(self, reminder: Reminder, outcome: Outcome, *, now: datetime) -> None:
        """Store what the receipts say about a reminder that was sent, and whose receipts are due.

        Raises ``ConditionFailed`` if they are not, or no longer: another run has noted the same, the reminder was put
        off since, whether it was sent again or not, or it is gone.
        """
        self._table.update(
            _key(reminder.user, reminder.id),
            _outcome(reminder.id, "RECEIPT", outcome, now),
            keys=KEYS,
            condition="GSI1PK = :place AND GSI1SK <= :now",
            values={":place": _shard("RECEIPT", reminder.id), ":now": _until(now)},
        )

    def give_up(self, key: ReminderKey, holder: str, reason: str, *, after: int, now: datetime) -> None:
        """Mark one that ``holder`` has and cannot read as failed, if it was claimed more than ``after`` times. Raises
        ``ConditionFailed`` if it was not."""
        self._table.update(
            _key(key.user, key.id),
            {"holder": None, **_outcome(key.id, "DUE", Outcome(ReminderStatus.FAILED, reason=reason), now)},
            keys=KEYS,
            condition="holder = :holder AND attempts > :after",
            values={":holder": holder, ":after": after},
        )

    def give_up_receipts(self, key: ReminderKey, reason: str, *, since: datetime, now: datetime) -> None:
        """Stop processing one that was sent and cannot be read, if its receipts were due by ``since``. Raises
        ``ConditionFailed`` if they were not."""
        self._table.update(
            _key(key.user, key.id),
            _outcome(key.id, "RECEIPT", Outcome(ReminderStatus.SENT, reason=reason), now),
            keys=KEYS,
            condition="GSI1PK = :place AND GSI1SK <= :since",
            values={":place": _shard("RECEIPT", key.id), ":since": _until(since)},
        )


def scheduled(reminder: Reminder) -> Put:
    """A new reminder."""
    return Put(_item(reminder), IS_NEW)


def scheduled_anew(reminder: Reminder) -> Put:
    """A reminder, whether new or replacing the one with its id, whatever became of that. Its condition fails while that
    one is being sent."""
    condition = f"{IS_NEW} OR reminder_status <> :sending"
    return Put(_item(reminder), condition, {":sending": ReminderStatus.SENDING})


def cancelled(reminder: Reminder, reason: str, now: datetime) -> Update:
    """Its condition fails unless the reminder is scheduled."""
    return Update(
        _key(reminder.user, reminder.id),
        _outcome(reminder.id, "DUE", Outcome(ReminderStatus.CANCELLED, reason=reason), now),
        condition="reminder_status = :scheduled",
        values={":scheduled": ReminderStatus.SCHEDULED},
    )


def not_scheduled(key: ReminderKey) -> Check:
    """For transactions with other writes. Its condition fails if the reminder is scheduled."""
    condition = f"{IS_NEW} OR reminder_status <> :scheduled"
    return Check(_key(key.user, key.id), condition, {":scheduled": ReminderStatus.SCHEDULED})


def put_off(reminder: Reminder, due_at: datetime) -> Update:
    """Scheduled for another time, whether it was sent before or not. Its condition fails if the reminder has changed
    since it was read."""
    return Update(
        _key(reminder.user, reminder.id),
        {
            "due_at": to_iso(due_at),
            "reminder_status": ReminderStatus.SCHEDULED,
            "attempts": 0,
            **dict.fromkeys(("reason", "sent_at", "tickets", "TTL")),
            **_place("DUE", reminder.id, due_at),
        },
        condition="reminder_status = :was AND due_at = :due",
        values={":was": reminder.status, ":due": to_iso(reminder.due_at)},
    )


def after_put_off(reminder: Reminder, due_at: datetime) -> Reminder:
    """The reminder as ``put_off`` leaves it."""
    return replace(
        reminder, due_at=due_at, status=ReminderStatus.SCHEDULED, attempts=0, reason=None, sent_at=None, tickets=()
    )


_ATTRIBUTES = frozenset({"id", "user", "due_at", "status", "reason", "attempts", "sent_at", "tickets"})
"""Those the item stores outside its record."""


def _item(reminder: Reminder) -> Item:
    return {
        **_key(reminder.user, reminder.id),
        **_set(_place("DUE", reminder.id, reminder.due_at)),
        "due_at": to_iso(reminder.due_at),
        "reminder_status": reminder.status,
        "attempts": 0,
        "record": records.encode(reminder, without=_ATTRIBUTES),
    }


def _outcome(reminder: str, place: str, outcome: Outcome, now: datetime) -> dict[str, Value | None]:
    changes: dict[str, Value | None] = {
        "reminder_status": outcome.status,
        "reason": outcome.reason,
        **_place(place, reminder, outcome.next_look),
    }
    if outcome.sent_at:
        changes["sent_at"] = to_iso(outcome.sent_at)
    if outcome.tickets:
        changes["tickets"] = records.dumps(outcome.tickets)
    if outcome.next_look is None:
        changes["TTL"] = int((now + KEPT).timestamp())
    return changes


def _place(name: str, reminder: str, look: datetime | None) -> Mapping[str, str | None]:
    """In the index, from that moment on; not in it, if ``look`` is ``None``."""
    if look is None:
        return {"GSI1PK": None, "GSI1SK": None}
    return {"GSI1PK": _shard(name, reminder), "GSI1SK": f"{to_iso(look)}#{reminder}"}


def _set(changes: Mapping[str, str | None]) -> dict[str, Value]:
    return {name: value for name, value in changes.items() if value is not None}


def _shard(name: str, reminder: str) -> str:
    return f"{name}#{crc32(reminder.encode()) % SHARDS}"


def _until(now: datetime) -> str:
    """After the sort keys of this second, before those of the next."""
    return f"{to_iso(now)}$"


def _key(user: str, reminder: str) -> dict[str, str]:
    return {"PK": user_key(user), "SK": f"REMINDER#{reminder}"}


def _reminder(item: Item) -> Reminder:
    record = records.loads(str(item["record"]))
    sent_at, tickets = item.get("sent_at"), item.get("tickets")
    return Reminder(
        id=str(item["SK"]).removeprefix("REMINDER#"),
        user=str(item["PK"]).removeprefix("USER#"),
        title=record.get("title", ""),
        body=record.get("body", ""),
        due_at=from_iso(str(item["due_at"])),
        created_at=from_iso(record["created_at"]),
        batch=record.get("batch"),
        kind=record.get("kind", ""),
        status=ReminderStatus(str(item["reminder_status"])),
        reason=str(item["reason"]) if "reason" in item else None,
        attempts=int(item.get("attempts", 0)),
        sent_at=from_iso(str(sent_at)) if sent_at else None,
        tickets=tuple(Ticket(**ticket) for ticket in records.loads(str(tickets))) if tickets else (),
    )
