"""A thin DynamoDB table: plain Python values in, plain values out, limits and errors handled.

Attribute values are ``str``, ``int``, ``bool`` and ``bytes``; whatever is structured is stored as one JSON string
(it is read and written five to twenty times faster than a DynamoDB map, and takes fewer bytes). AWS's limits are
kept here: 25 writes and 16 MB a batch write, no key twice in it, 100 keys a batch read, 400 KB an item, 38 digits a
number, 2,048 octets a partition key and 1,024 a sort key, neither of them empty. DynamoDB would refuse a whole batch
for the one item that breaks a limit; here that item is refused, by name, before anything of it is sent.
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from watchkeeper.budgets import WORKERS, Budget, Deadline, Patience
from watchkeeper.errors import DatabaseError, LimitExceeded, Throttled
from watchkeeper.translation import translated, understood

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Value = str | int | bool | bytes
Item = dict[str, Value]
Key = Mapping[str, Value]

Refused = Callable[[Item, LimitExceeded], None]
"""Told of an item that breaks a limit, instead of being stopped by it."""

MAX_ITEM_BYTES = 400 * 1024

_MAX_PARTITION_KEY_BYTES = 2048
_MAX_SORT_KEY_BYTES = 1024
_MAX_DIGITS = 38
_WRITES_PER_BATCH = 25
_BYTES_PER_BATCH = 12 * 1024 * 1024
_READS_PER_BATCH = 100


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a query; ``last_key`` is where the next one starts, ``None`` on the last page."""

    items: list[Item]
    last_key: Item | None


@dataclass(frozen=True, slots=True)
class Between:
    """Bounds of a sort key, each inclusive; ``None`` leaves that side open."""

    low: str | None = None
    high: str | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """The attributes a table, and its indexes, find items by."""

    partition: str
    sort: str | None = None
    index_partitions: tuple[str, ...] = ()
    index_sorts: tuple[str, ...] = ()

    def of(self, item: Key) -> dict[str, Value]:
        """The key of an item in its table."""
        return {name: item[name] for name in (self.partition, self.sort) if name and name in item}

    def limits(self) -> Iterator[tuple[str, int]]:
        """Each key attribute and the octets it may have, the stricter limit last where both apply."""
        yield from ((name, _MAX_PARTITION_KEY_BYTES) for name in (self.partition, *self.index_partitions))
        yield from ((name, _MAX_SORT_KEY_BYTES) for name in (*([self.sort] if self.sort else []), *self.index_sorts))


