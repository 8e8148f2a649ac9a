"""A stand-in for DynamoDB in another process, for benchmarks whose own process must stay as a function's is.

It answers what the functions ask in the benchmarks, from dicts: of transactions those that put items, and of conditions
those that compare and combine. It does one request at a time, so that a condition holds until the write is done, as
DynamoDB's do.
Everything else that is sent here, such as messages to queues, is taken and forgotten, unless there is an answer for it.
"""

import json
import re
import threading
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from operator import eq, ge, gt, le, lt
from typing import Any

from benchmarks.units import Index, UnitMeter, WireItem, definitions, item_size

_ASSIGNMENT = re.compile(r"(#\w+) = (:\w+)")
_ADDITION = re.compile(r"(#\w+) (:\w+)")
_NAME = re.compile(r"#\w+")
_CLAUSES = re.compile(r"\b(SET|REMOVE|ADD)\b")
_WORDS = re.compile(r"[()]|<=|>=|[=<>]|[:#]?\w+")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}
_TABLE = ""
"""In place of an index's name."""
_PAGE_OCTETS = 1024 * 1024

Answers = Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]
"""By operation, to what is asked of other services than DynamoDB."""


class ConditionNotMet(Exception):
    """The write is not done."""


class TransactionCancelled(ConditionNotMet):
    """None of the writes is done. ``met`` says of each whether its own condition holds."""

    def __init__(self, met: Sequence[bool]) -> None:
        super().__init__()
        self.met = met


