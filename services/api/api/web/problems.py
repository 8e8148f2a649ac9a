"""Errors as problem details (RFC 9457): the only place that knows their status codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NotRequired

import orjson
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from typing_extensions import TypedDict

from api.web.identity import Unauthenticated
from api.web.requests import BodyTooLarge, MalformedBody, ManyInBody, UnsupportedMediaType
from watchkeeper import correlation
from watchkeeper.errors import InvalidCursor, ItemNotFound, LimitExceeded, Unavailable, WatchkeeperError
from watchkeeper.logs import logger

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2


class ParameterError(TypedDict):
    parameter: str
    """The parameter that was refused, or the member of the body, by its path."""
    detail: str


class Problem(TypedDict):
    type: str
    """A URN that names the kind of problem, for programs."""
    title: str
    status: int
    detail: str
    correlation_id: NotRequired[str]
    """Say this when you report the problem."""
    errors: NotRequired[list[ParameterError]]


class InvalidParameter(WatchkeeperError):
    """A parameter has the right type, and yet no meaning."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = parameter
        self.detail = detail


class MethodNotAllowed(WatchkeeperError):
    """What is there does not know the method."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"There is only {', '.join(allowed)} here.")
        self.allowed = allowed


class Forbidden(WatchkeeperError):
    """The caller is known, and is in none of the groups that may do this."""

    def __init__(self, groups: tuple[str, ...]) -> None:
        super().__init__(f"This is for members of {' or '.join(groups)} only.")


class Conflict(WatchkeeperError):
    """What is asked for is against the rules in the state things are in; the message says why, to the caller."""


class Changed(WatchkeeperError):
    """Something was changed by another request after this one had read it; reading it again tells what now holds."""


class NotThereYet(ItemNotFound):
    """It is known, and can be had later; the message says of what that depends, to the caller."""


class PreconditionFailed(WatchkeeperError):
    """What ``If-Match`` names is not the current version."""


class KeyReused(WatchkeeperError):
    """An ``Idempotency-Key`` came again with another request."""


class Gone(WatchkeeperError):
    """It was here, and will not come back; the message says why, to the caller."""


class TooManyRequests(WatchkeeperError):
    """A limit for this caller, or what they ask about, is used up."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"again in {retry_after} s")
        self.retry_after = retry_after
        """Seconds."""


class AnswerTooLarge(WatchkeeperError):
    """The answer does not fit what Lambda lets through."""


