"""News with sentiments: some articles a day, mentioning companies Alpaca trades and others."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from local.upstreams.markets.companies import Company

Json = dict[str, Any]
Sort = Literal["LATEST", "EARLIEST", "RELEVANCE"]

HISTORY = timedelta(days=60)
_SOURCES = ("Sample Wire", "Ledger Post", "Ticker Tribune", "Example Market Beat")
_TOPICS = (
    *("technology", "earnings", "financial_markets", "finance", "economy_macro", "life_sciences"),
    *("retail_wholesale", "mergers_and_acquisitions", "manufacturing", "energy_transportation"),
)
_TITLES = (
    "{name} Beats Estimates As Demand Holds",
    "{name} Cuts Its Outlook, Shares Slip",
    "Fund Trims Its Stake In {name}",
    "What Analysts Expect Of {name} This Quarter",
    'Director Of {name} Sells Shares: "Nothing To See"',
    "Is {name} Undervalued? A Look At The Numbers",
)
ELSEWHERE = ("CRYPTO:QZC", "FOREX:USD")
"""Tickers that are not companies."""
_DEFINITIONS = {
    "sentiment_score_definition": "x <= -0.35: Bearish; -0.35 < x <= -0.15: Somewhat-Bearish; -0.15 < x < 0.15: "
    "Neutral; 0.15 <= x < 0.35: Somewhat_Bullish; x >= 0.35: Bullish",
    "relevance_score_definition": "0 < x <= 1, with a higher score indicating higher relevance.",
}


@dataclass(frozen=True, slots=True)
class Article:
    at: datetime
    url: str
    title: str
    tickers: tuple[tuple[str, float, float], ...]
    """As AlphaVantage spells them, with relevance and sentiment."""
    score: float
    topics: tuple[tuple[str, float], ...] = ()
    source: str = _SOURCES[0]
    authors: tuple[str, ...] = ()
    banner: str | None = None

    def names(self, tickers: Sequence[str]) -> bool:
        return set(tickers) <= {ticker for ticker, _, _ in self.tickers}

    def relevance(self, tickers: Sequence[str]) -> float:
        return sum(relevance for ticker, relevance, _ in self.tickers if ticker in tickers)

    def as_json(self) -> Json:
        return {
            "title": self.title,
            "url": self.url,
            "time_published": f"{self.at:%Y%m%dT%H%M%S}",
            "authors": list(self.authors),
            "summary": f"{self.title}: an invented article of the sample markets.",
            "banner_image": self.banner,
            "source": self.source,
            "category_within_source": "General",
            "source_domain": self.source,
            "topics": [{"topic": name, "relevance_score": f"{relevance:.6f}"} for name, relevance in self.topics],
            "overall_sentiment_score": self.score,
            "overall_sentiment_label": label(self.score),
            "ticker_sentiment": [
                {
                    "ticker": ticker,
                    "relevance_score": f"{relevance:.6f}",
                    "ticker_sentiment_score": f"{score:.6f}",
                    "ticker_sentiment_label": label(score),
                }
                for ticker, relevance, score in self.tickers
            ],
        }


@dataclass
class Press:
    """Generates a day's articles on request, and stores those that were added or moved."""

    companies: Sequence[Company]
    others: Sequence[Company]
    seed: int
    _added: dict[str, Article] = field(default_factory=dict)
    _days: dict[date, list[Article]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Articles that were added or moved."""
        return len(self._added)

    def add(self, article: Article) -> Article:
        self._added[article.url] = article
        return article

    def move(self, url: str, at: datetime, today: date) -> Article | None:
        found = self._added.get(url) or self._written(url, today)
        return self.add(replace(found, at=at)) if found else None

    def find(
        self, since: datetime, until: datetime, tickers: Sequence[str] = (), *, sort: Sort = "LATEST", limit: int = 50
    ) -> list[Article]:
        """Published from `since` to `until`, both included, and naming all of the tickers."""
        found: list[Article] = []
        for day in _days(since.date(), until.date(), backwards=sort == "LATEST"):
            articles = (one for one in self.on(day) if since <= one.at <= until and one.names(tickers))
            found += sorted(articles, key=lambda one: one.at, reverse=sort == "LATEST")
            if len(found) >= limit and sort != "RELEVANCE":
                break
        if sort == "RELEVANCE":
            found.sort(key=lambda one: -one.relevance(tickers))
        return found[:limit]

    def on(self, day: date) -> list[Article]:
        if day not in self._days:
            self._days[day] = self._write(day)
        moved = self._added
        added = [one for one in moved.values() if one.at.date() == day]
        return [one for one in self._days[day] if one.url not in moved] + added

    def _written(self, url: str, today: date) -> Article | None:
        days = _days(today - HISTORY, today, backwards=True)
        return next((one for day in days for one in self.on(day) if one.url == url), None)

    def _write(self, day: date) -> list[Article]:
        count = max(40, len(self.companies) // 10)
        rng = random.Random(f"{self.seed} news {day}")  # noqa: S311  (invents, guards nothing)
        return [self._article(rng, day, number) for number in range(count)]

    def _article(self, rng: random.Random, day: date, number: int) -> Article:
        minutes = rng.randrange(24 * 60)
        at = datetime.combine(day, time(minutes // 60, minutes % 60, rng.choice((0, 0, 0, 17))), UTC)
        named = [self._ticker(rng) for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 5)))]
        source = rng.choice(_SOURCES)
        place = source.lower().replace(" ", "")
        about = rng.choice(self.companies).legal_name if self.companies else "The Market"
        score = round(rng.gauss(0.15, 0.2), 6)
        return Article(
            at=at,
            url=f"https://{place}.example/{day:%Y/%m/%d}/{number}-{rng.getrandbits(32):08x}",
            title=rng.choice(_TITLES).format(name=about),
            tickers=tuple(
                (ticker, round(rng.uniform(0.1, 1), 6), round(max(-1, min(1, rng.gauss(score, 0.1))), 6))
                for ticker in dict.fromkeys(named)
            ),
            score=max(-1.0, min(1.0, score)),
            topics=tuple((name, round(rng.uniform(0.2, 1), 6)) for name in rng.sample(_TOPICS, rng.randrange(1, 4))),
            source=source,
            authors=() if rng.random() < 0.3 else (f"Sam {rng.choice('ABCDEF')}. Writer",),
            banner=None if rng.random() < 0.06 else f"https://{place}.example/{number}.png",
        )

    def _ticker(self, rng: random.Random) -> str:
        if not self.companies or rng.random() < 0.15:
            return rng.choice([*(one.dashed for one in self.others), *ELSEWHERE])
        return self.companies[int(len(self.companies) * rng.random() ** 2)].dashed


def label(score: float) -> str:
    if score <= -0.35:
        return "Bearish"
    if score <= -0.15:
        return "Somewhat-Bearish"
    if score < 0.15:
        return "Neutral"
    return "Somewhat-Bullish" if score < 0.35 else "Bullish"


def feed(articles: Sequence[Article]) -> Json:
    return {"items": str(len(articles)), **_DEFINITIONS, "feed": [one.as_json() for one in articles]}


def _days(first: date, last: date, *, backwards: bool) -> Iterator[date]:
    days = range((last - first).days + 1)
    return (first + timedelta(days=number) for number in (reversed(days) if backwards else days))
