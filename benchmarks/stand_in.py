"""A stand-in for DynamoDB in another process, for benchmarks whose own process must stay as a function's is.

It answers what the functions ask in the benchmarks, from dicts: no pages, no transactions, and of conditions those
that compare and combine. It does one request at a time, so that a condition holds until the write is done, as
DynamoDB's do. Everything else that is sent here, such as messages to queues, is taken and forgotten.
"""

import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from operator import eq, ge, gt, le, lt
from typing import Any

from benchmarks.units import UnitMeter, WireItem, definitions

_ASSIGNMENT = re.compile(r"(#\w+) = (:\w+)")
_ADDITION = re.compile(r"(#\w+) (:\w+)")
_NAME = re.compile(r"#\w+")
_CLAUSES = re.compile(r"\b(SET|REMOVE|ADD)\b")
_WORDS = re.compile(r"[()]|<=|>=|[=<>]|[:#]?\w+")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}


class ConditionNotMet(Exception):
    """The write is not done."""


class Store:
    """The tables of the services."""

    def __init__(self, meter: UnitMeter | None = None) -> None:
        """What is asked is counted by ``meter``."""
        self._meter = meter
        self._definitions = definitions()
        self._items: dict[str, dict[tuple[str, ...], WireItem]] = {name: {} for name in self._definitions}
        self._entries: dict[tuple[str, str, str], dict[tuple[str, ...], WireItem]] = defaultdict(dict)
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
                return {"Items": self._query(request)}
        return {}

    def _check(self, request: Mapping[str, Any], key: WireItem) -> None:
        if condition := request.get("ConditionExpression"):
            old = self._get(request["TableName"], [key])
            if not meets(old[0] if old else {}, condition, request.get("ExpressionAttributeValues", {})):
                raise ConditionNotMet

    def _write(self, writes: Mapping[str, list[Any]]) -> None:
        for table, of_table in writes.items():
            for write in of_table:
                self._put(table, write["PutRequest"]["Item"])

    def _put(self, table: str, item: WireItem) -> None:
        definition = self._definitions[table]
        key = definition.key_of(item)
        old = self._items[table].get(key)
        self._items[table][key] = item
        for name, index in definition.indexes.items():
            if before := index.entry(old):
                del self._entries[table, name, before[index.keys[0]]["S"]][key]
            if after := index.entry(item):
                self._entries[table, name, after[index.keys[0]]["S"]][key] = after

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

    def _query(self, request: Mapping[str, Any]) -> list[WireItem]:
        table, index, bounds = request["TableName"], request["IndexName"], request["ExpressionAttributeValues"]
        entries = self._entries[table, index, bounds[":pk"]["S"]].values()
        keys = self._definitions[table].indexes[index].keys
        if len(keys) == 1:
            return list(entries)
        low, high = (bounds[name]["S"] if name in bounds else end for name, end in ((":low", ""), (":high", _LAST)))
        found = [entry for entry in entries if low <= entry[keys[1]]["S"] <= high]
        return sorted(found, key=lambda entry: str(entry[keys[1]]["S"]))


_LAST = "\U0010ffff"


def _plain(value: Mapping[str, Any]) -> Any:
    return next(iter(value.values()))


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
def served(store: Store) -> Iterator[str]:
    """The endpoint's URL, while it is there."""
    server = _Server(store)
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

    def __init__(self, store: Store) -> None:
        self.store = store
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        service, _, operation = self.headers["X-Amz-Target"].partition(".")
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        sent = {"MessageId": "1"}
        status = 200
        try:
            answer = self.server.store.answer(operation, request) if service.startswith("DynamoDB") else sent
        except ConditionNotMet:
            status, answer = 400, {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- http.server's name
        """Thousands of requests are no news."""
