"""Read models: rows projected from events, in generations, so that a model can be rebuilt while it is being read.

| access pattern | key condition |
|---|---|
| the rows of a model | table: `pk = <model>#<generation>#<partition>`, `sk` in order |
| which generation of each model is read, and which are written | table: `pk = READ-MODELS`, `sk = generations` |

A row holds the state of an aggregate after one event, and that event's sequence; it only ever overwrites a row with a
lower sequence. So projections are idempotent and independent of order: an event that arrives twice, or after a later
one, changes nothing. All rows of one key must come from the same aggregate.

Projections write each row to every written generation of its model. A rebuild adds a generation to these, then projects
the whole store into it, and then switches reads to it: events appended before the addition are found in the store, and
events appended after it are projected into both generations.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchkeeper import records
from watchkeeper.clock import to_iso
from watchkeeper.dynamodb import Between, Item, Key, Keys, Table, Value
from watchkeeper.errors import ConditionFailed, ItemNotFound
from watchkeeper.eventsourcing.event import Event

KEYS = Keys("pk", "sk")

FIRST = "1"
"""The generation of a model that has never been rebuilt."""

_POINTER: Key = {"pk": "READ-MODELS", "sk": "generations"}
"""One item, so that a projection needs a single read; one attribute per model, so that they change independently."""
_IS_NEWER = "attribute_not_exists(pk) OR #sequence < :sequence"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a read model, projected from an event."""

    model: str
    partition: str
    """Empty for a model with only one."""
    sort: str
    record: Mapping[str, Any]
    """JSON types."""
    expires_at: int | None = None
    """When it may be deleted, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """The event that a row was projected from."""

    event_id: str
    sequence: int
    occurred_at: str
    """ISO 8601, in UTC to the second."""
    correlation_id: str


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as it is stored."""

    sort: str
    record: dict[str, Any]
    stamp: Stamp
    expires_at: int | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether it has expired: DynamoDB may take days to delete it."""
        return self.expires_at is not None and self.expires_at <= now.timestamp()


@dataclass(frozen=True, slots=True)
class Generations:
    """Which generation of a model is read, and which are written."""

    read: str = FIRST
    written: tuple[str, ...] = (FIRST,)
    rebuild: Mapping[str, Any] | None = None
    """The progress of an unfinished rebuild, in its own format."""


class AllGenerations(dict[str, Generations]):
    """The generations of each model, by its name."""

    def __missing__(self, model: str) -> Generations:
        return Generations()


class View:
    """The models as one request reads them: in the generations that were current when it began."""

    def __init__(self, table: Table, generations: AllGenerations) -> None:
        self._table = table
        self._generations = generations

    def get(self, model: str, sort: str, partition: str = "") -> StoredRow:
        """Raises ``ItemNotFound``."""
        if (item := self._table.get({"pk": self._key(model, partition), "sk": sort}, consistent=False)) is None:
            raise ItemNotFound(f"there is no {sort} in {model}")
        return _stored_row(item)

    def rows(
        self,
        model: str,
        partition: str = "",
        *,
        between: Between | None = None,
        descending: bool = False,
        page_size: int | None = None,
    ) -> Iterator[StoredRow]:
        """In order of sort key. Expired rows may be included for some days."""
        bounds = ("sk", between) if between else None
        key = {"pk": self._key(model, partition)}
        found = self._table.query(key, sort=bounds, descending=descending, page_size=page_size)
        return map(_stored_row, found)

    def _key(self, model: str, partition: str) -> str:
        return partition_key(model, self._generations[model].read, partition)


class ReadModels:
    """The table of read models. Errors are those of ``Table``."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def generations(self) -> AllGenerations:
        kept = self._table.get(_POINTER) or {}
        return AllGenerations({name: _generations(value) for name, value in kept.items() if name not in _POINTER})

    def change(self, model: str, before: Generations, after: Generations) -> Generations:
        """Replace the generations of a model. Raises ``ConditionFailed`` if they are no longer ``before``."""
        self._table.update(_POINTER, {model: _text(after)}, keys=KEYS, expected={model: _text(before)})
        return after

    def view(self) -> View:
        return View(self._table, self.generations())

    def put(self, row: Row, generation: str, stamp: Stamp) -> bool:
        """Write the row unless there is one with the same or a higher sequence; whether it was written."""
        try:
            self._table.put(
                _item(row, generation, stamp), keys=KEYS, condition=_IS_NEWER, values={":sequence": stamp.sequence}
            )
        except ConditionFailed:
            return False
        return True

    def delete_before(self, model: str, generation: str, start: Key | None = None) -> Key | None:
        """Delete the rows of the model's earlier generations from one page of the table, which starts at ``start``;
        where the next page starts, ``None`` after the last."""
        earlier = tuple(partition_key(model, str(number), "") for number in range(1, int(generation)))
        page = self._table.scan_page(start=start)
        self._table.batch_delete([item for item in page.items if str(item["pk"]).startswith(earlier)], keys=KEYS)
        return page.last_key


def partition_key(model: str, generation: str, partition: str) -> str:
    return f"{model}#{generation}#{partition}"


def stamp_of(event: Event) -> Stamp:
    return Stamp(event.id, event.sequence, to_iso(event.occurred_at), event.correlation_id)


def _item(row: Row, generation: str, stamp: Stamp) -> Item:
    item: Item = {
        "pk": partition_key(row.model, generation, row.partition),
        "sk": row.sort,
        "record": records.dumps(row.record),
        "sequence": stamp.sequence,
        "event_id": stamp.event_id,
        "correlation_id": stamp.correlation_id,
        "occurred_at": stamp.occurred_at,
    }
    return item if row.expires_at is None else {**item, "expires_at": row.expires_at}


def _stored_row(item: Item) -> StoredRow:
    stamp = Stamp(str(item["event_id"]), int(item["sequence"]), str(item["occurred_at"]), str(item["correlation_id"]))
    expires_at = int(item["expires_at"]) if "expires_at" in item else None
    return StoredRow(str(item["sk"]), records.loads(str(item["record"])), stamp, expires_at)


def _text(generations: Generations) -> str | None:
    """As they are stored; those of a model that has never been rebuilt are not stored."""
    return None if generations == Generations() else records.encode(generations)


def _generations(text: Value) -> Generations:
    kept = records.loads(str(text))
    return Generations(kept["read"], tuple(kept["written"]), kept.get("rebuild"))
