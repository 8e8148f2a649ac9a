"""News, from AlphaVantage's feed to the table."""

from datetime import timedelta

import pytest

from ingest.errors import UpstreamError
from tests.integration.ingest.markets.functions import NOW, MarketFunctions, Told, stored
from watchkeeper.markets.models import Article

SOURCE = "alphavantage:news"
READ, LEFT = ({"source": SOURCE, "outcome": outcome} for outcome in ("read", "left"))
URL = "https://samplewire.example/one"


def sync(functions: MarketFunctions) -> None:
    assert functions.run("sync-news-sentiment") == READ


def told_of(functions: MarketFunctions, symbol: str) -> list[Article]:
    return [article for _, article in functions.news.of_asset(symbol)]


def publish(functions: MarketFunctions, *tickers: str, url: str = URL, minutes: float = 30, **fields: object) -> None:
    """So many minutes ago."""
    time = functions.now() - timedelta(minutes=minutes)
    functions.markets.add_article(tickers or ["QUIL"], url=url, time=time, **fields)  # type: ignore[arg-type]


def only_ours(functions: MarketFunctions) -> None:
    """The press writes nothing by itself."""
    functions.markets.press._write = lambda day: []  # type: ignore[method-assign]


def test_news_of_the_last_two_hours_are_kept_by_tracked_symbol(functions: MarketFunctions) -> None:
    only_ours(functions)
    functions.track("QUIL", "BRAV.B")
    publish(functions, "QUIL", "BRAV.B", "ZEPH", minutes=119)
    publish(functions, "QUIL", url=f"{URL}/older", minutes=125)
    publish(functions, "ZEPH", url=f"{URL}/untracked")

    sync(functions)

    assert [article.url for article in told_of(functions, "QUIL")] == [URL]
    assert [article.url for article in told_of(functions, "BRAV.B")] == [URL]
    assert len(stored("newsSentiment")["newsSentiment"]) == 2
    run = functions.source(SOURCE).run
    assert run
    assert (run.fetched, run.stored) == (2, 2)


def test_an_asset_that_is_not_traded_any_more_is_not_tracked(functions: MarketFunctions) -> None:
    only_ours(functions)
    functions.track("QUIL", status="inactive")
    publish(functions)

    sync(functions)

    assert told_of(functions, "QUIL") == []


def test_overlapping_runs_and_another_time_make_no_second_article(functions: MarketFunctions) -> None:
    only_ours(functions)
    functions.track("QUIL")
    publish(functions)
    sync(functions)
    before = stored("newsSentiment")
    functions.markets.move_article(URL, functions.now() - timedelta(minutes=3))
    functions.wait(hours=1)
    sync(functions)
    sync(functions)

    assert stored("newsSentiment") == before
    assert told_of(functions, "QUIL")[0].published_at == (NOW - timedelta(minutes=30)).replace(microsecond=0)


def test_an_article_that_comes_to_name_another_asset_is_the_same_one(functions: MarketFunctions) -> None:
    only_ours(functions)
    functions.track("QUIL", "ZEPH")
    publish(functions)
    sync(functions)
    publish(functions, "QUIL", "ZEPH", minutes=10)

    sync(functions)

    [ours], [theirs] = told_of(functions, "QUIL"), told_of(functions, "ZEPH")
    assert ours.id == theirs.id
    assert ours.published_at == theirs.published_at == (NOW - timedelta(minutes=30)).replace(microsecond=0)


