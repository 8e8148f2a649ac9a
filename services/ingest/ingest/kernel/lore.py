"""A client of a public-inbox mail archive, which is what lore.kernel.org runs.

Non-obvious behaviour this relies on: only a POST returns search results as a mailbox; they come newest arrival first,
without a limit; ``rt:`` searches the time of receipt; no hits is a 404 in plain text; an HTML page instead of a mailbox
is a challenge, whatever its status. ``rt:`` bounds need nine digits or more to be read as seconds.
"""

import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from urllib.parse import quote
from xml.etree import ElementTree

import requests

from ingest.errors import NotFound, UnknownSource, UpstreamBlocked, UpstreamGarbled
from ingest.kernel.mail import mboxrd
from ingest.upstream import NotFoundResponse, Upstream, is_html
from watchkeeper.clock import from_iso

FIRST_SECOND = 0
"""Archives go back to the 1990s, and a mail whose only date is from a broken clock may claim to be from 1970."""

_CHUNK = 64 * 1024
_MAX_FEED = 4 * 1024 * 1024
_MAX_MAILBOX = 8 * 1024 * 1024 * 1024
"""Decompressed bytes above which an answer is taken for a zip bomb; LKML's busiest year is a tenth of it."""
_ATOM = "{http://www.w3.org/2005/Atom}"
_UNESCAPED = "-._~!$&'()*+,;=:@"


class Lore:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def require_list(self, name: str) -> None:
        """Raises ``UnknownSource`` unless the archive has that inbox."""
        try:
            self._upstream.get(f"/{quote(name)}/manifest.js.gz", accept="application/gzip, */*;q=0.1")
        except NotFound as error:
            raise UnknownSource(f"{self._upstream.base_url} has no list {name!r}") from error

    def oldest(self, name: str) -> datetime | None:
        """When the list's oldest mail was received, or ``None`` if the list is empty."""
        path = f"/{quote(name)}/?q=rt:{_seconds(FIRST_SECOND)}..&x=A&o=-1&l=1"
        try:
            return self._upstream.read(path, _first_update, accept="application/atom+xml")
        except NotFoundResponse:
            return None

    def received(self, name: str, since: int, until: int | None = None) -> AbstractContextManager[Iterator[bytes]]:
        """The raw mails of a list received from ``since`` to ``until`` (seconds of the epoch, inclusive), newest
        arrival first, read as they come: leaving the context early ends the transfer."""
        bounds = f"{_seconds(since)}..{'' if until is None else _seconds(until)}"
        return self._mailbox("POST", f"/{quote(name)}/?q=rt:{bounds}&x=m")

    def thread(self, name: str, message_id: str) -> AbstractContextManager[Iterator[bytes]]:
        """The raw mails of a thread, and possibly others of the same subject. Empty if the list has no such mail."""
        return self._mailbox("GET", f"/{quote(name)}/{quote(message_id, safe=_UNESCAPED)}/t.mbox.gz")

    @contextmanager
    def _mailbox(self, method: str, path: str) -> Iterator[Iterator[bytes]]:
        try:
            with self._upstream.stream(method, path, accept="application/gzip, application/mbox") as response:
                yield mboxrd.split(_unzipped(response))
        except NotFoundResponse as error:
            if error.html:
                raise UpstreamBlocked(f"{self._upstream.base_url} answered a page instead of a mailbox") from error
            yield iter(())


def _seconds(epoch: int) -> str:
    """A bound of ``rt:``, padded so that it is read as seconds."""
    return f"{max(epoch, FIRST_SECOND):09}"


def _unzipped(response: requests.Response) -> Iterator[bytes]:
    if is_html(response):
        raise UpstreamBlocked(f"{response.url} is a page instead of a mailbox")
    inflater = zlib.decompressobj(wbits=31)
    total = 0
    for chunk in response.raw.stream(_CHUNK, decode_content=False):
        try:
            plain = inflater.decompress(chunk)
        except zlib.error as error:
            raise UpstreamGarbled(f"{response.url} is no gzip: {error}") from error
        if (total := total + len(plain)) > _MAX_MAILBOX:
            raise UpstreamGarbled(f"{response.url} unpacks to more than {_MAX_MAILBOX} octets")
        yield plain
    if not inflater.eof:
        raise UpstreamGarbled(f"{response.url} ends in the middle")


def _first_update(response: requests.Response) -> datetime | None:
    if len(response.content) > _MAX_FEED:
        raise UpstreamGarbled(f"{response.url} is no short feed")
    try:
        feed = ElementTree.fromstring(response.content)  # noqa: S314 -- expat refuses entity bombs since 2.4
        text = feed.findtext(f"{_ATOM}entry/{_ATOM}updated")
        return from_iso(text) if text else None
    except (ElementTree.ParseError, ValueError) as error:
        raise UpstreamGarbled(f"{response.url} is no Atom feed: {error}") from error
