"""Signing in, independently of the identity provider."""

from dataclasses import dataclass
from typing import Protocol

from watchkeeper.errors import WatchkeeperError

SESSION_SECONDS = 300
"""The validity of a session and its code."""
TRIES = 3
"""Per code: one guess is right once in a million, three once in 333,333."""


@dataclass(frozen=True, slots=True)
class Tokens:
    access_token: str
    id_token: str
    expires_in: int
    """Seconds until the access and the id token expire."""
    token_type: str
    refresh_token: str | None = None
    """``None`` if the one that was used stays valid."""


class WrongCode(WatchkeeperError):
    """The code is wrong; another try is allowed with the renewed session."""

    def __init__(self, session: str) -> None:
        super().__init__("the code is wrong")
        self.session = session


class SignInEnded(WatchkeeperError):
    """The sign-in cannot continue: too many tries, expired, or never started. Which of these is not revealed."""


class TokenRefused(WatchkeeperError):
    """A refresh token is not one of ours, has expired, or was revoked."""


class AddressRefused(WatchkeeperError):
    """The address is well-formed, but cannot be a user name."""


class WrongKindOfToken(WatchkeeperError):
    """A token of another kind was sent instead of a refresh token."""


class SignIn(Protocol):
    """``client_address`` is the caller's network address, used to assess risk."""

    def start(self, email: str, client_address: str) -> str:
        """Send a code; returns the session to answer it with. Known and unknown addresses get the same response.

        Raises ``AddressRefused`` and ``Unavailable``.
        """

    def answer(self, email: str, session: str, code: str, client_address: str) -> Tokens:
        """Raises ``WrongCode``, ``SignInEnded`` and ``Unavailable``."""


class Sessions(Protocol):
    """The refresh token is the credential of both."""

    def refresh(self, refresh_token: str) -> Tokens:
        """Raises ``TokenRefused`` and ``Unavailable``."""

    def end(self, refresh_token: str) -> None:
        """Revoke the token, and the access and id tokens issued from it. Idempotent.

        Raises ``WrongKindOfToken`` and ``Unavailable``.
        """
