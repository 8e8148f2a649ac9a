"""Ticker symbols: our code uses Alpaca's spelling; AlphaVantage's is converted on the way in and out.

Alpaca writes a class share with a dot, ``BRK.B``, and a preferred one ``BAC.PRK``. AlphaVantage's functions write them
with dashes, ``BRK-B`` and ``BAC-P-K``; its calendar has both spellings.
"""

import re

_PREFERRED = re.compile(r"\.PR([A-Z])(?=\.|$)")
_PREFERRED_THERE = re.compile(r"[-.]P[-.]([A-Z])(?=[-.]|$)")
_SYMBOL = re.compile(r"[A-Z0-9]{1,12}(?:\.[A-Z0-9]{1,8}){0,2}")


def is_symbol(text: str) -> bool:
    """Whether it can be that of a share or fund: no currency (``FOREX:USD``), no pair (``BTC/USD``)."""
    return _SYMBOL.fullmatch(text) is not None


def from_alphavantage(text: str) -> str | None:
    """The symbol in our spelling; ``None`` if it is not that of a share or fund."""
    symbol = _PREFERRED_THERE.sub(r".PR\1", text.strip().upper()).replace("-", ".")
    return symbol if is_symbol(symbol) else None


def to_alphavantage(symbol: str) -> str:
    return _PREFERRED.sub(r"-P-\1", symbol).replace(".", "-")
