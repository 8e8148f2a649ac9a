"""Publishing refused sign-ins on the bus: the reason, but not who or where from."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from api.people.signin.ports import SignInEnded, TokenRefused, WrongCode
from watchkeeper import correlation
from watchkeeper.budgets import Budget, Deadline
from watchkeeper.clock import Clock
from watchkeeper.errors import WatchkeeperError
from watchkeeper.events import EventPublisher
from watchkeeper.logs import logger
from watchkeeper.observability.facts import SignInFailed, fact

BUDGET = Budget(connect_seconds=0.3, read_seconds=0.6, attempts=1, leftover_seconds=0, request_seconds=0.3)
"""The caller is not kept waiting for the bus: there is one attempt, and another only if it is refused immediately."""

REASONS: Mapping[type[WatchkeeperError], str] = {
    WrongCode: "wrong-code",
    SignInEnded: "sign-in-ended",
    TokenRefused: "token-refused",
}
"""The same names as the problems callers get; an expired code and one tried too often both end the sign-in.
Rate-limited requests are not included: anybody could flood the bus with them; the access log reports them in
aggregate."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Publishes ``SignInFailed`` on the bus. If the bus fails, that fact is lost: it is logged, and the refusal is
    still sent, since nothing would retry the fact."""

    publisher: Callable[[], EventPublisher]
    """Created for the first refusal: there are few."""
    deadline: Deadline
    """The publisher's."""
    clock: Clock
    new_id: Callable[[], str]
    """For each fact: the caller chooses the correlation id, and using one twice must not hide a try."""

    @contextmanager
    def of_refusals(self) -> Iterator[None]:
        try:
            yield
        except tuple(REASONS) as refusal:
            self._tell(next(reason for kind, reason in REASONS.items() if isinstance(refusal, kind)))
            raise

    def _tell(self, reason: str) -> None:
        told = fact(
            SignInFailed(reason),
            cause=self.new_id(),
            occurred_at=self.clock(),
            correlation_id=correlation.current(),
        )
        self.deadline.start(BUDGET.request_seconds)
        try:
            self.publisher().publish([told])
        except WatchkeeperError as error:
            logger.warning("a refused sign-in was not told", reason=reason, problem=str(error))
