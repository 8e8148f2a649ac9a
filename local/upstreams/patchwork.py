"""A server that answers like Patchwork 3.2's REST API, as far as anonymous readers can tell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, TypeVar
from urllib.parse import unquote

from local.upstreams.http import Answer, Request
from local.upstreams.listings import (
    CHECKS,
    COMMENTS,
    COVERS,
    COVERS_BEFORE_1_2,
    EVENTS,
    PATCHES,
    PATCHES_BEFORE_1_2,
    PROJECTS,
    SERIES,
    InvalidPage,
    Listing,
    Page,
    Row,
    filtered,
    is_project,
    ordered,
)
from local.upstreams.live import World
from local.upstreams.representations import NEWEST_VERSION, Representations
from local.upstreams.tracked import Cover, Event, Patch, Submission
from local.upstreams.tracker import Tracker

_READ_ONLY = "GET, HEAD, OPTIONS"
_API_PATH = re.compile(r"/api(?:/(1)\.([0-9]))?/(.*)")
_COMMENT_EVENTS = frozenset({"patch-comment-created", "cover-comment-created"})
_NOT_FOUND_PAGE = (
    "<!DOCTYPE html>\n<html lang='en'><head><title>404: File not found - Patchwork</title></head>"
    "<body><h1>404: File not found</h1></body></html>\n"
)

T = TypeVar("T")


class NotFoundPage(Exception):
    """No such resource: answered by Django's HTML page."""


class Problem(Exception):
    """Answered by the REST framework, as JSON."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class PatchworkApplication:
    """Answers requests from a world's tracker. `archive_url` tells where the mail archive is served."""

    def __init__(self, world: Callable[[], World], archive_url: Callable[[], str]) -> None:
        self._world = world
        self._archive_url = archive_url

    def __call__(self, request: Request) -> Answer:
        world = self._world()
        with world.lock:
            try:
                return _browsable(request, self._route(request, world.tracker))
            except NotFoundPage:
                return Answer(404, "text/html; charset=utf-8", _NOT_FOUND_PAGE.encode())
            except InvalidPage:
                return _json({"detail": "Invalid page."}, 404)
            except Problem as problem:
                return _json({"detail": problem.detail}, problem.status)

    def _route(self, request: Request, tracker: Tracker) -> Answer:
        if download := self._download(request, tracker):
            return download
        match = _API_PATH.fullmatch(request.path if request.path.endswith("/") else request.path + "/")
        if not match:
            raise NotFoundPage
        pinned = match[1] is not None
        version = (int(match[1]), int(match[2])) if pinned else NEWEST_VERSION
        if version > NEWEST_VERSION:
            raise NotFoundPage
        shown = Representations(request.base_url, self._archive_url(), version, pinned)
        call = _Call(request, tracker, shown)
        view = call.view([part for part in match[3].split("/") if part])
        if not request.path.endswith("/"):
            return Answer(301, "text/html; charset=utf-8", headers={"Location": _with_slash(request)})
        _check_request(request)
        return view()

    def _download(self, request: Request, tracker: Tracker) -> Answer | None:
        """The mbox and diff links, which live outside the API."""
        match = re.fullmatch(r"/project/([^/]+)/(patch|cover)/([^/]+)/(mbox|raw)/", request.path)
        if match:
            return _mail_download(tracker.find(match[1], unquote(match[3])), match[4])
        match = re.fullmatch(r"/series/(\d+)/mbox/", request.path)
        if match and (series := tracker.series.get(int(match[1]))):
            in_order: list[Patch] = sorted(series.patches, key=lambda patch: patch.number)
            return Answer(200, "text/plain", _mbox(in_order))
        return None


