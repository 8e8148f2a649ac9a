"""Expo's push service: messages to phones, tickets for them, and receipts for the tickets.

If a list is rejected as a whole, only the message that caused it fails: a list of mixed projects is split by project,
any other is halved until that message is isolated. Within one call, a message is retried only if the service has
certainly not accepted it: it could not be reached, or answered 429 or 5xx. A missing or unreadable answer is
``PushUnclear``: the caller decides whether sending twice is better than not at all.
"""

import gzip
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
import requests
import stamina

from scheduler.push.chunks import chunks
from scheduler.push.errors import MixedProjects, PushError, PushRefused, PushUnavailable, PushUnclear
from watchkeeper import metrics
from watchkeeper.clock import Clock, utc_now
from watchkeeper.retry_after import seconds_asked_for

T = TypeVar("T")

UPSTREAM = "expo"
"""The name in metrics."""

MOST_MESSAGES = 100
"""Per request; Expo counts recipients, and each message has one."""
MOST_RECEIPTS = 300
"""Per request, as in Expo's own client; a thousand are accepted."""
CONNECT_SECONDS = 5
READ_SECONDS = 20
ATTEMPTS = 4
PATIENCE_SECONDS = 30.0
"""No further back-off begins after this; with the longest one, and the last attempt's own time-outs, a request takes at
most 70 seconds."""
MAX_PATIENCE_SECONDS = 15.0
"""If Expo asks for a longer pause, the request is left to another run."""
MOST_REFUSALS = 20
"""Per list, while searching for the messages that cause rejections: enough to find two among a hundred. If there are
more, single messages are not the cause, and the rest is not sent."""

SPLITTING_SECONDS = 20.0
"""After this, lists are no longer split: splitting, like sending, must end before the function does."""

IDLE_SECONDS = 60
"""A connection that was idle for longer is not reused: while functions are frozen between two runs it may be lost
silently, and it would be unclear whether a list sent on it was accepted."""

_SEND = "/--/api/v2/push/send"
_RECEIPTS = "/--/api/v2/push/getReceipts"
_PACKED_FROM = 1024
_CODE = re.compile(r"[A-Za-z_]{1,60}")
_UNKNOWN = "unknown"
_MIXED = "PUSH_TOO_MANY_EXPERIENCE_IDS"
_TOO_MANY = "TOO_MANY_REQUESTS"


@dataclass(frozen=True, slots=True)
class Message:
    """A message to one device. Of two with the same ``key``, a phone shows only the later one."""

    to: str
    title: str
    body: str
    key: str
    data: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        said = {"to": self.to, "title": self.title, "body": self.body, "data": dict(self.data), "sound": "default"}
        return {**said, "collapseId": self.key, "tag": self.key}


@dataclass(frozen=True, slots=True)
class PushTicket:
    """Expo's answer to one message. It was accepted unless there is an ``error``, Expo's ``details.error``."""

    id: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PushReceipt:
    """The outcome of a message: handed over to Apple's or Google's service unless there is an ``error``."""

    error: str | None = None


Answer = PushTicket | PushError


