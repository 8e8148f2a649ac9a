"""The header of a mail or a MIME part: bounded, parsed, decoded leniently.

Fields are split like the standard library's ``email`` does with its compat32 policy, which Patchwork uses; doing
it here takes an eighth of the time, which would otherwise be the largest share of parsing a mail. A test
compares the two.
"""

import binascii
import re
import string
from collections.abc import Iterator

from ingest.kernel.mail import flags
from ingest.kernel.mail.charsets import codec_of, decode

MAX_HEAD = 256 * 1024
"""Bytes of header that are read; lkml's largest Cc lists need a tenth of it."""
MAX_LINES = 2_000
MAX_VALUES = 100
"""Headers of one name that are read."""
MAX_VALUE = 32 * 1024
"""Characters of one header that are read."""

_FIELD = re.compile(r"([!-9;-~]+):[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)\n|(?:From |[ \t]|:)[^\n]*\n")
"""A field, or a line that belongs to no field and does not end the header either."""
_NO_DIGITS = bytes(set(range(256)) - set(string.ascii_letters.encode() + string.digits.encode() + b"+/"))
_BLANKS = re.compile(r"\s+")
_ENCODED_WORD = re.compile(r"=\?([^?\s=]{1,80})\?([bBqQ])\?([^?\r\n]*)\?=(?:\s+(?==\?))?")


class Headers:
    """Header values by name; a name may occur several times."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._values = fields

    def all(self, name: str) -> list[str]:
        """Every value of a header, not yet unfolded or RFC 2047 decoded; 8-bit bytes are already text."""
        values = self._values.get(name)
        return [_without_escapes(value[:MAX_VALUE]) for value in values[:MAX_VALUES]] if values else []

    def first(self, name: str) -> str | None:
        values = self._values.get(name)
        return _without_escapes(values[0][:MAX_VALUE]) if values else None


def split_head(raw: bytes) -> tuple[Headers, bytes, set[str]]:
    """The header and the body of a mail or a MIME part, and flags for what is odd about the header."""
    head, body = _cut(raw)
    odd: set[str] = set()
    if len(head) > MAX_HEAD or head.count(b"\n") > MAX_LINES:
        odd.add(flags.TOO_MANY_HEADERS)
        head = b"\n".join(head[:MAX_HEAD].split(b"\n", MAX_LINES)[:MAX_LINES])
    fields, stray = _fields(head)
    return Headers(fields), stray + body if stray else body, odd


def _fields(head: bytes) -> tuple[dict[str, list[str]], bytes]:
    """The fields by lower-case name, and the lines from the first that is not a header: the body starts there."""
    text = head.replace(b"\0", b"").decode("ascii", "surrogateescape") + "\n"
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    fields: dict[str, list[str]] = {}
    at = 0
    for field in _FIELD.finditer(text):
        if field.start() != at:
            break
        at = field.end()
        if name := field[1]:
            fields.setdefault(name.lower(), []).append(field[2])
    return fields, text[at:].lstrip("\n").encode("ascii", "surrogateescape")


def _cut(raw: bytes) -> tuple[bytes, bytes]:
    """Head and body, separated by the first empty line, whichever line endings the mail uses."""
    if raw.startswith((b"\n", b"\r\n")):
        return b"", raw.partition(b"\n")[2]
    unix = raw.find(b"\n\n")
    network = raw.find(b"\n\r\n", 0, unix if unix >= 0 else len(raw))
    if network >= 0:
        return raw[:network], raw[network + 3 :]
    return (raw[:unix], raw[unix + 2 :]) if unix >= 0 else (raw, b"")


def _without_escapes(value: str) -> str:
    """Bytes beyond ASCII as text."""
    if value.isascii():
        return value
    return decode(value.encode("ascii", "surrogateescape"), None)


def decoded(value: str) -> str:
    """RFC 2047 decoded, unfolded, runs of blanks collapsed."""
    if "=?" in value:
        value = "".join(_pieces(value))
    return _BLANKS.sub(" ", value.replace("\0", "")).strip()


def _pieces(value: str) -> Iterator[str]:
    """Plain text and encoded words in order; adjacent words of one charset are joined before they are decoded.

    Some mailers split a character across two encoded words.
    """
    at, pending, charset = 0, b"", ""
    for word in _ENCODED_WORD.finditer(value):
        label = word[1].partition("*")[0].lower()
        if pending and (word.start() > at or label != charset):
            yield decode(pending, codec_of(charset))
            pending = b""
        yield value[at : word.start()]
        pending, charset, at = pending + _octets(word[2], word[3]), label, word.end()
    if pending:
        yield decode(pending, codec_of(charset))
    yield value[at:]


def _octets(encoding: str, encoded: str) -> bytes:
    octets = encoded.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(octets, header=True)
    return from_base64(octets)[0]


def from_base64(encoded: bytes) -> tuple[bytes, bool]:
    """The bytes, and whether the encoding was valid; a broken end loses only itself."""
    try:
        return binascii.a2b_base64(encoded), True
    except binascii.Error:
        digits = encoded.translate(None, _NO_DIGITS)
        usable = len(digits) - (len(digits) % 4 == 1)
        return binascii.a2b_base64(digits[:usable] + b"=" * (-usable % 4)), False
