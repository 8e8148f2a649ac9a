"""What can go wrong with an upstream, by what a caller should do about it."""

from datetime import datetime

from watchkeeper.errors import WatchkeeperError


class UpstreamError(WatchkeeperError):
    """Base: the upstream gave no usable answer. Nothing stored may change because of it."""

    outcome = "failed"
    """How metrics name it."""


class UpstreamUnavailable(UpstreamError):
    """It is down, busy or broke off; the same request may succeed later."""

    outcome = "unavailable"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds the upstream asked us to wait."""


class UpstreamResting(UpstreamUnavailable):
    """Its circuit breaker is open: it failed too often just now and was not asked."""

    outcome = "resting"


class TooFast(UpstreamUnavailable):
    """It answered that it was asked too often."""

    outcome = "throttled"


class Burst(TooFast):
    """Too often within a second or so."""


class MinuteOver(TooFast):
    """As often as it may be asked within a minute."""


class DayOver(UpstreamError):
    """It was asked as often as it may be in a day; asking again only wastes requests."""

    outcome = "day_over"

    def __init__(self, message: str, *, retry_at: datetime) -> None:
        super().__init__(message)
        self.retry_at = retry_at
        """When the next day begins for it."""


class BudgetSpent(UpstreamError):
    """We have asked as often as we allow ourselves; it was not asked."""

    outcome = "budget"

    def __init__(self, message: str, *, retry_at: datetime) -> None:
        super().__init__(message)
        self.retry_at = retry_at
        """When there may be budget again."""


class KeyRefused(UpstreamError):
    """It does not know our key. Somebody has to put the right one into its secret."""

    outcome = "key"


class PlanLacksFunction(UpstreamError):
    """Our plan there does not include what was asked for."""

    outcome = "plan"


class RequestRefused(UpstreamError):
    """It will never answer this request: it does not know the symbol, or takes a value for none."""

    outcome = "refused"


class RequestTooLong(UpstreamError):
    """The request's address is longer than it takes; two shorter ones may do."""

    outcome = "too_long"


class UpstreamBlocked(UpstreamError):
    """It sent a challenge or a refusal where data was asked for. Asking again only makes it worse."""

    outcome = "blocked"


class UpstreamGarbled(UpstreamError):
    """It answered with something other than it promises: another type, broken JSON, truncated gzip."""

    outcome = "garbled"


class Unreadable(UpstreamGarbled):
    """It answered what it promises, as far as its form goes, and nothing can be made of what it says there."""


class Implausible(UpstreamError):
    """Its answer is complete and readable, and cannot be true: most of what it told the last time is missing."""

    outcome = "implausible"


class NotFound(UpstreamError):
    """It says there is no such thing."""

    outcome = "not_found"


class UnknownSource(UpstreamError):
    """The configured project or list does not exist there."""

    outcome = "unknown_source"


class RowRefused(WatchkeeperError):
    """One row of an answer is not what it should be; the rest of the answer is unaffected."""

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(f"{subject}: {reason}")
        self.subject = subject
        self.reason = reason
