"""What signing in is, whoever does it."""

from dataclasses import dataclass
from typing import Protocol

from watchkeeper.errors import WatchkeeperError

SESSION_SECONDS = 300
"""How long a session can be answered, which is how long its code holds."""
TRIES = 3
"""Of one code: a guess is right once in a million, three are once in 333,333."""


@dataclass(frozen=True, slots=True)
class Tokens:
    access_token: str
    id_token: str
    expires_in: int
    """Seconds until the access and the id token end."""
    token_type: str
    refresh_token: str | None = None
    """``None`` where the one that was used goes on."""


class WrongCode(WatchkeeperError):
    """The code is wrong, and another try is allowed, with the renewed session."""

    def __init__(self, session: str) -> None:
        super().__init__("the code is wrong")
        self.session = session


class SignInEnded(WatchkeeperError):
    """The sign-in cannot go on: too many tries, too late, or never begun. Which of these is not told."""


class TokenRefused(WatchkeeperError):
    """A refresh token is not one of ours, ran out, or was revoked."""


class AddressRefused(WatchkeeperError):
    """The address has the right form, and yet cannot be a user's name."""


class WrongKindOfToken(WatchkeeperError):
    """A token of another kind was given in place of a refresh token."""


class SignIn(Protocol):
    """``client_address`` is the network address the person asks from: risk is judged by it."""

    def start(self, email: str, client_address: str) -> str:
        """Send a code; the session to answer it with. Known and unknown addresses are answered alike.

        Raises ``AddressRefused`` and ``Unavailable``.
        """

    def answer(self, email: str, session: str, code: str, client_address: str) -> Tokens:
        """Raises ``WrongCode``, ``SignInEnded`` and ``Unavailable``."""


class Sessions(Protocol):
    """The refresh token is the credential of both."""

    def refresh(self, refresh_token: str) -> Tokens:
        """Raises ``TokenRefused`` and ``Unavailable``."""

    def end(self, refresh_token: str) -> None:
        """Revoke the token, and the access and id tokens that came of it; one that is none any more needs nothing.

        Raises ``WrongKindOfToken`` and ``Unavailable``.
        """
