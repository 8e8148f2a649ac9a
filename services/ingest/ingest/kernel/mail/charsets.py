"""Bytes to text, whatever the label says: nothing here raises, and no result holds NUL or half a surrogate pair."""

import codecs
from functools import lru_cache

_MAX_LABEL = 40
_NOT_FOR_MAIL = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
"""Codecs of Python that are not charsets, or take quadratic time."""
_LATIN = frozenset({"iso8859-1", "ascii"})
PLAIN = frozenset({"utf-8", "iso8859-1", "ascii", "cp1252"})
"""Codecs that are fast and cannot produce half a surrogate pair."""


@lru_cache(maxsize=256)
def codec_of(label: str) -> str | None:
    """The name of Python's codec for a charset label, None for an unknown one."""
    if len(label) > _MAX_LABEL:
        return None
    try:
        name = codecs.lookup(label.strip(" \t\"'")).name
        return None if name.replace("-", "_") in _NOT_FOR_MAIL or not _is_text(name) else name
    except (LookupError, ValueError):
        return None


def _is_text(codec: str) -> bool:
    try:
        b"a".decode(codec, "replace")
    except Exception:
        return False
    return True


def decode(octets: bytes, codec: str | None) -> str:
    """``octets`` as the text their author most likely wrote; ``codec`` comes from ``codec_of``."""
    if codec is None or codec in _LATIN:
        text = _guess(octets, codec)
    else:
        text = octets.decode(codec, "replace")
        if codec not in PLAIN:
            text = without_surrogates(text)
    return text.replace("\0", "") if "\0" in text else text


def _guess(octets: bytes, codec: str | None) -> str:
    """Unlabelled text, and text labelled Latin-1 that uses control codes no author types.

    Those are UTF-8 or the quotes and dashes of windows-1252 under a wrong label.
    """
    if octets.isascii():
        return octets.decode("ascii")
    if codec == "iso8859-1":
        text = octets.decode("latin-1")
        if not any("\x80" <= char <= "\x9f" for char in text):
            return text
    for candidate in ("utf-8", "cp1252"):
        try:
            return octets.decode(candidate)
        except UnicodeDecodeError:
            continue
    return octets.decode("latin-1")


def without_surrogates(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
