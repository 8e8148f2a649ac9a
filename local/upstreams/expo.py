"""
An Expo-like push service: it accepts messages and stores them, and answers with tickets and receipts.

What it imitates: at most a hundred recipients a request, all of one project; tickets in the order sent; receipts by
the tickets' ids, of which one that is absent is not ready. Control requests make it fail, refuse tokens, or
withhold receipts. The sample's notion of a project is the part of a token before `--`:
`ExponentPushToken[garden--…]` belongs to `@sample/garden`, one without to `@sample/app`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args
from uuid import uuid4

from local.upstreams.control import ServerControl
from local.upstreams.http import Answer, Request

Json = dict[str, Any]

SEND = "/--/api/v2/push/send"
RECEIPTS = "/--/api/v2/push/getReceipts"
MOST_RECIPIENTS = 100
MOST_RECEIPTS = 1000
MOST_OCTETS = 4096
"""The size of a message's title, body and data together."""

TokenProblem = Literal[
    "DeviceNotRegistered",
    "InvalidCredentials",
    "MismatchSenderId",
    "MessageRateExceeded",
    "DeveloperError",
    "ExpoError",
    "ProviderError",
]
Where = Literal["ticket", "receipt"]

_TOKEN = re.compile(r"Expo(?:nent)?PushToken\[[^\]\s]+\]|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SAID: Mapping[str, str] = {
    "DeviceNotRegistered": '"{token}" is not a registered push notification recipient',
    "InvalidCredentials": "Unable to retrieve the credentials the provider asks for",
    "MismatchSenderId": "The sender of the message is not the one the device was registered with",
    "MessageRateExceeded": "Too many messages were sent to this device",
}
_TEXTS = ("title", "body", "sound", "channelId", "priority", "collapseId", "tag")


class RequestRefused(Exception):
    """The whole request is refused; nothing of it is sent."""

    def __init__(self, status: int, code: str | None, message: str, details: Any = None) -> None:
        super().__init__(message)
        self.status = status
        given = {"code": code, "message": message, "details": details}
        self.body = {"errors": [{name: value for name, value in given.items() if value is not None}]}


@dataclass(frozen=True, slots=True)
class Rule:
    """What is wrong with a token, or with a share of all tokens, which is always the same."""

    error: TokenProblem
    where: Where = "ticket"
    token: str = ""
    share: float = 0.0

    def __post_init__(self) -> None:
        if self.error not in get_args(TokenProblem) or self.where not in get_args(Where):
            raise ValueError(f"no token can have {self.error!r} in a {self.where!r}")

    def hits(self, token: str) -> bool:
        return token == self.token or share_of(token) < self.share


