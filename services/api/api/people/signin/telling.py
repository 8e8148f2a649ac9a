"""Telling the bus of sign-ins that were refused: why, and nothing of who or where from."""

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
"""Who is refused is not kept waiting for the bus: it is asked once, and again only if it refuses within an instant."""

REASONS: Mapping[type[WatchkeeperError], str] = {
    WrongCode: "wrong-code",
    SignInEnded: "sign-in-ended",
    TokenRefused: "token-refused",
}
"""As the problems are named that callers get; a code that ran out and one that was tried too often end the sign-in. Who
asks too often is not among them: anybody can, and would have the system talk; the access log tells of those in one."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Puts ``SignInFailed`` on the bus. A bus that fails loses that one fact: it is logged, and the refusal goes its
    way, for nobody would send the fact again."""

    publisher: Callable[[], EventPublisher]
    """Made when somebody is refused: few are."""
    deadline: Deadline
    """The publisher's."""
    clock: Clock
    new_id: Callable[[], str]
    """Of each fact: the correlation id is the caller's to choose, and one that is chosen twice must not hide a try."""

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
