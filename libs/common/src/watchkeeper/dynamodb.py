"""A thin DynamoDB table: plain Python values in, plain values out, limits and errors handled.

Attribute values are ``str``, ``int``, ``Decimal``, ``bool`` and ``bytes``; a whole number is read as ``int``.
Structured data is stored as one JSON string (which is read and written five to twenty times faster than a DynamoDB map,
and takes fewer bytes). AWS's limits are enforced here: 25 writes and 16 MB per batch write, no key twice in it, 100
writes and 4 MB per transaction, 100 keys per batch read, 400 KB per item, 38 digits per number, 2,048 bytes per
partition key and 1,024 per sort key, neither of them empty. DynamoDB would reject a whole batch because of one item
that breaks a limit; here that item is rejected, by name, before it is sent.
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from watchkeeper.budgets import WORKERS, Budget, Deadline, Patience
from watchkeeper.errors import DatabaseError, LimitExceeded, Throttled, TransactionConflict
from watchkeeper.translation import asking, understood

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Value = str | int | Decimal | bool | bytes
Item = dict[str, Value]
Key = Mapping[str, Value]

Refused = Callable[[Item, LimitExceeded], None]
"""Called with an item that breaks a limit, instead of raising."""

MAX_ITEM_BYTES = 400 * 1024

_MAX_PARTITION_KEY_BYTES = 2048
_MAX_SORT_KEY_BYTES = 1024
_MAX_DIGITS = 38
_WRITES_PER_BATCH = 25
_BYTES_PER_BATCH = 12 * 1024 * 1024
_READS_PER_BATCH = 100
_WRITES_PER_TRANSACTION = 100
_BYTES_PER_TRANSACTION = 4 * 1024 * 1024

_NAMED = re.compile(r"#([A-Za-z_]\w*)")
"""An attribute of a condition whose name is a reserved word."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a query; ``last_key`` is where the next one starts, ``None`` on the last page."""

    items: list[Item]
    last_key: Item | None