@dataclass(frozen=True, slots=True)
class Failing:
    """A share of the requests fails: chosen at random, the same for the same seed."""

    share: float
    statuses: tuple[int, ...] = (500, 502, 503, 504, 429)
    seed: int = 0
    path: str = ""
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as it was accepted: `message` is all of it except its recipient."""

    to: str
    ticket: Json
    message: Json
    taken_at: float

    def as_json(self) -> Json:
        named = {name: self.message.get(name) for name in ("title", "body", "data")}
        return {"to": self.to, **named, "ticket": self.ticket, "message": self.message}


@dataclass
class Office:
    """The service's state; `receipt_seconds` is how long receipts take, None means for ever."""

    receipt_seconds: float | None = 0.0
    kept: list[Kept] = field(default_factory=list)
    receipts: dict[str, tuple[float, Json]] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    clock: Callable[[], float] = time.monotonic
    _failing: Failing | None = None
    _lots: random.Random = field(default_factory=lambda: _dice(0))

    def fail(self, failing: Failing | None) -> None:
        with self.lock:
            self._failing, self._lots = failing, _dice(failing.seed if failing else 0)

    @property
    def failing(self) -> Failing | None:
        return self._failing

    def lot(self, request: Request) -> Answer | None:
        """The failure this request has drawn."""
        with self.lock:
            failing = self._failing
            if failing is None or not re.search(failing.path, request.target) or self._lots.random() >= failing.share:
                return None
            status = self._lots.choice(failing.statuses)
        wait = {} if failing.retry_after is None else {"Retry-After": str(failing.retry_after)}
        if status == 429:
            body = {"errors": [{"code": "TOO_MANY_REQUESTS", "message": "Too many notifications a second"}]}
            return Answer(status, "application/json", json.dumps(body).encode(), wait)
        return Answer(status, "text/html", b"<html><body>The server had a problem</body></html>\n", wait)

    def take(self, token: str, message: Json) -> Json:
        """The ticket of one message to one recipient; what is not refused is stored."""
        if not _TOKEN.fullmatch(token):
            return _problem("DeviceNotRegistered", f'"{token}" is not a valid Expo push token', token)
        with self.lock:
            if rule := self._rule(token, "ticket"):
                return _problem(rule.error, _said(rule.error, token), token)
            ticket = {"status": "ok", "id": str(uuid4())}
            self.kept.append(Kept(token, ticket, message, self.clock()))
            self.receipts[ticket["id"]] = (self.clock(), self._receipt(token, message))
            return ticket

    def receipts_of(self, ids: Iterable[str]) -> Json:
        with self.lock:
            known = ((one, self.receipts[one]) for one in ids if one in self.receipts)
            return {one: receipt for one, (taken_at, receipt) in known if self._is_ready(taken_at)}

    def clear(self) -> None:
        with self.lock:
            self.kept.clear()
            self.receipts.clear()

    def reset(self) -> None:
        with self.lock:
            self.clear()
            self.rules.clear()
            self.fail(None)
            self.receipt_seconds = 0.0

    def _rule(self, token: str, where: Where) -> Rule | None:
        return next((rule for rule in self.rules if rule.where == where and rule.hits(token)), None)

    def _receipt(self, token: str, message: Json) -> Json:
        if _octets(message) > MOST_OCTETS:
            return _problem("MessageTooBig", f"The message is larger than {MOST_OCTETS} bytes", token)
        if rule := self._rule(token, "receipt"):
            return _problem(rule.error, _said(rule.error, token), token)
        return {"status": "ok"}

    def _is_ready(self, taken_at: float) -> bool:
        return self.receipt_seconds is not None and self.clock() >= taken_at + self.receipt_seconds


class ExpoApplication:
    def __init__(self, office: Office) -> None:
        self._office = office

    def __call__(self, request: Request) -> Answer:
        if failure := self._office.lot(request):
            return failure
        try:
            return Answer(200, "application/json", json.dumps({"data": self._answer(request)}).encode())
        except RequestRefused as refused:
            return Answer(refused.status, "application/json", json.dumps(refused.body).encode())

    def _answer(self, request: Request) -> Any:
        if request.method != "POST" or request.path not in (SEND, RECEIPTS):
            raise RequestRefused(404, "NOT_FOUND", f"There is no {request.method} {request.path}")
        body = _body(request)
        return self._sent(body) if request.path == SEND else self._receipts(body)

    def _sent(self, body: Any) -> Any:
        messages = body if isinstance(body, list) else [body]
        pairs = [(token, message) for message in messages for token in _recipients(message)]
        if len(pairs) > MOST_RECIPIENTS:
            said = f"A request may have {MOST_RECIPIENTS} recipients, not {len(pairs)}"
            raise RequestRefused(400, "PUSH_TOO_MANY_NOTIFICATIONS", said)
        _require_one_project([token for token, _ in pairs])
        tickets = [self._office.take(token, _without_recipient(message)) for token, message in pairs]
        is_single = isinstance(body, dict) and isinstance(body["to"], str)
        return tickets[0] if is_single else tickets

    def _receipts(self, body: Any) -> Json:
        ids = body.get("ids") if isinstance(body, dict) else None
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise _invalid('"ids" must be a list of texts')
        if len(ids) > MOST_RECEIPTS:
            said = f"A request may have {MOST_RECEIPTS} receipt ids, not {len(ids)}"
            raise RequestRefused(400, "PUSH_TOO_MANY_RECEIPTS", said)
        return self._office.receipts_of(ids)


