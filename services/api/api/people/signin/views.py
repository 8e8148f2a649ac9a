"""Response models for signing in."""

from typing import NotRequired

from typing_extensions import TypedDict


class Started(TypedDict):
    session: str
    """To be sent with the code; valid for one try, whose response has a new one."""
    expires_in: int
    """Seconds until the code and the session expire."""


class TokenSet(TypedDict):
    access_token: str
    """To be sent with every request: `Authorization: Bearer …`."""
    id_token: str
    """Tells the app who its user is; the API does not accept it."""
    refresh_token: NotRequired[str]
    """Gets new tokens for thirty days; missing if the one that was sent stays valid."""
    expires_in: int
    """Seconds until the access and the ID token expire."""
    token_type: str