class Store:
    """The tables of the services."""

    def __init__(self, meter: UnitMeter | None = None) -> None:
        """What is asked is counted by ``meter``."""
        self._meter = meter
        self._definitions = definitions()
        self._items: dict[str, dict[tuple[str, ...], WireItem]] = {name: {} for name in self._definitions}
        self._views: dict[str, dict[str, Index]] = {
            name: {_TABLE: Index(one.keys, None), **one.indexes} for name, one in self._definitions.items()
        }
        self._partitions: dict[tuple[str, str, str], _Partition] = defaultdict(_Partition)
        self._lock = threading.Lock()

    def size(self, table: str) -> int:
        return len(self._items[table])

    def items(self, table: str) -> list[WireItem]:
        with self._lock:
            return list(self._items[table].values())

    def answer(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises ``ConditionNotMet``."""
        with self._lock:
            try:
                answer = self._answer(operation, request)
            except ConditionNotMet:
                self._count(operation, request, {}, succeeded=False)
                raise
            self._count(operation, request, answer, succeeded=True)
            return answer

    def _count(self, operation: str, request: Mapping[str, Any], answer: Mapping[str, Any], *, succeeded: bool) -> None:
        if self._meter:
            self._meter.record(operation, request, answer, succeeded=succeeded)

    def _answer(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        match operation:
            case "PutItem":
                self._check(request, request["Item"])
                self._put(request["TableName"], request["Item"])
            case "UpdateItem":
                self._check(request, request["Key"])
                return {"Attributes": self._update(request)}
            case "TransactWriteItems":
                self._transact([write["Put"] for write in request["TransactItems"]])
            case "BatchWriteItem":
                self._write(request["RequestItems"])
                return {"UnprocessedItems": {}}
            case "GetItem":
                found = self._get(request["TableName"], [request["Key"]])
                return {"Item": found[0]} if found else {}
            case "BatchGetItem":
                asked = request["RequestItems"].items()
                found_by_table = {table: self._get(table, one["Keys"]) for table, one in asked}
                return {"Responses": found_by_table, "UnprocessedKeys": {}}
            case "Query":
                return self._query(request)
            case "Scan":
                return self._scan(request)
        return {}

    def _check(self, request: Mapping[str, Any], key: WireItem) -> None:
        if not self._allows(request, key):
            raise ConditionNotMet

    def _allows(self, request: Mapping[str, Any], key: WireItem) -> bool:
        condition = request.get("ConditionExpression")
        if condition is None:
            return True
        for alias, name in request.get("ExpressionAttributeNames", {}).items():
            condition = re.sub(rf"{alias}\b", name, condition)
        old = self._get(request["TableName"], [key])
        return meets(old[0] if old else {}, condition, request.get("ExpressionAttributeValues", {}))

    def _transact(self, puts: Sequence[Mapping[str, Any]]) -> None:
        met = [self._allows(put, put["Item"]) for put in puts]
        if not all(met):
            raise TransactionCancelled(met)
        for put in puts:
            self._put(put["TableName"], put["Item"])

    def _write(self, writes: Mapping[str, list[Any]]) -> None:
        for table, of_table in writes.items():
            for write in of_table:
                self._put(table, write["PutRequest"]["Item"])

    def _put(self, table: str, item: WireItem) -> None:
        definition = self._definitions[table]
        key = definition.key_of(item)
        old = self._items[table].get(key)
        self._items[table][key] = item
        for name, index in self._views[table].items():
            if before := index.entry(old):
                self._partitions[table, name, before[index.keys[0]]["S"]].remove(key)
            if after := index.entry(item):
                self._partitions[table, name, after[index.keys[0]]["S"]].put(key, _sort_of(after, index), after)

    def _update(self, request: Mapping[str, Any]) -> WireItem:
        old = self._get(request["TableName"], [request["Key"]])
        names, values = request["ExpressionAttributeNames"], request.get("ExpressionAttributeValues", {})
        _, *parts = _CLAUSES.split(request["UpdateExpression"])
        clauses = dict(zip(parts[::2], parts[1::2], strict=True))
        item = {**request["Key"], **(old[0] if old else {})}
        item.update({names[name]: values[value] for name, value in _ASSIGNMENT.findall(clauses.get("SET", ""))})
        for name in _NAME.findall(clauses.get("REMOVE", "")):
            item.pop(names[name], None)
        for name, value in _ADDITION.findall(clauses.get("ADD", "")):
            before = int(item.get(names[name], {"N": "0"})["N"])
            item[names[name]] = {"N": str(before + int(values[value]["N"]))}
        self._put(request["TableName"], item)
        return item

    def _get(self, table: str, keys: list[Any]) -> list[WireItem]:
        key_of, items = self._definitions[table].key_of, self._items[table]
        return [items[key] for one in keys if (key := key_of(one)) in items]

    def _query(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        table, name, values = (
            request["TableName"],
            request.get("IndexName", _TABLE),
            request["ExpressionAttributeValues"],
        )
        index, key_of = self._views[table][name], self._definitions[table].key_of
        start = request.get("ExclusiveStartKey")
        descending = not request.get("ScanIndexForward", True)
        found = self._partitions[table, name, values[":pk"]["S"]].between(
            *(_plain(values[side]) if side in values else None for side in (":low", ":high")),
            after=(_sort_of(start, index), key_of(start)) if start else None,
            descending=descending,
        )
        return _page(found, {*index.keys, *self._definitions[table].keys}, request.get("Limit"))

    def _scan(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        table, start = request["TableName"], request.get("ExclusiveStartKey")
        definition, items = self._definitions[table], self._items[table]
        keys = list(items)
        first = keys.index(definition.key_of(start)) + 1 if start else 0
        return _page((items[key] for key in keys[first:]), {*definition.keys}, None)


class _Partition:
    """What a table or an index has under one partition key, in the order of the sort keys."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, ...], tuple[Any, WireItem]] = {}
        self._order: list[tuple[Any, tuple[str, ...]]] = []

    def put(self, key: tuple[str, ...], sort: Any, entry: WireItem) -> None:
        self._entries[key] = (sort, entry)
        insort(self._order, (sort, key))

    def remove(self, key: tuple[str, ...]) -> None:
        sort, _ = self._entries.pop(key)
        del self._order[bisect_left(self._order, (sort, key))]

    def between(
        self, low: Any, high: Any, *, after: tuple[Any, tuple[str, ...]] | None, descending: bool
    ) -> Iterator[WireItem]:
        order = self._order
        first = 0 if low is None else bisect_left(order, low, key=_first)
        last = len(order) if high is None else bisect_right(order, high, key=_first)
        if after and descending:
            last = min(last, bisect_left(order, after))
        elif after:
            first = max(first, bisect_right(order, after))
        for place in reversed(range(first, last)) if descending else range(first, last):
            yield self._entries[order[place][1]][1]


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def _page(found: Iterator[WireItem], keys: set[str], limit: int | None) -> Mapping[str, Any]:
    """As many as DynamoDB answers at once, and where the next ones begin."""
    items: list[WireItem] = []
    octets = 0
    for item in found:
        if len(items) == limit or octets > _PAGE_OCTETS:
            return {"Items": items, "LastEvaluatedKey": {name: items[-1][name] for name in keys}}
        items.append(item)
        octets += item_size(item)
    return {"Items": items}


def _sort_of(entry: WireItem, index: Index) -> Any:
    return _plain(entry[index.keys[1]]) if len(index.keys) > 1 else ""


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    return Decimal(content) if kind == "N" else content


def meets(item: WireItem, condition: str, values: Mapping[str, Any]) -> bool:
    """Whether an item meets a condition of comparisons, `attribute_exists`, AND, OR and parentheses."""
    words: list[str] = _WORDS.findall(condition)

    def either() -> bool:
        found = both()
        while words and words[0] == "OR":
            words.pop(0)
            found = both() or found
        return found

    def both() -> bool:
        found = single()
        while words and words[0] == "AND":
            words.pop(0)
            found = single() and found
        return found

    def single() -> bool:
        match words.pop(0):
            case "(":
                found = either()
                words.pop(0)
                return found
            case "attribute_exists" | "attribute_not_exists" as function:
                _, name, _ = (words.pop(0) for _ in range(3))
                return (name in item) == (function == "attribute_exists")
            case name:
                comparison, value = words.pop(0), values[words.pop(0)]
                return name in item and _COMPARISONS[comparison](_plain(item[name]), _plain(value))

    return either()


@contextmanager
def served(store: Store, answers: Answers | None = None) -> Iterator[str]:
    """The endpoint's URL, while it is there."""
    server = _Server(store, answers or {})
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, store: Store, answers: Answers) -> None:
        self.store = store
        self.answers = answers
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        service, _, operation = self.headers["X-Amz-Target"].partition(".")
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        elsewhere = self.server.answers.get(operation, _taken)
        status = 200
        try:
            answer = (
                self.server.store.answer(operation, request) if service.startswith("DynamoDB") else elsewhere(request)
            )
        except ConditionNotMet as error:
            status, answer = 400, _refusal(error)
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- http.server's name
        """Thousands of requests are no news."""


def _refusal(error: ConditionNotMet) -> Mapping[str, Any]:
    kind = "com.amazonaws.dynamodb.v20120810#"
    if not isinstance(error, TransactionCancelled):
        return {"__type": f"{kind}ConditionalCheckFailedException"}
    reasons = [{"Code": "None" if met else "ConditionalCheckFailed"} for met in error.met]
    return {"__type": f"{kind}TransactionCanceledException", "CancellationReasons": reasons}


def _taken(_: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"MessageId": "1"}
