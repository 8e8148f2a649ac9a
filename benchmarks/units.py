"""What DynamoDB would charge: requests by operation, and write and read units by the sizes of the items.

Emulators answer a constant for consumed capacity. Here the units are computed from each request and its answer, by the
rules of DynamoDB's developer guide:

- An item is as large as its attributes' names and values.
- A write costs the table a unit for each started KB of the larger of the old and the new item; one whose condition
  fails costs the old item's.
- An index costs the same for its own, projected part of the item, if that part is new, gone or changed; a changed index
  key is a removal and an addition.
- A read costs half a unit for each started 4 KB, a consistent one a whole: of each single item asked for, but of all
  items of a query together.
- What is written to the table in a transaction, or checked there, costs twice as much; its indexes follow later, and
  cost the same.

Old items are known from the requests before, so the meter must be there from the first write on; new ones of updates
from their answers, which ask for them. The updates of a transaction answer nothing: those items are read by ``look``.
"""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.integration import tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WireItem = Mapping[str, Mapping[str, Any]]
"""An item as it travels: ``{"id": {"S": "1"}}``, binaries in base64."""

Look = Callable[[str, WireItem], WireItem]
"""The item a table has with this key, asked for by the way."""

WRITE_UNIT = 1024
READ_UNIT = 4096