@dataclass(frozen=True, slots=True)
class Between:
    """Bounds of a sort key that is a string, each inclusive; ``None`` leaves that side open."""

    low: str | None = None
    high: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be between them: DynamoDB rejects such bounds."""
        return self.low is not None and self.high is not None and self.low > self.high


@dataclass(frozen=True, slots=True)
class Span:
    """The same for a sort key that is a whole number."""

    low: int | None = None
    high: int | None = None

    @property
    def is_empty(self) -> bool:
        return self.low is not None and self.high is not None and self.low > self.high


Bounds = Between | Span


@dataclass(frozen=True, slots=True)
class Keys:
    """The key attributes of a table and its indexes."""

    partition: str
    sort: str | None = None
    index_partitions: tuple[str, ...] = ()
    index_sorts: tuple[str, ...] = ()

    def of(self, item: Key) -> dict[str, Value]:
        """The key of an item in its table."""
        return {name: item[name] for name in (self.partition, self.sort) if name and name in item}

    def limits(self) -> Iterator[tuple[str, int]]:
        """Each key attribute and the bytes it may have, the stricter limit last where both apply."""
        yield from ((name, _MAX_PARTITION_KEY_BYTES) for name in (self.partition, *self.index_partitions))
        yield from ((name, _MAX_SORT_KEY_BYTES) for name in (*([self.sort] if self.sort else []), *self.index_sorts))


@dataclass(frozen=True, slots=True)
class Put:
    """Puts an item, replacing any that has its key."""

    item: Item
    condition: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Update:
    """Sets attributes, or removes those whose value is ``None``; numbers in ``add`` are added to the stored ones."""

    key: Key
    changes: Mapping[str, Value | None] = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    condition: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    expected: Mapping[str, Value | None] = field(default_factory=dict)
    """What attributes must be before the update, whatever their names; ``None`` for one that must not exist."""


@dataclass(frozen=True, slots=True)
class Delete:
    key: Key
    condition: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """Writes nothing; the writes with it are only made if its condition holds."""

    key: Key
    condition: str
    values: Mapping[str, Value] = field(default_factory=dict)


Write = Put | Update | Delete | Check
"""A write; its condition uses the names of attributes directly, those that are reserved words prefixed with ``#``, and
the names of ``values``."""


class Table:
    """One table. It raises botocore's errors as ``DatabaseError`` and its subclasses.

    ``budget`` is the one the client was created with: it also limits how long the unprocessed part of a batch is
    retried.
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
        """The items that exist, in no particular order. Duplicate keys are requested once."""
        wire = list({repr(sorted(key.items())): _to_wire(key) for key in keys}.values())
        return [item for chunk in _chunks(wire, _READS_PER_BATCH) for item in self._get_chunk(chunk, consistent)]

    def put(
        self, item: Item, *, keys: Keys, condition: str | None = None, values: Mapping[str, Value] | None = None
    ) -> None:
        """Write one item; raises ``ConditionFailed`` when the stored one does not meet ``condition``, and
        ``LimitExceeded``."""
        request = self._put_request(Put(item, condition, values or {}), keys)
        with self._asking("PutItem"):
            answer: Any = self._client.put_item(**request)
        with self._reading("PutItem"):
            _require_only(answer)

    def delete(self, key: Key, *, condition: str | None = None, values: Mapping[str, Value] | None = None) -> None:
        """Delete the item with that key, if there is one; raises ``ConditionFailed``."""
        request = self._delete_request(Delete(key, condition, values or {}))
        with self._asking("DeleteItem"):
            answer: Any = self._client.delete_item(**request)
        with self._reading("DeleteItem"):
            _require_only(answer)

    def write(self, writes: Sequence[Write], *, keys: Keys) -> None:
        """Make all of the writes, or none: one as a plain write, several as a transaction, which costs twice as much.

        Raises ``ConditionFailed``, whose ``failed`` says which of the writes, by index, ``LimitExceeded``, and
        ``Unavailable`` if conflicts with other transactions persist. A transaction cannot contain an item twice.
        """
        patience = Patience(self._budget.leftover_seconds)
        while True:
            try:
                self._write_once(writes, keys)
            except TransactionConflict:
                if not patience.pause():
                    raise
            else:
                return

    def _write_once(self, writes: Sequence[Write], keys: Keys) -> None:
        match writes:
            case []:
                return
            case [Put() as put]:
                self.put(put.item, keys=keys, condition=put.condition, values=put.values)
            case [Update() as update]:
                self._send_update(update, keys)
            case [Delete() as delete]:
                self.delete(delete.key, condition=delete.condition, values=delete.values)
            case _:
                self._check_transaction(writes)
                self._transact([self._transacted(write, keys) for write in writes])

    def _check_transaction(self, writes: Sequence[Write]) -> None:
        if len(writes) > _WRITES_PER_TRANSACTION:
            raise LimitExceeded(f"{self.name} cannot take {len(writes)} writes at once")
        if (size := sum(map(_sent_size, writes))) > _BYTES_PER_TRANSACTION:
            raise LimitExceeded(f"{self.name} cannot take {size} octets at once, more than {_BYTES_PER_TRANSACTION}")

    def _transact(self, requests: Sequence[Mapping[str, Any]]) -> None:
        with self._asking("TransactWriteItems"):
            answer: Any = self._client.transact_write_items(TransactItems=requests)  # type: ignore[arg-type]
        with self._reading("TransactWriteItems"):
            _require_only(answer)

    def _transacted(self, write: Write, keys: Keys) -> dict[str, Any]:
        match write:
            case Put():
                return {"Put": self._put_request(write, keys)}
            case Update():
                return {"Update": self._update_request(write, keys)}
            case Delete():
                return {"Delete": self._delete_request(write)}
            case Check():
                return {"ConditionCheck": self._delete_request(write)}

    def _put_request(self, put: Put, keys: Keys) -> dict[str, Any]:
        self.check(put.item, keys)
        return {"TableName": self.name, "Item": _to_wire(put.item), **_condition(put.condition, put.values)}

    def _delete_request(self, write: Delete | Check) -> dict[str, Any]:
        return {"TableName": self.name, "Key": _to_wire(write.key), **_condition(write.condition, write.values)}

    def batch_put(self, items: Iterable[Item], *, keys: Keys, refused: Refused | None = None) -> None:
        """Write items without conditions, 25 per request; what DynamoDB leaves unprocessed is retried. Of items with
        the same key, the last is written.

        Raises ``Unavailable`` if some stay unprocessed. Items that break a limit are passed to ``refused``; without it,
        the first one raises ``LimitExceeded``, when earlier batches may have been written.
        """
        fitting = (item for item in items if self._fits(item, keys, refused))
        for chunk in _write_chunks(fitting, keys):
            self._write_chunk([_write_of(item) for item in chunk])

    def batch_delete(self, found: Iterable[Key], *, keys: Keys) -> None:
        """Delete the items with these keys, whether they exist or not; whole items can be given as well."""
        wire = {repr(key := keys.of(item)): {"DeleteRequest": {"Key": _to_wire(key)}} for item in found}
        for chunk in _chunks(list(wire.values()), _WRITES_PER_BATCH):
            self._write_chunk(chunk)

    def check(self, item: Item, keys: Keys) -> None:
        """Raises ``LimitExceeded`` for an item that DynamoDB would not accept."""
        for name, most in keys.limits():
            if name in item and not 0 < _value_size(item[name]) <= most:
                octets = _value_size(item[name])
                raise LimitExceeded(self._refusal(item, keys, f"{name} has {octets} octets, not 1 to {most}"))
        if (size := item_size(item)) > MAX_ITEM_BYTES:
            raise LimitExceeded(self._refusal(item, keys, f"it has {size} octets, more than {MAX_ITEM_BYTES}"))
        for name, value in item.items():
            if isinstance(value, int | Decimal) and not _is_number(value):
                raise LimitExceeded(self._refusal(item, keys, f"{name} is no number of {_MAX_DIGITS} digits"))

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
        add: Mapping[str, int] | None = None,
        condition: str | None = None,
        values: Mapping[str, Value] | None = None,
        expected: Mapping[str, Value | None] | None = None,
    ) -> Item:
        """Set attributes, remove those whose value is ``None``, and add to those in ``add``; returns the updated item.
        Raises what ``put`` raises, and ``ConditionFailed`` if an attribute is not as ``expected``.

        The item's other attributes are not known here: it can still be too large for DynamoDB.
        """
        return self._send_update(Update(key, changes, add or {}, condition, values or {}, expected or {}), keys)

    def _send_update(self, update: Update, keys: Keys) -> Item:
        request = self._update_request(update, keys)
        with self._asking("UpdateItem"):
            answer: Any = self._client.update_item(**request, ReturnValues="ALL_NEW")
        with self._reading("UpdateItem"):
            _require_only(answer, "Attributes")
            return _from_wire(answer["Attributes"])

    def _update_request(self, update: Update, keys: Keys) -> dict[str, Any]:
        changes, added = update.changes, update.add
        self.check({**update.key, **{name: value for name, value in changes.items() if value is not None}}, keys)
        aliases = {name: str(index) for index, name in enumerate(dict.fromkeys((*changes, *added, *update.expected)))}
        sets = [f"#{aliases[name]} = :{aliases[name]}" for name, value in changes.items() if value is not None]
        removes = [f"#{aliases[name]}" for name, value in changes.items() if value is None]
        adds = [f"#{aliases[name]} :{aliases[name]}" for name in added]
        clauses = (_clause("SET", sets), _clause("REMOVE", removes), _clause("ADD", adds))
        given = {f":{aliases[name]}": value for name, value in (*changes.items(), *added.items()) if value is not None}
        return {
            "TableName": self.name,
            "Key": _to_wire(update.key),
            "UpdateExpression": " ".join(clause for clause in clauses if clause),
            **_condition(
                " AND ".join(_conditions(update, aliases)) or None,
                given | dict(update.values) | _expected_values(update, aliases),
                {f"#{alias}": name for name, alias in aliases.items()},
            ),
        }

    def query_page(
        self,
        key: Key,
        *,
        index: str | None = None,
        sort: tuple[str, Bounds] | None = None,
        descending: bool = False,
        limit: int | None = None,
        start: Key | None = None,
        consistent: bool = False,
    ) -> Page:
        """One page of the items whose partition key is ``key`` (one name, one value), in sort key order.

        ``sort`` names the sort key and its bounds. An index cannot be read consistently.
        """
        if sort and sort[1].is_empty:
            return Page([], None)
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
        sort: tuple[str, Bounds] | None = None,
        descending: bool = False,
        consistent: bool = False,
        page_size: int | None = None,
    ) -> Iterator[Item]:
        """All items of a partition, page by page. With a ``page_size``, for callers that stop early, only so many are
        read and paid for at a time; otherwise as many as fit in 1 MB."""
        start: Item | None = None
        while True:
            page = self.query_page(
                key, index=index, sort=sort, descending=descending, limit=page_size, start=start, consistent=consistent
            )
            yield from page.items
            if page.last_key is None:
                return
            start = page.last_key

    def scan_page(self, *, start: Key | None = None, consistent: bool = False) -> Page:
        """One page of all items of the table, in no particular order, but those of a partition together and sorted."""
        request: dict[str, Any] = {"TableName": self.name, "ConsistentRead": consistent}
        if start:
            request["ExclusiveStartKey"] = _to_wire(start)
        with self._asking("Scan"):
            answer: Any = self._client.scan(**request)
        with self._reading("Scan"):
            last = answer.get("LastEvaluatedKey")
            return Page([_from_wire(item) for item in answer["Items"]], _from_wire(last) if last else None)

    def scan(self, *, consistent: bool = False) -> Iterator[Item]:
        """All items of the table, page by page."""
        start: Item | None = None
        while True:
            page = self.scan_page(start=start, consistent=consistent)
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
                return [_write_again(one) for one in answer["UnprocessedItems"].get(self.name, [])]

        self._until_done(send, writes)

    def _until_done(self, send: Callable[[list[Any]], list[Any]], pending: list[Any]) -> None:
        """Send until nothing is left unprocessed, for as long as the budget allows."""
        patience = Patience(self._budget.leftover_seconds)
        while pending := send(pending):
            if not patience.pause():
                raise Throttled(f"{self.name} left part of a batch undone")

    def _asking(self, operation: str) -> AbstractContextManager[None]:
        return asking(f"{operation} on {self.name} failed", self._deadline)

    def _reading(self, operation: str) -> AbstractContextManager[None]:
        return understood(f"{operation} on {self.name} failed")


