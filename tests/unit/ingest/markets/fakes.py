"""The markets watch without AWS and without upstreams: tables that are dicts, and a process that can be killed at any
step."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ingest.errors import BudgetSpent, RowRefused
from ingest.markets.alpaca import Alpaca
from ingest.markets.alphavantage import AlphaVantage, NewsPage
from ingest.markets.calls import Calls
from ingest.reading import Caller, Reading
from watchkeeper.errors import ConditionFailed, ItemNotFound, LeaseTaken
from watchkeeper.events import DomainEvent
from watchkeeper.markets.models import ACTIVE, Article, Asset, Earnings, Overview, Period, Report, Statement
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.earnings import EarningsRepository
from watchkeeper.markets.repositories.fundamentals import FundamentalsRepository, Pollenation
from watchkeeper.markets.repositories.news import NewsRepository
from watchkeeper.progress import ProgressRepository, Source

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""A Friday."""


@dataclass
class FakeClock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Killed(BaseException):
    """The process is gone: nothing after it is done any more."""


@dataclass
class Steps:
    """Whatever leaves the process, in its order; one of them can be the last."""

    done: list[str] = field(default_factory=list)
    fatal: int | None = None
    """Which one, counted from 0."""
    error: type[BaseException] = Killed
    after: bool = False
    """Whether it is done all the same, and only its answer does not come."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        here = self.fatal == len(self.done)
        self.done.append(name)
        if here and not self.after:
            raise self.error(name)
        yield
        if here:
            raise self.error(name)


@dataclass
class FakeAlphaVantage(AlphaVantage):
    """Answers what it is told to; an exception is raised."""

    steps: Steps = field(default_factory=Steps)
    clock: FakeClock = field(default_factory=FakeClock)
    wait: Callable[[], None] = lambda: None
    """Before each call, as the ``Upstream`` has it."""
    told: dict[Statement, Any] = field(default_factory=dict)
    calendar: str = ""
    feed: list[dict[str, Any]] = field(default_factory=list)
    page: int = 1000
    """Articles of a page of news."""
    newest_first: bool = False
    always: list[dict[str, Any]] | None = None
    """What it answers whenever it is asked for news, whatever of."""
    asked: list[Statement] = field(default_factory=list)
    windows: list[datetime] = field(default_factory=list)

    def statement(self, statement: Statement, symbol: str) -> dict[str, Any] | None:
        self.wait()
        with self.steps.step(f"ask {statement}"):
            self.asked.append(statement)
            self.clock.sleep(1)
            answer = self.told[statement]
            if isinstance(answer, Exception):
                raise answer
            return answer  # type: ignore[no-any-return]

    def earnings_calendar(self, horizon: str = "3month") -> str:
        self.wait()
        return self.calendar

    def news(self, time_from: datetime, time_to: datetime | None = None, limit: int = 1000) -> NewsPage:
        self.wait()
        self.windows.append(time_from)
        if self.always is not None:
            return NewsPage(list(self.always), full=True)
        first = time_from.replace(second=0, microsecond=0).strftime("%Y%m%dT%H%M%S")
        rows = sorted(
            (row for row in self.feed if row["time_published"] >= first), key=lambda row: row["time_published"]
        )
        page = rows[: self.page]
        return NewsPage(list(reversed(page) if self.newest_first else page), full=len(rows) >= self.page)


@dataclass
class FakeAlpaca(Alpaca):
    rows: list[object] = field(default_factory=list)
    traded: Mapping[str, int] | Exception = field(default_factory=dict)

    def assets(self) -> list[object]:
        return self.rows

    def volumes(self, symbols: Iterable[str]) -> dict[str, int]:
        if isinstance(self.traded, Exception):
            raise self.traded
        return {symbol: self.traded[symbol] for symbol in symbols if symbol in self.traded}


@dataclass
class FakeCalls(Calls):
    """So many calls, and no more."""

    left: float = float("inf")
    taken: int = 0
    retry_at: datetime = NOW + timedelta(hours=12)

    def take(self, wanted: int) -> None:
        if self.taken >= wanted:
            return
        granted = min(wanted - self.taken, self.left)
        self.left -= granted
        self.taken += int(granted)
        if not self.taken:
            raise BudgetSpent("spent", retry_at=self.retry_at)

    def wait(self) -> None:
        self.take(1)
        self.taken -= 1

    def give_back(self) -> None:
        self.left += self.taken
        self.taken = 0


@dataclass
class FakeAssets(AssetRepository):
    steps: Steps = field(default_factory=Steps)
    items: dict[str, Asset] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)

    def get(self, symbol: str, *, consistent: bool = False) -> Asset:
        if symbol not in self.items:
            raise ItemNotFound(f"no asset {symbol}")
        return self.items[symbol]

    def get_many(self, symbols: Iterable[str]) -> dict[str, Asset]:
        return {symbol: self.items[symbol] for symbol in symbols if symbol in self.items}

    def all(self) -> Iterator[Asset]:
        return iter(list(self.items.values()))

    def add(self, assets: Iterable[Asset]) -> None:
        with self.steps.step("add assets"):
            for asset in assets:
                self.items[asset.symbol] = asset
                self.written[asset.symbol] += 1

    def change(self, asset: Asset) -> None:
        with self.steps.step(f"change {asset.symbol}"):
            before = self.items[asset.symbol]
            self.items[asset.symbol] = replace(asset, last_pollenated=before.last_pollenated, no_data=before.no_data)
            self.written[asset.symbol] += 1

    def forget_pollenation(self, symbol: str) -> None:
        with self.steps.step(f"forget {symbol}"):
            self.items[symbol] = replace(self.items[symbol], last_pollenated=None, no_data=False)

    def pollenated(self, symbol: str, at: datetime, *, no_data: bool) -> None:
        with self.steps.step("note pollenation"):
            before = self.items[symbol].last_pollenated
            if before is None or before < at:
                self.items[symbol] = replace(self.items[symbol], last_pollenated=at, no_data=no_data)


Place = tuple[str, date]


@dataclass
class FakeEarnings(EarningsRepository):
    """By symbol and day, as the table has them."""

    steps: Steps = field(default_factory=Steps)
    items: dict[Place, Earnings] = field(default_factory=dict)
    written: list[Place] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
    """What somebody else does just before a move."""

    @property
    def reports(self) -> list[Earnings]:
        return [self.items[place] for place in sorted(self.items)]

    def of_asset(self, symbol: str, *, since: date | None = None) -> list[Earnings]:
        return [one for one in self.reports if one.symbol == symbol and (since is None or one.earnings_date >= since)]

    def between(
        self, first: date, last: date, *, after: str | None = None, page_size: int = 500
    ) -> Iterator[tuple[str, Earnings]]:
        found = [one for one in self.reports if first <= one.earnings_date <= last]
        return iter([(f"{one.earnings_date}#{one.symbol}", one) for one in found])

    def put(self, earnings: list[Earnings]) -> None:
        for one in earnings:
            self._write(one)

    def swap(self, earnings: Sequence[Earnings]) -> None:
        self.put(list(earnings))

    def change(self, earnings: Earnings) -> None:
        processed = self.items[_place(earnings)].processed_at
        self._write(replace(earnings, processed_at=processed))

    def move(self, old: Earnings, new: Earnings) -> None:
        self.meanwhile()
        stored = self.items.get(_place(old))
        if stored is None or (stored.processed_at is None) != (old.processed_at is None):
            raise ConditionFailed("it is another now")
        del self.items[_place(old)]
        self._write(new)

    def mark_processed(self, earnings: Earnings, at: datetime) -> bool:
        stored = self.items.get(_place(earnings))
        if stored is None or stored.processed_at:
            return False
        self.items[_place(earnings)] = replace(stored, processed_at=at)
        return True

    def _write(self, earnings: Earnings) -> None:
        self.items[_place(earnings)] = earnings
        self.written.append(_place(earnings))


def _place(earnings: Earnings) -> Place:
    return earnings.symbol, earnings.earnings_date


@dataclass
class FakeFundamentals(FundamentalsRepository):
    """Of one asset."""

    steps: Steps = field(default_factory=Steps)
    rows: dict[tuple[Statement, Period, date], Report] = field(default_factory=dict)
    told: dict[date, Overview] = field(default_factory=dict)
    states: dict[str, Pollenation] = field(default_factory=dict)
    former: dict[str, dict[tuple[Statement, Period, date], Report]] = field(default_factory=dict)
    written: Counter[object] = field(default_factory=Counter)

    def stored(self, symbol: str, statement: Statement) -> dict[tuple[Period, date], Report]:
        with self.steps.step(f"read {statement}"):
            return {(key[1], key[2]): report for key, report in self.rows.items() if key[0] is statement}

    def put(self, reports: Iterable[Report]) -> None:
        with self.steps.step("put reports"):
            for report in reports:
                key = (report.statement, report.period, report.fiscal_date_ending)
                self.rows[key] = report
                self.written[key] += 1

    def overviews(
        self, symbol: str, *, since: date | None = None, until: date | None = None, page_size: int = 2
    ) -> Iterator[Overview]:
        return iter([self.told[day] for day in sorted(self.told, reverse=True)])

    def put_overview(self, overview: Overview) -> None:
        with self.steps.step("put overview"):
            self.told[overview.last_updated] = overview
            self.written[overview.last_updated] += 1

    def set_aside(self, symbol: str, company: str) -> None:
        with self.steps.step("set aside"):
            self.former[company] = {**self.former.get(company, {}), **self.rows}
            self.rows.clear()
            self.told.clear()

    def of_period(self, symbol: str, fiscal_date_ending: date) -> list[Report]:
        return [report for key, report in self.rows.items() if key[2] == fiscal_date_ending]

    def pollenation(self, symbol: str, *, consistent: bool = True) -> Pollenation:
        return self.states.get(symbol, Pollenation(symbol))

    def keep(self, pollenation: Pollenation) -> Pollenation:
        with self.steps.step("keep state"):
            if pollenation.edition != self.pollenation(pollenation.symbol).edition:
                raise LeaseTaken(f"another worker pollenates {pollenation.symbol}")
            kept = replace(pollenation, edition=pollenation.edition + 1)
            self.states[pollenation.symbol] = kept
            return kept


@dataclass
class FakeNews(NewsRepository):
    """One article and symbol an item."""

    items: dict[tuple[str, datetime, str], Article] = field(default_factory=dict)
    written: int = 0

    def first_told(self, news_id: str) -> datetime | None:
        return min((key[1] for key in self.items if key[0] == news_id), default=None)

    def put_changed(self, articles: Iterable[Article]) -> tuple[int, int]:
        told = {
            (article.id, article.published_at, mention.symbol): replace(article, mentions=(mention,))
            for article in articles
            for mention in article.mentions
        }
        changed = {key: article for key, article in told.items() if self.items.get(key) != article}
        self.items |= changed
        self.written += len(changed)
        return len(changed), len(told) - len(changed)

    def known(self, articles: Iterable[Article]) -> set[str]:
        return {
            article.id
            for article in articles
            if all((article.id, article.published_at, mention.symbol) in self.items for mention in article.mentions)
        }


@dataclass
class FakeProgress(ProgressRepository):
    stored: dict[str, Source] = field(default_factory=dict)
    leases: int = 0

    def source(self, name: str) -> Source:
        return self.stored.get(name, Source(name))

    def save(self, source: Source) -> None:
        self.stored[source.name] = source

    def take_lease(self, upstream: str, holder: str, *, now: datetime, seconds: int) -> None:
        self.leases += 1

    def end_lease(self, upstream: str, holder: str) -> None:
        self.leases -= 1


@dataclass
class FakeBus:
    steps: Steps = field(default_factory=Steps)
    told: list[DomainEvent] = field(default_factory=list)

    def publish(self, events: Sequence[DomainEvent]) -> None:
        with self.steps.step("publish"):
            self.told += events


@dataclass
class Told:
    """What was said of answers that could not be taken."""

    refused: list[RowRefused] = field(default_factory=list)

    def __call__(self, refused: Sequence[RowRefused]) -> None:
        self.refused += refused


def reading_of(progress: FakeProgress, name: str, clock: Callable[[], datetime], seconds: float = 300) -> Reading:
    return Reading(progress.source(name), name, progress, Caller("call-1", lambda: seconds), clock)


def asset(symbol: str = "AAPL", **fields: Any) -> Asset:
    given = {"status": ACTIVE, "exchange": "NASDAQ", "asset_class": "us_equity", "tradable": True, **fields}
    return Asset(symbol, fields.pop("id", f"id-{symbol}"), f"{symbol} Inc.", **{**given, **fields})
