"""The markets that both servers show, and what can happen in them."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from local.upstreams.changes import UnknownThing
from local.upstreams.markets.books import Books
from local.upstreams.markets.companies import Company, make_companies, strangers
from local.upstreams.markets.fiscal import last_trading_day, months_later, quarter_ends, report_date
from local.upstreams.markets.news import Article, Press
from local.upstreams.markets.trouble import Trouble

Json = dict[str, Any]

ALPACA_KEY_ID = "sample-key-id"
ALPACA_SECRET_KEY = "sample-secret-key"  # noqa: S105  (the sample's, which guards nothing)
ALPHAVANTAGE_API_KEY = "sample-api-key"
STATEMENTS = ("INCOME_STATEMENT", "BALANCE_SHEET", "CASH_FLOW")
FUNCTIONS = ("OVERVIEW", "EARNINGS", *STATEMENTS)
"""Those that show a company's fiscal periods."""
DEFAULT_COMPANIES = 60
DEFAULT_SEED = 20
EARLY_REPORTERS = 2
"""How many report on the day the world was created, if there are companies whose quarter has ended."""
_BOOKS_KEPT = 200


@dataclass
class Reporting:
    """How one company's periods differ from the usual."""

    moved: dict[date, date] = field(default_factory=dict)
    """Report dates, by the end of the period."""
    released: dict[str, date] = field(default_factory=dict)
    """By function, the period that was published out of turn."""
    late_days: dict[str, int] = field(default_factory=dict)
    reported: dict[date, date] = field(default_factory=dict)
    """When a period that was released was reported."""


