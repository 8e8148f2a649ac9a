"""Talking to somebody else's server: politely, with time-outs, retries and a circuit breaker."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

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
    NotFound,
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
PATIENCE_SECONDS = 60.0
"""No further attempt begins after this; with the last one's own time-outs a request takes 85 seconds at the most."""

MAX_PATIENCE_SECONDS = 30.0
"""An upstream that asks for a longer pause gets it by ending the run, not by a sleeping function."""

_OK = "ok"
"""The outcome of a request that brought what was asked for."""

_BUSY = frozenset({429, 502, 503, 504})

Send = Callable[..., requests.Response]
T = TypeVar("T")


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
    """One server. All requests to it go one after another through ``get`` and ``post``."""

    def __init__(
        self, name: str, base_url: str, *, user_agent: str, pace: Pace, guard: Callable[[Send], Send] | None = None
    ) -> None:
        """``name`` is what metrics call it; ``guard`` wraps each single attempt, as ``breaker`` makes it."""
        self._name = name
        self.base_url = base_url.rstrip("/")
        self._pace = pace
        self._session = requests.Session()
        self._session.headers["User-Agent"] = user_agent
        self._session.trust_env = True
        self._attempt = guard(self._send) if guard else self._send

    def get(self, path: str, *, accept: str, params: Mapping[str, str] | None = None) -> requests.Response:
        """``path`` is escaped by the caller, and may be a whole URL of this server.

        Raises ``UpstreamUnavailable`` after retries, ``UpstreamBlocked``, and ``NotFound`` for a 404.
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
        """What ``decode`` makes of the answer to a ``get``. If it raises ``UpstreamGarbled``, the request counts so."""
        for attempt in _attempts():
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

        The request counts by how reading it ended; what else goes wrong meanwhile is not the upstream's fault. The
        circuit breaker learns only whether it was answered.
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
        for attempt in _attempts():
            with attempt, self._failures_counted():
                return self._guarded(method, path, accept, params, stream=True)
        raise AssertionError("stamina either returns or raises")

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
            response = self._session.request(
                method,
                url,
                params=params,
                headers={"Accept": accept, "Accept-Encoding": "gzip"},
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                stream=stream,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise UpstreamUnavailable(f"{self.base_url} is unreachable: {type(error).__name__}") from error
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            metrics.measure(metrics.UPSTREAM_LATENCY, milliseconds, upstream=self._name)
        return _checked(response, self.base_url)


def breaker(upstream: str, host: str, table: str, client: Any) -> Callable[[Send], Send]:
    """A circuit breaker per upstream and host, whose state all functions share in DynamoDB.

    Five attempts in a row that find the upstream down open it for a minute; then one probe decides.
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


def _attempts() -> Iterable[stamina.Attempt]:
    return stamina.retry_context(
        on=_pause, attempts=ATTEMPTS, timeout=PATIENCE_SECONDS, wait_initial=1.0, wait_max=20.0, wait_jitter=1.0
    )


def is_html(response: requests.Response) -> bool:
    return response.headers.get("Content-Type", "").startswith("text/html")


def _checked(response: requests.Response, base_url: str) -> requests.Response:
    if response.is_redirect:  # never followed: it may lead anywhere, and costs a request each time
        response.close()
        raise UpstreamGarbled(f"{base_url} redirects to {response.headers['Location'][:200]}; is its address right?")
    if response.status_code in _BUSY:
        response.close()
        wait = seconds_asked_for(response.headers.get("Retry-After", ""), utc_now())
        raise UpstreamUnavailable(f"{base_url} answered {response.status_code}", retry_after=wait)
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


class NotFoundResponse(NotFound):
    """A 404, with its answer for those to whom the difference between two of them matters."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(f"{response.url} is not there")
        self.html = is_html(response)
        self.text = _beginning(response)
        response.close()


def _beginning(response: requests.Response) -> str:
    try:
        return response.text[:200]
    except requests.RequestException:
        return ""


def _pause(error: Exception) -> bool | float:
    """Whether to try again, and after how long; ``True`` leaves the time to exponential back-off with jitter."""
    if not isinstance(error, UpstreamUnavailable):
        return False
    if error.retry_after is None:
        return True
    return error.retry_after if error.retry_after <= MAX_PATIENCE_SECONDS else False


def _urllib3_error() -> type[Exception]:
    from urllib3.exceptions import HTTPError

    return HTTPError