class Expo:
    """One connection, for use by one thread."""

    def __init__(self, base_url: str, *, clock: Clock = utc_now) -> None:
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": "watchkeeper", "Accept": "application/json"})
        self._last_asked = clock()

    def send(self, messages: Sequence[Message]) -> list[Answer]:
        """The outcome of each message, in order. Raises nothing, because one message's error does not affect others."""
        return [answer for some in chunks(messages, MOST_MESSAGES) for answer in self._send(some, _Refusals())]

    def receipts(self, ids: Sequence[str]) -> dict[str, PushReceipt]:
        """Receipts by ticket id; those that are not ready are omitted. Raises ``PushError``."""
        found: dict[str, PushReceipt] = {}
        for some in chunks(ids, MOST_RECEIPTS):
            found |= self._asked(_RECEIPTS, {"ids": some}, _receipts, harmless=True)
        return found

    def _send(self, messages: Sequence[Message], refusals: "_Refusals") -> list[Answer]:
        try:
            return self._tickets(messages)
        except PushRefused as refused:
            parts = _parts(messages, refused) if refusals.go_on() else []
            if len(parts) < 2:
                return [refused] * len(messages)
        except PushError as error:
            return [error] * len(messages)
        answers: dict[int, Answer] = {}
        for part in parts:
            answers |= zip(part, self._send([messages[place] for place in part], refusals), strict=True)
        return [answers[place] for place in range(len(messages))]

    def _tickets(self, messages: Sequence[Message]) -> list[Answer]:
        def read(data: Any) -> list[Answer]:
            if not isinstance(data, list) or len(data) != len(messages):
                raise PushUnclear("Expo gave another number of tickets than there were messages")
            return [_ticket(one) for one in data]

        return self._asked(_SEND, [message.as_json() for message in messages], read, harmless=False)

    def _asked(self, path: str, body: Any, read: Callable[[Any], T], *, harmless: bool) -> T:
        """The answer's ``data``, as parsed by ``read``; ``harmless`` requests can safely be repeated."""
        again = (PushUnavailable, PushUnclear) if harmless else (PushUnavailable,)
        for attempt in stamina.retry_context(
            on=lambda error: _pause(error) if isinstance(error, again) else False,
            attempts=ATTEMPTS,
            timeout=PATIENCE_SECONDS,
            wait_initial=1.0,
            wait_max=10.0,
            wait_jitter=1.0,
        ):
            with attempt:
                return self._counted(path, body, read)
        raise AssertionError("stamina either returns or raises")

    def _counted(self, path: str, body: Any, read: Callable[[Any], T]) -> T:
        outcome = "ok"
        try:
            return read(_data(self._post(path, body), self._clock))
        except PushError as error:
            outcome = error.outcome
            raise
        finally:
            metrics.measure(metrics.UPSTREAM_REQUESTS, 1, upstream=UPSTREAM, outcome=outcome)

    def _post(self, path: str, body: Any) -> requests.Response:
        raw, headers = orjson.dumps(body), {"Content-Type": "application/json"}
        if len(raw) > _PACKED_FROM:
            raw, headers = gzip.compress(raw, mtime=0), {**headers, "Content-Encoding": "gzip"}
        self._forget_idle_connection()
        started = time.perf_counter()
        try:
            return self._session.post(
                self._base_url + path,
                data=raw,
                headers=headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise _broken(error) from error
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            metrics.measure(metrics.UPSTREAM_LATENCY, milliseconds, upstream=UPSTREAM)

    def _forget_idle_connection(self) -> None:
        now = self._clock()  # wall-clock time: other clocks may stop while a function is frozen
        if (now - self._last_asked).total_seconds() > IDLE_SECONDS:
            self._session.close()
        self._last_asked = now


@dataclass(slots=True)
class _Refusals:
    """The rejections of one list and its parts."""

    left: int = MOST_REFUSALS
    since: float = field(default_factory=time.monotonic)

    def go_on(self) -> bool:
        self.left -= 1
        return self.left >= 0 and time.monotonic() < self.since + SPLITTING_SECONDS


def _parts(messages: Sequence[Message], refused: PushRefused) -> list[list[int]]:
    """The indices of the messages, as lists to be sent instead; fewer than two if splitting would change nothing."""
    if isinstance(refused, MixedProjects) and len(found := _by_project(messages, refused)) > 1:
        return found
    if not refused.may_be_one_message:
        return []
    half = len(messages) // 2
    return [part for part in ([*range(half)], [*range(half, len(messages))]) if part]


def _by_project(messages: Sequence[Message], mixed: MixedProjects) -> list[list[int]]:
    """Messages whose project Expo does not name form one list."""
    projects = {token: project for project, tokens in mixed.tokens.items() for token in tokens}
    parts: dict[str | None, list[int]] = {}
    for place, message in enumerate(messages):
        parts.setdefault(projects.get(message.to), []).append(place)
    return list(parts.values())


def _data(response: requests.Response, clock: Clock) -> Any:
    """The data of a valid answer."""
    status = response.status_code
    if status == 429 or status >= 500:
        raise PushUnavailable(f"Expo answered {status}", retry_after=_wait(response, clock))
    body = _json(response)
    if error := _first_error(body):
        raise _refusal(status, error, response, clock)
    if status != 200:
        raise PushRefused(status, _code(body.get("error") if isinstance(body, Mapping) else None))
    if not isinstance(body, Mapping) or "data" not in body:
        raise PushUnclear("Expo's answer is none")
    return body["data"]


def _json(response: requests.Response) -> Any:
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None


def _first_error(body: Any) -> Mapping[str, Any] | None:
    errors = body.get("errors") if isinstance(body, Mapping) else None
    return errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], Mapping) else None


def _refusal(status: int, error: Mapping[str, Any], response: requests.Response, clock: Clock) -> PushError:
    code = _code(error.get("code"))
    if code == _TOO_MANY:
        return PushUnavailable(f"Expo answered {status} {code}", retry_after=_wait(response, clock))
    if code == _MIXED:
        return MixedProjects(status, code, _tokens(error.get("details")))
    return PushRefused(status, code)


def _tokens(details: Any) -> dict[str, list[str]]:
    if not isinstance(details, Mapping):
        return {}
    return {str(project): [str(token) for token in tokens] for project, tokens in details.items() if _is_list(tokens)}


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _ticket(said: Any) -> Answer:
    match said:
        case {"status": "ok"}:
            return PushTicket(id=_text(said.get("id")))
        case {"status": "error"}:
            return PushTicket(error=_error(said))
    return PushUnclear("a ticket of Expo's cannot be read")


def _receipts(data: Any) -> dict[str, PushReceipt]:
    if not isinstance(data, Mapping):
        raise PushUnclear("Expo's receipts cannot be read")
    return {
        str(ticket): PushReceipt(None if said["status"] == "ok" else _error(said))
        for ticket, said in data.items()
        if isinstance(said, Mapping) and said.get("status") in ("ok", "error")
    }


def _error(said: Mapping[str, Any]) -> str:
    details = said.get("details")
    return _code(details.get("error") if isinstance(details, Mapping) else None)


def _code(value: Any) -> str:
    """An error code in Expo's format; anything else in its place is not trusted."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else _UNKNOWN


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 100 else None


def _broken(error: requests.RequestException) -> PushError:
    """A request that was never sent was not accepted; one that was interrupted may have been."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError | requests.exceptions.SSLError):
        return PushUnavailable(f"Expo is out of reach: {type(error).__name__}")
    if _is_new_connection(error):
        return PushUnavailable("Expo is out of reach: no connection")
    return PushUnclear(f"Expo broke off: {type(error).__name__}")


def _is_new_connection(error: requests.RequestException) -> bool:
    from urllib3.exceptions import NewConnectionError

    return any(isinstance(getattr(cause, "reason", None), NewConnectionError) for cause in error.args)


def _wait(response: requests.Response, clock: Clock) -> float | None:
    return seconds_asked_for(response.headers.get("Retry-After", ""), clock())


def _pause(error: Exception) -> bool | float:
    """``True`` means exponential back-off with jitter."""
    wait = error.retry_after if isinstance(error, PushUnavailable) else None
    if wait is None:
        return True
    return wait if wait <= MAX_PATIENCE_SECONDS else False
