"""The routes for signing in: they only translate between HTTP and the use cases. All are public: the credentials are
in the body."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from api.people.signin.bodies import Login, Refresh, Verification
from api.people.signin.container import container
from api.people.signin.ports import (
    SESSION_SECONDS,
    AddressRefused,
    Tokens,
    WrongKindOfToken,
)
from api.people.signin.views import Started, TokenSet
from api.web.problems import InvalidParameter
from api.web.routing import Routes

PREFIX = "/api/v1/auth"

_TOO_OFTEN = {429: "Too many requests; `Retry-After` says when to try again."}

routes = Routes(PREFIX, public=True)


@routes.post("/login", "Get a code by mail", problems=_TOO_OFTEN)
def login(body: Annotated[Login, Body()]) -> Started:
    """Mails a six-digit code, which is valid for five minutes. A new address is signed up by this. The response is the
    same for every address, known or not."""
    try:
        session = container().entrance.start(body.email, _client_address())
    except AddressRefused as error:
        raise InvalidParameter("email", "cannot be signed in with") from error
    return {"session": session, "expires_in": SESSION_SECONDS}


@routes.post(
    "/verify",
    "Sign in with the code",
    problems={
        401: "The code is wrong: try again with the `session` of this problem. Without one, start again with a login.",
        **_TOO_OFTEN,
    },
)
def verify(body: Annotated[Verification, Body()]) -> TokenSet:
    """A code allows three tries, each with the session of the previous response, and can be used once."""
    return _view(container().entrance.answer(body.email, body.session, body.code, _client_address()))


@routes.post("/refresh", "Get new tokens", problems={401: "The refresh token is refused: sign in.", **_TOO_OFTEN})
def refresh(body: Annotated[Refresh, Body()]) -> TokenSet:
    """The new tokens have the user's current groups."""
    return _view(container().entrance.refresh(body.refresh_token, _client_address()))


@routes.post("/logout", "Log out", status=HTTPStatus.NO_CONTENT, problems=_TOO_OFTEN)
def logout(body: Annotated[Refresh, Body()]) -> None:
    """Revokes the refresh token. Access tokens issued from it stay valid until they expire, at most an hour. A token
    that is no longer valid is not an error."""
    try:
        container().entrance.end(body.refresh_token, _client_address())
    except WrongKindOfToken as error:
        raise InvalidParameter("refresh_token", "is a token of another kind") from error


def _view(tokens: Tokens) -> TokenSet:
    view: TokenSet = {
        "access_token": tokens.access_token,
        "id_token": tokens.id_token,
        "expires_in": tokens.expires_in,
        "token_type": tokens.token_type,
    }
    if tokens.refresh_token:
        view["refresh_token"] = tokens.refresh_token
    return view


def _client_address() -> str:
    """As seen by the gateway; headers with another one can be forged."""
    event = routes.router.current_event.raw_event
    return str(event["requestContext"]["http"].get("sourceIp", ""))
