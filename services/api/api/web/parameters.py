"""Parameters of lists and time ranges, for all contexts."""

from datetime import date
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from api.web.problems import InvalidParameter
from watchkeeper.clock import from_iso, to_iso
from watchkeeper.dynamodb import Between

Limit = Annotated[int, Query(ge=1, le=100, description="The maximum number of items")]
Cursor = Annotated[
    str | None, Query(max_length=8192, description="Where to continue: the `cursor` of the previous page, unchanged")
]
Since = Annotated[str | None, Query(max_length=40, description="From this day or moment on (ISO 8601)")]
Until = Annotated[str | None, Query(max_length=40, description="Up to the end of this day, or this moment (ISO 8601)")]


def span(since: str | None, until: str | None) -> Between:
    """From a day or date-time to another, both inclusive; empty means not given. Raises ``InvalidParameter``."""
    return ordered(Between(_start(since), _end(until)))


def to_iso_or_refuse(text: str, parameter: str) -> str:
    try:
        return to_iso(from_iso(text))
    except (ValueError, OverflowError) as error:
        raise InvalidParameter(parameter, "is not an ISO 8601 date or date-time") from error


def ordered(between: Between) -> Between:
    """Raises ``InvalidParameter`` if the end is before the beginning."""
    if between.is_empty:
        raise InvalidParameter("until", "is before `since`")
    return between


def _start(text: str | None) -> str | None:
    return to_iso_or_refuse(text, "since") if text else None


def _end(text: str | None) -> str | None:
    if not text:
        return None
    moment = to_iso_or_refuse(text, "until")
    return f"{moment[:10]}T23:59:59Z" if is_day(text) else moment


def is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
