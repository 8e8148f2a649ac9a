"""Accounts that are being deleted. Other accounts have no item here: they are in the user pool."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchkeeper.clock import from_iso, to_iso
from watchkeeper.dynamodb import Item, Table, Value
from watchkeeper.errors import ConditionFailed
from watchkeeper.people.table import EXISTS, IS_NEW, KEYS, STEP, partition, swept, user_key

TOLD = timedelta(days=7)
"""How long a finished deletion can be looked up; the person's tokens are valid for an hour at the most."""

_DELETION = "DELETION"


@dataclass(frozen=True, slots=True)
class Deletion:
    requested_at: datetime
    finished_at: datetime | None = None


class AccountRepository:
    def __init__(self, table: Table) -> None:
        self._table = table

    def deletion(self, user: str) -> Deletion | None:
        item = self._table.get(_key(user))
        if item is None:
            return None
        finished = item.get("finished_at")
        return Deletion(from_iso(str(item["requested_at"])), from_iso(str(finished)) if finished else None)

    def request_deletion(self, user: str, now: datetime) -> Deletion:
        """The one that counts: the first request, if this is not it."""
        try:
            self._table.put({**_key(user), "requested_at": to_iso(now)}, keys=KEYS, condition=IS_NEW)
        except ConditionFailed:
            return self.deletion(user) or Deletion(now)
        return Deletion(now)

    def remove_all(self, user: str) -> Iterator[int]:
        """Remove everything in that person's partition except the record of the deletion, see ``swept``."""

        def find() -> Iterator[Item]:
            found = partition(self._table, user, page_size=STEP + 1)  # including the one that stays
            return (item for item in found if item["SK"] != _DELETION)

        return swept(self._table, find)

    def finish_deletion(self, user: str, now: datetime) -> None:
        """Raises ``ConditionFailed`` if it was not requested."""
        changes: dict[str, Value | None] = {"finished_at": to_iso(now), "TTL": int((now + TOLD).timestamp())}
        self._table.update(_key(user), changes, keys=KEYS, condition=EXISTS)


def _key(user: str) -> dict[str, str]:
    return {"PK": user_key(user), "SK": _DELETION}
