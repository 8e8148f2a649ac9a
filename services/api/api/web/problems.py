"""Errors as problem details (RFC 9457): the only place that knows their status codes."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, NotRequired

import orjson
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from typing_extensions import TypedDict

from api.web.requests import READING
from watchkeeper.errors import InvalidCursor, ItemNotFound, Unavailable, WatchkeeperError

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
ALLOW = ", ".join(READING)


class ParameterError(TypedDict):
    parameter: str
    """The path or query parameter that was refused."""
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
    """Nothing here can be written, nor anything else but read."""


class AnswerTooLarge(WatchkeeperError):
    """The answer does not fit what Lambda lets through."""


def problem_of(error: Exception) -> Problem:
    """Tells callers what they can act on, and nothing of what is inside."""
    match error:
        case ItemNotFound() | NotFoundError():
            return _problem("not-found", HTTPStatus.NOT_FOUND, "There is nothing here by that name.")
        case InvalidCursor():
            detail = "The cursor was not given out for this query. Start again without one."
            return _problem("invalid-cursor", HTTPStatus.BAD_REQUEST, detail)
        case InvalidParameter(parameter=parameter, detail=detail):
            return _refusal([ParameterError(parameter=parameter, detail=detail)])
        case RequestValidationError():
            return _refusal(map(_parameter_error, error.errors()))
        case Unavailable():
            return _problem("busy", HTTPStatus.SERVICE_UNAVAILABLE, "Too much is going on. Try again in a moment.")
        case MethodNotAllowed():
            return _problem("method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, "Everything here can only be read.")
        case AnswerTooLarge():
            detail = "The answer is too large. Accept gzip, or ask for less."
            return _problem("answer-too-large", HTTPStatus.NOT_ACCEPTABLE, detail)
    return _problem("internal-error", HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side.")


def problem_response(problem: Problem) -> Response[str]:
    headers = {"Cache-Control": "no-store"}
    if problem["status"] == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if problem["status"] == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ALLOW
    return Response(problem["status"], CONTENT_TYPE, orjson.dumps(problem).decode(), headers)


def _problem(name: str, status: HTTPStatus, detail: str) -> Problem:
    return Problem(type=f"urn:watchkeeper:problem:{name}", title=status.phrase, status=int(status), detail=detail)


def _refusal(errors: Iterable[ParameterError]) -> Problem:
    problem = _problem("invalid-parameter", HTTPStatus.UNPROCESSABLE_ENTITY, "A parameter was refused.")
    problem["title"] = "Unprocessable Content"  # RFC 9110's phrase; Python calls it so from 3.13 only
    problem["errors"] = list(errors)
    return problem


def _parameter_error(error: Mapping[str, Any]) -> ParameterError:
    names = [str(part) for part in error["loc"]]
    return ParameterError(parameter=names[1] if len(names) > 1 else "", detail=str(error.get("msg", "is wrong")))
