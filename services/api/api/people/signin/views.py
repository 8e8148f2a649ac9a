"""What the routes of signing in answer with."""

from typing import NotRequired

from typing_extensions import TypedDict


class Started(TypedDict):
    session: str
    """Goes with the code; good for one try, which is answered with a new one."""
    expires_in: int
    """Seconds until the code and the session end."""


class TokenSet(TypedDict):
    access_token: str
    """Goes with every request: `Authorization: Bearer …`."""
    id_token: str
    """Says to the app who its user is; the API does not take it."""
    refresh_token: NotRequired[str]
    """Gets new tokens for thirty days; missing where the one that was sent goes on."""
    expires_in: int
    """Seconds until the access and the ID token end."""
    token_type: str
