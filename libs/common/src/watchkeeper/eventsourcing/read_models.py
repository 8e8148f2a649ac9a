"""Read models: rows made of events, in generations, so that a model can be made anew while it is read.

| access pattern | key condition |
|---|---|
| the rows of a model | table: `pk = <model>#<generation>#<partition>`, `sk` in order |
| which generation of each model is read, and which are written | table: `pk = READ-MODELS`, `sk = generations` |

A row says what one event's aggregate was like after it, and keeps that event's sequence: it is written only over a row
of a lower one. So an event that comes twice, or after a later one, changes nothing, and the rows are the same in
whatever order the events came. Rows of one key must come of one aggregate.

Who projects writes each row to every generation of its model. A rebuild adds a generation to those, then reads the
whole store into it, and then lets it be read: what was appended before the addition is in the store when it is read,
and what was appended after is projected into both.
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
"""The generation of a model that was never rebuilt."""

_POINTER: Key = {"pk": "READ-MODELS", "sk": "generations"}
"""One item, so that a projection reads it once; an attribute a model, so that they are changed without each other."""
_IS_NEWER = "attribute_not_exists(pk) OR #sequence < :sequence"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a read model, as an event makes it."""

    model: str
    partition: str
    """Empty for a model with only one."""
    sort: str
    record: Mapping[str, Any]
    """In terms of JSON."""
    expires_at: int | None = None
    """Seconds since 1970 after which it may go."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """The event a row was made of."""

    event_id: str
    sequence: int
    occurred_at: str
    """ISO 8601, in UTC to the second."""
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A row as it is kept."""

    sort: str
    record: dict[str, Any]
    stamp: Stamp
    expires_at: int | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether its time is over: DynamoDB may take days to remove it."""
        return self.expires_at is not None and self.expires_at <= now.timestamp()


@dataclass(frozen=True, slots=True)
class Generations:
    """Which generation of a model is read, and into which it is projected."""

    read: str = FIRST
    written: tuple[str, ...] = (FIRST,)
    rebuild: Mapping[str, Any] | None = None
    """How far a rebuild is that is not done; the shape is its own."""


class AllGenerations(dict[str, Generations]):
    """Those of each model, by its name."""

    def __missing__(self, model: str) -> Generations:
        return Generations()


class View:
    """The models as one request reads them: of the generations there were when it began."""

    def __init__(self, table: Table, generations: AllGenerations) -> None:
        self._table = table
        self._generations = generations

    def get(self, model: str, sort: str, partition: str = "") -> Kept:
        """Raises ``ItemNotFound``."""
        if (item := self._table.get({"pk": self._key(model, partition), "sk": sort}, consistent=False)) is None:
            raise ItemNotFound(f"there is no {sort} in {model}")
        return _kept(item)

    def rows(
        self,
        model: str,
        partition: str = "",
        *,
        between: Between | None = None,
        descending: bool = False,
        page_size: int | None = None,
    ) -> Iterator[Kept]:
        """In the order of what they are sorted by. Rows whose time is over may be among them for some days."""
        bounds = ("sk", between) if between else None
        key = {"pk": self._key(model, partition)}
        found = self._table.query(key, sort=bounds, descending=descending, page_size=page_size)
        return map(_kept, found)

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
        """Replace those of a model. Raises ``ConditionFailed`` if they are not ``before`` any more."""
        self._table.update(_POINTER, {model: _text(after)}, keys=KEYS, expected={model: _text(before)})
        return after

    def view(self) -> View:
        return View(self._table, self.generations())

    def put(self, row: Row, generation: str, stamp: Stamp) -> bool:
        """Write the row over one of a lower sequence; whether it was."""
        try:
            self._table.put(
                _item(row, generation, stamp), keys=KEYS, condition=_IS_NEWER, values={":sequence": stamp.sequence}
            )
        except ConditionFailed:
            return False
        return True

    def delete_before(self, model: str, generation: str, start: Key | None = None) -> Key | None:
        """Delete the rows of the model's earlier generations that a page of the table holds, from a key on; where the
        next page starts, ``None`` after the last."""
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


def _kept(item: Item) -> Kept:
    stamp = Stamp(str(item["event_id"]), int(item["sequence"]), str(item["occurred_at"]), str(item["correlation_id"]))
    expires_at = int(item["expires_at"]) if "expires_at" in item else None
    return Kept(str(item["sk"]), records.loads(str(item["record"])), stamp, expires_at)


def _text(generations: Generations) -> str | None:
    """As they are kept; those of a model that was never rebuilt are not."""
    return None if generations == Generations() else records.encode(generations)


def _generations(text: Value) -> Generations:
    kept = records.loads(str(text))
    return Generations(kept["read"], tuple(kept["written"]), kept.get("rebuild"))
