"""Requests to other people's servers: rate-limited, with time-outs, retries and a circuit breaker."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import requests
import stamina
from aws_lambda_powertools.utilities.circuit_breaker import (
    CircuitBreakerConfig,
    CircuitState,
    CircuitTransition,
    circuit_breaker,
)
from aws_lambda_powertools.utilities.circuit_breaker.exceptions import CircuitBreakerOpenError
from aws_lambda_powertools.utilities.circuit_breaker.persistence import CircuitBreakerDynamoDBPersistence

from ingest.errors import (
    KeyRefused,
    NotFound,
    PlanLacksFunction,
    RequestRefused,
    RequestTooLong,
    UpstreamBlocked,
    UpstreamError,
    UpstreamGarbled,
    UpstreamResting,
    UpstreamUnavailable,
)
from watchkeeper import metrics
from watchkeeper.clock import utc_now
from watchkeeper.logs import logger
from watchkeeper.retry_after import seconds_asked_for

CONNECT_SECONDS = 5
READ_SECONDS = 20
ATTEMPTS = 5
MAX_PATIENCE_SECONDS = 30.0
"""For a longer pause that an upstream asks for, the run ends: the function does not sleep."""

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""The limit of an answer read as a whole, decompressed: four times the largest known."""

_CHUNK_BYTES = 256 * 1024
_MAX_RESET_SECONDS = 86_400

_OK = "ok"
"""The outcome of a successful request."""

_BUSY = frozenset({429, 502, 503, 504})

Send = Callable[..., requests.Response]
T = TypeVar("T")


class Pacing(Protocol):
    """When the next request may be sent."""

    def wait(self) -> None:
        """Called before each attempt. An ``UpstreamError`` it raises ends the request, which is neither sent nor
        retried, and does not count as a failure for the circuit breaker."""


class Credentials(Protocol):
    """Our authentication at a server. Read before each attempt, and never part of a path or a message."""

    def headers(self) -> Mapping[str, str]: ...

    def query(self) -> Mapping[str, str]:
        """Parameters of every request, in addition to its own."""

    def renewed(self) -> bool:
        """Called when the server refused them: whether there are new ones, to retry with at once."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is tried, and the pauses between: each twice as long as the one before, with up to a second
    of jitter."""

    attempts: int = ATTEMPTS
    first: float = 1.0
    """The first pause, in seconds."""
    longest: float = 20.0
    """The longest pause, in seconds."""
    total: float = 60.0
    """No further pause begins after this many seconds; with the last pause and the last attempt's time-outs, a request
    may take longer by ``longest``, or by the pause that was asked for, and 25 seconds."""


