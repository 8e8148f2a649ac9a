"""A server that answers like public-inbox behind lore.kernel.org."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from urllib.parse import unquote

from local.upstreams.archive import Archive, Inbox, Message
from local.upstreams.atom import escape_id, feed
from local.upstreams.http import Answer, Request, gzip_pieces
from local.upstreams.live import World
from local.upstreams.search import BadQuery, compile_query

NEW_FEED_ENTRIES = 25
LARGEST_RESULT = 200
MBOX_FROM = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)
_HTML = "text/html; charset=UTF-8"
_ATOM = "application/atom+xml"
_PACKABLE = ("text/", _ATOM)


class LoreApplication:
    """Answers requests from a world's archive."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    def __call__(self, request: Request) -> Answer:
        world = self._world()
        with world.lock:
            return _packed(request, self._route(request, world))

    def _route(self, request: Request, world: World) -> Answer:
        if request.method not in ("GET", "HEAD", "POST"):
            return Answer(405, "text/plain", b"Method Not Allowed\n")
        archive = world.archive
        parts = request.path.removeprefix("/").split("/")
        match parts:
            case [""]:
                return _page("listing", "\n".join(archive.inboxes))
            case ["manifest.js.gz"]:
                return _manifest(archive.inboxes.values())
            case [str(first), *_] if archive.inbox(unquote(first)) is None:
                return _outside_inboxes(request, archive, parts)
            case [_]:
                return _moved(request.base_url + request.path + "/", request)
        inbox = archive.inbox(unquote(parts[0]))
        return _InboxCall(request, inbox, world.now()).answer(parts[1:]) if inbox else _not_found()


