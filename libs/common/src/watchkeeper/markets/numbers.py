"""Numbers as upstreams write them, and nothing made of a missing one.

A figure stays a ``Decimal`` from the answer to the API. It is kept as text, for an item's record is JSON.
"""

import re
from decimal import Decimal

MISSING = frozenset({"", "-", "None", "none", "null", "N/A"})
"""How upstreams write that there is no figure. AlphaVantage has the first three."""

_NUMBER = re.compile(r"[+-]?(?:\d{1,38}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_MAX_DIGITS = 38


class NotANumber(ValueError):
    """A figure is something else: a word, infinity, NaN, or of more digits than can be kept."""


def number(value: object) -> Decimal | None:
    """The figure, exactly as it was written; ``None`` if there is none. Raises ``NotANumber``.

    A JSON number has been a float on its way here; the shortest text that gives the same float is what was sent.
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