_TITLES = {  # RFC 9110's phrases; Python has them from 3.13 only
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """How an error is told. Without a ``detail`` its own message is: it was written for the caller."""

    name: str
    status: HTTPStatus
    detail: str | None = None


_NOTHING_THERE = Kind("not-found", HTTPStatus.NOT_FOUND, "There is nothing here by that name.")
_MALFORMED = Kind("malformed-body", HTTPStatus.BAD_REQUEST, "The body is no JSON that can be read.")
_REFUSED = Kind("invalid-parameter", HTTPStatus.UNPROCESSABLE_ENTITY, "A parameter was refused.")
_INTERNAL = Kind("internal-error", HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side.")

_KINDS: Mapping[type[Exception], Kind] = {
    ItemNotFound: _NOTHING_THERE,
    NotThereYet: Kind("not-there-yet", HTTPStatus.NOT_FOUND),
    NotFoundError: _NOTHING_THERE,
    InvalidCursor: Kind(
        "invalid-cursor",
        HTTPStatus.BAD_REQUEST,
        "The cursor was not given out for this query. Start again without one.",
    ),
    InvalidParameter: _REFUSED,
    ManyInBody: _REFUSED,
    RequestValidationError: _REFUSED,
    LimitExceeded: Kind(
        "too-large-to-keep", HTTPStatus.UNPROCESSABLE_ENTITY, "It is larger than what can be kept in one piece."
    ),
    Unavailable: Kind("busy", HTTPStatus.SERVICE_UNAVAILABLE, "Too much is going on. Try again in a moment."),
    MethodNotAllowed: Kind("method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED),
    AnswerTooLarge: Kind(
        "answer-too-large", HTTPStatus.NOT_ACCEPTABLE, "The answer is too large. Accept gzip, or ask for less."
    ),
    Unauthenticated: Kind("unauthenticated", HTTPStatus.UNAUTHORIZED, "Sign in, and send the access token."),
    Forbidden: Kind("forbidden", HTTPStatus.FORBIDDEN),
    MalformedBody: _MALFORMED,
    RecursionError: _MALFORMED,
    BodyTooLarge: Kind("body-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    UnsupportedMediaType: Kind("unsupported-media-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send `application/json`."),
    Conflict: Kind("conflict", HTTPStatus.CONFLICT),
    Changed: Kind(
        "changed-meanwhile", HTTPStatus.CONFLICT, "Other requests change it all the time. Try again in a moment."
    ),
    Gone: Kind("gone", HTTPStatus.GONE),
    PreconditionFailed: Kind(
        "precondition-failed",
        HTTPStatus.PRECONDITION_FAILED,
        "It was changed since. Read it again, and send its new `ETag` in `If-Match`.",
    ),
    KeyReused: Kind(
        "idempotency-key-reused",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "This `Idempotency-Key` came with another request before.",
    ),
    TooManyRequests: Kind(
        "too-many-requests", HTTPStatus.TOO_MANY_REQUESTS, "Too often. `Retry-After` says when to try again."
    ),
}


def problem_of(error: Exception) -> Problem:
    """Tells callers what they can act on, and nothing of what is inside."""
    kind = next((_KINDS[known] for known in type(error).__mro__ if known in _KINDS), _INTERNAL)
    if isinstance(error, RequestValidationError) and any(one["type"] == "json_invalid" for one in error.errors()):
        kind = _MALFORMED
    problem = Problem(
        type=f"urn:watchkeeper:problem:{kind.name}",
        title=_TITLES.get(kind.status, kind.status.phrase),
        status=int(kind.status),
        detail=kind.detail or str(error),
    )
    if kind is _REFUSED:
        problem["errors"] = _refusals(error)
    return problem


def _refusals(error: Exception) -> list[ParameterError]:
    if isinstance(error, InvalidParameter):
        return [ParameterError(parameter=error.parameter, detail=error.detail)]
    if isinstance(error, ManyInBody):
        return [ParameterError(parameter="", detail=str(error))]
    return list(map(_parameter_error, error.errors())) if isinstance(error, RequestValidationError) else []


def told(error: Exception) -> Response[str]:
    """The answer to the request that met this error; what is our own fault is logged."""
    problem = problem_of(error)
    problem["correlation_id"] = correlation.current()
    if problem["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.exception("request failed", exc_info=error)
    return problem_response(problem, error)


def problem_response(problem: Problem, error: Exception) -> Response[str]:
    headers = {"Cache-Control": "no-store", **_headers(error)}
    return Response(problem["status"], CONTENT_TYPE, orjson.dumps(problem).decode(), headers)


def _headers(error: Exception) -> dict[str, str]:
    match error:
        case Unavailable() | Changed():
            return {"Retry-After": str(RETRY_AFTER_SECONDS)}
        case TooManyRequests():
            return {"Retry-After": str(error.retry_after)}
        case MethodNotAllowed():
            return {"Allow": ", ".join(error.allowed)}
        case Unauthenticated():
            return {"WWW-Authenticate": "Bearer"}
    return {}


def _parameter_error(error: Mapping[str, Any]) -> ParameterError:
    place, *names = map(str, error["loc"])
    named = ".".join(names) if place == "body" else "".join(names[:1])
    said = str(error.get("msg", "is wrong")).removeprefix("Value error, ")  # pydantic's word for our own
    return ParameterError(parameter=named, detail=said)