class Table:
    """One table. Errors of botocore leave it as ``DatabaseError`` and its subclasses.

    ``budget`` is the one the client was made with: it also bounds how long leftovers of a batch are asked for again.
    """

    def __init__(
        self, client: "DynamoDBClient", name: str, *, budget: Budget = WORKERS, deadline: Deadline | None = None
    ) -> None:
        self._client = client
        self._budget = budget
        self._deadline = deadline
        self.name = name

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """The item with that key, or ``None``."""
        with self._asking("GetItem"):
            answer: Any = self._client.get_item(TableName=self.name, Key=_to_wire(key), ConsistentRead=consistent)
        with self._reading("GetItem"):
            _require_only(answer, "Item")
            return _from_wire(answer["Item"]) if "Item" in answer else None

    def batch_get(self, keys: Iterable[Key], *, consistent: bool = True) -> list[Item]:
        """The items that exist, in no order. The same key twice is asked once."""
        wire = list({repr(sorted(key.items())): _to_wire(key) for key in keys}.values())
        return [item for chunk in _chunks(wire, _READS_PER_BATCH) for item in self._get_chunk(chunk, consistent)]

    def put(
        self, item: Item, *, keys: Keys, condition: str | None = None, values: Mapping[str, Value] | None = None
    ) -> None:
        """Write one item; raises ``ConditionFailed`` when the stored one does not meet ``condition``, and
        ``LimitExceeded``."""
        self.check(item, keys)
        request: dict[str, Any] = {"TableName": self.name, "Item": _to_wire(item)}
        if condition:
            request["ConditionExpression"] = condition
        if values:
            request["ExpressionAttributeValues"] = _to_wire(values)
        with self._asking("PutItem"):
            answer: Any = self._client.put_item(**request)
        with self._reading("PutItem"):
            _require_only(answer)

    def batch_put(self, items: Iterable[Item], *, keys: Keys, refused: Refused | None = None) -> None:
        """Write items without conditions, 25 a request; what DynamoDB leaves unprocessed is sent again. Of items with
        the same key the last is written.

        Raises ``Unavailable`` when some stay unprocessed, and ``LimitExceeded`` unless ``refused`` is told of the
        items that break a limit; those before them are written then.
        """
        fitting = (item for item in items if self._fits(item, keys, refused))
        for chunk in _write_chunks(fitting, keys):
            self._write_chunk([_write_of(item) for item in chunk])

    def check(self, item: Item, keys: Keys) -> None:
        """Raises ``LimitExceeded`` for an item that DynamoDB would not take."""
        for name, most in keys.limits():
            if name in item and not 0 < _value_size(item[name]) <= most:
                octets = _value_size(item[name])
                raise LimitExceeded(self._refusal(item, keys, f"{name} has {octets} octets, not 1 to {most}"))
        if (size := item_size(item)) > MAX_ITEM_BYTES:
            raise LimitExceeded(self._refusal(item, keys, f"it has {size} octets, more than {MAX_ITEM_BYTES}"))
        for name, value in item.items():
            if isinstance(value, int) and abs(value) >= 10**_MAX_DIGITS:
                raise LimitExceeded(self._refusal(item, keys, f"{name} has more than {_MAX_DIGITS} digits"))

    def _fits(self, item: Item, keys: Keys, refused: Refused | None) -> bool:
        try:
            self.check(item, keys)
        except LimitExceeded as error:
            if refused is None:
                raise
            refused(item, error)
            return False
        return True

    def _refusal(self, item: Item, keys: Keys, reason: str) -> str:
        key = ", ".join(f"{name}={str(value)[:100]!r}" for name, value in keys.of(item).items())
        return f"{self.name} cannot take the item {key}: {reason}"

    def update(
        self,
        key: Key,
        changes: Mapping[str, Value | None],
        *,
        keys: Keys,
        condition: str | None = None,
        values: Mapping[str, Value] | None = None,
    ) -> None:
        """Set attributes, or remove those whose value is ``None``; raises what ``put`` raises.

        What the item holds besides is not known here: it can still be too large for DynamoDB.

        ``condition`` names attributes directly and its values as in ``values``.
        """
        self.check({**key, **{name: value for name, value in changes.items() if value is not None}}, keys)
        names = {f"#{index}": name for index, name in enumerate(changes)}
        sets = [f"{alias} = :{alias[1:]}" for alias, name in names.items() if changes[name] is not None]
        removes = [alias for alias, name in names.items() if changes[name] is None]
        given: dict[str, Value] = {
            f":{alias[1:]}": value for alias, name in names.items() if (value := changes[name]) is not None
        }
        request: dict[str, Any] = {
            "TableName": self.name,
            "Key": _to_wire(key),
            "UpdateExpression": " ".join(part for part in (_clause("SET", sets), _clause("REMOVE", removes)) if part),
            "ExpressionAttributeNames": names,
        }
        if condition:
            request["ConditionExpression"] = condition
        if all_values := given | dict(values or {}):
            request["ExpressionAttributeValues"] = _to_wire(all_values)
        with self._asking("UpdateItem"):
            answer: Any = self._client.update_item(**request)
        with self._reading("UpdateItem"):
            _require_only(answer)

    def query_page(
        self,
        key: Key,
        *,
        index: str | None = None,
        sort: tuple[str, Between] | None = None,
        descending: bool = False,
        limit: int | None = None,
        start: Key | None = None,
        consistent: bool = False,
    ) -> Page:
        """One page of the items whose partition key is ``key`` (one name, one value), in sort key order.

        ``sort`` names the sort key and its bounds. An index cannot be read consistently.
        """
        request: dict[str, Any] = {
            "TableName": self.name,
            "ScanIndexForward": not descending,
            "ConsistentRead": consistent,
            **_key_condition(key, sort),
        }
        if index:
            request["IndexName"] = index
        if limit:
            request["Limit"] = limit
        if start:
            request["ExclusiveStartKey"] = _to_wire(start)
        with self._asking("Query"):
            answer: Any = self._client.query(**request)
        with self._reading("Query"):
            last = answer.get("LastEvaluatedKey")
            return Page([_from_wire(item) for item in answer["Items"]], _from_wire(last) if last else None)

    def query(
        self,
        key: Key,
        *,
        index: str | None = None,
        sort: tuple[str, Between] | None = None,
        descending: bool = False,
        consistent: bool = False,
    ) -> Iterator[Item]:
        """All items of a partition, page after page."""
        start: Item | None = None
        while True:
            page = self.query_page(
                key, index=index, sort=sort, descending=descending, start=start, consistent=consistent
            )
            yield from page.items
            if page.last_key is None:
                return
            start = page.last_key

    def _get_chunk(self, keys: list[Any], consistent: bool) -> list[Item]:
        found: list[Item] = []

        def send(pending: list[Any]) -> list[Any]:
            request: Any = {self.name: {"Keys": pending, "ConsistentRead": consistent}}
            with self._asking("BatchGetItem"):
                answer: Any = self._client.batch_get_item(RequestItems=request)
            with self._reading("BatchGetItem"):
                found.extend(_from_wire(item) for item in answer["Responses"].get(self.name, []))
                left = answer["UnprocessedKeys"].get(self.name, {}).get("Keys", [])
                return [_to_wire(_from_wire(key)) for key in left]

        self._until_done(send, keys)
        return found

    def _write_chunk(self, writes: list[Any]) -> None:
        def send(pending: list[Any]) -> list[Any]:
            with self._asking("BatchWriteItem"):
                answer: Any = self._client.batch_write_item(RequestItems={self.name: pending})
            with self._reading("BatchWriteItem"):
                left = answer["UnprocessedItems"].get(self.name, [])
                return [_write_of(_from_wire(one["PutRequest"]["Item"])) for one in left]

        self._until_done(send, writes)

    def _until_done(self, send: Callable[[list[Any]], list[Any]], pending: list[Any]) -> None:
        """Send until nothing is left over, as long as the budget allows."""
        patience = Patience(self._budget.leftover_seconds)
        while pending := send(pending):
            if not patience.pause():
                raise Throttled(f"{self.name} left part of a batch undone")

    @contextmanager
    def _asking(self, operation: str) -> Iterator[None]:
        if self._deadline:
            self._deadline.check()
        with translated(f"{operation} on {self.name} failed"):
            yield

    def _reading(self, operation: str) -> AbstractContextManager[None]:
        return understood(f"{operation} on {self.name} failed")


