"""A mail's MIME tree: its text, its diff, its attachments."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from ingest.kernel.mail import flags
from ingest.kernel.mail.charsets import PLAIN, codec_of, decode
from ingest.kernel.mail.diffs import split_diff
from ingest.kernel.mail.flowed import unflow
from ingest.kernel.mail.headers import Headers, decoded, from_base64, split_head
from ingest.kernel.mail.html import to_text
from watchkeeper.kernel.models import Attachment

MAX_PARTS = 100
MAX_DEPTH = 10
MAX_FILE_NAME = 255
MAX_LINES = 60_000
"""Lines of text in one mail; real ones stay below half of it."""
MAX_SLOW_OCTETS = 512 * 1024
"""Bytes of a part in a charset whose decoder is slow, such as UTF-7."""
_MAX_VALUE = 1_000
_MAX_MISTAKEN_BOUNDARIES = 2_000

_TYPE = re.compile(r"\s*([A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+)")
_PARAMETER = re.compile(r';\s*([A-Za-z0-9_.*-]{1,40})\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|([^;\s"]*))')
_BASE64_LINES = re.compile(rb"\s*(?:[A-Za-z0-9+/=]+[ \t]*(?:\r?\n|\Z))*+")
_PATCH_TYPES = ("text/x-patch", "text/x-diff")


@dataclass(frozen=True, slots=True)
class ContentType:
    name: str
    charset: str | None
    boundary: str
    flowed: bool
    delete_space: bool


@lru_cache(maxsize=512)
def content_type(value: str) -> ContentType:
    """A parsed Content-Type header; an invalid one is ``text/plain``, as in the standard library."""
    named = _TYPE.match(value)
    parameters = _parameters(value)
    return ContentType(
        name=named[1].lower() if named else "text/plain",
        charset=parameters.get("charset") or None,
        boundary=parameters.get("boundary", "").rstrip(),
        flowed=parameters.get("format", "").lower() == "flowed",
        delete_space=parameters.get("delsp", "").lower() == "yes",
    )


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of the MIME tree."""

    headers: Headers
    type: ContentType
    body: bytes
    """Still transfer-encoded."""


@dataclass(slots=True)
class Body:
    text: str = ""
    """Without the diff."""
    shown: str = ""
    """The part of the text that is not an attachment."""
    diff: str | None = None
    attachments: list[Attachment] = field(default_factory=list)
    odd: set[str] = field(default_factory=set)


def read_body(headers: Headers, octets: bytes) -> Body:
    """Every plain part adds its text; the first diff counts, unless a patch attachment replaces it."""
    body = Body()
    reader = _PartReader(body.odd)
    texts: list[tuple[str, bool]] = []
    pages: list[str] = []
    for part in _Tree(body.odd).leaves(headers, octets):
        _read_part(part, reader, body, texts, pages)
    if not texts and not body.diff and pages:
        body.odd.add(flags.HTML_ONLY)
        texts = [(to_text(page), True) for page in pages[:1]]
    body.text = _joined(text for text, _ in texts)
    body.shown = _joined(text for text, is_shown in texts if is_shown)
    return body


def _joined(texts: Iterator[str]) -> str:
    return "\n".join(stripped for text in texts if (stripped := text.strip("\n")))


def _read_part(part: Part, reader: "_PartReader", body: Body, texts: list[tuple[str, bool]], pages: list[str]) -> None:
    kind = part.type.name
    name, attached = _disposition(part)
    if name or attached or not kind.startswith("text/"):
        body.attachments.append(Attachment(name, kind, len(reader.octets(part))))
    if kind in _PATCH_TYPES:
        body.diff = reader.text(part) or body.diff
    elif kind == "text/plain":
        diff, text = (None, reader.text(part)) if body.diff else split_diff(reader.text(part))
        body.diff = diff or body.diff
        texts.append((_unflowed(text, part.type), not attached))
    elif kind == "text/html" and not attached:
        pages.append(reader.text(part))


def _unflowed(text: str, type_: ContentType) -> str:
    return unflow(text, delete_space=type_.delete_space) if type_.flowed else text


def _disposition(part: Part) -> tuple[str, bool]:
    """The part's file name, and whether it is an attachment rather than part of the text."""
    disposition = part.headers.first("content-disposition") or ""
    type_ = part.headers.first("content-type") or ""
    if not disposition and "name" not in type_:
        return "", False
    name = file_name(disposition, "filename") or file_name(type_, "name")
    return name, disposition.lstrip()[:10].lower() == "attachment"


