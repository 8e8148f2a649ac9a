"""The single table of what people own: how its items are found.

| item | PK | SK | GSI1PK | GSI1SK |
|---|---|---|---|---|
| batch | `USER#<user>` | `BATCH#<batch>` | `PUBLIC#<batch>`, only while it is public | `BATCH` |
| timeline event | `USER#<user>` | `EVENT#<batch>#<event>` | | |
| photo | `USER#<user>` | `PHOTO#<batch>#<photo>` | | |
| reminder | `USER#<user>` | `REMINDER#<reminder>` | `DUE#<shard>` or `RECEIPT#<shard>` | `<next look>#<reminder>` |
| device | `DEVICE#<device>` | `DEVICE` | `USER#<user>` | `DEVICE#<device>` |
| answer to an Idempotency-Key | `USER#<user>` | `ANSWER#<key>` | | |
| account that is being deleted | `USER#<user>` | `DELETION` | | |

What is a person's own stands in that person's partition: whoever asks can reach nothing else. Batches, events, photos
and reminders have ULIDs for ids, so that a partition is in the order of time. The index holds keys alone; what it finds
is read from the table.
"""

from collections.abc import Iterator

from watchkeeper.dynamodb import Between, Item, Keys, Table

KEYS = Keys("PK", "SK", ("GSI1PK",), ("GSI1SK",))
INDEX = "GSI1"
EXISTS = "attribute_exists(PK)"
IS_NEW = "attribute_not_exists(PK)"

_LAST = "\U0010ffff"


def user_key(user: str) -> str:
    """The partition of what is a person's own. ``user`` is the user pool's `sub`."""
    return f"USER#{user}"


def beginning(prefix: str) -> Between:
    """The sort keys that begin so."""
    return Between(prefix, prefix + _LAST)


def partition(table: Table, user: str, prefix: str = "") -> Iterator[Item]:
    """A person's items, in the order of their sort keys."""
    sort = ("SK", beginning(prefix)) if prefix else None
    return table.query({"PK": user_key(user)}, sort=sort, consistent=True)
