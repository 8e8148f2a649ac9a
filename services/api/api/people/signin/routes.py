"""The routes of signing in: they translate, and nothing else. All are public: what is sent is the credential."""

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

_TOO_OFTEN = {429: "Too often; `Retry-After` says when to try again."}

routes = Routes(PREFIX, public=True)


@routes.post("/login", "Get a code by mail", problems=_TOO_OFTEN)
def login(body: Annotated[Login, Body()]) -> Started:
    """Mails a code of six digits, which holds for five minutes. A new address is signed up by it. The answer is the
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
    """A code takes three tries, each with the session of the answer before, and can be used once."""
    return _view(container().entrance.answer(body.email, body.session, body.code, _client_address()))


@routes.post("/refresh", "Get new tokens", problems={401: "The refresh token is refused: sign in.", **_TOO_OFTEN})
def refresh(body: Annotated[Refresh, Body()]) -> TokenSet:
    """The groups in the new tokens are those the user is in now."""
    return _view(container().entrance.refresh(body.refresh_token, _client_address()))


@routes.post("/logout", "Log out", status=HTTPStatus.NO_CONTENT, problems=_TOO_OFTEN)
def logout(body: Annotated[Refresh, Body()]) -> None:
    """Revokes the refresh token. Access tokens that came of it hold until they run out, an hour at most. A token that
    is none any more is no error."""
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
    """As the gateway saw it; headers that tell another one can be made up."""
    event = routes.router.current_event.raw_event
    return str(event["requestContext"]["http"].get("sourceIp", ""))
