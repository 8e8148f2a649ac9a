"""Faults on demand: what the live services are known to do to their clients."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from local.upstreams.http import Answer, Request

FaultKind = Literal[
    "rate-limited", "unavailable", "challenge", "dropped", "truncated", "slow", "hang", "garbage", "shrinking"
]

_DRIPS = 8
CHALLENGE_PAGE = (
    "<!doctype html><html><head><title>Making sure you're not a bot!</title></head>"
    "<body><h1>Making sure you're not a bot!</h1><p>Please wait a moment while we check your browser.</p>"
    "</body></html>"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """
    Spoils the next `times` answers whose request target matches `path`.

    rate-limited: `status` (429) with Retry-After `retry_after`. unavailable: `status` (503), Retry-After
    only when given. challenge: an HTML page with `status` (200). dropped: the connection closes after
    `after` bytes of the body, or before any answer. truncated: a complete answer holding half of the
    bytes. slow: `delay` seconds before each eighth of the body. hang: `delay` seconds before anything of the
    answer. garbage: half of a JSON document as JSON.
    shrinking: a Patchwork list has lost all but its first page, so that later pages are invalid.
    """

    kind: FaultKind
    times: int = 1
    path: str = ""
    status: int | None = None
    retry_after: int | None = None
    after: int = 0
    delay: float = 0.2

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"unknown fault {self.kind!r}")
        re.compile(self.path)

    def hits(self, request: Request) -> bool:
        return self.times > 0 and re.search(self.path, request.target) is not None

    def instead(self) -> Answer | None:
        """The answer given without asking the server, if the fault is of that kind."""
        if self.kind == "rate-limited":
            wait = {"Retry-After": str(1 if self.retry_after is None else self.retry_after)}
            return Answer(self.status or 429, "text/plain", b"Too Many Requests\n", wait)
        if self.kind == "unavailable":
            wait = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
            return Answer(self.status or 503, "text/html", b"<html><h1>Unavailable</h1></html>\n", wait)
        if self.kind == "challenge":
            return Answer(self.status or 200, "text/html; charset=utf-8", CHALLENGE_PAGE.encode())
        if self.kind == "garbage":
            return Answer(self.status or 200, "application/json", b'[{"id": 1, "name": "half of a ')
        return None

    def spoil(self, answer: Answer) -> Answer:
        if self.kind == "truncated":
            whole = answer.whole()
            return replace(answer, body=whole[: len(whole) // 2])
        if self.kind == "hang":
            time.sleep(self.delay)
        if self.kind == "slow":
            return replace(answer, body=_slowly(answer.whole(), self.delay))
        if self.kind == "dropped":
            return replace(answer, drop_after=self.after)
        return answer


class Faults:
    """The pending faults. A request triggers at most one of them, the oldest that matches."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, kind: FaultKind, times: int = 1, path: str = "", **details: Any) -> Fault:
        fault = Fault(kind, times, path, **details)
        with self._lock:
            self._waiting.append(fault)
        return fault

    def take(self, request: Request) -> Fault | None:
        with self._lock:
            for index, fault in enumerate(self._waiting):
                if fault.hits(request):
                    self._use(index, fault)
                    return fault
        return None

    def _use(self, index: int, fault: Fault) -> None:
        if fault.times > 1:
            self._waiting[index] = replace(fault, times=fault.times - 1)
        else:
            del self._waiting[index]

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def as_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._waiting]


def _slowly(body: bytes, delay: float) -> Iterator[bytes]:
    size = max(1, -(-len(body) // _DRIPS))
    for at in range(0, len(body), size):
        time.sleep(delay)
        yield body[at : at + size]
