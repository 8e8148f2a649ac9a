"""The sentiment of an asset's news over time."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

from api.markets import views
from watchkeeper.markets.models import Article, Mention
from watchkeeper.markets.repositories.news import NewsRepository

MAX_ARTICLES = 5000
"""In one series; reading them takes about 9 MB."""

_PLACES = Decimal("0.000001")
_PAGE = 1000


def series(news: NewsRepository, symbol: str, since: datetime, until: datetime, period: str) -> views.SentimentSeries:
    """From the newest articles between two moments, the end exclusive."""
    found = news.of_asset(symbol, since=since, until=until, page_size=_PAGE)
    articles = [article for _, article in islice(found, MAX_ARTICLES + 1)]
    looked_at = articles[:MAX_ARTICLES]
    return views.SentimentSeries(
        symbol=symbol,
        period=period,
        since=since,
        until=until,
        articles=len(looked_at),
        truncated=len(looked_at) < len(articles),
        buckets=buckets(looked_at, period),
    )


def buckets(articles: Iterable[Article], period: str) -> list[views.SentimentBucket]:
    """Oldest first, without empty ones."""
    grouped: dict[datetime, list[Mention]] = {}
    for article in articles:
        grouped.setdefault(start_of(article.published_at, period), []).extend(article.mentions)
    return [_bucket(start, grouped[start]) for start in sorted(grouped)]


def start_of(moment: datetime, period: str) -> datetime:
    """The start of its hour, day or week (ISO 8601: from Monday on)."""
    if period == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday()) if period == "week" else midnight


def _bucket(start: datetime, mentions: Sequence[Mention]) -> views.SentimentBucket:
    scores = [mention.score for mention in mentions]
    return views.SentimentBucket(
        start=start,
        count=len(mentions),
        weighted_mean=_mean(scores, [mention.relevance for mention in mentions]),
        mean=_mean(scores, [Decimal(1)] * len(scores)),
        min=min(scores),
        max=max(scores),
    )


def _mean(scores: Sequence[Decimal], weights: Sequence[Decimal]) -> Decimal:
    """If all weights are zero, all scores weigh the same."""
    total = sum(weights, Decimal())
    if not total:
        return _mean(scores, [Decimal(1)] * len(scores))
    weighed = sum((score * weight for score, weight in zip(scores, weights, strict=True)), Decimal())
    return (weighed / total).quantize(_PLACES)
