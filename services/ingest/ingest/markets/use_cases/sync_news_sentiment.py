"""Read the news since the last run, with overlap, and store those that mention a tracked asset."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ingest.errors import BudgetSpent, DayOver, RowRefused
from ingest.markets.alphavantage import AlphaVantage
from ingest.markets.articles import parse_article
from ingest.reading import RECENT, Reading
from watchkeeper.clock import Clock, from_iso, to_iso
from watchkeeper.logs import logger
from watchkeeper.markets.models import ACTIVE, Article
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.news import NewsRepository
from watchkeeper.metrics import ALPHAVANTAGE_THROTTLED, measure

WINDOW = timedelta(hours=2)
"""At least this span is read."""

OVERLAP = timedelta(minutes=15)
"""Articles may be dated before they appear."""

FURTHEST = timedelta(days=7)
"""After a longer gap, older news are left out."""

MOST = 1000
"""Articles per page: the maximum."""

_SEEN = "seen"
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewsSync:
    client: AlphaVantage
    assets: AssetRepository
    news: NewsRepository
    clock: Clock

    def read(self, reading: Reading) -> bool:
        """Oldest first, page by page; ``False`` if the calls or the time ran out, and the next run continues where this
        one ended. Raises ``UpstreamError``."""
        reading.start(RECENT)
        begun = self.clock()
        start = self._start(reading)
        while True:
            try:
                page = self.client.news(start, limit=MOST)
            except (BudgetSpent, DayOver):
                measure(ALPHAVANTAGE_THROTTLED, 1)
                return self._rest(reading)
            articles = _parsed(page.rows, reading)
            self._keep(articles, len(page.rows), reading)
            seen = self._seen(articles, reading)
            if page.full and not _is_oldest_first(articles):
                reading.note_gap("a full page did not begin with the oldest news: some may be left out")
            if not page.full or self._is_of_another_time(articles, start, reading):
                reading.go_live()
                read_until = max(seen, to_iso(begun))  # even if there was no news
                reading.finish({_SEEN: read_until}, complete=False)  # what was left out is not read later
                return True
            reading.save({_SEEN: seen})
            if reading.out_of_time():
                return self._rest(reading)
            start = self._after(start, articles, reading)

    def _rest(self, reading: Reading) -> bool:
        logger.info("news are left to a later run", seen=reading.cursor.get(_SEEN))
        return False

    def _start(self, reading: Reading) -> datetime:
        now = self.clock()
        seen = from_iso(str(reading.cursor[_SEEN])) if _SEEN in reading.cursor else now
        start = min(now - WINDOW, seen - OVERLAP)
        if start < now - FURTHEST:
            reading.note_gap(f"news from {to_iso(start)} to {to_iso(now - FURTHEST)} were not read")
        return max(start, now - FURTHEST).replace(second=0, microsecond=0)

    def _after(self, start: datetime, articles: Sequence[Article], reading: Reading) -> datetime:
        """Where the next page starts: the upstream accepts whole minutes, so that the last one is repeated."""
        newest = max((article.published_at for article in articles), default=start)
        if newest - start >= _MINUTE:
            return newest.replace(second=0)
        reading.note_gap(f"there are more than {MOST} news of the minute {to_iso(start)}")
        return start + _MINUTE

    def _is_of_another_time(self, articles: Sequence[Article], start: datetime, reading: Reading) -> bool:
        """A full page without anything of the requested time: the next one would be the same."""
        if not articles or max(article.published_at for article in articles) >= start:
            return False
        reading.note_gap(f"a full page had no news from {to_iso(start)} on, which was asked for")
        return True

    def _seen(self, articles: Iterable[Article], reading: Reading) -> str:
        """The newest time in it, but none in the future."""
        times = [to_iso(min(article.published_at, self.clock())) for article in articles]
        return max([*times, str(reading.cursor.get(_SEEN) or to_iso(self.clock() - WINDOW))])

    def _keep(self, articles: Sequence[Article], fetched: int, reading: Reading) -> None:
        reading.keep_lease()
        tracked = self._tracked(articles)
        known = self.news.known(tracked)
        told = [article if article.id in known else self._as_first_told(article) for article in tracked]
        stored, unchanged = self.news.put_changed(told)
        reading.count(fetched=fetched, stored=stored, unchanged=unchanged)

    def _tracked(self, articles: Sequence[Article]) -> list[Article]:
        """The articles that mention an active asset, with only those mentions."""
        assets = self.assets.get_many({mention.symbol for article in articles for mention in article.mentions})
        active = {symbol for symbol, asset in assets.items() if asset.status == ACTIVE}
        kept = (
            replace(article, mentions=tuple(mention for mention in article.mentions if mention.symbol in active))
            for article in articles
        )
        return [article for article in kept if article.mentions]

    def _as_first_told(self, article: Article) -> Article:
        """An article that is repeated with another time is still the same."""
        first = self.news.first_told(article.id)
        return replace(article, published_at=first) if first else article


def _is_oldest_first(articles: Sequence[Article]) -> bool:
    return not articles or articles[0].published_at <= articles[-1].published_at


def _parsed(rows: Iterable[object], reading: Reading) -> list[Article]:
    """What could be read, each article once; the last of duplicates."""
    articles: dict[str, Article] = {}
    for row in rows:
        try:
            parsed = parse_article(row)
            articles[parsed.article.id] = parsed.article
            for mention in parsed.refused:
                reading.refuse(mention)
        except RowRefused as refused:
            reading.refuse(refused)
    return list(articles.values())