class Pace:
    """Keeps the time between two requests at or above ``1 / per_second`` seconds."""

    def __init__(
        self,
        per_second: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval = 1 / per_second
        self._monotonic = monotonic
        self._sleep = sleep
        self._next = 0.0

    def wait(self) -> None:
        if (delay := self._next - self._monotonic()) > 0:
            self._sleep(delay)
        self._next = self._monotonic() + self._interval


class Upstream:
    """One server. Requests to it are sent one after another."""

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        user_agent: str,
        pace: Pacing,
        guard: Callable[[Send], Send] | None = None,
        patience: Patience | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        """``name`` is its name in metrics; ``guard`` wraps each attempt, such as one from ``breaker``."""
        self._name = name
        self.base_url = base_url.rstrip("/")
        self._pace = pace
        self._patience = patience or Patience()
        self._credentials = credentials
        self._session = requests.Session()
        self._session.headers["User-Agent"] = user_agent
        self._session.trust_env = True
        self._attempt = guard(self._send) if guard else self._send

    def get(self, path: str, *, accept: str, params: Mapping[str, str] | None = None) -> requests.Response:
        """``path`` is escaped by the caller, and may be a full URL of this server.

        Raises ``UpstreamUnavailable`` after retries, ``UpstreamBlocked``, ``NotFound`` for a 404, ``RequestTooLong``
        for a 414; with credentials ``KeyRefused``, ``PlanLacksFunction`` and ``RequestRefused`` too.
        """
        return self.read(path, _as_it_is, accept=accept, params=params)

    def read(
        self,
        path: str,
        decode: Callable[[requests.Response], T],
        *,
        accept: str,
        params: Mapping[str, str] | None = None,
    ) -> T:
        """The answer to a ``get``, decoded by ``decode``. If that raises ``UpstreamGarbled``, that is the outcome."""
        for attempt in self._attempts():
            with attempt, self._failures_counted():
                decoded = decode(self._guarded("GET", path, accept, params, stream=False))
                self._count(_OK)
                return decoded
        raise AssertionError("stamina either returns or raises")

    @contextmanager
    def stream(
        self, method: str, path: str, *, accept: str, params: Mapping[str, str] | None = None
    ) -> Iterator[requests.Response]:
        """A response whose body is read by the caller through ``response.raw``. Errors as for ``get``;
        a connection that breaks while the body is read is ``UpstreamUnavailable`` too.

        The request's outcome is how reading it ended; other errors meanwhile are not the upstream's fault. The circuit
        breaker only learns whether there was a response.
        """
        response = self._opened(method, path, accept, params)
        outcome = _OK
        try:
            yield response
        except UpstreamError as error:
            outcome = error.outcome
            raise
        except (requests.RequestException, OSError, _urllib3_error()) as error:
            outcome = UpstreamUnavailable.outcome
            raise UpstreamUnavailable(f"{self.base_url} broke off: {type(error).__name__}") from error
        finally:
            response.close()
            self._count(outcome)

    def _opened(self, method: str, path: str, accept: str, params: Mapping[str, str] | None) -> requests.Response:
        for attempt in self._attempts():
            with attempt, self._failures_counted():
                return self._guarded(method, path, accept, params, stream=True)
        raise AssertionError("stamina either returns or raises")

    def _attempts(self) -> Iterable[stamina.Attempt]:
        patience = self._patience
        return stamina.retry_context(
            on=self._pause,
            attempts=patience.attempts,
            timeout=patience.total,
            wait_initial=patience.first,
            wait_max=patience.longest,
            wait_jitter=1.0,
        )

    def _pause(self, error: Exception) -> bool | float:
        """Whether to retry, and after how long; ``True`` means exponential back-off with jitter."""
        if isinstance(error, KeyRefused) and self._credentials:
            return 0.0 if self._credentials.renewed() else False
        if not isinstance(error, UpstreamUnavailable):
            return False
        if error.retry_after is None:
            return True
        return error.retry_after if error.retry_after <= MAX_PATIENCE_SECONDS else False

    @contextmanager
    def _failures_counted(self) -> Iterator[None]:
        try:
            yield
        except UpstreamError as error:
            self._count(error.outcome)
            raise

    def _count(self, outcome: str) -> None:
        metrics.measure(metrics.UPSTREAM_REQUESTS, 1, upstream=self._name, outcome=outcome)
        metrics.measure(metrics.BREAKER_OPEN, outcome == UpstreamResting.outcome, upstream=self._name)

    def _guarded(
        self, method: str, path: str, accept: str, params: Mapping[str, str] | None, *, stream: bool
    ) -> requests.Response:
        try:
            return self._attempt(method, path, accept, params, stream=stream)
        except CircuitBreakerOpenError as error:
            message = f"{self.base_url} failed too often; not asked again for a while"
            raise UpstreamResting(message, retry_after=float("inf")) from error

    def _send(
        self, method: str, path: str, accept: str, params: Mapping[str, str] | None, *, stream: bool
    ) -> requests.Response:
        self._pace.wait()
        url = path if path.startswith(("http://", "https://")) else self.base_url + path
        started = time.perf_counter()
        try:
            response = self._asked(method, url, accept, params, stream=stream)
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            metrics.measure(metrics.UPSTREAM_LATENCY, milliseconds, upstream=self._name)
        if self._credentials:
            _check_welcome(response, self.base_url)
        return _checked(response, self.base_url)

    def _asked(
        self, method: str, url: str, accept: str, params: Mapping[str, str] | None, *, stream: bool
    ) -> requests.Response:
        """Errors are raised without their cause, whose text contains the full URL."""
        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        query = dict(params or {})
        if self._credentials:
            headers.update(self._credentials.headers())
            query.update(self._credentials.query())
        try:
            response = self._session.request(
                method,
                url,
                params=query,
                headers=headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                stream=True,
                allow_redirects=False,
            )
            return response if stream else _read_whole(response, self.base_url)
        except requests.RequestException as error:
            failure: UpstreamError = UpstreamUnavailable(f"{self.base_url} is unreachable: {type(error).__name__}")
        except ValueError:  # requests resolves a redirect's target although it must not follow it
            failure = UpstreamGarbled(f"{self.base_url} redirects to what is no address")
        raise failure


def breaker(upstream: str, host: str, table: str, client: Any) -> Callable[[Send], Send]:
    """A circuit breaker per upstream and host, whose state all functions share in DynamoDB.

    Five consecutive attempts that find the upstream down open it for a minute; then a single probe decides.
    """
    config = CircuitBreakerConfig(
        failure_threshold=ATTEMPTS,
        recovery_timeout=60,
        success_threshold=1,
        handled_exceptions=(UpstreamUnavailable, UpstreamBlocked),
    )
    store = CircuitBreakerDynamoDBPersistence(table_name=table, boto3_client=client)

    def tell(transition: CircuitTransition) -> None:
        state = transition.to_state.value
        logger.warning("circuit breaker changed", upstream=upstream, host=host, state=state)
        metrics.measure(metrics.BREAKER_OPEN, transition.to_state is CircuitState.OPEN, upstream=upstream)

    return circuit_breaker(name=f"{upstream} {host}", persistence_store=store, config=config, on_transition=tell)


def _as_it_is(response: requests.Response) -> requests.Response:
    return response


def _read_whole(response: requests.Response, base_url: str) -> requests.Response:
    """The response with its body, as requests would have read it, if it is not too large."""
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            response.close()
            raise UpstreamGarbled(f"{base_url} answered more than {MAX_ANSWER_BYTES} bytes")
    response._content = bytes(body)
    return response


def is_html(response: requests.Response) -> bool:
    return response.headers.get("Content-Type", "").startswith("text/html")


def _check_welcome(response: requests.Response, base_url: str) -> None:
    """Raises the errors that a server reports to authenticated clients, as opposed to an HTML page.

    The body is inspected, but never repeated: it may contain the key.
    """
    status = response.status_code
    told = _told(response) if status in (400, 403, 422) else None
    if told and "subscription" in told:
        raise PlanLacksFunction(f"{base_url}: our plan there does not include what was asked for")
    if status == 401 or (status == 403 and told is not None):
        response.close()
        raise KeyRefused(f"{base_url} refused our key with {status}")
    if told is not None:
        raise RequestRefused(f"{base_url} refused the request with {status}")


def _told(response: requests.Response) -> str | None:
    """The body in lower case, if it is JSON."""
    if is_html(response) or not (text := _beginning(response).strip().lower()).startswith(("{", "[", '"')):
        return None
    return text


def _checked(response: requests.Response, base_url: str) -> requests.Response:
    if response.is_redirect:  # never followed: it may lead anywhere, and costs a request each time
        response.close()
        raise UpstreamGarbled(f"{base_url} redirects to {_plain(response.headers['Location'])}; is its address right?")
    if response.status_code in _BUSY:
        response.close()
        raise UpstreamUnavailable(f"{base_url} answered {response.status_code}", retry_after=_wait(response, utc_now()))
    if response.status_code == 414:
        response.close()
        raise RequestTooLong(f"{base_url} takes no address as long as this")
    if response.status_code == 403 or (is_html(response) and response.status_code != 404):
        response.close()
        raise UpstreamBlocked(f"{base_url} answered {response.status_code} with a page instead of data")
    if response.status_code >= 500:
        response.close()
        raise UpstreamUnavailable(f"{base_url} answered {response.status_code}")
    if response.status_code == 404:
        raise NotFoundResponse(response)
    if not response.ok:
        response.close()
        raise UpstreamBlocked(f"{base_url} refused the request with {response.status_code}")
    return response


def _wait(response: requests.Response, now: datetime) -> float | None:
    """Seconds to wait, as it asked: Retry-After, or for a 429 X-RateLimit-Reset, which is a Unix time."""
    asked = seconds_asked_for(response.headers.get("Retry-After", ""), now)
    reset = response.headers.get("X-RateLimit-Reset", "").strip()
    if asked is not None or response.status_code != 429 or not (reset.isascii() and reset.isdigit()):
        return asked
    seconds = int(reset[:20]) - now.timestamp()
    return max(1.0, seconds) if seconds <= _MAX_RESET_SECONDS else None


def _plain(url: str) -> str:
    """The URL without its query, which may contain a key, and without a user."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is none"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"[:200] if host else parts.path[:200]


class NotFoundResponse(NotFound):
    """A 404, with its answer for callers that have to distinguish kinds of 404."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(f"{_plain(response.url)} is not there")
        self.html = is_html(response)
        self.text = _beginning(response)
        response.close()


def _beginning(response: requests.Response) -> str:
    try:
        return response.text[:200]
    except requests.RequestException:
        return ""


def _urllib3_error() -> type[Exception]:
    from urllib3.exceptions import HTTPError

    return HTTPError
