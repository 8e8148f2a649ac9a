"""What can go wrong with a request to Expo, by what is known of its messages then.

No message says what Expo wrote: it quotes tokens.
"""

from collections.abc import Mapping, Sequence

from watchkeeper.errors import WatchkeeperError

UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""What is raised by reading an item that is not as we write it: a later version wrote it, or somebody by hand."""


class PushError(WatchkeeperError):
    """Base: no ticket came for a message."""

    outcome = "failed"
    """How metrics name it."""
    reason = "it could not be sent"
    """As the reminder's owner may read it."""


class PushUnavailable(PushError):
    """Expo is down, busy or out of reach: nothing was taken, and the same request may go through later."""

    outcome = "unavailable"
    reason = "Expo was not available"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds Expo asked us to wait."""


class PushUnclear(PushError):
    """Expo took the request, and no answer came that can be read: what was to be sent may have been sent."""

    outcome = "garbled"
    reason = "Expo gave no answer that can be read; it may have been sent"


class PushRefused(PushError):
    """Expo refused the whole request: nothing was taken."""

    outcome = "blocked"

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"Expo refused a request with {status} {code}")
        self.status = status
        self.code = code
        self.reason = f"Expo refused it: {code}"

    @property
    def may_be_one_message(self) -> bool:
        """Whether one message of a list can be what it is refused for."""
        return self.status in (400, 413, 422)

    @property
    def is_of_credentials(self) -> bool:
        return self.status in (401, 403)


class MixedProjects(PushRefused):
    """The recipients of one request are of several projects."""

    def __init__(self, status: int, code: str, tokens: Mapping[str, Sequence[str]]) -> None:
        super().__init__(status, code)
        self.tokens = tokens
        """By project, as far as Expo says."""
