"""Parameters of the kernel watch's routes: their types, limits, documentation and interpretation."""

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Literal, TypeVar
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from api.kernel.finding import PatchFilter
from api.web.parameters import ordered, span, to_iso_or_refuse
from api.web.problems import InvalidParameter
from watchkeeper.clock import from_iso, iso_week
from watchkeeper.dynamodb import Between
from watchkeeper.errors import ItemNotFound

_LARGEST_ID = 9_999_999_999

PatchworkId = Annotated[int, Path(ge=1, le=_LARGEST_ID, description="Patchwork's number")]
PatchSegment = Annotated[
    str,
    Path(
        min_length=1,
        max_length=6000,
        description=(
            "Patchwork's number; or a Message-ID, percent-encoded, with or without angle brackets: "
            "the patch with the lowest number if several projects track the mail"
        ),
    ),
]
MessageIdSegment = Annotated[
    str,
    Path(min_length=1, max_length=6000, description="A Message-ID, percent-encoded, with or without angle brackets"),
]
AddressSegment = Annotated[str, Path(min_length=1, max_length=6000, description="A mail address, percent-encoded")]

View = Annotated[Literal["tree", "flat"], Query(description="Mails as a tree of replies, or flat, oldest first")]

Projects = Annotated[
    list[str] | None,
    Query(max_length=100, description="Patchwork projects, by link name. Default: all watched ones"),
]
Lists = Annotated[
    list[str] | None, Query(alias="list", max_length=100, description="Mailing lists. Default: all watched ones")
]
States = Annotated[
    list[Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$")]] | None,
    Query(max_length=20, description="States, such as `new` or `under-review`; any of them"),
]
Submitter = Annotated[str | None, Query(min_length=1, max_length=320, description="The submitter's mail address")]
SeriesId = Annotated[int | None, Query(ge=1, le=_LARGEST_ID, description="Number of a series")]
MessageId = Annotated[
    str | None, Query(min_length=1, max_length=1000, description="Message-ID, with or without angle brackets")
]
Archived = Annotated[bool | None, Query(description="Only archived patches, or only those that are not")]
Text = Annotated[str | None, Query(min_length=1, max_length=200, description="Text in the subject, case-insensitive")]
SinceWeek = Annotated[str | None, Query(max_length=40, description="From this week on: `2026-W20`, or a day in it")]
UntilWeek = Annotated[str | None, Query(max_length=40, description="Up to this week, inclusive")]

_MAX_KEY_OCTETS = 1024
"""Less than the limit of a DynamoDB key; no Message-ID or address that arrived by mail is longer."""

_NUMBER = re.compile(r"0*(?P<digits>[0-9]+)")

FoundT = TypeVar("FoundT")


def patch_filter(
    watched: tuple[str, ...],
    *,
    projects: list[str] | None,
    states: list[str] | None,
    submitter: str | None,
    series_id: int | None,
    message_id: str | None,
    since: str | None,
    until: str | None,
    archived: bool | None,
    text: str | None,
) -> PatchFilter:
    """Raises ``InvalidParameter``."""
    between = span(since, until)
    return PatchFilter(
        projects=among(watched, projects, "project"),
        states=tuple(sorted({state.lower() for state in states or ()})),
        submitter=submitter and _key(submitter.strip().lower(), "submitter"),
        series_id=series_id,
        message_id=message_id and _key(_bare(message_id).replace(" ", "+"), "message_id"),
        since=between.low,
        until=between.high,
        archived=archived,
        text=text,
    )


def among(watched: tuple[str, ...], wanted: Iterable[str] | None, parameter: str) -> tuple[str, ...]:
    """The wanted ones, or all. A name that is not watched is rejected, so that a typo does not look like no news."""
    chosen = tuple(sorted(set(wanted or watched)))
    if unknown := sorted(set(chosen) - set(watched)):
        raise InvalidParameter(parameter, f"not watched: {unknown[0][:80]!r}; watched are {', '.join(watched)}")
    return chosen


def weeks(since: str | None, until: str | None) -> Between:
    """Raises ``InvalidParameter``."""
    return ordered(Between(_week(since, "since"), _week(until, "until")))


def by_message_id(segment: str, find: Callable[[str], FoundT]) -> FoundT:
    """What ``find`` returns for the Message-ID in a path. Raises ``ItemNotFound``.

    API Gateway leaves ``%25`` encoded in a path, other gateways nothing or everything, so a name that contains an
    escape is tried decoded first, and then as it is.
    """
    given = unquote(segment)
    names = [_key(_bare(name), "message_id") for name in dict.fromkeys([unquote(given), given])]
    for name in names[:-1]:
        try:
            return find(name)
        except ItemNotFound:
            continue
    return find(names[-1])


def patch_number(segment: str) -> int | None:
    """The number of a patch in a path; ``None`` if it is not a number. Raises ``InvalidParameter``."""
    match = _NUMBER.fullmatch(segment)
    if not match:
        return None
    digits = match["digits"]
    if len(digits) > len(str(_LARGEST_ID)) or digits == "0":
        raise InvalidParameter("patch_id", f"is not between 1 and {_LARGEST_ID}")
    return int(digits)


def address(segment: str) -> str:
    """Raises ``InvalidParameter``."""
    return _key(unquote(unquote(segment)).strip().strip("<>").lower(), "address")


def _bare(message_id: str) -> str:
    name = message_id.strip()
    return name[1:-1] if name.startswith("<") and name.endswith(">") else name


def _key(text: str, parameter: str) -> str:
    octets = len(text.encode(errors="replace"))
    if not 0 < octets <= _MAX_KEY_OCTETS:
        raise InvalidParameter(parameter, "is empty or too long")
    return text


def _week(text: str | None, parameter: str) -> str | None:
    """The week of a day, a moment or a week: ISO 8601 has one reading for each."""
    return iso_week(from_iso(to_iso_or_refuse(text, parameter))) if text else None
