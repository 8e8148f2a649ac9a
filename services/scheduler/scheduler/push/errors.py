"""Errors of requests to Expo, by what is known about the messages afterwards.

Error messages never include Expo's own text, which quotes tokens.
"""

from collections.abc import Mapping, Sequence

from watchkeeper.errors import WatchkeeperError

UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""Raised by reading an item in an unknown format: written by a later version, or by hand."""


class PushError(WatchkeeperError):
    """Base class: there is no ticket for a message."""

    outcome = "failed"
    """The name in metrics."""
    reason = "it could not be sent"
    """The reason shown to the reminder's owner."""


class PushUnavailable(PushError):
    """Expo is down, busy or unreachable: nothing was accepted, and the same request may succeed later."""

    outcome = "unavailable"
    reason = "Expo was not available"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds Expo asked us to wait."""


class PushUnclear(PushError):
    """Expo got the request, but there was no readable answer: the messages may have been sent."""

    outcome = "garbled"
    reason = "Expo gave no answer that can be read; it may have been sent"


class PushRefused(PushError):
    """Expo rejected the whole request: nothing was accepted."""

    outcome = "blocked"

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"Expo refused a request with {status} {code}")
        self.status = status
        self.code = code
        self.reason = f"Expo refused it: {code}"

    @property
    def may_be_one_message(self) -> bool:
        """Whether a single message of the list may be the cause."""
        return self.status in (400, 413, 422)

    @property
    def is_of_credentials(self) -> bool:
        return self.status in (401, 403)


class MixedProjects(PushRefused):
    """The recipients of one request belong to several projects."""

    def __init__(self, status: int, code: str, tokens: Mapping[str, Sequence[str]]) -> None:
        super().__init__(status, code)
        self.tokens = tokens
        """By project, as far as Expo says."""
