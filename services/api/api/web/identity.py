"""The caller's identity: the only place that reads the claims of a token.

The gateway's authorizer has checked signature, issuer, audience and times before a function is invoked. It also accepts
ID tokens, which are meant for the app itself; the API accepts access tokens only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.web.requests import Event
from watchkeeper.errors import WatchkeeperError


class Unauthenticated(WatchkeeperError):
    """The request does not identify its caller reliably."""


@dataclass(frozen=True, slots=True)
class Caller:
    user: str
    """The user pool's `sub`."""
    groups: frozenset[str] = frozenset()


def caller_of(event: Event) -> Caller:
    """Raises ``Unauthenticated``."""
    claims = _claims(event)
    user = claims.get("sub")
    if claims.get("token_use") != "access" or not isinstance(user, str) or not user:
        raise Unauthenticated("no access token")
    return Caller(user, _groups(claims.get("cognito:groups")))


def _claims(event: Event) -> Mapping[str, Any]:
    authorizer = event["requestContext"].get("authorizer") or {}
    claims: Mapping[str, Any] = (authorizer.get("jwt") or {}).get("claims") or {}
    return claims


def _groups(claim: object) -> frozenset[str]:
    """HTTP APIs turn a list into text: ``[Admin Developer]``."""
    if isinstance(claim, str):
        claim = claim.strip().removeprefix("[").removesuffix("]").replace(",", " ").split()
    return frozenset(str(group) for group in claim) if isinstance(claim, list | tuple) else frozenset()
