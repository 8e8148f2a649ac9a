"""A thin DynamoDB table: plain Python values in, plain values out, limits and errors handled.

Attribute values are ``str``, ``int``, ``bool`` and ``bytes``; whatever is structured is stored as one JSON string
(it is read and written five to twenty times faster than a DynamoDB map, and takes fewer bytes). AWS's limits are
kept here: 25 writes and 16 MB a batch write, 100 keys a batch read, 400 KB an item.
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from watchkeeper.errors import ConditionFailed, DatabaseError, Throttled

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Value = str | int | bool | bytes
Item = dict[str, Value]
Key = Mapping[str, Value]

_WRITES_PER_BATCH = 25
_BYTES_PER_BATCH = 12 * 1024 * 1024
_READS_PER_BATCH = 100
_THROTTLING = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "LimitExceededException",
    }
)


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


class _Unprocessed(Exception):
    """DynamoDB left part of a batch undone."""


class Table:
    """One table. Errors of botocore leave it as ``DatabaseError`` and its subclasses."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self.name = name

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """The item with that key, or ``None``."""
        with self._translated("GetItem"):
            answer: Any = self._client.get_item(TableName=self.name, Key=_to_wire(key), ConsistentRead=consistent)
        return _from_wire(answer["Item"]) if "Item" in answer else None

    def batch_get(self, keys: Iterable[Key], *, consistent: bool = True) -> list[Item]:
        """The items that exist, in no order. The same key twice is asked once."""
        wire = list({repr(sorted(key.items())): _to_wire(key) for key in keys}.values())
        return [item for chunk in _chunks(wire, _READS_PER_BATCH) for item in self._get_chunk(chunk, consistent)]

    def put(self, item: Item, *, condition: str | None = None, values: Mapping[str, Value] | None = None) -> None:
        """Write one item; raises ``ConditionFailed`` when the stored one does not meet ``condition``."""
        request: dict[str, Any] = {"TableName": self.name, "Item": _to_wire(item)}
        if condition:
            request["ConditionExpression"] = condition
        if values:
            request["ExpressionAttributeValues"] = _to_wire(values)
        with self._translated("PutItem"):
            self._client.put_item(**request)

    def batch_put(self, items: Iterable[Item]) -> None:
        """Write items without conditions, 25 a request; what DynamoDB leaves unprocessed is sent again.

        Raises ``Throttled`` when some stay unprocessed; those before them are written then.
        """
        wire = ({"PutRequest": {"Item": _to_wire(item)}} for item in items)
        for chunk in _write_chunks(wire):
            self._write_chunk(chunk)

    def update(
        self,
        key: Key,
        changes: Mapping[str, Value | None],
        *,
        condition: str | None = None,
        values: Mapping[str, Value] | None = None,
    ) -> None:
        """Set attributes, or remove those whose value is ``None``; raises ``ConditionFailed`` like ``put``.

        ``condition`` names attributes directly and its values as in ``values``.
        """
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
        with self._translated("UpdateItem"):
            self._client.update_item(**request)

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
        with self._translated("Query"):
            answer: Any = self._client.query(**request)
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
            answer: Any = self._client.batch_get_item(RequestItems=request)
            found.extend(_from_wire(item) for item in answer["Responses"].get(self.name, []))
            unprocessed = answer.get("UnprocessedKeys") or {}
            return list(unprocessed.get(self.name, {}).get("Keys", []))

        with self._translated("BatchGetItem"):
            _until_done(send, keys)
        return found

    def _write_chunk(self, writes: list[Any]) -> None:
        def send(pending: list[Any]) -> list[Any]:
            answer: Any = self._client.batch_write_item(RequestItems={self.name: pending})
            return list((answer.get("UnprocessedItems") or {}).get(self.name, []))

        with self._translated("BatchWriteItem"):
            _until_done(send, writes)

    @contextmanager
    def _translated(self, operation: str) -> Iterator[None]:
        try:
            yield
        except _Unprocessed as error:
            raise Throttled(f"{operation} on {self.name} left items unprocessed") from error
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code == "ConditionalCheckFailedException":
                raise ConditionFailed(f"{operation} on {self.name}") from error
            kind = Throttled if code in _THROTTLING else DatabaseError
            raise kind(f"{operation} on {self.name} failed: {code}") from error
        except BotoCoreError as error:
            raise DatabaseError(f"{operation} on {self.name} failed: {type(error).__name__}") from error


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


def _until_done(send: Callable[[list[Any]], list[Any]], pending: list[Any]) -> None:
    """Send until nothing is left over, with growing, jittered pauses; about eight seconds at the most."""
    if not (pending := send(pending)):
        return
    import stamina  # the rare path; not worth its start-up time in every function

    for attempt in stamina.retry_context(on=_Unprocessed, attempts=8, wait_initial=0.05, wait_max=2.0, timeout=8.0):
        with attempt:
            pending = send(pending)
            if pending:
                raise _Unprocessed


def _chunks(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _write_chunks(writes: Iterable[Any]) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    size = 0
    for write in writes:
        octets = _wire_size(write["PutRequest"]["Item"])
        if chunk and (len(chunk) == _WRITES_PER_BATCH or size + octets > _BYTES_PER_BATCH):
            yield chunk
            chunk, size = [], 0
        chunk.append(write)
        size += octets
    if chunk:
        yield chunk


def _wire_size(wire: Mapping[str, Mapping[str, Any]]) -> int:
    sizes = (value for attribute in wire.values() for value in attribute.values())
    return sum(1 if isinstance(value, bool) else len(value) for value in sizes)


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
