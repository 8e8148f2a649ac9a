"""The single table of what people own: how its items are found.

| item | PK | SK | GSI1PK | GSI1SK |
|---|---|---|---|---|
| batch | `USER#<user>` | `BATCH#<batch>` | `PUBLIC#<batch>`, only while it is public | `BATCH` |
| timeline event | `USER#<user>` | `EVENT#<batch>#<event>` | | |
| photo | `USER#<user>` | `PHOTO#<batch>#<photo>` | | |
| reminder | `USER#<user>` | `REMINDER#<reminder>` | `DUE#<shard>` or `RECEIPT#<shard>` | `<next look>#<reminder>` |
| device | `DEVICE#<device>` | `DEVICE` | `USER#<user>` | `DEVICE#<device>` |
| answer to an Idempotency-Key | `USER#<user>` | `ANSWER#<key>` | | |
| the first request with an Idempotency-Key, and when it came | `USER#<user>` | `BEGUN#<key>` | | |
| account that is being deleted | `USER#<user>` | `DELETION` | | |

What is a person's own stands in that person's partition: whoever asks can reach nothing else. Batches, events, photos
and reminders have ULIDs for ids, so that a partition is in the order of time. The index holds keys alone; what it finds
is read from the table.

| access pattern | key condition |
|---|---|
| one batch, event, photo or reminder of a person; the answer to a key; a deletion | table: `PK`, `SK` |
| a person's batches, newest first | table: `PK = USER#<user>`, `SK` from `BATCH#`, descending |
| a batch's timeline, its photos | table: `PK = USER#<user>`, `SK` from `EVENT#<batch>#`, `PHOTO#<batch>#` |
| a person's reminders | table: `PK = USER#<user>`, `SK` from `REMINDER#` |
| all that is a person's, to export or to erase it | table: `PK = USER#<user>` |
| a device, by its push token | table: `PK = DEVICE#<hash of the token>`, `SK = DEVICE` |
| a person's devices | `GSI1`: `GSI1PK = USER#<user>`, `GSI1SK` from `DEVICE#` |
| a batch whoever's it is, while it is public | `GSI1`: `GSI1PK = PUBLIC#<batch>` |
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
"""Items that are removed at once by who erases: four requests' worth."""


def user_key(user: str) -> str:
    """The partition of what is a person's own. ``user`` is the user pool's `sub`."""
    return f"USER#{user}"


def beginning(prefix: str) -> Between:
    """The sort keys that begin so."""
    return Between(prefix, prefix + _LAST)


def partition(table: Table, user: str, prefix: str = "", *, page_size: int | None = None) -> Iterator[Item]:
    """A person's items, in the order of their sort keys. ``page_size`` as in ``Table.query``."""
    sort = ("SK", beginning(prefix)) if prefix else None
    return table.query({"PK": user_key(user)}, sort=sort, consistent=True, page_size=page_size)


def swept(table: Table, find: Callable[[], Iterator[Item]]) -> Iterator[int]:
    """Remove what is found, until nothing is found; how many items, after each step of it, so that whoever has no time
    left can stop between two. Of what ``find`` finds no more than a ``STEP`` is taken at once."""
    while found := list(islice(find(), STEP)):
        table.batch_delete(found, keys=KEYS)
        yield len(found)