class ExpoControl(ServerControl):
    """
    `messages`: what was accepted; DELETE forgets it. `failing`: the share of requests that fails, none by DELETE.
    `tokens`: what is wrong with a token, or with a share of them. `receipts`: `{"seconds": 900}`, null for never.
    """

    def __init__(self, office: Office, *shared: Any) -> None:
        super().__init__(*shared)
        self._office = office

    def _act(self, method: str, action: str, body: Json) -> tuple[int, Json]:
        match method, action:
            case "GET", "messages":
                with self._office.lock:
                    return 200, {"messages": [kept.as_json() for kept in self._office.kept]}
            case "DELETE", "messages":
                self._office.clear()
                return 200, {}
            case "POST", "failing":
                self._office.fail(Failing(**_with_tuples(body)))
                return 201, body
            case "DELETE", "failing":
                self._office.fail(None)
                return 200, {}
            case "POST", "tokens":
                rule = Rule(**body)
                self._office.rules.append(rule)
                return 201, asdict(rule)
            case "DELETE", "tokens":
                self._office.rules.clear()
                return 200, {}
            case "POST", "receipts":
                self._office.receipt_seconds = None if body["seconds"] is None else float(body["seconds"])
                return 200, body
            case "POST", "reset":
                self._office.reset()
                self.start_over()
                return 200, {}
        return super()._act(method, action, body)


def _dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  (decides what fails, guards nothing)


def share_of(token: str) -> float:
    """A token's own position between 0 and 1, by which shares of all tokens are chosen."""
    return int.from_bytes(hashlib.sha256(token.encode()).digest()[:6]) / 2**48


def project_of(token: str) -> str:
    inner = token.partition("[")[2].rstrip("]") or token
    name, marked, _ = inner.partition("--")
    return f"@sample/{name if marked else 'app'}"


def _require_one_project(tokens: Iterable[str]) -> None:
    by_project = defaultdict(list)
    for token in tokens:
        if _TOKEN.fullmatch(token):
            by_project[project_of(token)].append(token)
    if len(by_project) > 1:
        said = "All push notification messages in the same request must be for the same project."
        raise RequestRefused(400, "PUSH_TOO_MANY_EXPERIENCE_IDS", said, by_project)


def _recipients(message: Any) -> list[str]:
    if not isinstance(message, dict):
        raise _invalid("a message must be an object")
    to = message.get("to")
    recipients: list[Any] = to if isinstance(to, list) else [to]
    if not recipients or not all(isinstance(one, str) and one for one in recipients):
        raise _invalid('"to" must be a token or a list of tokens')
    for name in _TEXTS:
        if not isinstance(message.get(name, ""), str):
            raise _invalid(f'"{name}" must be a text')
    if not isinstance(message.get("data", {}), dict):
        raise _invalid('"data" must be an object')
    return recipients


def _body(request: Request) -> Any:
    try:
        packed = request.header("Content-Encoding").lower() == "gzip"
        return json.loads(gzip.decompress(request.body) if packed else request.body)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise _invalid("the body is not JSON") from error


def _invalid(said: str) -> RequestRefused:
    return RequestRefused(400, "VALIDATION_ERROR", said)


def _problem(error: str, said: str, token: str) -> Json:
    return {"status": "error", "message": said, "details": {"error": error, "expoPushToken": token}}


def _said(error: str, token: str) -> str:
    return _SAID.get(error, "The push service had a problem").format(token=token)


def _without_recipient(message: Json) -> Json:
    return {name: value for name, value in message.items() if name != "to"}


def _octets(message: Json) -> int:
    shown = {name: message[name] for name in ("title", "body", "data") if name in message}
    return len(json.dumps(shown, ensure_ascii=False).encode())


def _with_tuples(body: Json) -> Json:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}