def test_more_than_a_page_is_read_page_by_page(functions: MarketFunctions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.upstreams.markets.alphavantage._MOST_ARTICLES", 40)
    monkeypatch.setattr("ingest.markets.use_cases.sync_news_sentiment.MOST", 40)
    only_ours(functions)
    functions.track("QUIL")
    for number in range(100):
        publish(functions, url=f"{URL}/{number}", minutes=110 - number)

    sync(functions)

    assert len(told_of(functions, "QUIL")) == 100
    assert functions.asked() == {"NEWS_SENTIMENT": 3}
    assert functions.source(SOURCE).gaps == ()


def test_a_page_of_a_thousand_is_not_the_last(functions: MarketFunctions) -> None:
    only_ours(functions)
    functions.track("QUIL")
    for number in range(1200):
        tickers = ["QUIL"] if number in (0, 1199) else ["ZEPH"]
        publish(functions, *tickers, url=f"{URL}/{number}", minutes=110 - number / 12)

    sync(functions)

    assert {article.url for article in told_of(functions, "QUIL")} == {f"{URL}/0", f"{URL}/1199"}
    assert functions.asked() == {"NEWS_SENTIMENT": 2}


def test_more_in_a_minute_than_a_page_takes_is_said(
    functions: MarketFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.upstreams.markets.alphavantage._MOST_ARTICLES", 40)
    monkeypatch.setattr("ingest.markets.use_cases.sync_news_sentiment.MOST", 40)
    only_ours(functions)
    functions.track("QUIL")
    for number in range(60):
        publish(functions, url=f"{URL}/{number}", minutes=20)
    publish(functions, url=f"{URL}/after", minutes=10)

    sync(functions)

    assert "more than" in functions.source(SOURCE).gaps[0].reason
    assert f"{URL}/after" in {article.url for article in told_of(functions, "QUIL")}


def test_new_fields_and_rows_that_are_none_stop_nothing(functions: MarketFunctions) -> None:
    only_ours(functions)
    functions.track("QUIL")
    publish(functions)
    functions.trouble.alter("NEWS_SENTIMENT", "feed.*.mood", {"deep": [1.5]})
    functions.trouble.alter("NEWS_SENTIMENT", "feed.+", "no article")
    functions.trouble.alter("NEWS_SENTIMENT", "feed.+", {"title": "without anything", "url": 7})

    sync(functions)

    assert len(told_of(functions, "QUIL")) == 1
    run = functions.source(SOURCE).run
    assert run
    assert run.refused == 2


@pytest.mark.parametrize("text", ["premium", "invalid-inputs", "invalid-key"])
def test_a_refusal_is_no_empty_feed(functions: MarketFunctions, text: str) -> None:
    only_ours(functions)
    functions.track("QUIL")
    publish(functions)
    functions.trouble.throttle(text, times=9)

    with pytest.raises(UpstreamError):
        functions.run("sync-news-sentiment")

    assert functions.source(SOURCE).error
    assert "seen" not in functions.source(SOURCE).cursor


def test_hours_that_were_missed_are_read_later(functions: MarketFunctions) -> None:
    only_ours(functions)
    functions.track("QUIL")
    sync(functions)
    publish(functions, minutes=-60)
    functions.wait(hours=30)

    sync(functions)

    assert len(told_of(functions, "QUIL")) == 1


def test_news_take_no_more_than_their_share_which_comes_bit_by_bit(functions: MarketFunctions, told: Told) -> None:
    only_ours(functions)
    functions.limit(per_day=25, news=6)
    functions.go(NOW.replace(hour=0, minute=5))
    outcomes = []
    for _ in range(24):
        outcomes.append(functions.run("sync-news-sentiment")["outcome"])
        functions.wait(hours=1)

    assert outcomes.count("read") == 6
    assert functions.asked() == {"NEWS_SENTIMENT": 6}
    assert "read" in outcomes[20:]
    assert len(told.measured("AlphaVantageThrottled")) == 18
    assert functions.source(SOURCE).error is None


def test_pages_there_are_no_calls_for_are_read_when_there_are(
    functions: MarketFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.upstreams.markets.alphavantage._MOST_ARTICLES", 40)
    monkeypatch.setattr("ingest.markets.use_cases.sync_news_sentiment.MOST", 40)
    only_ours(functions)
    functions.track("QUIL")
    functions.limit(news=24)  # one an hour
    functions.go(NOW.replace(hour=0, minute=50))
    for number in range(60):
        publish(functions, url=f"{URL}/{number}", minutes=40 - number / 2)

    assert functions.run("sync-news-sentiment") == LEFT
    assert 40 <= len(told_of(functions, "QUIL")) < 60

    functions.wait(minutes=10)
    assert functions.run("sync-news-sentiment") == LEFT
    functions.limit(news=1000)
    sync(functions)

    assert len(told_of(functions, "QUIL")) == 60
