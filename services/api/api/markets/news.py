"""News of one asset by time, and of all assets by sentiment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from api.markets.parameters import Days, Moments
from api.web.paging import MAX_ROWS, Slice, take
from watchkeeper.markets.models import Article
from watchkeeper.markets.repositories.news import NewsRepository, bucket_of

_COST_OF_ASKING = 50
"""The cost of querying a day's bucket, in rows: a request queries at most forty of them."""

TimePlace = tuple[str, str]
"""The position of an article in an asset's news: its id, and its time with the symbol."""

ScorePlace = tuple[str, int] | tuple[str, int, str, str, str]
"""A day and a bucket; its beginning, or the position after an article: its id, time and score."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Filters for the news of all assets."""

    days: Days
    lowest: Decimal
    highest: Decimal


def of_asset(
    news: NewsRepository, symbol: str, wanted: Moments, *, limit: int, after: TimePlace | None
) -> Slice[Article]:
    """Newest first."""
    start = {"asset_symbol": symbol, "news_id": after[0], "time_published": after[1]} if after else None
    found = news.of_asset(symbol, since=wanted.since, until=wanted.until, start=start, page_size=limit + 1)
    rows = (((str(key["news_id"]), str(key["time_published"])), article) for key, article in found)
    return take(rows, lambda _: True, limit)


def by_sound(news: NewsRepository, wanted: Sound, *, limit: int, after: ScorePlace | None) -> Slice[Article]:
    """The newest day first, in each day the most positive news first."""
    found: list[Article] = []
    last: ScorePlace | None = None
    cost = 0
    for place, article in _rows(news, wanted, after, limit + 1):
        cost += _COST_OF_ASKING if article is None else 1
        if len(found) == limit or cost > MAX_ROWS:
            return Slice(found, place if article is None else last)
        last = place
        if article and wanted.lowest <= article.mentions[0].score <= wanted.highest:
            found.append(article)
    return Slice(found, None)


def _rows(
    news: NewsRepository, wanted: Sound, after: ScorePlace | None, page_size: int
) -> Iterator[tuple[ScorePlace, Article | None]]:
    """Before the rows of each bucket, its own position without an article."""
    for day, bucket in _buckets(wanted, after):
        yield (day.isoformat(), bucket), None
        start = (
            _start(after) if after and len(after) > 2 and (after[0], after[1]) == (day.isoformat(), bucket) else None
        )
        for key, article in news.by_score(day, bucket, start=start, page_size=page_size):
            if article.mentions[0].score < wanted.lowest:
                break
            here = (str(key["news_id"]), str(key["time_published"]), str(key["sentiment_score"]))
            yield (day.isoformat(), bucket, *here), article


def _buckets(wanted: Sound, after: ScorePlace | None) -> Iterator[tuple[date, int]]:
    """From the newest day to the oldest, in each day the most positive bucket first."""
    best, worst = bucket_of(wanted.highest), bucket_of(wanted.lowest)
    newest = date.fromisoformat(after[0]) if after else wanted.days.last
    for age in range((newest - wanted.days.first).days + 1):
        first = after[1] if after and age == 0 else best
        for bucket in range(first, worst - 1, -1):
            yield newest - timedelta(days=age), bucket


def _start(after: ScorePlace) -> dict[str, str | Decimal]:
    day, bucket, news_id, time_published, score = after  # type: ignore[misc]
    return {
        "sentiment_bucket": f"{day}#{bucket}",
        "sentiment_score": Decimal(score),
        "news_id": news_id,
        "time_published": time_published,
    }
