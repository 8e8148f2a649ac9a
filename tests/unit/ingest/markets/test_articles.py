"""An article is identified by its address, and its fields are accepted only if they are valid."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import RowRefused
from ingest.markets import articles
from ingest.markets.articles import REASONS, ParsedArticle, news_id, parse_article
from ingest.markets.fields import NO_LIST, NO_TEXT
from watchkeeper.markets.models import Article, Mention

URL = "https://news.example/2026/quarries"


def mention(
    ticker: object, relevance: object = "0.5", score: object = "0.061509", label: object = "Neutral"
) -> dict[str, object]:
    return {
        "ticker": ticker,
        "relevance_score": relevance,
        "ticker_sentiment_score": score,
        "ticker_sentiment_label": label,
    }


def row(**fields: Any) -> dict[str, Any]:
    whole = {
        "title": " Quarries dig on ",
        "url": URL,
        "time_published": "20261120T093015",
        "authors": ["A. Mason", "A. Mason", ""],
        "summary": "They dig.",
        "banner_image": None,
        "source": "Example News",
        "topics": [{"topic": "financial_markets", "relevance_score": "0.8"}, {"topic": "Financial Markets"}],
        "overall_sentiment_score": 0.22902,
        "overall_sentiment_label": "Somewhat-Bullish",
        "ticker_sentiment": [mention("BRAV-B", "1.000000", "-0.2", "Somewhat-Bearish"), mention("QUIL")],
    }
    return whole | fields


def test_a_row_is_an_article() -> None:
    parsed = parse_article(row())

    assert parsed.refused == ()
    assert parsed.article == Article(
        id=news_id(URL),
        published_at=datetime(2026, 11, 20, 9, 30, 15, tzinfo=UTC),
        title="Quarries dig on",
        url=URL,
        source="Example News",
        summary="They dig.",
        authors=("A. Mason",),
        topics=("financial_markets", "Financial Markets"),
        score=Decimal("0.22902"),
        label="Somewhat-Bullish",
        mentions=(
            Mention("BRAV.B", Decimal("1.000000"), Decimal("-0.2"), "Somewhat-Bearish"),
            Mention("QUIL", Decimal("0.5"), Decimal("0.061509"), "Neutral"),
        ),
    )


@pytest.mark.parametrize(
    "other",
    [
        "HTTPS://NEWS.example/2026/quarries",
        "https://news.example:443/2026/quarries",
        "https://news.example/2026/quarries/",
        "https://news.example/2026/quarries#top",
        "https://news.example/2026/quarries?utm_source=a&UTM_Medium=b",
        "https://news.example/2026/quarries?",
    ],
)
def test_an_article_is_the_same_under_an_address_that_differs_in_nothing_that_matters(other: str) -> None:
    assert news_id(other) == news_id(URL)


@pytest.mark.parametrize(
    "other",
    [
        "http://news.example/2026/quarries",
        "https://news.example/2026/Quarries",
        "https://news.example/2026/quarries?id=1",
        "https://news.example:8443/2026/quarries",
        "https://www.news.example/2026/quarries",
    ],
)
def test_an_article_is_another_under_another_address(other: str) -> None:
    assert news_id(other) != news_id(URL)


def test_what_is_missing_is_empty() -> None:
    bare = {"title": "T", "url": URL, "time_published": "20261120T0930", "overall_sentiment_score": "0"}

    article = parse_article(bare).article

    assert article.published_at == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    assert (article.source, article.summary, article.authors, article.topics) == ("", "", (), ())
    assert (article.label, article.mentions) == ("", ())


def test_long_texts_are_cut() -> None:
    names = [f"{number}{'n' * 300}" for number in range(100)]

    article = parse_article(row(title="t" * 600, summary="s" * 5000, source="q" * 300, authors=names)).article

    assert (len(article.title), len(article.summary), len(article.source)) == (500, 4000, 200)
    assert (len(article.authors), len(article.authors[0])) == (30, 200)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"title": ""}, articles.NO_TITLE),
        ({"title": None}, articles.NO_TITLE),
        ({"title": 7}, NO_TEXT),
        ({"url": None}, articles.NO_URL),
        ({"url": ""}, articles.NO_URL),
        ({"url": "javascript:alert(1)"}, articles.NO_URL),
        ({"url": "ftp://news.example/a"}, articles.NO_URL),
        ({"url": "//news.example/a"}, articles.NO_URL),
        ({"url": "https://"}, articles.NO_URL),
        ({"url": "https://[::1/a"}, articles.NO_URL),
        ({"url": "https://a:b/c"}, articles.NO_URL),
        ({"url": "https://me:secret@news.example/a"}, articles.NO_URL),
        ({"url": "https://news.example/a b"}, articles.NO_URL),
        ({"url": 'https://news.example/"><script>'}, articles.NO_URL),
        ({"url": "https://news.example/" + "a" * 2000}, articles.NO_URL),
        ({"time_published": "20261120"}, articles.NO_TIME),
        ({"time_published": "2026-11-20T09:30:00"}, articles.NO_TIME),
        ({"time_published": "20261131T093000"}, articles.NO_TIME),
        ({"time_published": "20261120T256000"}, articles.NO_TIME),
        ({"time_published": 20261120}, articles.NO_TIME),
        ({"overall_sentiment_score": None}, articles.NO_SCORE),
        ({"overall_sentiment_score": "NaN"}, articles.NO_SCORE),
        ({"overall_sentiment_score": float("inf")}, articles.NO_SCORE),
        ({"overall_sentiment_score": 1.5}, articles.NO_SCORE),
        ({"overall_sentiment_score": True}, articles.NO_SCORE),
        ({"authors": "A. Mason"}, NO_LIST),
        ({"ticker_sentiment": {"ticker": "QUIL"}}, NO_LIST),
        ({"summary": ["They dig."]}, NO_TEXT),
    ],
)
def test_an_article_is_refused_for_one_of_a_few_reasons(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(RowRefused) as refused:
        parse_article(row(**fields))

    assert refused.value.reason == reason
    assert reason in REASONS
    assert len(refused.value.subject) <= 200


def test_currencies_are_no_mentions_and_a_share_is_one() -> None:
    tickers = ["CRYPTO:BTC", "QUIL", "FOREX:USD", "quil", "QUIL", "BRAV.B", "BRAV-B", ""]

    parsed = parse_article(row(ticker_sentiment=[mention(ticker) for ticker in tickers]))

    assert [one.symbol for one in parsed.article.mentions] == ["QUIL", "BRAV.B"]
    assert parsed.refused == ()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (mention("BAD", score="1.1"), articles.NO_SCORE),
        (mention("BAD", score="-2"), articles.NO_SCORE),
        (mention("BAD", score="NaN"), articles.NO_SCORE),
        (mention("BAD", score="None"), articles.NO_SCORE),
        (mention("BAD", relevance="-0.1"), articles.NO_RELEVANCE),
        (mention("BAD", relevance="1.1"), articles.NO_RELEVANCE),
        (mention("BAD", relevance=None), articles.NO_RELEVANCE),
        (mention("BAD", label=7), NO_TEXT),
        (mention(None), articles.NO_OBJECT),
        ("BAD", articles.NO_OBJECT),
    ],
)
def test_a_mention_that_cannot_be_costs_only_itself(bad: object, reason: str) -> None:
    parsed = parse_article(row(ticker_sentiment=[mention("QUIL"), bad]))

    assert [one.symbol for one in parsed.article.mentions] == ["QUIL"]
    assert [one.reason for one in parsed.refused] == [reason]


@pytest.mark.parametrize(
    ("told", "kept"), [("1.0005", "1"), ("-1.001", "-1"), ("1", "1"), ("-1", "-1"), ("0.35", "0.35")]
)
def test_a_score_that_rounding_put_beyond_the_edge_is_the_edge(told: str, kept: str) -> None:
    assert parse_article(row(overall_sentiment_score=told)).article.score == Decimal(kept)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
MENTIONS = st.lists(
    ANY | st.builds(mention, st.just("QUIL") | ANY, ANY | st.floats(0, 1), ANY | st.floats(-1, 1)), max_size=3
)
URLS = st.builds("http{}".format, st.text()) | st.builds("https://{}".format, st.text())


@given(
    ANY
    | st.fixed_dictionaries(
        {}, optional={name: st.just(value) | ANY for name, value in row().items()} | {"ticker_sentiment": MENTIONS}
    )
)
def test_whatever_a_row_is_it_is_an_article_or_refused(anything: object) -> None:
    parsed, reason = read(anything)

    if parsed is None:
        assert reason in REASONS
        return
    assert {one.reason for one in parsed.refused} <= REASONS
    assert -1 <= parsed.article.score <= 1
    for one in parsed.article.mentions:
        assert -1 <= one.score <= 1
        assert 0 <= one.relevance <= 1


@given(URLS)
def test_whatever_an_address_is_it_is_one_of_a_page_or_refused(url: str) -> None:
    parsed, reason = read(row(url=url))

    assert reason in ("", articles.NO_URL)
    assert parsed is None or parsed.article.url.lower().startswith(("http://", "https://"))
    assert parsed is None or len(parsed.article.id) == 32


def read(row: object) -> tuple[ParsedArticle | None, str]:
    try:
        return parse_article(row), ""
    except RowRefused as refused:
        return None, refused.reason
