"""AWS that fails, at the level of botocore: its answers are of our choosing, and its time is a clock of our own.

Pauses are not slept but counted, with the longest jitter there can be; a time-out counts the seconds its client waits.
So budgets are asserted exactly, and in no time.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from botocore.retries.standard import ExponentialBackoff
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from watchkeeper import aws
from watchkeeper.budgets import PEOPLE, WORKERS, Budget

_CLIENTS: dict[str, Callable[[Budget], Any]] = {
    "dynamodb": aws.dynamodb_client,
    "events": aws.events_client,
    "s3": aws.s3_client,
    "secretsmanager": aws.secrets_client,
    "sqs": aws.sqs_client,
}


_EVENTS = {"events": "eventbridge", "secretsmanager": "secrets-manager"}
"""Services whose name in botocore's events is another."""


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class Send:
    """One attempt of a call."""

    number: int
    """Among those a plan was asked about."""
    service: str
    operation: str
    request: Any
    pass_on: Callable[[], Any]
    """Lets it do what it asks for; gives the true answer."""
    wait: Callable[[], None]
    """Lets as much time pass as the client waits."""

    @property
    def body(self) -> Any:
        return orjson.loads(self.request.body)


Plan = Callable[[Send], AWSResponse | None]
"""What becomes of an attempt; ``None`` lets it through, and an exception is one of the network."""


@dataclass
class Faults:
    clock: Clock
    budgets: tuple[Budget, ...] = (PEOPLE, WORKERS)
    """Whose clients are reached."""
    sends: list[Send] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    """Seconds each call took, with all its attempts."""

    @contextmanager
    def injected(self, plan: Plan, service: str = "dynamodb", operation: str = "") -> Iterator[None]:
        """Ask the plan about each attempt of the service's calls, or of one operation of it."""
        with ExitStack() as stack:
            for budget in self.budgets:
                stack.enter_context(self._on(_CLIENTS[service](budget), budget, plan, service, operation))
            yield

    @contextmanager
    def _on(self, client: Any, budget: Budget, plan: Plan, service: str, operation: str) -> Iterator[None]:
        begun: list[float] = []

        def attempt(request: Any, event_name: str, **_: Any) -> AWSResponse | None:
            def pass_on() -> AWSResponse | None:
                response: AWSResponse | None = botocore_stubber(event_name, request)
                return response

            def wait() -> None:
                self.clock.sleep(budget.connect_seconds + budget.read_seconds)

            name = event_name.rpartition(".")[2]
            if operation and name != operation:
                return pass_on()
            send = Send(len(self.sends), service, name, request, pass_on, wait)
            self.sends.append(send)
            return plan(send) or pass_on()

        def begin(**_: Any) -> None:
            begun.append(self.clock.now)

        def end(**_: Any) -> None:
            self.calls.append(self.clock.now - begun.pop())

        below = f".{_EVENTS.get(service, service)}"
        handlers = {"before-send": attempt, "before-call": begin, "after-call": end, "after-call-error": end}
        for name, handler in handlers.items():
            client.meta.events.register_first(f"{name}{below}", handler)
        client.meta.events.unregister("before-send", botocore_stubber)  # it would do what we answer for, too
        try:
            yield
        finally:
            client.meta.events.register("before-send", botocore_stubber)
            for name, handler in handlers.items():
                client.meta.events.unregister(f"{name}{below}", handler)