_TRANSACTED = 2
"""Times: once to prepare, once to commit."""
_COLLECTION_OVERHEAD = 3


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index; ``projected`` is ``None`` where it holds whole items."""

    keys: tuple[str, ...]
    projected: frozenset[str] | None

    def entry(self, item: WireItem | None) -> WireItem | None:
        """What the index holds of an item; nothing of one that lacks a key."""
        if item is None or any(key not in item for key in self.keys):
            return None
        if self.projected is None:
            return item
        return {name: value for name, value in item.items() if name in self.projected}

    def units(self, old: WireItem | None, new: WireItem | None) -> int:
        before, after = self.entry(old), self.entry(new)
        if before == after:
            return 0
        if before and after and any(before[key] != after[key] for key in self.keys):
            return write_units(before) + write_units(after)
        return write_units(before, after)


@dataclass(frozen=True, slots=True)
class TableDefinition:
    keys: tuple[str, ...]
    indexes: Mapping[str, Index] = field(default_factory=dict)

    def key_of(self, item: WireItem) -> tuple[str, ...]:
        return tuple(json.dumps(item[name]) for name in self.keys)

    def units(self, old: WireItem | None, new: WireItem | None, *, times: int = 1) -> int:
        """Of one write that turns ``old`` into ``new``, indexes included; ``times`` as much in the table itself."""
        return times * write_units(old, new) + sum(index.units(old, new) for index in self.indexes.values())

    def index_octets(self, item: WireItem) -> int:
        """What the indexes hold of an item."""
        return sum(item_size(entry) for index in self.indexes.values() if (entry := index.entry(item)))


@dataclass(slots=True)
class Usage:
    """What was asked of one table."""

    requests: Counter[str] = field(default_factory=Counter)
    write_units: int = 0
    read_units: float = 0.0
    items_written: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "requests": dict(self.requests),
            "write_units": self.write_units,
            "read_units": self.read_units,
            "items_written": self.items_written,
        }


class Account(dict[str, Usage]):
    """Usage by table, and its sums over some tables, or all."""

    def requests(self, *tables: str) -> int:
        return sum(self[name].requests.total() for name in tables or self)

    def write_units(self, *tables: str) -> int:
        return sum(self[name].write_units for name in tables or self)

    def read_units(self, *tables: str) -> float:
        return sum(self[name].read_units for name in tables or self)


class UnitMeter:
    """Reads along with a client and adds to ``used``, which may be changed for another account at any time."""

    def __init__(self, definitions: Mapping[str, TableDefinition], look: Look | None = None) -> None:
        self._definitions = definitions
        self._look = look
        self._items: dict[str, dict[tuple[str, ...], WireItem]] = {name: {} for name in definitions}
        self.used = self.new_account()

    def new_account(self) -> Account:
        return Account({name: Usage() for name in self._definitions})

    def know(self, table: str, items: Iterable[WireItem]) -> None:
        """What a table had in it before the meter was there."""
        self._items[table] |= {self._definitions[table].key_of(item): item for item in items}

    def items(self, table: str) -> list[WireItem]:
        """What the table holds now."""
        return list(self._items[table].values())

    def octets(self, table: str) -> int:
        """Of all items there are now, without what DynamoDB adds to each."""
        return sum(map(item_size, self.items(table)))

    def index_octets(self, table: str) -> int:
        """Of what the table's indexes hold."""
        return sum(map(self._definitions[table].index_octets, self.items(table)))

    def floor(self, *tables: str) -> int:
        """Write units of all items of these tables, had each been written once as it is now."""
        return sum(self._definitions[name].units(None, item) for name in tables for item in self.items(name))

    @contextmanager
    def watching(self, client: "DynamoDBClient") -> Iterator["UnitMeter"]:
        """Count what the client sends while this lasts."""
        hooks: dict[str, Callable[..., None]] = {
            "before-call.dynamodb": self._before_call,
            "after-call.dynamodb": self._after_call,
        }
        for event, hook in hooks.items():
            client.meta.events.register(event, hook)
        try:
            yield self
        finally:
            for event, hook in hooks.items():
                client.meta.events.unregister(event, hook)

    def _before_call(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["unit_meter_request"] = json.loads(params["body"])

    def _after_call(self, http_response: Any, model: Any, context: Mapping[str, Any], **_: Any) -> None:
        answer = json.loads(http_response.content or b"{}")
        self.record(model.name, context["unit_meter_request"], answer, succeeded=http_response.status_code < 300)

    def record(
        self, operation: str, request: Mapping[str, Any], answer: Mapping[str, Any], *, succeeded: bool = True
    ) -> None:
        """Count one request, both sides as they travel. Raises ``ValueError`` for one whose units it does not know."""
        match operation:
            case "BatchWriteItem" if succeeded:
                self._record_batch_write(request["RequestItems"], answer.get("UnprocessedItems", {}))
            case "BatchGetItem" if succeeded:
                self._record_batch_get(request["RequestItems"], answer)
            case "TransactWriteItems" if succeeded:
                self._record_transaction(request["TransactItems"])
            case "PutItem" | "UpdateItem" | "DeleteItem" | "GetItem" | "Query" | "Scan":
                self._record_single(operation, request, answer, succeeded)
            case "CreateTable" | "DescribeTable":
                pass
            case _:
                raise ValueError(f"the units of {operation} are not known")

    def _record_single(
        self, operation: str, request: Mapping[str, Any], answer: Mapping[str, Any], succeeded: bool
    ) -> None:
        table = request["TableName"]
        self.used[table].requests[operation] += 1
        if operation in ("PutItem", "UpdateItem", "DeleteItem"):
            key = self._definitions[table].key_of(request.get("Item") or request["Key"])
            if succeeded:
                self._write(table, key, answer["Attributes"] if operation == "UpdateItem" else request.get("Item"))
            else:
                self.used[table].write_units += write_units(self._items[table].get(key))
        elif succeeded:
            consistent = request.get("ConsistentRead", False)
            items = [answer.get("Item", {})] if operation == "GetItem" else answer["Items"]
            self.used[table].read_units += read_units(items, consistent=consistent)

    def _record_batch_write(self, wanted: Mapping[str, list[Any]], undone: Mapping[str, list[Any]]) -> None:
        for table, writes in wanted.items():
            self.used[table].requests["BatchWriteItem"] += 1
            left = undone.get(table, [])
            for write in writes:
                if write not in left:
                    item = write.get("PutRequest", {}).get("Item")
                    self._write(table, self._definitions[table].key_of(item or write["DeleteRequest"]["Key"]), item)

    def _record_batch_get(self, wanted: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        for table, asked in wanted.items():
            self.used[table].requests["BatchGetItem"] += 1
            found = answer["Responses"].get(table, [])
            left = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            absent = len(asked["Keys"]) - len(left) - len(found)
            consistent = asked.get("ConsistentRead", False)
            units = sum(read_units([item], consistent=consistent) for item in (*found, *[{}] * absent))
            self.used[table].read_units += units

    def _record_transaction(self, writes: Iterable[Mapping[str, Any]]) -> None:
        parts = [(kind, part) for write in writes for kind, part in write.items()]
        for table in {part["TableName"] for _, part in parts}:
            self.used[table].requests["TransactWriteItems"] += 1
        for kind, part in parts:
            table, key = part["TableName"], self._definitions[part["TableName"]].key_of(part.get("Item") or part["Key"])
            match kind:
                case "ConditionCheck":
                    self.used[table].write_units += _TRANSACTED * write_units(self._items[table].get(key))
                case "Update":
                    self._write(table, key, self._seen(table, part["Key"]), times=_TRANSACTED)
                case _:
                    self._write(table, key, part.get("Item"), times=_TRANSACTED)

    def _seen(self, table: str, key: WireItem) -> WireItem:
        if self._look is None:
            raise ValueError("an update in a transaction leaves an item that is not known")
        return self._look(table, key)

    def _write(self, table: str, key: tuple[str, ...], new: WireItem | None, *, times: int = 1) -> None:
        usage, items = self.used[table], self._items[table]
        usage.write_units += self._definitions[table].units(items.get(key), new, times=times)
        usage.items_written += 1
        if new is None:
            items.pop(key, None)
        else:
            items[key] = new


def write_units(*images: WireItem | None) -> int:
    """A unit for each started KB of the largest of these; one at least, as for a write that changes nothing."""
    return max([1, *(_started(item_size(image or {}), WRITE_UNIT) for image in images)])


def read_units(items: Iterable[WireItem], *, consistent: bool) -> float:
    """Of items that are read together."""
    started = max(1, _started(sum(map(item_size, items)), READ_UNIT))
    return float(started) if consistent else started / 2


def item_size(item: WireItem) -> int:
    """Octets as DynamoDB counts them."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(base64.b64decode(content))
        case "N":
            return _number_size(content)
        case "BOOL" | "NULL":
            return 1
        case "SS" | "NS" | "BS":
            return sum(_value_size({kind[0]: one}) for one in content)
        case "L":
            return _COLLECTION_OVERHEAD + sum(1 + _value_size(one) for one in content)
        case "M":
            return _COLLECTION_OVERHEAD + len(content) + item_size(content)
    raise ValueError(f"DynamoDB has no type {kind}")


def _number_size(text: str) -> int:
    """An octet for two significant digits, one more, and one for a sign."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


def _started(octets: int, unit: int) -> int:
    return -(-octets // unit)


def meter(look: Look | None = None) -> UnitMeter:
    """For the tables of the services."""
    return UnitMeter(definitions(), look)


def definitions() -> dict[str, TableDefinition]:
    """The tables as the services define them, by the names they have in tests."""
    return {one["TableName"]: _definition(one) for one in tables.definitions()}


def _definition(properties: Mapping[str, Any]) -> TableDefinition:
    keys = _names(properties["KeySchema"])
    indexes = properties.get("GlobalSecondaryIndexes", [])
    return TableDefinition(keys, {index["IndexName"]: _index(index, keys) for index in indexes})


def _index(properties: Mapping[str, Any], table_keys: tuple[str, ...]) -> Index:
    keys, projection = _names(properties["KeySchema"]), properties["Projection"]
    if projection["ProjectionType"] == "ALL":
        return Index(keys, None)
    return Index(keys, frozenset({*table_keys, *keys, *projection.get("NonKeyAttributes", ())}))


def _names(schema: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    return tuple(part["AttributeName"] for part in schema)