@dataclass(frozen=True, slots=True)
class _InboxCall:
    request: Request
    inbox: Inbox
    now: datetime

    @property
    def url(self) -> str:
        return f"{self.request.base_url}/{self.inbox.name}/"

    def answer(self, rest: list[str]) -> Answer:
        match rest:
            case [""]:
                return self._searched() if self._asks() else self._front()
            case ["new.atom"]:
                return self._new_feed()
            case ["manifest.js.gz"]:
                return _manifest([self.inbox])
            case ["_", "text", str(key), "raw" | ""]:
                return Answer(200, "text/plain", f"public-inbox {key} for {self.url}\n".encode())
            case [str(message_id), str(view)]:
                return self._message(unquote(message_id), view)
            case [str(message_id), "T" | "t" as view, ""]:
                return self._thread_page(unquote(message_id), view)
            case [str(message_id)] if len(message_id) > 1:
                return _moved(f"{self.url}{message_id}/", self.request)
        return _not_found()

    def _asks(self) -> bool:
        return any(name == "q" for name, _ in self.request.query)

    def _front(self) -> Answer:
        if self.request.method == "POST":
            return _not_found()
        subjects = (message.mail.subject for message in self.inbox.newest()[:LARGEST_RESULT])
        return _page(f"{self.inbox.name} archive", "\n".join(subjects))

    # One message and its thread

    def _message(self, message_id: str, view: str) -> Answer:
        found = self.inbox.named(message_id)
        if self.request.method == "POST" and view == "":
            return self._search_thread(message_id)
        if view == "raw":
            return _raw(found)
        if view == "t.mbox.gz":
            return self._thread_mbox(message_id)
        if view == "t.atom":
            return self._thread_feed(message_id)
        if view in ("T", "t"):
            return _moved(f"{self.url}{escape_id(message_id)}/{view}/#u", self.request)
        if view:
            return _not_found()
        return _message_page(message_id, found)

    def _thread_mbox(self, message_id: str) -> Answer:
        thread = self.inbox.thread(message_id)
        if not thread:
            return Answer(404, "text/plain")
        return _gzipped_mbox(_file_name(thread[0].mail.subject) + ".mbox.gz", thread)

    def _thread_feed(self, message_id: str) -> Answer:
        thread = self.inbox.thread(message_id)
        if not thread:
            return _not_found()
        own = f"{self.url}{escape_id(message_id)}/t.atom"
        return Answer(200, _ATOM, feed(thread[0].mail.subject, self.url, own, thread))

    def _thread_page(self, message_id: str, view: str) -> Answer:
        thread = self.inbox.thread(message_id)
        if not thread:
            return _message_page(message_id, [])
        bodies = (f"{message.mail.subject}\n\n{message.mail.plain_text()}" for message in thread)
        return _page(f"{thread[0].mail.subject} ({view})", "\n\n".join(bodies))

    # Feeds and searches

    def _new_feed(self) -> Answer:
        """`t` pages back: entries received before that moment."""
        before = re.fullmatch(r"\d{14}", self.request.parameter("t"))
        messages = self.inbox.newest()
        if before:
            limit = datetime.strptime(before[0], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            messages = [message for message in messages if message.received < limit]
        if not messages:
            return _not_found()
        title = f"{self.inbox.name} archive"
        return Answer(200, _ATOM, feed(title, self.url, f"{self.url}new.atom", messages[:NEW_FEED_ENTRIES]))

    def _searched(self) -> Answer:
        return self._results(self.inbox.messages)

    def _search_thread(self, message_id: str) -> Answer:
        """Within one thread; an unknown Message-ID does not narrow the search at all."""
        return self._results(self.inbox.thread(message_id) or self.inbox.messages)

    def _results(self, messages: list[Message]) -> Answer:
        query = self.request.parameter("q")
        try:
            matches = compile_query(query, self.now)
        except BadQuery as problem:
            return _page("search results", f"Bad query: {problem}", 400)
        hits = [message for message in messages if matches(message)]
        wanted = self.request.parameter("x")
        if self.request.method == "POST" and wanted == "m":
            return self._mbox_results(query, hits)
        return self._shown_results(query, hits, as_atom=wanted == "A")

    def _mbox_results(self, query: str, hits: list[Message]) -> Answer:
        """Newest arrival first, whatever time of receipt the mails claim."""
        if not hits:
            return Answer(404, "text/plain", b"No results found\n")
        if self._wants_threads():
            hits = self._with_threads(hits)
        name = f"results-{_file_name(query)}.mbox.gz"
        return _gzipped_mbox(name, sorted(hits, key=lambda message: -message.number))

    def _wants_threads(self) -> bool:
        flag = self.request.parameter("t", "0")
        return flag != "0" or re.match(rb"x=[^0]", self.request.body) is not None

    def _with_threads(self, hits: list[Message]) -> list[Message]:
        """Whole threads around the hits, by links alone."""
        linked = {one.number: one for hit in hits for one in self.inbox.linked(hit.mail.message_id)}
        return list(linked.values())

    def _shown_results(self, query: str, hits: list[Message], *, as_atom: bool) -> Answer:
        if not hits:
            return _page(f"{query} - search results", "[No results found]", 404)
        shown = _slice(hits, self.request.parameter("o"), self.request.parameter("l"))
        if not as_atom:
            return _results_page(query, shown)
        if not shown:
            return _not_found()
        own = f"{self.url}?{self.request.query_string}"
        return Answer(200, _ATOM, feed(f"{query} - search results", self.url, own, shown))


def _slice(hits: list[Message], offset: str, limit: str) -> list[Message]:
    """Newest received first from `offset`, or from the oldest end when it is negative."""
    start = int(offset) if re.fullmatch(r"-?\d+", offset) else 0
    size = min(int(limit), LARGEST_RESULT) if limit.isdecimal() and int(limit) else LARGEST_RESULT
    ordered = sorted(hits, key=lambda message: (message.epoch, message.number), reverse=start >= 0)
    first = start if start >= 0 else -(start + 1)
    return ordered[first : first + size]


def _outside_inboxes(request: Request, archive: Archive, parts: list[str]) -> Answer:
    """A bare Message-ID on the root leads to a list that has it."""
    holder = next(iter(archive.holders(unquote(parts[0]))), None)
    if holder is None:
        return _not_found()
    location = f"{request.base_url}/{holder.name}/{parts[0]}/"
    return Answer(302, "text/plain", f"Redirecting to {location}\n".encode(), {"Location": location})


def _raw(found: list[Message]) -> Answer:
    if not found:
        no_cache = {"Pragma": "no-cache", "Cache-Control": "no-cache, max-age=0, must-revalidate"}
        return Answer(404, "text/plain", b"Not Found", no_cache)
    charset = re.search(r"charset=\"?([\w.-]+)", found[0].mail.header("Content-Type"))
    kind = f"text/plain; charset={charset[1].lower()}" if charset else "text/plain"
    disposition = f"inline; filename={_file_name(found[0].mail.subject)}.txt"
    return Answer(200, kind, _mbox(found), {"Content-Disposition": disposition})


def _message_page(message_id: str, found: list[Message]) -> Answer:
    if not found:
        return _page(f"<{message_id}> not found", f"Message-ID <{message_id}>\nnot found", 300)
    bodies = (f"{message.mail.subject}\n\n{message.mail.plain_text()}" for message in found)
    return _page(found[0].mail.subject, "\n\n".join(bodies))


def _results_page(query: str, shown: list[Message]) -> Answer:
    """The answer to GET, even with x=m: the form with the download button."""
    form = '<form action="?x=m" method=post><input type=submit name=z value="results only"/></form>'
    subjects = "\n".join(message.mail.subject for message in shown)
    return _page(f"{query} - search results", subjects, extra=form)


def _page(title: str, text: str, status: int = 200, extra: str = "") -> Answer:
    body = f"<html><head><title>{escape(title)}</title></head><body>{extra}<pre>{escape(text)}</pre></body></html>"
    return Answer(status, _HTML, body.encode("utf-8", "replace"))


def _not_found() -> Answer:
    return Answer(404, "text/plain", b"Not Found\n")


def _moved(location: str, request: Request) -> Answer:
    target = location + (f"?{request.query_string}" if request.query_string else "")
    return Answer(301, "text/plain", f"Redirecting to {target}\n".encode(), {"Location": target})


def _mbox(messages: Iterable[Message]) -> Iterator[bytes]:
    for message in messages:
        yield MBOX_FROM + _FROM_LINE.sub(rb">\1", message.mail.raw) + b"\n"


def _gzipped_mbox(name: str, messages: list[Message]) -> Answer:
    disposition = {"Content-Disposition": f"inline; filename={name}"}
    return Answer(200, "application/gzip", gzip_pieces(_mbox(messages)), disposition)


def _manifest(inboxes: Iterable[Inbox]) -> Answer:
    known = list(inboxes)
    body = {
        f"/{inbox.name}/git/0.git": {
            "fingerprint": inbox.fingerprint(),
            "reference": None,
            "modified": inbox.modified(),
            "owner": None,
            "description": f"public inbox for {inbox.address or inbox.name} [epoch 0]",
        }
        for inbox in known
    }
    modified = datetime.fromtimestamp(max((inbox.modified() for inbox in known), default=0), UTC)
    headers = {"Last-Modified": format_datetime(modified, usegmt=True)}
    return Answer(200, "application/gzip", gzip.compress(json.dumps(body).encode(), mtime=0), headers)


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")[:100] or "no-subject"


def _packed(request: Request, answer: Answer) -> Answer:
    """HTML, Atom and raw mails are gzipped for clients that accept it."""
    if not answer.body or not answer.content_type.startswith(_PACKABLE) or answer.status != 200:
        return answer
    headers = {**answer.headers, "Vary": "Accept-Encoding"}
    if "gzip" not in request.header("Accept-Encoding"):
        return replace(answer, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return replace(answer, body=gzip_pieces(answer.pieces()), headers=headers)