def stop_the_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Nothing in botocore or in our own code waits in earnest any more."""
    clock = Clock()
    original = ExponentialBackoff.__init__

    def with_longest_jitter(self: Any, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        self._random = lambda: 1.0

    monkeypatch.setattr(ExponentialBackoff, "__init__", with_longest_jitter)
    monkeypatch.setattr("botocore.endpoint.time", clock)
    monkeypatch.setattr("watchkeeper.budgets.time", clock)
    monkeypatch.setattr("watchkeeper.budgets.random", SimpleNamespace(uniform=lambda _, high: high))
    forget_clients()
    return clock


def forget_clients() -> None:
    """The sessions they are made by stay: what those have read of AWS is the same for every test, and takes ten times
    as long as the clients themselves."""
    aws._client.cache_clear()


def answer(status: int, body: object, headers: dict[str, str] | None = None) -> AWSResponse:
    return _response(status, orjson.dumps(body), headers)


def _response(status: int, content: bytes, headers: dict[str, str] | None = None) -> AWSResponse:
    return AWSResponse(
        "https://aws.test", status, cast("HTTPHeaders", HeadersDict(headers or {})), MockRawResponse(content)
    )


def _error(send: Send, status: int, code: str, headers: dict[str, str] | None = None) -> AWSResponse:
    if send.service == "s3":
        return _response(status, f"<Error><Code>{code}</Code></Error>".encode(), headers)
    return answer(status, {"__type": f"com.amazonaws#{code}", "message": "secret detail"}, headers)


def throttled(send: Send, headers: dict[str, str] | None = None) -> AWSResponse:
    if send.service == "s3":
        return _error(send, 503, "SlowDown", headers)
    return _error(send, 400, "ThrottlingException", headers)


def throttled_for_long(send: Send) -> AWSResponse:
    """With a wish for a pause longer than any budget."""
    return throttled(send, {"x-amz-retry-after": "60000"})


def broken(send: Send) -> AWSResponse:
    return _error(send, 500, "InternalServerError")


def garbage(_: Send) -> AWSResponse:
    return _response(200, b"<html><body>Welcome to this hotel's network!</body></html>", {"Content-Type": "text/html"})


def denied(send: Send) -> AWSResponse:
    return _error(send, 403 if send.service == "s3" else 400, "AccessDeniedException")


def unmet(send: Send) -> AWSResponse:
    return _error(send, 400, "ConditionalCheckFailedException")


def reset(send: Send) -> AWSResponse:
    raise ConnectionClosedError(endpoint_url=send.request.url)


def unreachable(send: Send) -> AWSResponse:
    send.wait()
    raise EndpointConnectionError(endpoint_url=send.request.url)


def timed_out(send: Send) -> AWSResponse:
    send.wait()
    raise ReadTimeoutError(endpoint_url=send.request.url)


def lost(send: Send) -> AWSResponse:
    """It is done, but the answer never arrives."""
    send.pass_on()
    return timed_out(send)


def first(count: int, plan: Plan) -> Plan:
    """The first attempts go wrong."""
    return lambda send: plan(send) if send.number < count else None


def every(nth: int, plan: Plan) -> Plan:
    """Each ``nth`` attempt goes wrong."""
    return lambda send: plan(send) if send.number % nth == nth - 1 else None


def burst(start: int, count: int, plan: Plan) -> Plan:
    """Some attempts in a row go wrong."""
    return lambda send: plan(send) if start <= send.number < start + count else None


def half_unprocessed(send: Send) -> AWSResponse | None:
    """Of a batch, DynamoDB leaves the second half for another time, as long as there are two."""
    return _leave(send, lambda entries: entries[len(entries) // 2 :] if len(entries) > 1 else [])


def nothing_processed(send: Send) -> AWSResponse | None:
    return _leave(send, lambda entries: entries)


def _leave(send: Send, left_of: Callable[[list[Any]], list[Any]]) -> AWSResponse | None:
    if send.operation == "BatchWriteItem":
        [(table, writes)] = send.body["RequestItems"].items()
        return _leave_writes(send, table, writes, left_of(writes))
    if send.operation == "BatchGetItem":
        [(table, wanted)] = send.body["RequestItems"].items()
        return _leave_keys(send, table, wanted, left_of(wanted["Keys"]))
    return None


def _leave_writes(send: Send, table: str, writes: list[Any], left: list[Any]) -> AWSResponse:
    _do(send, {"RequestItems": {table: writes[: len(writes) - len(left)]}})
    return answer(200, {"UnprocessedItems": {table: left} if left else {}})


def _leave_keys(send: Send, table: str, wanted: Any, left: list[Any]) -> AWSResponse:
    keys = wanted["Keys"]
    found = _do(send, {"RequestItems": {table: {**wanted, "Keys": keys[: len(keys) - len(left)]}}})
    unprocessed = {table: {**wanted, "Keys": left}} if left else {}
    return answer(200, {"Responses": found.get("Responses", {table: []}), "UnprocessedKeys": unprocessed})


def _do(send: Send, body: Any) -> Any:
    """The part of a batch that is processed."""
    [(_, part)] = body["RequestItems"].items()
    if not (part["Keys"] if isinstance(part, dict) else part):
        return {}
    whole, send.request.body = send.request.body, orjson.dumps(body)
    try:
        return orjson.loads(send.pass_on().content)
    finally:
        send.request.body = whole


def half_refused(send: Send) -> AWSResponse | None:
    """Of a request's events, the bus refuses every other one, as long as there are two."""
    entries = send.body["Entries"]
    if len(entries) < 2:
        return None
    send.request.body, whole = orjson.dumps({"Entries": entries[::2]}), send.request.body
    taken = iter(orjson.loads(send.pass_on().content)["Entries"])
    send.request.body = whole
    refused = {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}
    results = [refused if number % 2 else next(taken) for number in range(len(entries))]
    return answer(200, {"FailedEntryCount": len(entries) // 2, "Entries": results})


def all_refused(send: Send) -> AWSResponse:
    refused = {"ErrorCode": "InternalFailure", "ErrorMessage": "Internal failure"}
    return answer(200, {"FailedEntryCount": 1, "Entries": [refused for _ in send.body["Entries"]]})
