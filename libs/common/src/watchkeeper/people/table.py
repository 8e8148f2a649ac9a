"""The single table of what people own: how its items are found.

| item | PK | SK | GSI1PK | GSI1SK |
|---|---|---|---|---|
| batch | `USER#<user>` | `BATCH#<batch>` | `PUBLIC#<batch>`, only while it is public | `BATCH` |
| timeline event | `USER#<user>` | `EVENT#<batch>#<event>` | | |
| photo | `USER#<user>` | `PHOTO#<batch>#<photo>` | | |
| reminder | `USER#<user>` | `REMINDER#<reminder>` | `DUE#<shard>` or `RECEIPT#<shard>` | `<next look>#<reminder>` |
| device | `DEVICE#<device>` | `DEVICE` | `USER#<user>` | `DEVICE#<device>` |
| answer to an Idempotency-Key | `USER#<user>` | `ANSWER#<key>` | | |
| claim of an Idempotency-Key by its first request | `USER#<user>` | `CLAIM#<key>` | | |
| account that is being deleted | `USER#<user>` | `DELETION` | | |

A person's own items are in that person's partition: a request can reach nothing else. Batches, events, photos and
reminders have ULIDs as ids, so that a partition is in order of time. The index holds only keys; the items it finds are
read from the table.

| access pattern | key condition |
|---|---|
| one batch, event, photo or reminder of a person; the answer to a key, its claim; a deletion | table: `PK`, `SK` |
| a person's batches, newest first | table: `PK = USER#<user>`, `SK` from `BATCH#`, descending |
| a batch's timeline, its photos | table: `PK = USER#<user>`, `SK` from `EVENT#<batch>#`, `PHOTO#<batch>#` |
| a person's reminders | table: `PK = USER#<user>`, `SK` from `REMINDER#` |
| all of a person's own items, to export or to erase them | table: `PK = USER#<user>` |
| a device, by its push token | table: `PK = DEVICE#<hash of the token>`, `SK = DEVICE` |
| a person's devices | `GSI1`: `GSI1PK = USER#<user>`, `GSI1SK` from `DEVICE#` |
| anybody's batch, while it is public | `GSI1`: `GSI1PK = PUBLIC#<batch>` |
| the reminders to be sent by now | `GSI1`: `GSI1PK = DUE#<shard>`, `GSI1SK` up to now |
| the reminders whose receipts may be there by now | `GSI1`: `GSI1PK = RECEIPT#<shard>`, `GSI1SK` up to now |
"""

from collections.abc import Callable, Iterator
from itertools import islice

from watchkeeper.dynamodb import Between, Item, Keys, Table

KEYS = Keys("PK", "SK", ("GSI1PK",), ("GSI1SK",))
INDEX = "GSI1"
EXISTS = "attribute_exists(PK)"
IS_NEW = "attribute_not_exists(PK)"

_LAST = "\U0010ffff"
STEP = 100
"""Items that an erasure removes at a time: four requests' worth."""


def user_key(user: str) -> str:
    """The partition of a person's own items. ``user`` is the user pool's `sub`."""
    return f"USER#{user}"


def beginning(prefix: str) -> Between:
    """The sort keys with that prefix."""
    return Between(prefix, prefix + _LAST)


def partition(table: Table, user: str, prefix: str = "", *, page_size: int | None = None) -> Iterator[Item]:
    """A person's items, in the order of their sort keys. ``page_size`` as in ``Table.query``."""
    sort = ("SK", beginning(prefix)) if prefix else None
    return table.query({"PK": user_key(user)}, sort=sort, consistent=True, page_size=page_size)


def swept(table: Table, find: Callable[[], Iterator[Item]]) -> Iterator[int]:
    """Remove what ``find`` finds, at most a ``STEP`` at a time, until it finds nothing. Yields how many items after
    each step, so that a caller without time left can stop in between."""
    while found := list(islice(find(), STEP)):
        table.batch_delete(found, keys=KEYS)
        yield len(found)
