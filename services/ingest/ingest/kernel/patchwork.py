"""A client of Patchwork's REST API, version 1.3.

Non-obvious behaviour this relies on: a wrong filter value yields 200 and an empty list, so the project is requested by
name first; pages are followed by their Link header; only ``order=id`` does not shift while mails arrive; times carry
no zone (a mail's are UTC; an event's are from the server's own clock and are only compared with each other).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import orjson
import requests

from ingest.errors import RowRefused, UnknownSource, UpstreamGarbled
from ingest.upstream import NotFoundResponse, Upstream, is_html
from watchkeeper.kernel.models import Check, Cover, Patch, Person, Series
from watchkeeper.kernel.subjects import parse_subject

PAGE_SIZE = 250
"""Patchwork's maximum; it silently caps larger values."""

MAX_MESSAGE_ID_BYTES = 1024
"""The maximum length of a key; no mail has a line that long."""

API = "/api/1.3"
_JSON = "application/json"

Row = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows of a list and the path of the next page."""

    rows: list[Row]
    next: str | None
    shrunk: bool = False
    """Whether the page was missing although the previous one linked to it: the list shrank while it was read."""


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of a project's event feed."""

    id: int
    category: str
    date: str
    """By the server's clock, without a zone; equal ones are ordered by id."""
    payload: Mapping[str, Any]
    actor: str | None
    """The name of the user who caused it, if there was one."""


class Patchwork:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def require_project(self, link_name: str) -> None:
        """Raises ``UnknownSource`` unless the server tracks the project; the list endpoints would not report that."""
        try:
            project = self._upstream.read(f"{API}/projects/{quote(link_name, safe='')}/", _decoded, accept=_JSON)
        except NotFoundResponse as error:
            if error.html:
                raise UnknownSource(f"{self._upstream.base_url} is no Patchwork with API 1.3") from error
            raise UnknownSource(f"{self._upstream.base_url} has no project {link_name!r}") from error
        if not isinstance(project, dict) or project.get("link_name") != link_name:
            raise UnknownSource(f"{self._upstream.base_url} has no project {link_name!r}")

    def patches(self, project: str, *, newest_first: bool = False) -> str:
        """Path of the first page of a project's patches by id."""
        return _listing("patches", project=project, order="-id" if newest_first else "id")

    def series(self, project: str, *, newest_first: bool = False) -> str:
        """Path of the first page of a project's series by id."""
        return _listing("series", project=project, order="-id" if newest_first else "id")

    def events(self, project: str, *, since: str | None = None, category: str | None = None) -> str:
        """Path of the first page of a project's events, oldest first."""
        filters = {"since": since, "category": category}
        return _listing("events", project=project, order="date", **{k: v for k, v in filters.items() if v})

    def newest_event(self, project: str) -> Event | None:
        page = self.page(_listing("events", project=project, order="-date", per_page="1"))
        return parse_event(page.rows[0]) if page.rows else None

    def page(self, path: str) -> RowPage:
        """One page of a list. Raises ``UpstreamGarbled`` when it is not a list."""
        try:
            return self._upstream.read(path, self._page, accept=_JSON)
        except NotFoundResponse as error:
            if "Invalid page" not in error.text:
                raise
            return RowPage([], None, shrunk=True)

    def _page(self, response: requests.Response) -> RowPage:
        rows = _decoded(response)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UpstreamGarbled(f"{response.url} is no list")
        return RowPage(rows, _next(response, self._upstream.base_url))

    def pages(self, path: str | None) -> Iterator[RowPage]:
        """A list page by page, starting at ``path``."""
        while path:
            page = self.page(path)
            yield page
            path = page.next

    def patch(self, patch_id: int) -> Row | None:
        """One patch's row, or ``None`` if it is gone."""
        return self._row(f"{API}/patches/{patch_id}/")

    def one_series(self, series_id: int) -> Row | None:
        """One series' row, or ``None`` if it is gone."""
        return self._row(f"{API}/series/{series_id}/")

    def series_of_cover(self, cover_id: int) -> int | None:
        """The series of a cover letter, which its event does not name; ``None`` if there is none (any more)."""
        row = self._row(f"{API}/covers/{cover_id}/") or {}
        series = row.get("series") or [{}]
        return series[0].get("id") if isinstance(series[0], dict) else None

    def _row(self, path: str) -> Row | None:
        try:
            return self._upstream.read(path, _object, accept=_JSON)
        except NotFoundResponse as error:
            if error.html:
                raise UpstreamGarbled(f"{self._upstream.base_url} answered a page for {path}") from error
            return None


def parse_patch(row: Row) -> Patch:
    """A patch from a row of a list. Raises ``RowRefused`` naming what is wrong with it.

    Version, number and total come from the name, since Patchwork has no field for the number.
    """
    return _parsed(row, "patch", _patch)


