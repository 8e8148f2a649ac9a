"""The two vendors of the sample markets, asked without sockets."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from local.upstreams.http import Answer, Request
from local.upstreams.markets import ALPACA_KEY_ID, ALPACA_SECRET_KEY, ALPHAVANTAGE_API_KEY, Markets
from local.upstreams.markets.alpaca import AlpacaApplication
from local.upstreams.markets.alphavantage import AlphaVantageApplication

FRIDAY = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
KEYS = {"apca-api-key-id": ALPACA_KEY_ID, "apca-api-secret-key": ALPACA_SECRET_KEY}


@dataclass
class Vendors:
    """Both over one world, in which time passes only when told."""

    now: datetime = FRIDAY
    markets: Markets = field(init=False)

    def __post_init__(self) -> None:
        self.markets = Markets(clock=lambda: self.now)
        self._alpaca = AlpacaApplication(lambda: self.markets)
        self._alphavantage = AlphaVantageApplication(lambda: self.markets)

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)

    def alpaca(self, path: str, headers: dict[str, str] = KEYS, /, **query: str) -> Answer:
        target = f"{path}?{urlencode(query)}" if query else path
        return self._alpaca(Request("GET", target, headers))

    def assets(self, **query: str) -> list[Any]:
        found: list[Any] = _body(self.alpaca("/v2/assets", **query))
        return found

    def snapshots(self, symbols: str) -> Any:
        return _body(self.alpaca("/v2/stocks/snapshots", symbols=symbols, feed="iex"))

    def text(self, function: str, apikey: str = ALPHAVANTAGE_API_KEY, **query: str) -> str:
        asked = urlencode({"function": function, **query, "apikey": apikey})
        answer = self._alphavantage(Request("GET", f"/query?{asked}"))
        assert answer.status == 200
        return answer.whole().decode()

    def ask(self, function: str, symbol: str = "", **query: str) -> Any:
        return json.loads(self.text(function, **({"symbol": symbol} if symbol else {}), **query))

    def news(self, **query: str) -> list[Any]:
        found: list[Any] = self.ask("NEWS_SENTIMENT", **query)["feed"]
        return found

    def calendar(self, **query: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.text("EARNINGS_CALENDAR", **query))))

    def report_dates(self, symbol: str, **query: str) -> list[str]:
        return [row["reportDate"] for row in self.calendar(**query) if row["symbol"] == symbol]

    def newest(self, function: str, symbol: str) -> str:
        """The newest period that function shows."""
        found = self.ask(function, symbol)
        if function == "OVERVIEW":
            return str(found["LatestQuarter"])
        reports = found["quarterlyEarnings" if function == "EARNINGS" else "quarterlyReports"]
        return str(reports[0]["fiscalDateEnding"])


def _body(answer: Answer) -> Any:
    assert answer.status == 200, answer
    return json.loads(answer.whole())
