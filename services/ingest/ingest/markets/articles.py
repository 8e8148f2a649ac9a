"""Articles of AlphaVantage's news feed, with their sentiment for the shares they mention."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ingest.errors import RowRefused
from ingest.markets.fields import NO_LIST, NO_TEXT, Unfit, entries, text
from watchkeeper.markets.models import Article, Mention
from watchkeeper.markets.numbers import NotANumber, number
from watchkeeper.markets.symbols import from_alphavantage

NO_OBJECT = "the row is no object"
NO_TITLE = "it has no title"
NO_URL = "its address is none of a page"
NO_TIME = "its time is none"
NO_SCORE = "a score is none"
NO_RELEVANCE = "a relevance is none"
REASONS = frozenset({NO_OBJECT, NO_TITLE, NO_URL, NO_TIME, NO_SCORE, NO_RELEVANCE, NO_TEXT, NO_LIST})
"""Why articles and mentions are refused."""

_TIME = re.compile(r"(?:19|20)\d{6}T\d{4}(?:\d\d)?", re.ASCII)
_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f\\<>\"]")
_PORTS = {"http": ":80", "https": ":443"}
_TOLERANCE = Decimal("0.001")
"""What rounding may add to a score of 1."""

_LONGEST_TITLE = 500
_LONGEST_SUMMARY = 4_000
_LONGEST_URL = 2_000
_LONGEST_NAME = 200
_LONGEST_WORD = 60
_MOST_NAMES = 30


@dataclass(frozen=True, slots=True)
class ParsedArticle:
    article: Article
    refused: tuple[RowRefused, ...]
    """Mentions that are left out, by ticker."""


def parse_article(row: object) -> ParsedArticle:
    """An article from a row of the feed. Raises ``RowRefused`` with one of ``REASONS``.

    Mentions exclude currencies, and have each share once, at its first occurrence.
    """
    if not isinstance(row, dict):
        raise RowRefused("?", NO_OBJECT)
    try:
        return _article(row)
    except Unfit as error:
        raise RowRefused(_subject(row.get("url")), str(error)) from None


def news_id(url: str) -> str:
    """A hash of the normalised URL, without what does not matter: upper case in scheme and host, a default port, the
    fragment, campaign parameters (``utm_source``), a trailing slash of the path. Raises ``ValueError`` for an invalid
    one."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    host = parts.netloc.lower().removesuffix(_PORTS.get(scheme, ":"))
    query = "&".join(part for part in parts.query.split("&") if part and not part.lower().startswith("utm_"))
    plain = urlunsplit((scheme, host, parts.path.rstrip("/"), query, ""))
    return blake2b(plain.encode(), digest_size=16).hexdigest()


def _article(row: Mapping[str, Any]) -> ParsedArticle:
    url = _url(row.get("url"))
    mentions, refused = _mentions(entries(row.get("ticker_sentiment")))
    article = Article(
        id=news_id(url),
        published_at=_time(row.get("time_published")),
        title=_title(row.get("title")),
        url=url,
        source=text(row.get("source"), _LONGEST_NAME),
        summary=text(row.get("summary"), _LONGEST_SUMMARY),
        authors=_names(entries(row.get("authors"))),
        topics=_names(_topic(entry) for entry in entries(row.get("topics"))),
        score=_score(row.get("overall_sentiment_score")),
        label=text(row.get("overall_sentiment_label"), _LONGEST_WORD),
        mentions=mentions,
    )
    return ParsedArticle(article, refused)


def _title(value: Any) -> str:
    if not (title := text(value, _LONGEST_TITLE)):
        raise Unfit(NO_TITLE)
    return title


def _url(value: Any) -> str:
    """A URL that can be opened, unchanged: a truncated one would be a different one."""
    if not isinstance(value, str) or len(url := value.strip()) > _LONGEST_URL or _NO_ADDRESS.search(url):
        raise Unfit(NO_URL)
    try:
        parts = urlsplit(url)
        usual = parts.scheme.lower() in _PORTS and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        usual = False
    if not usual:
        raise Unfit(NO_URL)
    return url


def _time(value: Any) -> datetime:
    """``20260517T110100``, in UTC; seconds may be missing."""
    if not isinstance(value, str) or not _TIME.fullmatch(value.strip()):
        raise Unfit(NO_TIME)
    try:
        return datetime.strptime(value.strip().ljust(15, "0"), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise Unfit(NO_TIME) from None


def _topic(entry: Any) -> Any:
    return entry.get("topic") if isinstance(entry, dict) else entry


def _names(values: Iterable[Any]) -> tuple[str, ...]:
    """Each once, in order; an entry that is not a string is left out."""
    names = (text(value, _LONGEST_NAME) for value in values if isinstance(value, str))
    return tuple(dict.fromkeys(name for name in names if name))[:_MOST_NAMES]


def _mentions(rows: list[Any]) -> tuple[tuple[Mention, ...], tuple[RowRefused, ...]]:
    mentions: dict[str, Mention] = {}
    refused: list[RowRefused] = []
    for row in rows:
        ticker = row.get("ticker") if isinstance(row, dict) else None
        if not isinstance(ticker, str):
            refused.append(RowRefused("?", NO_OBJECT))
            continue
        symbol = from_alphavantage(ticker)
        if symbol is None or symbol in mentions:
            continue
        try:
            mentions[symbol] = _mention(symbol, row)
        except Unfit as error:
            refused.append(RowRefused(symbol, str(error)))
    return tuple(mentions.values()), tuple(refused)


def _mention(symbol: str, row: Mapping[str, Any]) -> Mention:
    return Mention(
        symbol=symbol,
        relevance=_relevance(row.get("relevance_score")),
        score=_score(row.get("ticker_sentiment_score")),
        label=text(row.get("ticker_sentiment_label"), _LONGEST_WORD),
    )


def _score(value: Any) -> Decimal:
    return _between(Decimal(-1), value, NO_SCORE)


def _relevance(value: Any) -> Decimal:
    return _between(Decimal(0), value, NO_RELEVANCE)


def _between(least: Decimal, value: Any, wrong: str) -> Decimal:
    """From ``least`` to 1; values beyond that because of rounding are clamped."""
    try:
        figure = number(value)
    except NotANumber:
        figure = None
    if figure is None or not least - _TOLERANCE <= figure <= 1 + _TOLERANCE:
        raise Unfit(wrong)
    return min(max(figure, least), Decimal(1))


def _subject(url: object) -> str:
    return url.strip()[:_LONGEST_NAME] if isinstance(url, str) and url.strip() else "?"