def parse_series(row: Row) -> Series:
    """A series from a row of a list. Raises ``RowRefused``."""
    return _parsed(row, "series", _series)


def parse_event(row: Row) -> Event:
    """An event from a row of the feed. Raises ``RowRefused``."""
    return _parsed(row, "event", _event)


def parse_check(event: Event) -> tuple[int, Check]:
    """The patch and the verdict of a ``check-created`` event, whose payload alone does not say who gave it.
    Raises ``RowRefused``."""
    patch_id, check = _parsed({**event.payload, "id": event.id}, "check", _check)
    return patch_id, replace(check, user=event.actor)


def worst(checks: tuple[Check, ...]) -> str:
    """Patchwork's combined verdict: the worst of each context's newest check, ``pending`` without any."""
    states = {check.state for check in checks}
    return next((state for state in ("fail", "warning", "pending", "success") if state in states), "pending")


def _parsed(row: Mapping[str, Any], kind: str, parse: Callable[[Any], T]) -> T:
    try:
        return parse(row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RowRefused(f"{kind} {row.get('id', '?')}", f"{type(error).__name__}: {error}"[:200]) from error


def _patch(row: Row) -> Patch:
    project = _text(row["project"]["link_name"])
    subject = parse_subject(_text(row["name"]), frozenset({project.lower()}))
    embedded = row["series"][0] if row["series"] else None
    return Patch(
        id=_int(row["id"]),
        project=project,
        message_id=message_id(row["msgid"]),
        date=_utc(row["date"]),
        name=_text(row["name"]),
        state=_text(row["state"]),
        archived=bool(row["archived"]),
        submitter=_person(row["submitter"]),
        delegate=(row["delegate"] or {}).get("username"),
        series_id=_int(embedded["id"]) if embedded else None,
        version=_int(embedded["version"]) if embedded and not subject.version_given else subject.version,
        number=subject.number,
        total=subject.total,
        prefixes=subject.prefixes,
        hash=row.get("hash"),
        commit_ref=row.get("commit_ref"),
        pull_url=row.get("pull_url"),
        check=row.get("check") or "pending",
        related=tuple(sorted(_int(one["id"]) for one in row.get("related") or ())),
    )


def _series(row: Row) -> Series:
    cover = row["cover_letter"]
    return Series(
        id=_int(row["id"]),
        project=_text(row["project"]["link_name"]),
        name=row["name"],
        date=_utc(row["date"]),
        submitter=_person(row["submitter"]),
        version=_int(row["version"]),
        total=_int(row["total"]),
        received_total=_int(row["received_total"]),
        received_all=bool(row["received_all"]),
        cover=_cover(cover) if cover else None,
        patch_ids=tuple(_int(patch["id"]) for patch in row["patches"]),
    )


def _cover(row: Row) -> Cover:
    return Cover(_int(row["id"]), message_id(row["msgid"]), _utc(row["date"]), _text(row["name"]))


def _event(row: Row) -> Event:
    payload = row["payload"]
    if not isinstance(payload, dict):
        raise TypeError("payload is no object")
    datetime.fromisoformat(row["date"])
    actor = (row.get("actor") or {}).get("username")
    return Event(_int(row["id"]), _text(row["category"]), row["date"], payload, actor)


def _check(payload: Mapping[str, Any]) -> tuple[int, Check]:
    row = payload["check"]
    check = Check(
        context=_text(row["context"]),
        state=_text(row["state"]),
        date=_utc(row["date"]),
        target_url=row.get("target_url") or None,
    )
    return _int(payload["patch"]["id"]), check


def _person(row: Row | None) -> Person:
    row = row or {}
    return Person(row.get("name") or "", (row.get("email") or "").strip().lower())


def message_id(text: str) -> str:
    """Patchwork puts brackets around what it calls ``msgid``."""
    inner = text.strip().removeprefix("<").removesuffix(">").strip()
    if not 0 < len(inner.encode()) <= MAX_MESSAGE_ID_BYTES:
        raise ValueError("msgid is empty or too long")
    return inner


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _listing(resource: str, **filters: str) -> str:
    return f"{API}/{resource}/?{urlencode({'per_page': str(PAGE_SIZE), **filters})}"


def _next(response: requests.Response, base_url: str) -> str | None:
    """Path and query of the next page: its host is what the server takes for its own, and may not be reachable."""
    link = response.links.get("next", {}).get("url")
    if not link:
        return None
    parts = urlsplit(link)
    return f"{parts.path.removeprefix(urlsplit(base_url).path)}?{parts.query}"


def _decoded(response: requests.Response) -> Any:
    if is_html(response):
        raise UpstreamGarbled(f"{response.url} is a page, not JSON")
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        raise UpstreamGarbled(f"{response.url} is no JSON: {error}") from error


def _object(response: requests.Response) -> Row:
    row = _decoded(response)
    if not isinstance(row, dict):
        raise UpstreamGarbled(f"{response.url} is no object")
    return row