def _require_only(answer: Mapping[str, Any], *names: str) -> None:
    """An answer without anything in it can mean that nothing is there; one with something else in it cannot."""
    if answer.keys() - {*names, "ConsumedCapacity", "ResponseMetadata"}:
        raise ValueError("the answer is none of this operation")


def item_size(item: Item) -> int:
    """Octets DynamoDB counts for an item, rounded up: names, values, and a few for each number or flag."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Value) -> int:
    match value:
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case bool():
            return 1
        case _:
            return len(str(value)) // 2 + 2


def _chunks(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _write_chunks(items: Iterable[Item], keys: Keys) -> Iterator[list[Item]]:
    """As many items as a request takes; a key that comes again takes the place of the one before."""
    chunk: dict[str, Item] = {}
    size = 0
    for item in items:
        octets = item_size(item)
        if chunk and (len(chunk) == _WRITES_PER_BATCH or size + octets > _BYTES_PER_BATCH):
            yield list(chunk.values())
            chunk, size = {}, 0
        chunk[repr(keys.of(item))] = item
        size += octets
    if chunk:
        yield list(chunk.values())


def _clause(word: str, parts: list[str]) -> str:
    return f"{word} {', '.join(parts)}" if parts else ""


def _key_condition(key: Key, sort: tuple[str, Between] | None) -> dict[str, Any]:
    ((name, value),) = key.items()
    names = {"#pk": name}
    values: dict[str, Value] = {":pk": value}
    condition = "#pk = :pk"
    if sort and (clause := _bounds(sort[1])):
        names["#sk"] = sort[0]
        values |= {f":{side}": bound for side, bound in clause[1].items()}
        condition += f" AND {clause[0]}"
    return {
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": _to_wire(values),
    }


def _bounds(bounds: Between) -> tuple[str, dict[str, str]] | None:
    match bounds:
        case Between(str(low), str(high)):
            return "#sk BETWEEN :low AND :high", {"low": low, "high": high}
        case Between(str(low), None):
            return "#sk >= :low", {"low": low}
        case Between(None, str(high)):
            return "#sk <= :high", {"high": high}
    return None


def _write_of(item: Item) -> dict[str, Any]:
    return {"PutRequest": {"Item": _to_wire(item)}}


def _to_wire(item: Mapping[str, Value]) -> dict[str, Any]:
    return {name: _wire_value(value) for name, value in item.items()}


def _wire_value(value: Value) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case _:
            return {"B": value}


def _from_wire(wire: Mapping[str, Mapping[str, Any]]) -> Item:
    return {name: attribute["S"] if "S" in attribute else _plain_value(attribute) for name, attribute in wire.items()}


def _plain_value(attribute: Mapping[str, Any]) -> Value:
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value  # type: ignore[no-any-return]
        case "N":
            return int(value)
        case "B":
            return value if isinstance(value, bytes) else base64.b64decode(value)
    raise DatabaseError(f"an attribute of type {kind} is none of ours")


def item_from_stream(image: Mapping[str, Mapping[str, Any]]) -> Item:
    """The item of a stream record's image, which Lambda hands over in wire form."""
    return _from_wire(image)
