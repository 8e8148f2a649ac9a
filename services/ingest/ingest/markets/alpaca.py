"""A client of Alpaca: the list of assets from its trading host, and yesterday's volumes from its data host.

Non-obvious behaviour this relies on: without ``asset_class`` the list includes crypto; it has no pages; new values of
its fields appear without notice, so it is read row by row and unknown values are kept.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

import requests

from ingest.errors import RequestRefused, RequestTooLong, RowRefused, UpstreamGarbled
from ingest.markets.answers_json import loaded
from ingest.markets.fields import NO_FLAG, NO_LIST, NO_TEXT, Unfit, entries, flag, text
from ingest.upstream import Upstream
from watchkeeper.logs import logger
from watchkeeper.markets.models import Asset
from watchkeeper.markets.numbers import NotANumber, number
from watchkeeper.markets.symbols import is_symbol

MOST_SYMBOLS = 500
"""Symbols in one request for volumes."""
MOST_CHARACTERS = 6_000
"""Characters of the list of symbols, as encoded in the query: more risks a 414."""
MOST_REFUSALS = 40
"""Refused requests for volumes after which the invalid symbols are no longer searched for."""

NO_OBJECT = "the row is no object"
NO_SHARE = "no share or fund"
NO_SYMBOL = "its symbol is none"
NO_ID = "its id is none"
NO_STATUS = "it has no status"
NO_MARGIN = "a margin requirement is no number"
REASONS = frozenset({NO_OBJECT, NO_SHARE, NO_SYMBOL, NO_ID, NO_STATUS, NO_MARGIN, NO_TEXT, NO_FLAG, NO_LIST})
"""Why rows are refused."""

_EQUITY = "us_equity"
_OTHER_CLASSES = ("crypto", "us_option", "option", "forex")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_JSON = "application/json"
_MOST_VOLUME = 10**15
_LONGEST_NAME = 300
_LONGEST_WORD = 60


class Alpaca:
    def __init__(self, trading: Upstream, data: Upstream) -> None:
        self._trading = trading
        self._data = data

    def assets(self) -> list[object]:
        """The complete list of active shares and funds, for ``parse_asset``. Raises ``UpstreamError``."""
        params = {"status": "active", "asset_class": _EQUITY}
        return self._trading.read("/v2/assets", _array, accept=_JSON, params=params)

    def volumes(self, symbols: Iterable[str]) -> dict[str, int]:
        """Shares traded on the last full day, on IEX; symbols without a volume are absent. Raises ``UpstreamError``.

        A request that is too long, or has a symbol that Alpaca considers invalid, is halved until the rest succeeds;
        after ``MOST_REFUSALS`` its symbols are left out, and if there are no volumes at all, the refusal is raised.
        """
        found: dict[str, int] = {}
        todo = list(_chunks(sorted({symbol for symbol in symbols if is_symbol(symbol)})))
        refusals = 0
        while todo:
            chunk = todo.pop()
            try:
                found |= self._volumes(chunk)
            except (RequestTooLong, RequestRefused) as error:
                refusals += 1
                if refusals <= MOST_REFUSALS:
                    todo += _halves(chunk)
                    continue
                if not found:
                    raise
                logger.warning("volumes are left out", symbols=len(chunk), reason=str(error))
        return found

    def _volumes(self, symbols: Sequence[str]) -> dict[str, int]:
        params = {"symbols": ",".join(symbols), "feed": "iex"}
        snapshots = self._data.read("/v2/stocks/snapshots", _object, accept=_JSON, params=params)
        volumes = {symbol: _volume(snapshots.get(symbol)) for symbol in symbols}
        return {symbol: volume for symbol, volume in volumes.items() if volume is not None}


def parse_asset(row: object) -> Asset:
    """An asset from a row of the list. Raises ``RowRefused`` with one of ``REASONS``; its subject is the row's symbol,
    or its id, or ``?``."""
    if not isinstance(row, dict):
        raise RowRefused("?", NO_OBJECT)
    try:
        return _asset(row)
    except Unfit as error:
        raise RowRefused(_subject(row), str(error)) from None


def _asset(row: Mapping[str, Any]) -> Asset:
    asset_class = text(row.get("class"), _LONGEST_WORD) or _EQUITY
    exchange = text(row.get("exchange"), _LONGEST_WORD)
    symbol = text(row.get("symbol"), _LONGEST_NAME)
    if asset_class.lower().startswith(_OTHER_CLASSES) or exchange == "CRYPTO" or "/" in symbol:
        raise Unfit(NO_SHARE)
    if not is_symbol(symbol):
        raise Unfit(NO_SYMBOL)
    return Asset(
        symbol=symbol,
        id=_id(row.get("id")),
        name=text(row.get("name"), _LONGEST_NAME),
        status=_status(row.get("status")),
        exchange=exchange,
        asset_class=asset_class,
        tradable=flag(row.get("tradable")),
        marginable=flag(row.get("marginable")),
        shortable=flag(row.get("shortable")),
        fractionable=flag(row.get("fractionable")),
        borrow_status=_borrow_status(row),
        margin_requirement_long=_margin(row.get("margin_requirement_long")),
        margin_requirement_short=_margin(row.get("margin_requirement_short")),
        attributes=tuple(sorted({text(entry, _LONGEST_WORD) for entry in entries(row.get("attributes"))} - {""})),
    )


def _id(value: Any) -> str:
    found = text(value, _LONGEST_NAME)
    if not _ID.fullmatch(found):
        raise Unfit(NO_ID)
    return found


def _status(value: Any) -> str:
    if not (found := text(value, _LONGEST_WORD)):
        raise Unfit(NO_STATUS)
    return found


def _borrow_status(row: Mapping[str, Any]) -> str | None:
    """Where it is missing, the value of the flag that it replaced in 2026."""
    if status := text(row.get("borrow_status"), _LONGEST_WORD):
        return status
    if row.get("easy_to_borrow") is None:
        return None
    return "easy_to_borrow" if flag(row["easy_to_borrow"]) else "hard_to_borrow"


def _margin(value: Any) -> Any:
    try:
        return number(value)
    except NotANumber:
        raise Unfit(NO_MARGIN) from None


def _subject(row: Mapping[str, Any]) -> str:
    for name in ("symbol", "id"):
        value = row.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()[:_LONGEST_WORD]
    return "?"


def _chunks(symbols: Sequence[str]) -> Iterator[list[str]]:
    """Lists of symbols, each of which fits into one request."""
    chunk: list[str] = []
    length = 0
    for symbol in symbols:
        written = len(quote_plus(f"{symbol},"))
        if chunk and (len(chunk) == MOST_SYMBOLS or length + written > MOST_CHARACTERS):
            yield chunk
            chunk, length = [], 0
        chunk.append(symbol)
        length += written
    if chunk:
        yield chunk


def _halves(chunk: list[str]) -> list[list[str]]:
    """The requests that replace a refused one; a single symbol is left out."""
    middle = len(chunk) // 2
    return [half for half in (chunk[:middle], chunk[middle:]) if middle and half]


def _volume(snapshot: Any) -> int | None:
    bar = snapshot.get("prevDailyBar") if isinstance(snapshot, dict) else None
    volume = bar.get("v") if isinstance(bar, dict) else None
    if isinstance(volume, bool) or not isinstance(volume, int | float) or not 0 <= volume <= _MOST_VOLUME:
        return None
    return int(volume)


def _decoded(response: requests.Response) -> Any:
    """Raises ``UpstreamGarbled`` for anything but complete JSON."""
    try:
        return loaded(response.content)
    except ValueError:
        pass
    raise UpstreamGarbled("Alpaca answered something that is no JSON")


def _array(response: requests.Response) -> list[object]:
    rows = _decoded(response)
    if not isinstance(rows, list):
        raise UpstreamGarbled("Alpaca answered a list of assets that is none")
    return rows


def _object(response: requests.Response) -> dict[str, Any]:
    body = _decoded(response)
    if not isinstance(body, dict):
        raise UpstreamGarbled("Alpaca answered snapshots that are no object")
    return body
