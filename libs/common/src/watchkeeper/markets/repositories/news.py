"""News: one item for each article and each tracked symbol it names.

| access pattern | key condition |
|---|---|
| an article | table: `news_id` |
| the news of an asset, by time | `asset-news-index`: `asset_symbol`, `time_published` |
| a day's news by sentiment | `sentiment-score-index`: `sentiment_bucket`, `sentiment_score`, bucket by bucket |

The sort key of the table is the time with the symbol. A bucket is a day and a tenth of the range of scores, so that a
day's news is spread over ten partitions, and a range of scores is in adjacent ones.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from watchkeeper import records
from watchkeeper.clock import from_iso, to_iso
from watchkeeper.dynamodb import Between, Item, Key, Keys, Table, Value
from watchkeeper.markets.models import Article, Mention

KEYS = Keys(
    "news_id",
    "time_published",
    index_partitions=("asset_symbol", "sentiment_bucket"),
    index_sorts=("time_published",),
)

NEWS_INDEX = "asset-news-index"
SENTIMENT_INDEX = "sentiment-score-index"
BUCKETS = 10
"""Per day."""

_PAGE = 200
_ATTRIBUTES = frozenset({"id", "mentions"})


class NewsRepository:
    def __init__(self, table: Table) -> None:
        self._table = table

    def first_told(self, news_id: str) -> datetime | None:
        """When an article was published, as it was first reported; ``None`` if it is not known."""
        items = self._table.query_page({"news_id": news_id}, limit=1, consistent=True).items
        return _published(items[0]) if items else None

    def put_changed(self, articles: Iterable[Article]) -> tuple[int, int]:
        """Store what is new or changed, by article and symbol; how many were stored, and how many were unchanged."""
        items = [_item(article, mention) for article in articles for mention in article.mentions]
        stored = self._table.batch_get((KEYS.of(item) for item in items), consistent=True)
        known = {tuple(KEYS.of(item).values()): item for item in stored}
        changed = [item for item in items if known.get(tuple(KEYS.of(item).values())) != item]
        self._table.batch_put(changed, keys=KEYS)
        return len(changed), len(items) - len(changed)

    def known(self, articles: Iterable[Article]) -> set[str]:
        """The ids of the articles of which every mention is stored, with exactly this time."""
        wanted: dict[str, set[Value]] = defaultdict(set)
        for article in articles:
            wanted[article.id] |= {_time(article, mention) for mention in article.mentions}
        keys: list[Key] = [{"news_id": name, "time_published": time} for name in wanted for time in wanted[name]]
        found: dict[str, set[Value]] = defaultdict(set)
        for item in self._table.batch_get(keys, consistent=True):
            found[str(item["news_id"])].add(item["time_published"])
        return {name for name in wanted if wanted[name] and wanted[name] == found[name]}

    def of_asset(
        self,
        symbol: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        start: Mapping[str, Any] | None = None,
        descending: bool = True,
        page_size: int = _PAGE,
    ) -> Iterator[tuple[dict[str, Value], Article]]:
        """News that names the asset, newest first, each with where the next one starts; ``until`` is not included."""
        bounds = Between(to_iso(since) if since else None, _before(until) if until else None)
        key = {"asset_symbol": symbol}
        return self._pages(NEWS_INDEX, key, ("time_published", bounds), start, page_size, descending=descending)

    def by_score(
        self, day: date, bucket: int, *, start: Mapping[str, Any] | None = None, page_size: int = _PAGE
    ) -> Iterator[tuple[dict[str, Value], Article]]:
        """A day's news in one bucket, by descending score for the symbol."""
        key = {"sentiment_bucket": _bucket_key(day, bucket)}
        return self._pages(SENTIMENT_INDEX, key, None, start, page_size, descending=True)

    def _pages(
        self,
        index: str,
        key: Key,
        sort: tuple[str, Between] | None,
        start: Mapping[str, Any] | None,
        page_size: int,
        *,
        descending: bool,
    ) -> Iterator[tuple[dict[str, Value], Article]]:
        names = {NEWS_INDEX: "asset_symbol", SENTIMENT_INDEX: "sentiment_score"}
        last: Item | None = dict(start) if start else None
        while True:
            page = self._table.query_page(
                key, index=index, sort=sort, descending=descending, limit=page_size, start=last
            )
            for item in page.items:
                place = {name: item[name] for name in (*KEYS.of(item), *key, names[index])}
                yield place, article_from_item(item)
            if page.last_key is None:
                return
            last = page.last_key


def bucket_of(score: Decimal) -> int:
    """The bucket of a score: 0 starts at -1, 9 ends at 1. A score beyond these belongs to the nearest bucket."""
    return min(max(int((score + 1) * BUCKETS / 2), 0), BUCKETS - 1)


def _bucket_key(day: date, bucket: int) -> str:
    return f"{day.isoformat()}#{bucket}"


def _time(article: Article, mention: Mention) -> str:
    return f"{to_iso(article.published_at)}#{mention.symbol}"


def _before(moment: datetime) -> str:
    """The last sort key before a moment."""
    return f"{to_iso(moment - timedelta(microseconds=1))}#~"


def _item(article: Article, mention: Mention) -> Item:
    return {
        "news_id": article.id,
        "time_published": _time(article, mention),
        "asset_symbol": mention.symbol,
        "sentiment_bucket": _bucket_key(article.published_at.astimezone(UTC).date(), bucket_of(mention.score)),
        "sentiment_score": mention.score,
        "record": records.encode(article, without=_ATTRIBUTES),
        "mention": records.dumps({"relevance": mention.relevance, "score": mention.score, "label": mention.label}),
    }


def _published(item: Item) -> datetime:
    return from_iso(str(item["time_published"]).partition("#")[0])


def article_from_item(item: Item) -> Article:
    """The article with what it says about the item's symbol."""
    record = records.loads(str(item["record"]))
    mention = records.loads(str(item["mention"]))
    return Article(
        id=str(item["news_id"]),
        published_at=_published(item),
        title=record.get("title", ""),
        url=record.get("url", ""),
        source=record.get("source", ""),
        summary=record.get("summary", ""),
        authors=tuple(record.get("authors", ())),
        topics=tuple(record.get("topics", ())),
        score=Decimal(record["score"]),
        label=record.get("label", ""),
        mentions=(
            Mention(
                symbol=str(item["asset_symbol"]),
                relevance=Decimal(mention["relevance"]),
                score=Decimal(mention["score"]),
                label=mention["label"],
            ),
        ),
    )
