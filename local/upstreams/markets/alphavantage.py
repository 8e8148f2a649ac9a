"""
An AlphaVantage-like vendor of fundamentals: one path, the key in the query, and always HTTP 200.

Symbols have a dash (`BRAV-B`); for unknown symbols and funds, the answer is `{}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from local.upstreams.http import Answer, Request
from local.upstreams.markets.companies import Company
from local.upstreams.markets.earnings import earnings, overview
from local.upstreams.markets.news import ELSEWHERE, HISTORY, Sort, feed
from local.upstreams.markets.statements import statement
from local.upstreams.markets.texts import Refusal, refusal
from local.upstreams.markets.trouble import Broken
from local.upstreams.markets.upcoming import COLUMNS, HORIZONS, as_csv, upcoming
from local.upstreams.markets.world import FUNCTIONS, Markets

Json = dict[str, Any]

QUERY = "/query"
_MOST_ARTICLES = 1000
_USUAL_ARTICLES = 50


class Refused(Exception):
    """The vendor returns a message instead of data."""

    def __init__(self, kind: Refusal) -> None:
        super().__init__(kind)
        self.kind = kind


class AlphaVantageApplication:
    def __init__(self, markets: Callable[[], Markets]) -> None:
        self._get_markets = markets

    @property
    def _markets(self) -> Markets:
        return self._get_markets()

    def __call__(self, request: Request) -> Answer:
        if request.path != QUERY:
            return Answer(404, "text/html", b"<h1>Not Found</h1>\n")
        asked = {name.lower(): value for name, value in request.query}
        key, function = asked.get("apikey", ""), asked.get("function", "")
        try:
            return self._answer(key, function, asked)
        except Refused as refused:
            return _json(refusal(refused.kind, key, function))

    def _answer(self, key: str, function: str, asked: Mapping[str, str]) -> Answer:
        if key != self._markets.api_key:
            raise Refused("demo" if key == "demo" else "invalid-key")
        if said := self._markets.trouble.refusal(function):
            raise Refused(said)
        with self._markets.lock:
            if function == "EARNINGS_CALENDAR":
                return self._calendar(asked)
            if function == "NEWS_SENTIMENT":
                return _json(self._markets.trouble.altered(function, self._news(asked)))
            return self._fundamentals(function, asked.get("symbol", ""))

    # Fundamentals

    def _fundamentals(self, function: str, symbol: str) -> Answer:
        if function not in FUNCTIONS:
            raise Refused("no-such-function")
        if not symbol or "." in symbol:
            raise Refused("invalid-call")
        company = self._markets.spelled_with_dash(symbol)
        found = self._shown(function, company) if company and company.kind == "company" else {}
        return _json(self._markets.trouble.altered(function, found, company.symbol if company else symbol))

    def _shown(self, function: str, company: Company) -> Json:
        markets, books = self._markets, self._markets.books(company)
        latest = markets.latest(company.symbol, function)
        if function == "OVERVIEW":
            return overview(company, books, latest, markets.price(company, markets.trading_days()[0]))
        if function == "EARNINGS":
            return earnings(company, books, latest, markets.reported(company))
        return statement(function, company, books, latest)

    # The calendar

    def _calendar(self, asked: Mapping[str, str]) -> Answer:
        horizon = asked.get("horizon", "3month").lower()
        if horizon not in HORIZONS:
            raise Refused("invalid-call")
        markets = self._markets
        rows = upcoming(markets, markets.reporters(), markets.today(), horizon, asked.get("symbol", ""))
        shown = as_csv(markets.trouble.altered("EARNINGS_CALENDAR", rows))
        broken = markets.trouble.broken_calendar()
        return _csv(_broken(shown, broken) if broken else shown)

    # News

    def _news(self, asked: Mapping[str, str]) -> Json:
        tickers = [one.strip() for one in asked.get("tickers", "").split(",") if one.strip()]
        if not all(map(self._is_ticker, tickers)):
            raise Refused("invalid-inputs")
        now = self._markets.now().astimezone(UTC)
        oldest = now - HISTORY
        since, until = _moment(asked.get("time_from"), oldest), _moment(asked.get("time_to"), now)
        if since > until:
            raise Refused("invalid-inputs")
        # Only these two limits have effect, whatever the documentation says.
        limit = _MOST_ARTICLES if asked.get("limit") == str(_MOST_ARTICLES) else _USUAL_ARTICLES
        sort = _sort(asked.get("sort", "LATEST"))
        return feed(self._markets.press.find(max(since, oldest), min(until, now), tickers, sort=sort, limit=limit))

    def _is_ticker(self, ticker: str) -> bool:
        return ticker in ELSEWHERE or self._markets.spelled_with_dash(ticker) is not None


def _sort(asked: str) -> Sort:
    for one in get_args(Sort):
        if one == asked.upper():
            found: Sort = one
            return found
    raise Refused("invalid-inputs")


def _moment(text: str | None, default: datetime) -> datetime:
    """`YYYYMMDDTHHMM`; with seconds, as articles have it, it is an error."""
    if not text:
        return default
    if len(text) != len("YYYYMMDDTHHMM"):
        raise Refused("invalid-inputs")
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M").replace(tzinfo=UTC)
    except ValueError:
        raise Refused("invalid-inputs") from None


def _broken(shown: str, kind: Broken) -> str:
    header = ",".join(COLUMNS)
    said = json.dumps(refusal("burst"))
    return {
        "header": f"{header}\r\n",
        "letters": f"{header}\r\n{','.join('Error Message'[: len(COLUMNS)])}\r\n",
        "json": said,
        "cut": shown[: len(shown) // 2],
        "empty": "",
    }[kind]


def _json(document: Any) -> Answer:
    return Answer(200, "application/json", json.dumps(document, indent=4).encode())


def _csv(text: str) -> Answer:
    return Answer(200, "application/x-download", text.encode())
