"""Paging, filtering and ordering of Patchwork's lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from local.upstreams.http import Request
from local.upstreams.tracked import STATES, Comment, Cover, Event, Patch, Project, Series, Submission

DEFAULT_PAGE_SIZE = 30
LARGEST_PAGE_SIZE = 250

Row = Any
Filter = Callable[[Row, list[str]], bool]
Order = Callable[[Row], Any]


class InvalidPage(Exception):
    """There is no such page, or no longer."""


@dataclass(frozen=True, slots=True)
class Listing:
    """How one resource is filtered and ordered. Filters not named here are ignored, as are orders."""

    filters: dict[str, Filter]
    orders: dict[str, Order]
    default_order: str = "id"


@dataclass(frozen=True, slots=True)
class Page:
    number: int
    size: int
    last: int

    @classmethod
    def of(cls, request: Request, rows: int) -> Page:
        size = _page_size(request.parameter("per_page"))
        last = 1 if request.shrunken else max(1, -(-rows // size))
        asked = request.parameter("page", "1")
        number = last if asked == "last" else int(asked) if asked.isdecimal() else 0
        if not 1 <= number <= last:
            raise InvalidPage
        return cls(number, size, last)

    @property
    def start(self) -> int:
        return (self.number - 1) * self.size

    def links(self, request: Request) -> str:
        pages = {"next": self.number + 1, "prev": self.number - 1, "first": 1, "last": self.last}
        shown = {name: page for name, page in pages.items() if 1 <= page <= self.last}
        return ", ".join(f'<{_page_url(request, name, page)}>; rel="{name}"' for name, page in shown.items())


def _page_url(request: Request, relation: str, page: int) -> str:
    """All parameters in alphabetical order. The link back to page 1 names no page."""
    parameters = [(name, value) for name, value in request.query if name != "page"]
    if not (relation == "prev" and page == 1):
        parameters.append(("page", str(page)))
    query = urlencode(sorted(parameters, key=lambda parameter: parameter[0]))
    return f"{request.base_url}{request.path}" + (f"?{query}" if query else "")


def _page_size(asked: str) -> int:
    size = int(asked) if asked.isdecimal() else 0
    return min(size, LARGEST_PAGE_SIZE) or DEFAULT_PAGE_SIZE


# Filters: each gets a row and all values given for it; an unknown value matches nothing, without an error.


def is_project(project: Project, values: list[str]) -> bool:
    return str(project.id) in values or project.link_name in values


def _in_project(row: Row, values: list[str]) -> bool:
    return is_project(row.project, values)


def _in_series(row: Patch, values: list[str]) -> bool:
    return row.series is not None and str(row.series.id) in values


def _by_submitter(row: Submission | Series, values: list[str]) -> bool:
    person = row.submitter
    return str(person.id) in values or person.email.lower() in map(str.lower, values)


def _delegated_to(row: Patch, values: list[str]) -> bool:
    return row.delegate is not None and bool({str(row.delegate.id), row.delegate.username} & set(values))


def _in_state(row: Patch, values: list[str]) -> bool:
    number = str(STATES.index(row.state) + 1)
    slugs = {value.lower().replace(" ", "-") for value in values}
    return row.state in slugs or number in slugs


def _is_archived(row: Patch, values: list[str]) -> bool:
    """Values that are not booleans are ignored."""
    wanted = {"true": True, "1": True, "false": False, "0": False}.get(values[-1].lower())
    return wanted is None or row.archived is wanted


def _has_message_id(row: Submission, values: list[str]) -> bool:
    return row.mail.message_id in values


def _has_hash(row: Patch, values: list[str]) -> bool:
    return row.hash in values


def _since(row: Row, values: list[str]) -> bool:
    moment = _parse_moment(values[-1])
    return moment is not None and row.date >= moment


def _before(row: Row, values: list[str]) -> bool:
    moment = _parse_moment(values[-1])
    return moment is not None and row.date < moment


def _name_contains(row: Submission | Series, values: list[str]) -> bool:
    return values[-1].lower() in (row.name or "").lower()


def _parse_moment(value: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _in_category(row: Event, values: list[str]) -> bool:
    return row.category in values


def _about(name: str) -> Filter:
    def matches(row: Event, values: list[str]) -> bool:
        thing = getattr(row, name)
        return thing is not None and str(thing.id) in values

    return matches


def _caused_by(row: Event, values: list[str]) -> bool:
    return row.actor is not None and bool({str(row.actor.id), row.actor.username} & set(values))


def _cover_series_bug(_row: Cover, _values: list[str]) -> bool:
    """`covers/?series=` looks its number up among the projects, and so finds nothing."""
    return False


def filtered(rows: Sequence[Row], listing: Listing, request: Request) -> Sequence[Row]:
    given: dict[str, list[str]] = {}
    for name, value in request.query:
        if value and name in listing.filters:
            given.setdefault(name, []).append(value)
    checks = [(listing.filters[name], values) for name, values in given.items()]
    return [row for row in rows if all(matches(row, values) for matches, values in checks)]


def ordered(rows: Sequence[Row], listing: Listing, request: Request) -> Sequence[Row]:
    """An unknown order is ignored."""
    asked = request.parameter("order")
    order = asked if asked.removeprefix("-") in listing.orders else listing.default_order
    key = listing.orders.get(order.removeprefix("-"))
    if key is None:
        return rows
    return sorted(rows, key=lambda row: (key(row), row.id), reverse=order.startswith("-"))


def _text(name: str) -> Order:
    return lambda row: getattr(row, name) or ""


def _value(name: str) -> Order:
    return lambda row: getattr(row, name)


def _submitter_order(row: Submission | Series | Comment) -> str:
    return row.submitter.name or ""


_BY_ID_NAME_DATE: dict[str, Order] = {
    "id": _value("id"),
    "name": _text("name"),
    "date": _value("date"),
    "submitter": _submitter_order,
}
_MAIL_FILTERS: dict[str, Filter] = {
    "project": _in_project,
    "submitter": _by_submitter,
    "since": _since,
    "before": _before,
    "q": _name_contains,
}
PATCHES_BEFORE_1_2 = Listing(
    {
        **_MAIL_FILTERS,
        "series": _in_series,
        "delegate": _delegated_to,
        "state": _in_state,
        "archived": _is_archived,
    },
    {
        **_BY_ID_NAME_DATE,
        "project": lambda patch: patch.project.name,
        "state": lambda patch: STATES.index(patch.state),
        "archived": _value("archived"),
        "check": _value("check"),
    },
)
PATCHES = Listing(
    {**PATCHES_BEFORE_1_2.filters, "msgid": _has_message_id, "hash": _has_hash},
    PATCHES_BEFORE_1_2.orders,
)
COVERS_BEFORE_1_2 = Listing({**_MAIL_FILTERS, "series": _cover_series_bug}, _BY_ID_NAME_DATE)
COVERS = Listing({**COVERS_BEFORE_1_2.filters, "msgid": _has_message_id}, _BY_ID_NAME_DATE)
SERIES = Listing(_MAIL_FILTERS, {**_BY_ID_NAME_DATE, "received_all": _value("received_all")})
EVENTS = Listing(
    {
        "project": _in_project,
        "category": _in_category,
        "series": _about("series"),
        "patch": _about("patch"),
        "cover": _about("cover"),
        "actor": _caused_by,
        "since": _since,
        "before": _before,
    },
    {"date": _value("date")},
    "-date",
)
COMMENTS = Listing(
    {},
    {
        "id": _value("id"),
        "subject": lambda comment: comment.mail.subject,
        "date": _value("date"),
        "submitter": _submitter_order,
    },
)
CHECKS = Listing(
    {"user": lambda check, values: bool({str(check.user.id), check.user.username} & set(values))},
    {"id": _value("id")},
)
PROJECTS = Listing({}, {"id": _value("id")})
