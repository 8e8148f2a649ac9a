"""One spelling of a ticker symbol inside, Alpaca's, and AlphaVantage's at its border.

Alpaca writes a class share with a dot, ``BRK.B``. AlphaVantage's functions know it with a dash, ``BRK-B``; its calendar
has both.
"""

import re

_SYMBOL = re.compile(r"[A-Z0-9]{1,12}(?:\.[A-Z0-9]{1,8}){0,2}")


def is_symbol(text: str) -> bool:
    """Whether it can be one of a share or fund: no currency (``FOREX:USD``), no pair (``BTC/USD``)."""
    return _SYMBOL.fullmatch(text) is not None


def from_alphavantage(text: str) -> str | None:
    """The symbol in our spelling; ``None`` for what is none of a share or fund."""
    symbol = text.strip().upper().replace("-", ".")
    return symbol if is_symbol(symbol) else None


def to_alphavantage(symbol: str) -> str:
    return symbol.replace(".", "-")
