"""What may not be written down: secrets and people's addresses, taken out of whatever is logged.

Keys are judged by their name, texts by patterns. A Message-ID looks like an address and often holds one, so it is
taken for one. Every pattern takes time linear in the text's length.
"""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[redacted]"
ADDRESS = "[address]"

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:authorization|cookie|credential|pass(?:word|wd|phrase)|secret|signature|token|jwt|api_?key|private_key"
    r"|access_key|session_id)s?(?:_(?:hash|id|key|string|value))?$",
    re.IGNORECASE,
)
_CODE_NAME = re.compile(r"(?:^|_)(?:code|otp|pin|answer)$", re.IGNORECASE)
_ONE_TIME_CODE = re.compile(r"\d{4,10}")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,8000}(?:-----END [A-Z ]{0,40}-----)?"), HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}"), HIDDEN),
    (re.compile(r"\beyJ[\w-]{4,4000}\.[\w-]{1,8000}(?:\.[\w-]{0,4000})?"), HIDDEN),
    (re.compile(r"\b(Bearer|Basic|Digest)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\bExpo(?:nent)?PushToken\[[^\]]{0,200}\]?"), HIDDEN),
    (
        re.compile(
            r"(?:(?<![A-Za-z])|(?<=%[\dA-Fa-f]{2}))((?:x-amz-)?(?:api[_-]?key(?:-id)?|access[_-]?key(?:[_-]?id)?|password|passwd|secret(?:[_-]?key)?"
            r"|security-token|session[_-]?token|access[_-]?token|refresh[_-]?token|id[_-]?token|token|signature|credential))"
            r"(\\?[\"']?\s{0,4}(?:=|:|%3D|%3A)\s{0,4}\\?[\"']?)[^\s&\"'\\,;<>)\]}]{1,4000}",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?i)(://)[^/\s:@\"'<>]{1,200}:[^/\s@\"'<>]{1,200}@"), rf"\1{HIDDEN}@"),
)
_ADDRESS = re.compile(
    r"[^\s@<>()\[\]\"',;:=/\\]{1,128}(?:@|%40)(?:[\w-]{1,64}(?:\.[\w-]{1,64}){0,10}|\[[\d.:a-fA-F]{2,45}\])"
)


def redacted(value: Any, name: str = "") -> Any:
    """The value without secrets and addresses; ``name`` is the key it stands under.

    Mappings and sequences are gone through; numbers, flags and ``None`` pass unless their name is a secret's.
    """
    if name and _is_secret(name) and value not in (None, "", False, True):
        return HIDDEN
    if isinstance(value, str):
        return HIDDEN if _CODE_NAME.search(name) and _ONE_TIME_CODE.fullmatch(value) else redacted_text(value)
    if isinstance(value, Mapping):
        return {redacted_text(str(key)): redacted(entry, str(key)) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(entry, name) for entry in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted_text(str(value))


def redacted_text(text: str) -> str:
    """A text without what looks like a secret or an address."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return _ADDRESS.sub(ADDRESS, text) if "@" in text or "%40" in text else text


def redact_error(error: BaseException) -> None:
    """Take secrets and addresses out of an exception's own arguments, before somebody else prints it."""
    error.args = tuple(redacted(argument) for argument in error.args)


def _is_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(_CAMEL.sub("_", name).replace("-", "_")))
