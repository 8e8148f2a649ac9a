"""A stand-in for DynamoDB in another process, for benchmarks whose own process must stay as a function's is.

It answers what ingest asks while it reads a list, from dicts: no conditions, no pages, an index query by partition key
alone. Everything else that is sent here, such as messages to queues, is taken and forgotten.
"""

import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.units import WireItem, definitions

_ASSIGNMENT = re.compile(r"(#\w+) = (:\w+)")
_NAME = re.compile(r"#\w+")


class Store:
    """The tables of the services."""

    def __init__(self) -> None:
        self._definitions = definitions()
        self._items: dict[str, dict[tuple[str, ...], WireItem]] = {name: {} for name in self._definitions}
        self._entries: dict[tuple[str, str, str], dict[tuple[str, ...], WireItem]] = defaultdict(dict)
        self._lock = threading.Lock()

    def size(self, table: str) -> int:
        return len(self._items[table])

    def answer(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._lock:
            match operation:
                case "PutItem":
                    self._put(request["TableName"], request["Item"])
                case "UpdateItem":
                    self._update(request)
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

    def _update(self, request: Mapping[str, Any]) -> None:
        old = self._get(request["TableName"], [request["Key"]])
        names, values = request["ExpressionAttributeNames"], request.get("ExpressionAttributeValues", {})
        assigned, _, removed = request["UpdateExpression"].partition("REMOVE")
        item = {**request["Key"], **(old[0] if old else {})}
        item.update({names[name]: values[value] for name, value in _ASSIGNMENT.findall(assigned)})
        for name in _NAME.findall(removed):
            item.pop(names[name], None)
        self._put(request["TableName"], item)

    def _get(self, table: str, keys: list[Any]) -> list[WireItem]:
        key_of, items = self._definitions[table].key_of, self._items[table]
        return [items[key] for one in keys if (key := key_of(one)) in items]

    def _query(self, request: Mapping[str, Any]) -> list[WireItem]:
        value = next(iter(request["ExpressionAttributeValues"].values()))["S"]
        return list(self._entries[request["TableName"], request["IndexName"], value].values())


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
        answer = self.server.store.answer(operation, request) if service.startswith("DynamoDB") else sent
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- http.server's name
        """Thousands of requests are no news."""