@dataclass(frozen=True, slots=True)
class _Call:
    """One request on its way through the API."""

    request: Request
    tracker: Tracker
    shown: Representations

    def view(self, parts: list[str]) -> Callable[[], Answer]:
        """The handler of this path. Unknown resources and ids that are not numbers have no page at all."""
        match parts:
            case []:
                return lambda: self._one(self.shown.index())
            case ["people" | "users", *_]:
                return self._needs_login
            case ["bundles"]:
                return lambda: self._list([], Listing({}, {}), self.shown.index)
            case [str(resource)]:
                return self._list_view(resource)
            case ["projects", str(key)]:
                return lambda: self._project(key)
            case [str(resource), str(key)] if key.isdigit():
                return self._detail_view(resource, int(key))
            case [str(resource), str(key), *rest] if key.isdigit():
                return self._nested_view(resource, int(key), rest)
        raise NotFoundPage

    def _list_view(self, resource: str) -> Callable[[], Answer]:
        tracker, shown = self.tracker, self.shown
        views: dict[str, Callable[[], Answer]] = {
            "projects": lambda: self._list(list(tracker.projects.values()), PROJECTS, shown.project),
            "patches": lambda: self._list(list(tracker.patches.values()), self._patches(), shown.patch),
            "covers": lambda: self._list(list(tracker.covers.values()), self._covers(), shown.cover),
            "series": lambda: self._list(list(tracker.series.values()), SERIES, shown.series),
            "events": lambda: self._list(self._events(), EVENTS, shown.event),
        }
        return _known(views, resource)

    def _detail_view(self, resource: str, key: int) -> Callable[[], Answer]:
        tracker, shown = self.tracker, self.shown
        views: dict[str, Callable[[], Answer]] = {
            "patches": lambda: self._one(shown.patch_detail(_get(tracker.patches, key, "Patch"))),
            "covers": lambda: self._one(shown.cover_detail(_get(tracker.covers, key, "Cover"))),
            "series": lambda: self._one(shown.series(_get(tracker.series, key, "Series"))),
        }
        return _known(views, resource)

    def _nested_view(self, resource: str, key: int, rest: list[str]) -> Callable[[], Answer]:
        match resource, rest:
            case "patches" | "covers", ["comments"] if self.shown.version >= (1, 1):
                return lambda: self._comments(self._parent(resource, key))
            case "patches" | "covers", ["comments", str(number)] if number.isdigit():
                return lambda: self._comment(self._parent(resource, key), int(number))
            case "patches", ["checks"]:
                return lambda: self._checks(_get(self.tracker.patches, key, "Patch"))
            case "patches", ["checks", str(number)] if number.isdigit():
                return lambda: self._check(_get(self.tracker.patches, key, "Patch"), int(number))
        raise NotFoundPage

    def _needs_login(self) -> Answer:
        raise Problem(403, "Authentication credentials were not provided.")

    def _parent(self, resource: str, key: int) -> Patch | Cover:
        if resource == "patches":
            return _get(self.tracker.patches, key, "Patch")
        return _get(self.tracker.covers, key, "Cover")

    def _project(self, key: str) -> Answer:
        found = [one for one in self.tracker.projects.values() if is_project(one, [unquote(key)])]
        if not found:
            raise Problem(404, "No Project matches the given query.")
        return self._one(self.shown.project(found[0]))

    def _comments(self, parent: Submission) -> Answer:
        return self._list(parent.comments, COMMENTS, lambda comment: self.shown.comment(parent, comment))

    def _comment(self, parent: Submission, number: int) -> Answer:
        kind = "PatchComment" if isinstance(parent, Patch) else "CoverComment"
        own = {comment.id: comment for comment in parent.comments}
        return self._one(self.shown.comment(parent, _get(own, number, kind)))

    def _checks(self, patch: Patch) -> Answer:
        return self._list(patch.checks, CHECKS, lambda check: self.shown.check(patch, check))

    def _check(self, patch: Patch, number: int) -> Answer:
        own = {check.id: check for check in patch.checks}
        return self._one(self.shown.check(patch, _get(own, number, "Check")))

    def _events(self) -> list[Event]:
        if self.shown.version >= (1, 3):
            return self.tracker.events
        return [event for event in self.tracker.events if event.category not in _COMMENT_EVENTS]

    def _patches(self) -> Listing:
        """Before 1.2, `msgid` and `hash` are not refused but ignored."""
        return PATCHES if self.shown.version >= (1, 2) else PATCHES_BEFORE_1_2

    def _covers(self) -> Listing:
        return COVERS if self.shown.version >= (1, 2) else COVERS_BEFORE_1_2

    # Answers

    def _one(self, body: Any) -> Answer:
        return _json(self.shown.fitted(body))

    def _list(self, rows: Sequence[Row], listing: Listing, show: Callable[..., Any]) -> Answer:
        found = ordered(filtered(rows, listing, self.request), listing, self.request)
        page = Page.of(self.request, len(found))
        body = [show(row) for row in found[page.start : page.start + page.size]]
        return _json(self.shown.fitted(body), headers={"Link": page.links(self.request)})


def _known(views: dict[str, Callable[[], Answer]], resource: str) -> Callable[[], Answer]:
    if resource not in views:
        raise NotFoundPage
    return views[resource]


def _get(rows: dict[int, T], key: int, kind: str) -> T:
    if key not in rows:
        raise Problem(404, f"No {kind} matches the given query.")
    return rows[key]


def _check_request(request: Request) -> None:
    if request.header("Authorization").lower().startswith("token "):
        raise Problem(403, "Invalid token.")
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        raise Problem(405, f'Method "{request.method}" not allowed.')
    accept = request.header("Accept") or "*/*"
    if not re.search(r"\*/\*|application/(?:json|\*)|text/(?:html|\*)", accept):
        raise Problem(406, "Could not satisfy the request Accept header.")


def _browsable(request: Request, answer: Answer) -> Answer:
    """Clients that accept HTML and not JSON get the API's pages for people."""
    accept = request.header("Accept")
    if answer.content_type != "application/json" or "json" in accept or "text/html" not in accept:
        return answer
    page = f"<!DOCTYPE html><title>Patchwork API</title><pre>{escape(answer.whole().decode())}</pre>\n"
    return replace(answer, content_type="text/html; charset=utf-8", body=page.encode())


def _with_slash(request: Request) -> str:
    return f"{request.path}/" + (f"?{request.query_string}" if request.query_string else "")


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    common = {"Vary": "Accept, Cookie", "Allow": _READ_ONLY, "X-Frame-Options": "DENY"}
    return Answer(status, "application/json", text.encode(), {**(headers or {}), **common})


def _mail_download(found: Patch | Cover | None, kind: str) -> Answer:
    if found is None:
        raise NotFoundPage
    if kind == "mbox":
        return Answer(200, "text/plain", _mbox([found]))
    if isinstance(found, Patch) and found.diff:
        return Answer(200, "text/x-patch", found.diff.encode())
    raise NotFoundPage


def _mbox(members: Sequence[Submission]) -> bytes:
    return b"".join(b"From patchwork Thu Jan  1 00:00:00 1970\n" + member.mail.raw + b"\n" for member in members)
