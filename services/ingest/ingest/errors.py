"""Errors of upstreams, grouped by what a caller should do about them."""

from datetime import datetime

from watchkeeper.errors import WatchkeeperError


class UpstreamError(WatchkeeperError):
    """Base: the upstream gave no usable answer. Nothing stored may change because of it."""

    outcome = "failed"
    """Its name in metrics."""


class UpstreamUnavailable(UpstreamError):
    """It is down or busy, or the connection broke off; the same request may succeed later."""

    outcome = "unavailable"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds the upstream asked us to wait."""


class UpstreamResting(UpstreamUnavailable):
    """Its circuit breaker is open: it failed too often recently, and no request was sent."""

    outcome = "resting"


class TooFast(UpstreamUnavailable):
    """It answered that its rate limit was exceeded."""

    outcome = "throttled"


class Burst(TooFast):
    """The limit for about a second."""


class MinuteOver(TooFast):
    """The limit for a minute."""


class DayOver(UpstreamError):
    """The limit for a day; further requests would be wasted."""

    outcome = "day_over"

    def __init__(self, message: str, *, retry_at: datetime) -> None:
        super().__init__(message)
        self.retry_at = retry_at
        """When its next day begins."""


class BudgetSpent(UpstreamError):
    """Our own budget of requests is spent; no request was sent."""

    outcome = "budget"

    def __init__(self, message: str, *, retry_at: datetime) -> None:
        super().__init__(message)
        self.retry_at = retry_at
        """When budget may be available again."""


class KeyRefused(UpstreamError):
    """It rejected our key. Somebody has to put the right one into its secret."""

    outcome = "key"


class PlanLacksFunction(UpstreamError):
    """Our plan there does not include the function."""

    outcome = "plan"


class RequestRefused(UpstreamError):
    """It will never answer this request: it does not know the symbol, or considers a value invalid."""

    outcome = "refused"


class RequestTooLong(UpstreamError):
    """The request's URL is longer than it accepts; two shorter ones may succeed."""

    outcome = "too_long"


class UpstreamBlocked(UpstreamError):
    """It sent a challenge or a refusal instead of data. Retrying only makes it worse."""

    outcome = "blocked"


class UpstreamGarbled(UpstreamError):
    """Its answer is not in the documented format: another type, broken JSON, truncated gzip."""

    outcome = "garbled"


class Unreadable(UpstreamGarbled):
    """Its answer has the documented format, but unusable content."""


class Implausible(UpstreamError):
    """Its answer is complete and readable, but implausible: most of what it listed last time is missing."""

    outcome = "implausible"


class NotFound(UpstreamError):
    """It says that what was requested does not exist."""

    outcome = "not_found"


class UnknownSource(UpstreamError):
    """The configured project or list does not exist there."""

    outcome = "unknown_source"


class RowRefused(WatchkeeperError):
    """One row of an answer is invalid; the rest of the answer is unaffected."""

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(f"{subject}: {reason}")
        self.subject = subject
        self.reason = reason