def file_name(value: str, parameter: str) -> str:
    """A header's file name parameter: plain, RFC 2047 encoded though it must not be, or RFC 2231."""
    if parameter not in value:
        return ""
    found = _parameters(value)
    if plain := found.get(parameter):
        return _printable(decoded(plain))
    pieces = [found[key] for n in range(10) for key in (f"{parameter}*{n}*", f"{parameter}*{n}") if key in found]
    encoded = found.get(f"{parameter}*") or "".join(pieces)
    charset, quote, rest = encoded.partition("'")
    if not quote:
        return _printable(encoded)
    return _printable(decode(unquote_to_bytes(rest.partition("'")[2]), codec_of(charset)))


def _printable(name: str) -> str:
    return "".join(char for char in name if char.isprintable())[:MAX_FILE_NAME]


def _parameters(value: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, quoted, bare in _PARAMETER.findall(value[:_MAX_VALUE]):
        parameters.setdefault(name.lower(), quoted or bare)
    return parameters


class _PartReader:
    """Decodes transfer encodings and charsets, and notes what was wrong with them."""

    def __init__(self, odd: set[str]) -> None:
        self._odd = odd
        self._lines_left = MAX_LINES

    def octets(self, part: Part) -> bytes:
        encoding = (part.headers.first("content-transfer-encoding") or "").strip().lower()
        if encoding == "base64":
            return self._from_base64(part.body)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(part.body)
        return part.body

    def text(self, part: Part) -> str:
        octets = self.octets(part)
        if b"\r" in octets:
            octets = octets.replace(b"\r\n", b"\n")
        charset = part.type.charset
        codec = codec_of(charset) if charset else None
        if charset and not codec:
            self._odd.add(flags.CHARSET_UNKNOWN)
        if codec and codec not in PLAIN and len(octets) > MAX_SLOW_OCTETS:
            octets = octets[:MAX_SLOW_OCTETS]
            self._odd.add(flags.TRUNCATED)
        return self._within_limit(decode(octets, codec))

    def _within_limit(self, text: str) -> str:
        lines = text.count("\n")
        if lines > self._lines_left:
            self._odd.add(flags.TRUNCATED)
            text = "\n".join(text.split("\n", self._lines_left)[: self._lines_left])
        self._lines_left -= min(lines, self._lines_left)
        return text

    def _from_base64(self, body: bytes) -> bytes:
        """Plain text that list software appended below stays plain text."""
        lines = _BASE64_LINES.match(body)
        end = lines.end() if lines else 0
        octets, sound = from_base64(body[:end])
        if not sound:
            self._odd.add(flags.BASE64_BROKEN)
        footer = body[end:]
        if not footer.strip():
            return octets
        if not octets:
            self._odd.add(flags.BASE64_BROKEN)
        return octets + b"\n" + footer


class _Tree:
    """The leaves of the MIME tree, including those of attached mails, as in Patchwork."""

    def __init__(self, odd: set[str]) -> None:
        self._odd = odd
        self._parts_left = MAX_PARTS

    def leaves(self, headers: Headers, octets: bytes, depth: int = 0) -> Iterator[Part]:
        type_ = content_type((headers.first("content-type") or "")[:_MAX_VALUE])
        if type_.name.startswith("multipart/") and type_.boundary:
            inner = _split_at(octets, type_.boundary.encode("utf-8", "replace"))
        elif type_.name == "message/rfc822":
            inner = iter([octets])
        else:
            yield Part(headers, type_, octets)
            return
        for part in inner:
            if not self._may_open(depth):
                return
            part_headers, body, _ = split_head(part)
            yield from self.leaves(part_headers, body, depth + 1)

    def _may_open(self, depth: int) -> bool:
        self._parts_left -= 1
        if depth < MAX_DEPTH and self._parts_left >= 0:
            return True
        self._odd.add(flags.TOO_MANY_PARTS)
        return False


def _split_at(octets: bytes, boundary: bytes) -> Iterator[bytes]:
    """The parts between the boundary lines; the closing one may be missing."""
    marker = b"\n--" + boundary
    octets = b"\n" + octets
    start, mistaken = -1, 0
    at = octets.find(marker)
    while at >= 0 and mistaken < _MAX_MISTAKEN_BOUNDARIES:
        after = at + len(marker)
        end = octets.find(b"\n", after)
        line_rest = octets[after : end if end >= 0 else len(octets)].strip()
        if line_rest in (b"", b"--"):
            if start >= 0:
                yield octets[start:at].removesuffix(b"\r")
            start = end + 1
            if line_rest or end < 0:
                return
            after = end
        else:
            mistaken += 1
        at = octets.find(marker, after)
    if start >= 0:
        yield octets[start:]
