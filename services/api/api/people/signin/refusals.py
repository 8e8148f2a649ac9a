"""Sign-ins that cannot continue, as their own problem details (RFC 9457)."""

from http import HTTPStatus
from typing import NotRequired

from aws_lambda_powertools.event_handler import Response

from api.people.signin.ports import SignInEnded, TokenRefused, WrongCode
from api.web.identity import Unauthenticated
from api.web.problems import Problem, problem_response
from watchkeeper import correlation
from watchkeeper.errors import WatchkeeperError

REFUSALS = (WrongCode, SignInEnded, TokenRefused)


class Refusal(Problem):
    session: NotRequired[str]
    """For the next try; missing if there is none."""


def refused(error: WatchkeeperError) -> Response[str]:
    """The response for one of ``REFUSALS``; all are 401."""
    return problem_response(_refusal(error), Unauthenticated("no tokens are given out"))


def _refusal(error: WatchkeeperError) -> Refusal:
    match error:
        case WrongCode():
            refusal = _unauthorized("wrong-code", "The code is wrong. Try again with this session.")
            refusal["session"] = error.session
            return refusal
        case TokenRefused():
            return _unauthorized("token-refused", "The refresh token is refused. Sign in again.")
    return _unauthorized("sign-in-ended", "This sign-in cannot continue. Start again with a login.")


def _unauthorized(name: str, detail: str) -> Refusal:
    return Refusal(
        type=f"urn:watchkeeper:problem:{name}",
        title=HTTPStatus.UNAUTHORIZED.phrase,
        status=int(HTTPStatus.UNAUTHORIZED),
        detail=detail,
        correlation_id=correlation.current(),
    )
