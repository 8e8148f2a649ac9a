"""The mails of a public-inbox mboxrd, read as a stream."""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import BinaryIO

MAX_MAIL_BYTES = 8 * 1024 * 1024
"""A longer mail is truncated here; the rest is skipped."""
SEPARATOR = b"From mboxrd@z Thu Jan  1 00:00:00 1970"

_CHUNK = 256 * 1024
_BETWEEN = re.compile(rb"\n" + re.escape(SEPARATOR) + rb"\r?\n")
_OVERLAP = len(SEPARATOR) + 3
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)


def split(stream: BinaryIO | Iterable[bytes]) -> Iterator[bytes]:
    """Each mail, unescaped, in the order of the stream; anything before the first separator is skipped.

    A separator counts at the start of any line: mboxrd escapes every other such line, and a mail whose last line is
    not terminated leaves no blank line before the next. Memory is bounded by one mail and one chunk.
    """
    mail: _Mail | None = None
    buffer = b"\n"  # so that the first separator follows a line end as all others do
    for chunk in _chunks(stream):
        *ended, rest = _BETWEEN.split(buffer + chunk)
        for piece in ended:
            if mail:
                yield mail.closed_by(piece)
            mail = _Mail()
        if mail:
            mail.add(rest[:-_OVERLAP])
        buffer = rest[-_OVERLAP:]
    if mail:
        yield mail.closed_by(buffer.removesuffix(b"\n"))


def _chunks(stream: BinaryIO | Iterable[bytes]) -> Iterable[bytes]:
    read = getattr(stream, "read", None)
    return iter(partial(read, _CHUNK), b"") if read else stream


class _Mail:
    """The bytes of one mail so far, up to the limit."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._room = MAX_MAIL_BYTES

    def add(self, piece: bytes) -> None:
        if piece and self._room:
            self._pieces.append(piece[: self._room])
            self._room -= len(self._pieces[-1])

    def closed_by(self, last: bytes) -> bytes:
        """The whole mail, without the newline that mboxrd appends."""
        self.add(last)
        octets = b"".join(self._pieces).removesuffix(b"\r")
        return _ESCAPED.sub(rb"\1", octets) if b">From " in octets else octets
