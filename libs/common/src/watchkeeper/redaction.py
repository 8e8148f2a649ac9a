"""Removes secrets and people's addresses from whatever is logged.

Values are recognised by the name of their key, or by patterns in their text. A Message-ID looks like an address and
often contains one, so it is treated as one. Hiding too much is preferred to hiding too little. Every pattern takes time
linear in the text's length.
"""

import re
from collections.abc import Mapping
from traceback import format_exception_only
from typing import Any

HIDDEN = "[redacted]"
ADDRESS = "[address]"
LONGEST_TEXT = 64 * 1024
"""Characters of one text that are searched and shown; the rest is cut off."""

_NAME = (
    r"(?:authorization|cookie|credential|pass(?:word|wd|phrase|code)|pwd|secret|signature|token|jwt|api[_-]?key"
    r"|private[_-]?key|access[_-]?key|session(?:[_-]?id)?)s?(?:[_-]?(?:hash|id|key|string|value))?"
)
"""How names of secrets end."""
_SECRET_NAME = re.compile(rf"{_NAME}$", re.IGNORECASE)
_CODE_NAME = re.compile(r"(?:^|_)(?:code|otp|pin|answer)$", re.IGNORECASE)
_ONE_TIME_CODE = re.compile(r"\d{4,10}")

_QUOTE = r"\\{0,8}[\"']"
_IS = rf"(?:{_QUOTE})?\s{{0,4}}(?:=>?|:|%(?:25){{0,3}}3[DA])\s{{0,4}}"
_QUOTED = rf"(?P<quote>{_QUOTE})(?:(?!(?<!\\)(?P=quote))[\s\S])*"
"""Up to the closing quote, which has as many backslashes as the opening one: JSON may be nested in JSON."""

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY[\s\S]*?(?:-----END [A-Z ]{0,40}-----|\Z)"), HIDDEN),
    (
        re.compile(rf"((?:authorization|cookie){_IS})(?:{_QUOTED}|[^\s\"'][^\r\n]*)", re.IGNORECASE),
        rf"\1\g<quote>{HIDDEN}",
    ),
    (
        re.compile(rf"({_NAME}{_IS})(?:{_QUOTED}|\[[^\]]*\]?|{{[^}}]*}}?|[^\s&\"']+)", re.IGNORECASE),
        rf"\1\g<quote>{HIDDEN}",
    ),
    (re.compile(r"(?<![A-Za-z0-9])(?:gh[a-z]_|github_pat_|glpat-|xox[a-z]-|[srp]k_(?:live|test)_)[\w-]{6,}"), HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}"), HIDDEN),
    (re.compile(r"\beyJ[\w-]{4,4000}\.[\w-]{1,8000}(?:\.[\w-]{0,4000})?"), HIDDEN),
    (re.compile(r"\b(Bearer|Basic|Digest)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\bExpo(?:nent)?PushToken\[[^\]]{0,200}\]?"), HIDDEN),
    (re.compile(r"(://)[^/\s:@\"'<>]{1,200}:[^/\s@\"'<>]{1,200}@"), rf"\1{HIDDEN}@"),
    (re.compile(r"=\?[^?\s]{1,80}\?[bq]\?[^?]{0,1000}(?:\?=)?", re.IGNORECASE), ADDRESS),
)

_AT = r"(?:@|%(?:25){0,3}40|\\{1,8}u0040|&#(?:64|x40);)"
_LOCAL = r"(?:\\{0,8}\"[^\"\r\n]{1,128}\"|[^\s@<>()\[\]\"',;:=/\\]{1,128}\\{0,8}[\"']?)"
_HOST = r"(?:[\w-]{1,64}(?:\.[\w-]{1,64}){0,10}|\[[\w.:]{2,60}\])"
_ADDRESSES = (
    (re.compile(_AT, re.IGNORECASE), re.compile(rf"{_LOCAL}{_AT}{_HOST}", re.IGNORECASE)),
    # Quoted-printable, but not a number: a host that ends in letters must follow.
    (re.compile("=40"), re.compile(rf"{_LOCAL}=40[\w-]{{1,64}}(?:\.[\w-]{{1,64}}){{0,10}}\.[A-Za-z]{{2,24}}")),
)
"""Each preceded by a pattern that every text with such an address matches."""


def redacted(value: Any, name: str = "") -> Any:
    """The value without secrets and addresses; ``name`` is its key.

    Mappings and sequences are traversed; numbers, flags and ``None`` are kept unless their name is a secret's.
    """
    if name and _is_secret(name) and value not in (None, "", False, True):
        return HIDDEN
    if isinstance(value, Mapping):
        return {redacted_text(str(key)): redacted(entry, str(key)) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(entry, name) for entry in value]
    if _CODE_NAME.search(name) and _ONE_TIME_CODE.fullmatch(str(value)):
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted_text(str(value))


def redacted_text(text: str) -> str:
    """A text without what looks like a secret or an address, and no longer than ``LONGEST_TEXT``."""
    text, end = _shortened(text)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    for sign, address in _ADDRESSES:
        if sign.search(text):
            text = address.sub(ADDRESS, text)
    return text + end


def redacted_error(error: Exception) -> Exception:
    """The exception without secrets and addresses, safe to print: itself with redacted arguments or, if its text does
    not come from these, a plain one of the same name."""
    error.args = tuple(redacted(argument) for argument in error.args)
    printed = "".join(format_exception_only(error))
    if redacted_text(printed) == printed:
        return error
    plain: Exception = type(type(error).__name__, (Exception,), {})(redacted_text(str(error)))
    return plain.with_traceback(error.__traceback__)


def _is_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name))


def _shortened(text: str) -> tuple[str, str]:
    """The beginning of a long text, up to a space so that no secret is cut in two, and a note about the rest."""
    if len(text) <= LONGEST_TEXT:
        return text, ""
    words = text[:LONGEST_TEXT].rsplit(maxsplit=1)
    beginning = words[0] if len(words) == 2 else ""
    return beginning, f" [{len(text) - len(beginning)} characters cut]"
