"""
An Alpaca-like brokerage: its trading host and its data host under one address.

What it imitates: the whole list in one array, rows of every class without `asset_class`, undocumented exchanges and
statuses, different refusals on the two hosts, and snapshots without unknown symbols.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import unquote

from local.upstreams.http import Answer, Request
from local.upstreams.markets.companies import Company
from local.upstreams.markets.world import Markets

Json = dict[str, Any]

ASSETS = "/v2/assets"
SNAPSHOTS = "/v2/stocks/snapshots"
LONGEST_QUERY = 8000
FEEDS = ("sip", "iex", "delayed_sip", "otc", "boats", "overnight")
_CLASSES = {"coin": "crypto", "perpetual": "crypto_perp"}
_GZIP_FROM = 1000


class AlpacaApplication:
    def __init__(self, markets: Callable[[], Markets]) -> None:
        self._get_markets = markets

    @property
    def _markets(self) -> Markets:
        return self._get_markets()

    def __call__(self, request: Request) -> Answer:
        granted, rate = self._markets.trouble.ask_alpaca()
        answer = self._answer(request, is_data=request.path.startswith("/v2/stocks"), granted=granted)
        return _packed(request, replace(answer, headers={**answer.headers, **rate}))

    def _answer(self, request: Request, *, is_data: bool, granted: bool) -> Answer:
        if len(request.query_string) > LONGEST_QUERY:
            return Answer(414, "text/plain", b"Request-URI Too Large")
        if not self._is_authorized(request):
            return _refused(403, "forbidden.") if is_data else _refused(401, "request is not authorized", 40110000)
        if not granted:
            return _refused(429, "too many requests.") if is_data else _refused(429, "rate limit exceeded", 42910000)
        if request.method != "GET":
            return _refused(405, "Method Not Allowed")
        if request.path == SNAPSHOTS:
            return self._snapshots(request)
        if request.path == ASSETS:
            return self._assets(request)
        if request.path.startswith(f"{ASSETS}/"):
            return self._asset(unquote(request.path.removeprefix(f"{ASSETS}/")))
        return _refused(404, "endpoint not found.", 40410000)

    def _is_authorized(self, request: Request) -> bool:
        given = request.header("APCA-API-KEY-ID"), request.header("APCA-API-SECRET-KEY")
        return given == (self._markets.key_id, self._markets.secret_key)

    def _assets(self, request: Request) -> Answer:
        rows: Iterable[Json] = map(self._row, self._markets.listed())
        for parameter, name in (("status", "status"), ("asset_class", "class"), ("exchange", "exchange")):
            if wanted := request.parameter(parameter):
                rows = _having(rows, name, wanted)
        if attributes := request.parameter("attributes"):
            rows = (row for row in rows if set(row["attributes"]) & set(attributes.split(",")))
        return _json(self._markets.trouble.altered("assets", list(rows)))

    def _asset(self, name: str) -> Answer:
        for company in self._markets.listed():
            row = self._row(company)
            if name in (row["symbol"], row["id"]):
                return _json(self._markets.trouble.altered("asset", row, company.symbol))
        return _refused(404, f"asset not found for {name}", 40410000)

    def _row(self, company: Company) -> Json:
        return {**asset(company), **self._markets.altered.get(company.symbol, {})}

    def _snapshots(self, request: Request) -> Answer:
        symbols = [one for one in request.parameter("symbols").split(",") if one]
        feed = request.parameter("feed", "iex")
        if not symbols:
            return _refused(400, "symbols is required")
        if feed not in FEEDS:
            return _refused(400, f"invalid feed: {feed}")
        if feed == "sip":
            return _refused(403, "subscription does not permit querying recent SIP data")
        known = (self._markets.traded(symbol) for symbol in sorted(set(symbols)))
        found = {company.symbol: self._snapshot(company) for company in known if company}
        return _json(self._markets.trouble.altered("snapshots", found))

    def _snapshot(self, company: Company) -> Json | None:
        """Null for one that IEX does not trade."""
        day, before = self._markets.trading_days()
        if self._markets.volume(company, before) is None:
            return None
        price = self._markets.price(company, day)
        moment = f"{day}T19:59:58.113287964Z"
        trade = {"c": ["@"], "i": 52983525, "p": price, "s": 100, "t": moment, "x": "V", "z": "C"}
        quote = {"ap": price, "as": 2, "ax": "V", "bp": price, "bs": 1, "bx": "V", "c": ["R"], "t": moment, "z": "C"}
        return {
            "dailyBar": self._bar(company, day),
            "latestQuote": quote,
            "latestTrade": trade,
            "minuteBar": {**self._bar(company, day), "t": f"{day}T19:59:00Z", "v": 106, "n": 3},
            "prevDailyBar": self._bar(company, before),
        }

    def _bar(self, company: Company, day: date) -> Json:
        price, volume = self._markets.price(company, day), self._markets.volume(company, day) or 0
        return {
            "c": price,
            "h": round(price * 1.01, 2),
            "l": round(price * 0.985, 4),
            "n": volume // 90,
            "o": round(price * 0.995, 2),
            "t": f"{day}T04:00:00Z",
            "v": volume,
            "vw": round(price * 1.0013, 6),
        }


def asset(company: Company) -> Json:
    """A row of the list. Fields come and go: the deprecated ones are only in some."""
    is_equity = company.kind not in _CLASSES
    lends = is_equity and company.tradable and company.exchange != "OTC"
    required = 30 if lends else 100
    row: Json = {
        "id": company.id,
        "class": _CLASSES.get(company.kind, "us_equity"),
        "exchange": company.exchange,
        "symbol": company.symbol,
        "name": company.name,
        "status": company.status,
        "tradable": company.tradable,
        "marginable": lends,
        "maintenance_margin_requirement": required,
        "margin_requirement_long": str(required),
        "margin_requirement_short": str(required),
        "shortable": lends,
        "fractionable": lends or not is_equity,
        "attributes": ["fractional_eh_enabled", "has_options"] if lends and company.index % 2 else [],
    }
    if company.index % 2 == 0:
        row["easy_to_borrow"] = lends
    if is_equity:
        return row | {"borrow_status": "easy_to_borrow" if lends else "hard_to_borrow"}
    return row | {"min_order_size": "0.047528517", "min_trade_increment": "0.000000001", "price_increment": "0.0005"}


def _having(rows: Iterable[Json], name: str, value: str) -> Iterable[Json]:
    return (row for row in rows if row[name] == value)


def _json(document: Any) -> Answer:
    return Answer(200, "application/json; charset=UTF-8", json.dumps(document).encode())


def _refused(status: int, message: str, code: int | None = None) -> Answer:
    body = {"message": message} if code is None else {"code": code, "message": message}
    return replace(_json(body), status=status)


def _packed(request: Request, answer: Answer) -> Answer:
    if "gzip" not in request.header("Accept-Encoding") or len(answer.whole()) < _GZIP_FROM:
        return answer
    return replace(
        answer, body=gzip.compress(answer.whole(), 1), headers={**answer.headers, "Content-Encoding": "gzip"}
    )
