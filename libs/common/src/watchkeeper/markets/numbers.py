"""Numbers as upstreams write them; a missing one is never replaced by another value.

A figure stays a ``Decimal`` from the upstream's response to our API. It is stored as a string, because an item's record
is JSON.
"""

import re
from decimal import Decimal

MISSING = frozenset({"", "-", "None", "none", "null", "N/A"})
"""How upstreams write that there is no figure. AlphaVantage has the first three."""

_NUMBER = re.compile(r"[+-]?(?:\d{1,38}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_MAX_DIGITS = 38


class NotANumber(ValueError):
    """A figure is not a number that can be stored: a word, infinity, NaN, or one with too many digits."""


def number(value: object) -> Decimal | None:
    """The figure, exactly as it was written; ``None`` if there is none. Raises ``NotANumber``.

    A JSON number has been parsed as a float; the shortest text that gives the same float is what was sent.
    """
    if value is None or (isinstance(value, str) and value.strip() in MISSING):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise NotANumber(f"{type(value).__name__} is no number")
    text = str(value).strip()
    if not _NUMBER.fullmatch(text):
        raise NotANumber("it is no number")
    figure = Decimal(text)
    if len(figure.as_tuple().digits) > _MAX_DIGITS:
        raise NotANumber(f"it has more than {_MAX_DIGITS} digits")
    return figure


def text_of(figure: Decimal) -> str:
    """The figure without an exponent."""
    return f"{figure:f}"
