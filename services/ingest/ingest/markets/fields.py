"""Validation of single fields of upstreams' rows."""

import re
from datetime import date
from typing import Any

_DAY = re.compile(r"(?:19|20)\d\d-\d\d-\d\d", re.ASCII)


class Unfit(ValueError):
    """A field is invalid. The message is one of a few, without anything from the field itself."""


NO_TEXT = "a field that should be a text is something else"
NO_FLAG = "a field that should be true or false is something else"
NO_LIST = "a field that should be a list is something else"
NO_DAY = "a date is none"


def text(value: Any, longest: int) -> str:
    """The text, stripped and truncated; ``""`` for null. Raises ``Unfit``."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unfit(NO_TEXT)
    return value.strip()[:longest].rstrip()


def flag(value: Any) -> bool:
    """``False`` for null. Raises ``Unfit``."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise Unfit(NO_FLAG)
    return value


def entries(value: Any) -> list[Any]:
    """``[]`` for null. Raises ``Unfit``."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unfit(NO_LIST)
    return value


def day(value: Any) -> date:
    """A date of these two centuries, ``2026-11-20``. Raises ``Unfit``."""
    if not isinstance(value, str) or not _DAY.fullmatch(value.strip()):
        raise Unfit(NO_DAY)
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise Unfit(NO_DAY) from None