class Markets:
    """
    The same for a seed and a time: the world follows `clock`, and only changes are stored.

    A fiscal period is in the answers from the day after its report; the calendar shows reports from today on.
    On the day it was `made`, `early_reporters` report before the market opens, and what they say is in the answers.
    Hold `lock` while changing.
    """

    def __init__(
        self,
        companies: int = DEFAULT_COMPANIES,
        seed: int = DEFAULT_SEED,
        clock: Callable[[], datetime] | None = None,
        made: datetime | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.trouble = Trouble(self.now)
        self.key_id, self.secret_key, self.api_key = ALPACA_KEY_ID, ALPACA_SECRET_KEY, ALPHAVANTAGE_API_KEY
        self.altered: dict[str, Json] = {}
        self.vanished: set[str] = set()
        self.shown_percent = 100.0
        self._clock = clock or (lambda: datetime.now(UTC))
        self._pretended: datetime | None = None
        self._seed, self._count, self._made = seed, companies, made
        self._companies = make_companies(companies, seed)
        self._strangers = strangers()
        self._by_symbol = {one.symbol: one for one in (*self._companies, *self._strangers)}
        self._by_dashed = {one.dashed: one for one in self._by_symbol.values() if one.kind in ("company", "fund")}
        self._books: dict[str, Books] = {}
        self._reporting: dict[str, Reporting] = {}
        self._volumes: dict[str, int | None] = {}
        self.press = Press([one for one in self._companies if one.dashed in self._by_dashed], self._strangers, seed)
        self.early_reporters = self._report_early(made) if made else ()

    # What there is

    def now(self) -> datetime:
        return self._pretended or self._clock()

    def today(self) -> date:
        return self.now().astimezone(UTC).date()

    @contextmanager
    def at(self, moment: datetime) -> Iterator[Markets]:
        """Everything within happens at that time."""
        with self.lock:
            before, self._pretended = self._pretended, moment
            try:
                yield self
            finally:
                self._pretended = before

    def companies(self) -> Sequence[Company]:
        """All that Alpaca ever listed."""
        return self._companies

    def company(self, symbol: str) -> Company:
        """By Alpaca's spelling. Raises `UnknownThing`."""
        if symbol not in self._by_symbol:
            raise UnknownThing(f"no symbol {symbol!r}")
        return self._by_symbol[symbol]

    def spelled_with_dash(self, symbol: str) -> Company | None:
        """By AlphaVantage's spelling; it knows neither warrants nor coins."""
        return self._by_dashed.get(symbol)

    def reporters(self) -> Iterable[Company]:
        """Those the earnings calendar knows."""
        return (one for one in self._by_dashed.values() if one.kind == "company" and one.status != "inactive")

    def books(self, company: Company) -> Books:
        """Only recently requested ones are kept: figures of thousands of companies would fill the memory."""
        if len(self._books) > _BOOKS_KEPT:
            self._books.clear()
        if company.symbol not in self._books:
            self._books[company.symbol] = Books(company, self._seed)
        return self._books[company.symbol]

    # Fiscal periods

    def report_date(self, company: Company, end: date) -> date:
        found = self._reporting.get(company.symbol)
        return (found.moved.get(end) if found else None) or report_date(company, end)

    def reported(self, company: Company) -> dict[date, date]:
        """Report dates that differ from the usual, by the end of the period."""
        found = self._reporting.get(company.symbol)
        return found.moved | found.reported if found else {}

    def latest(self, symbol: str, function: str) -> date:
        """The end of the newest period that function shows."""
        company, today = self.company(symbol), self.today()
        reporting = self._reporting.get(symbol) or Reporting()
        usual = company.late_days if function in STATEMENTS else 0
        late = timedelta(days=reporting.late_days.get(function, usual))
        end = max([quarter_ends(company, today), *reporting.moved])
        while self.report_date(company, end) + late >= today:
            end = months_later(end, -3)
        return max(end, reporting.released.get(function, end))

    def next_reports(self, company: Company, until: date) -> Iterator[tuple[date, date]]:
        """The periods to come, with the dates of their reports; one that came today is among them until tomorrow."""
        end, today = self.latest(company.symbol, "EARNINGS"), self.today()
        if self.report_date(company, end) != today:
            end = months_later(end, 3)
        while (day := self.report_date(company, end)) <= until:
            if day >= today:
                yield end, day
            end = months_later(end, 3)

    def earnings_date(self, symbol: str) -> date:
        return self._next_report(self.company(symbol))[1]

    def _report_early(self, made: datetime) -> tuple[str, ...]:
        with self.at(made):
            waiting = [one for one in self._companies if _is_plain(one) and self._next_report(one)[0] <= self.today()]
            for company in waiting[:EARLY_REPORTERS]:
                moved = self.move_earnings(company.symbol, self.today())
                self.report_quarter(company.symbol, fiscal_date_ending=moved["fiscal_date_ending"])
        return tuple(company.symbol for company in waiting[:EARLY_REPORTERS])

    def _next_report(self, company: Company) -> tuple[date, date]:
        return next(iter(self.next_reports(company, date.max)))

    def move_earnings(self, symbol: str, date: date | str, fiscal_date_ending: date | str | None = None) -> Json:
        """The next report, or that of the named period, is on another day; its statements follow it."""
        company = self.company(symbol)
        end = _day(fiscal_date_ending) if fiscal_date_ending else self._next_report(company)[0]
        self._of(company).moved[end] = _day(date)
        return {"symbol": symbol, "fiscal_date_ending": end.isoformat(), "report_date": _day(date).isoformat()}

    def report_quarter(
        self,
        symbol: str,
        functions: Sequence[str] | None = None,
        fiscal_date_ending: date | str | None = None,
    ) -> Json:
        """All functions, or those named, show one more period now: the next of the one that lags most behind."""
        company, named = self.company(symbol), _functions(functions)
        behind = min(self.latest(symbol, name) for name in named)
        end = _day(fiscal_date_ending) if fiscal_date_ending else months_later(behind, 3)
        reporting = self._of(company)
        for name in named:
            reporting.released[name] = max(end, self.latest(symbol, name))
        reporting.reported.setdefault(end, min(self.today(), self.report_date(company, end)))
        return {"symbol": symbol, "fiscal_date_ending": end.isoformat(), "functions": list(named)}

    def publish_late(self, symbol: str, days: int, functions: Sequence[str] | None = None) -> Json:
        """The statements, or the named functions, show a period that many days after its report."""
        named = _functions(functions or STATEMENTS)
        self._of(self.company(symbol)).late_days |= dict.fromkeys(named, int(days))
        return {"symbol": symbol, "days": int(days), "functions": list(named)}

    # Assets

    def listed(self) -> list[Company]:
        """What Alpaca's list shows now, in its order."""
        there = [one for one in self._companies if one.symbol not in self.vanished]
        return there[: round(len(there) * self.shown_percent / 100)]

    def traded(self, symbol: str) -> Company | None:
        """By Alpaca's spelling, if it is one of its own that did not vanish; coins have a place of their own."""
        company = self._by_symbol.get(symbol)
        if company is None or symbol in self.vanished or company.kind in ("coin", "perpetual"):
            return None
        return None if company in self._strangers else company

    def vanish(self, symbol: str) -> Json:
        self.vanished.add(self.company(symbol).symbol)
        return {"symbol": symbol}

    def come_back(self, symbol: str, id: str | None = None) -> Json:  # noqa: A002  (the vendor's name)
        self.vanished.discard(self.company(symbol).symbol)
        return self.alter_asset(symbol, **({"id": id} if id else {}))

    def alter_asset(self, symbol: str, **fields: Any) -> Json:
        """Fields of Alpaca's row, by the vendor's names."""
        altered = self.altered.setdefault(self.company(symbol).symbol, {})
        altered |= fields
        return {"symbol": symbol, **altered}

    def truncate_assets(self, percent: float) -> Json:
        """The list breaks off after that share of its rows; 100 shows all."""
        self.shown_percent = float(percent)
        return {"shown": len(self.listed())}

    # Prices and volumes

    def price(self, company: Company, day: date) -> float:
        usual = 5 + 400 * self._dice(company, "price").random() ** 2
        return round(usual * self._dice(company, f"price {day}").uniform(0.97, 1.03), 2)

    def volume(self, company: Company, day: date) -> int | None:
        """Of a trading day at IEX, where papers over the counter have none. A set one counts for all days."""
        if company.symbol in self._volumes:
            return self._volumes[company.symbol]
        if company.exchange == "OTC":
            return None
        usual = 10 ** self._dice(company, "volume").uniform(2.5, 6.5)
        return int(usual * self._dice(company, f"volume {day}").uniform(0.6, 1.6))

    def trading_days(self) -> tuple[date, date]:
        """The last trading day, and the one before."""
        day = last_trading_day(self.today())
        return day, last_trading_day(day - timedelta(days=1))

    def set_volume(self, symbol: str, volume: int | None) -> Json:
        self._volumes[self.company(symbol).symbol] = None if volume is None else int(volume)
        return {"symbol": symbol, "volume": volume}

    # News

    def add_article(
        self,
        tickers: Sequence[str],
        title: str = "An article of its own",
        url: str | None = None,
        time: datetime | str | None = None,
        score: float = 0.2,
    ) -> Json:
        """Tickers in either spelling; published now unless told otherwise."""
        at = _moment(time) if time else self.now().astimezone(UTC).replace(microsecond=0)
        named = tuple((ticker.replace(".", "-"), 0.9, float(score)) for ticker in tickers)
        place = url or f"https://samplewire.example/{at:%Y/%m/%d}/own-{at:%H%M%S}-{len(self.press)}"
        return self.press.add(Article(at, place, title, named, float(score), (("earnings", 0.8),))).as_json()

    def move_article(self, url: str, time: datetime | str) -> Json:
        found = self.press.move(url, _moment(time), self.today())
        if found is None:
            raise UnknownThing(f"no article {url}")
        return found.as_json()

    # Keys

    def set_keys(self, key_id: str | None = None, secret_key: str | None = None, api_key: str | None = None) -> Json:
        """Only these are accepted from now on; what is not given stays."""
        self.key_id, self.secret_key = key_id or self.key_id, secret_key or self.secret_key
        self.api_key = api_key or self.api_key
        return {}

    def anew(self) -> Markets:
        """The same world before anything was changed."""
        return Markets(self._count, self._seed, self._clock, self._made)

    def counts(self) -> dict[str, int]:
        return {"companies": len(self._companies), "listed": len(self.listed()), "vanished": len(self.vanished)}

    def _of(self, company: Company) -> Reporting:
        return self._reporting.setdefault(company.symbol, Reporting())

    def _dice(self, company: Company, of: str) -> random.Random:
        return random.Random(f"{self._seed} {company.symbol} {of}")  # noqa: S311  (invents, guards nothing)


def _is_plain(company: Company) -> bool:
    """Whether it has nothing that surprises clients."""
    is_listed = company.kind == "company" and company.status == "active" and company.exchange not in ("", "OTC")
    return is_listed and not (company.two_spellings or company.early or company.late_days) and company.quarters > 8


def _functions(named: Sequence[str] | None) -> tuple[str, ...]:
    chosen = tuple(named) if named else FUNCTIONS
    if unknown := set(chosen) - set(FUNCTIONS):
        raise ValueError(f"no function shows fiscal periods that is called {', '.join(sorted(unknown))}")
    return chosen


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _moment(value: datetime | str) -> datetime:
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
