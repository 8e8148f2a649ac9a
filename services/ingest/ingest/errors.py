"""What can go wrong with an upstream, by what a caller should do about it."""

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


class UpstreamBlocked(UpstreamError):
    """It sent a challenge or a refusal where data was asked for. Asking again only makes it worse."""

    outcome = "blocked"


class UpstreamGarbled(UpstreamError):
    """It answered with something other than it promises: another type, broken JSON, truncated gzip."""

    outcome = "garbled"


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