def _require_only(answer: Mapping[str, Any], *names: str) -> None:
    """An empty response can mean that nothing was found; one with other contents cannot."""
    if answer.keys() - {*names, "ConsumedCapacity", "ItemCollectionMetrics", "ResponseMetadata"}:
        raise ValueError("the answer is none of this operation")


def _is_number(value: int | Decimal) -> bool:
    """Whether DynamoDB accepts it: finite, of at most 38 digits, and between 1e-130 and 1e126."""
    if isinstance(value, int):
        return len(str(abs(value))) <= _MAX_DIGITS
    if not value.is_finite() or len(value.as_tuple().digits) > _MAX_DIGITS:
        return False
    magnitude: int = value.adjusted()
    return -130 <= magnitude < 126


def item_size(item: Item) -> int:
    """Bytes DynamoDB counts for an item, rounded up: names, values, and a few for each number or flag."""
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


def _sent_size(write: Write) -> int:
    """Bytes that a write sends; the other attributes of an updated item are not known here."""
    match write:
        case Put():
            return item_size(write.item)
        case Update():
            return item_size({name: value for name, value in write.changes.items() if value is not None})
        case _:
            return 0


def _chunks(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _write_chunks(items: Iterable[Item], keys: Keys) -> Iterator[list[Item]]:
    """As many items as fit in a request; of items with the same key, the last."""
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


def _key_condition(key: Key, sort: tuple[str, Bounds] | None) -> dict[str, Any]:
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


def _bounds(bounds: Bounds) -> tuple[str, dict[str, Value]] | None:
    low, high = bounds.low, bounds.high
    if low is not None and high is not None:
        return "#sk BETWEEN :low AND :high", {"low": low, "high": high}
    if low is not None:
        return "#sk >= :low", {"low": low}
    return ("#sk <= :high", {"high": high}) if high is not None else None


def _conditions(update: Update, aliases: Mapping[str, str]) -> Iterator[str]:
    if update.condition:
        yield f"({update.condition})"
    for name, value in update.expected.items():
        alias = aliases[name]
        yield f"attribute_not_exists(#{alias})" if value is None else f"#{alias} = :expected{alias}"


def _expected_values(update: Update, aliases: Mapping[str, str]) -> dict[str, Value]:
    return {f":expected{aliases[name]}": value for name, value in update.expected.items() if value is not None}


def _condition(
    condition: str | None, values: Mapping[str, Value], names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The parts of a request for its condition, with the names and values in it."""
    named = {**(names or {}), **{f"#{name}": name for name in _NAMED.findall(condition or "")}}
    parts = {
        "ConditionExpression": condition,
        "ExpressionAttributeNames": named,
        "ExpressionAttributeValues": _to_wire(values),
    }
    return {name: part for name, part in parts.items() if part}


def _write_of(item: Item) -> dict[str, Any]:
    return {"PutRequest": {"Item": _to_wire(item)}}


def _write_again(left: Mapping[str, Any]) -> dict[str, Any]:
    """An unprocessed write of a batch, as it is sent again."""
    if deletion := left.get("DeleteRequest"):
        return {"DeleteRequest": {"Key": _to_wire(_from_wire(deletion["Key"]))}}
    return _write_of(_from_wire(left["PutRequest"]["Item"]))


def _to_wire(item: Mapping[str, Value]) -> dict[str, Any]:
    return {name: _wire_value(value) for name, value in item.items()}


def _wire_value(value: Value) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": str(value)}
        case _:
            return {"B": value}


def _from_wire(wire: Mapping[str, Mapping[str, Any]]) -> Item:
    return {name: attribute["S"] if "S" in attribute else _plain_value(attribute) for name, attribute in wire.items()}


def _plain_value(attribute: Mapping[str, Any]) -> Value:
    if (number := attribute.get("N")) is not None:  # first, since a rebuild reads two in each event
        return int(number) if number.isdecimal() or number[1:].isdecimal() else Decimal(number)
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value  # type: ignore[no-any-return]
        case "B":
            return value if isinstance(value, bytes) else base64.b64decode(value)
    raise DatabaseError(f"an attribute of type {kind} is none of ours")


def item_from_stream(image: Mapping[str, Mapping[str, Any]]) -> Item:
    """The item of a stream record's image, which Lambda passes in wire form."""
    return _from_wire(image)
