"""The HTTP layer of the servers: requests, answers, the request log, and the sockets."""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from local.upstreams.faults import Faults

PIECE = 16 * 1024
_SECRETS = re.compile(r"(?<=[?&]apikey=)[^&]*", re.IGNORECASE)
_LOGGED_REQUESTS = 50_000
CONTROL_PREFIX = "/_control/"


@dataclass(frozen=True)
class Request:
    """`target` is the request line's own spelling; `shrunken` is set by the fault of that name."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    host: str = "127.0.0.1"
    shrunken: bool = False

    @cached_property
    def path(self) -> str:
        """Still percent-encoded: a Message-ID may contain an escaped slash."""
        return urlsplit(self.target).path

    @cached_property
    def query_string(self) -> str:
        return urlsplit(self.target).query

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query_string, keep_blank_values=True)

    def parameter(self, name: str, default: str = "") -> str:
        """The last of that name, like Django and public-inbox."""
        return dict(self.query).get(name, default)

    def header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")

    @property
    def base_url(self) -> str:
        return f"http://{self.host}"


@dataclass(frozen=True)
class Answer:
    """A body in pieces is sent chunked. With `drop_after` the connection breaks after that many bytes."""

    status: int
    content_type: str
    body: bytes | Iterable[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop_after: int | None = None

    def pieces(self) -> Iterator[bytes]:
        if isinstance(self.body, bytes):
            return (self.body[at : at + PIECE] for at in range(0, len(self.body), PIECE))
        return iter(self.body)

    def whole(self) -> bytes:
        return b"".join(self.pieces())


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of the request log; keys in the target are redacted."""

    method: str
    target: str
    user_agent: str
    status: int
    seconds: float

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


class RequestLog:
    """The clients' requests, without the control requests."""

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque(maxlen=_LOGGED_REQUESTS)
        self._lock = threading.Lock()

    def add(self, seen: Seen) -> None:
        with self._lock:
            self._seen.append(seen)

    def all(self) -> list[Seen]:
        with self._lock:
            return list(self._seen)

    def clear(self) -> None:
        with self._lock:
            self._seen.clear()

    def as_json(self) -> dict[str, Any]:
        seen = self.all()
        return {
            "count": len(seen),
            "by_path": Counter(one.path for one in seen),
            "by_status": Counter(str(one.status) for one in seen),
            "user_agents": Counter(one.user_agent for one in seen),
            "requests": [asdict(one) for one in seen],
        }


class UpstreamServer(ThreadingHTTPServer):
    """Serves one application and its control requests from daemon threads."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        application: Callable[[Request], Answer],
        control: Callable[[Request], Answer],
        faults: Faults,
        log: RequestLog,
        *,
        name: str,
        verbose: bool = False,
    ) -> None:
        self.application = application
        self.control = control
        self.faults = faults
        self.log = log
        self.name = name
        self.verbose = verbose
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Closes kept-alive connections too: a stopped server answers nobody."""
        super().server_close()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that disconnects is ignored; anything else is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    timeout = 60

    def _serve(self) -> None:
        started = time.monotonic()
        request = self._request()
        if request.path.startswith(CONTROL_PREFIX):
            self._send(self._server.control(request))
            return
        answer = self._answer(request)
        seconds = time.monotonic() - started
        target = _SECRETS.sub("***", self.path)
        seen = Seen(self.command, target, request.header("User-Agent"), answer.status, round(seconds, 4))
        self._server.log.add(seen)
        self._note(seen)
        self._send(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    @property
    def _server(self) -> UpstreamServer:
        return cast(UpstreamServer, self.server)

    def _request(self) -> Request:
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        host = headers.get("host") or "{}:{}".format(*self._server.server_address[:2])
        return Request(self.command, self.path, headers, self.rfile.read(length), host)

    def _answer(self, request: Request) -> Answer:
        fault = self._server.faults.take(request)
        if fault is None:
            return self._server.application(request)
        if answer := fault.instead():
            return answer
        shrunken = replace(request, shrunken=fault.kind == "shrinking")
        return fault.spoil(self._server.application(shrunken))

    def _send(self, answer: Answer) -> None:
        if answer.drop_after == 0:
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if isinstance(answer.body, bytes):
            self._send_measured(answer, answer.body)
        else:
            self._send_chunked(answer)

    def _send_measured(self, answer: Answer, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: answer.drop_after])
        self.close_connection |= answer.drop_after is not None

    def _send_chunked(self, answer: Answer) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command == "HEAD":
            return
        left = answer.drop_after
        for piece in answer.pieces():
            part = piece[:left]
            if part:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
                self.wfile.flush()
            if left is not None and (left := left - len(part)) == 0:
                self.close_connection = True
                return
        self.wfile.write(b"0\r\n\r\n")

    def _note(self, seen: Seen) -> None:
        if self._server.verbose:
            line = f"{self._server.name} {seen.method} {seen.target} {seen.status} {seen.seconds:.3f}s"
            print(line, file=sys.stderr, flush=True)

    def version_string(self) -> str:
        return self._server.name

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are logged by _note, in one line each."""


def gzip_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Compresses while sending; only one piece is held in memory."""
    packer = zlib.compressobj(wbits=31)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def read_form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
