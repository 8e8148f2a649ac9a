"""Errors as problem details (RFC 9457): the only place that defines their status codes."""

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
    """The invalid parameter, or the path of the invalid member of the body."""
    detail: str


class Problem(TypedDict):
    type: str
    """A URN that identifies the kind of problem, for programs."""
    title: str
    status: int
    detail: str
    correlation_id: NotRequired[str]
    """Please quote this when you report the problem."""
    errors: NotRequired[list[ParameterError]]


class InvalidParameter(WatchkeeperError):
    """A parameter has the right type, but no valid meaning."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = parameter
        self.detail = detail


class MethodNotAllowed(WatchkeeperError):
    """The resource does not support the method."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"Only {', '.join(allowed)} can be used here.")
        self.allowed = allowed


class Forbidden(WatchkeeperError):
    """The caller is authenticated, but in none of the groups that may do this."""

    def __init__(self, groups: tuple[str, ...]) -> None:
        super().__init__(f"This is for members of {' or '.join(groups)} only.")


class Conflict(WatchkeeperError):
    """The request is not allowed in the current state; the message tells the caller why."""


class Changed(WatchkeeperError):
    """Another request changed something after this one had read it; it must be read again."""


class NotThereYet(ItemNotFound):
    """It is known, but not available yet; the message tells the caller on what that depends."""


class PreconditionFailed(WatchkeeperError):
    """The version in ``If-Match`` is not the current one."""


class KeyReused(WatchkeeperError):
    """An ``Idempotency-Key`` was reused for a different request."""


class Gone(WatchkeeperError):
    """It is permanently gone; the message tells the caller why."""


class TooManyRequests(WatchkeeperError):
    """A rate limit for this caller, or for what they ask about, is exhausted."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"again in {retry_after} s")
        self.retry_after = retry_after
        """Seconds."""


class AnswerTooLarge(WatchkeeperError):
    """The response exceeds Lambda's limit."""


_TITLES = {  # RFC 9110's phrases; Python has them from 3.13 only
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """How an error is presented. Without ``detail``, its own message is used, which is written for the caller."""

    name: str
    status: HTTPStatus
    detail: str | None = None


_NOTHING_THERE = Kind("not-found", HTTPStatus.NOT_FOUND, "There is nothing here with that name.")
_MALFORMED = Kind("malformed-body", HTTPStatus.BAD_REQUEST, "The body is not valid JSON.")
_REFUSED = Kind("invalid-parameter", HTTPStatus.UNPROCESSABLE_ENTITY, "A parameter was refused.")
_INTERNAL = Kind("internal-error", HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side.")

_KINDS: Mapping[type[Exception], Kind] = {
    ItemNotFound: _NOTHING_THERE,
    NotThereYet: Kind("not-there-yet", HTTPStatus.NOT_FOUND),
    NotFoundError: _NOTHING_THERE,
    InvalidCursor: Kind(
        "invalid-cursor",
        HTTPStatus.BAD_REQUEST,
        "The cursor does not belong to this query. Start again without one.",
    ),
    InvalidParameter: _REFUSED,
    ManyInBody: _REFUSED,
    RequestValidationError: _REFUSED,
    LimitExceeded: Kind("too-large-to-keep", HTTPStatus.UNPROCESSABLE_ENTITY, "It is too large to be stored."),
    Unavailable: Kind("busy", HTTPStatus.SERVICE_UNAVAILABLE, "The service is busy. Try again in a moment."),
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
    Changed: Kind("changed-meanwhile", HTTPStatus.CONFLICT, "Other requests keep changing it. Try again in a moment."),
    Gone: Kind("gone", HTTPStatus.GONE),
    PreconditionFailed: Kind(
        "precondition-failed",
        HTTPStatus.PRECONDITION_FAILED,
        "It has changed since. Read it again, and send its new `ETag` in `If-Match`.",
    ),
    KeyReused: Kind(
        "idempotency-key-reused",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "This `Idempotency-Key` was already used for a different request.",
    ),
    TooManyRequests: Kind(
        "too-many-requests", HTTPStatus.TOO_MANY_REQUESTS, "Too many requests. `Retry-After` says when to try again."
    ),
}


def problem_of(error: Exception) -> Problem:
    """What callers can act on, without revealing internals."""
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
    """The response for an error; server errors are logged."""
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
    said = str(error.get("msg", "is wrong")).removeprefix("Value error, ")  # pydantic's prefix for our own errors
    return ParameterError(parameter=named, detail=said)
