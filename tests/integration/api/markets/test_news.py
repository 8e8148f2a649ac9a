"""News of an asset, how they sound over time, and news of all assets by how they sound."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.api.asking import Asker
from tests.integration.api.conftest import Reply
from tests.integration.api.markets.builders import NOON, an_article, an_asset
from tests.integration.api.markets.conftest import all_pages, refused
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.news import NewsRepository


def ids(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.text
    return [item["id"] for item in reply.json["items"]]


def paged(ask: Asker, path: str) -> list[str]:
    return [item["id"] for page in all_pages(ask, path) for item in page]


@pytest.fixture(autouse=True)
def listed(ask: Asker, assets: AssetRepository) -> None:
    assets.add([an_asset("AAPL"), an_asset("IBM")])


class TestOfAnAsset:
    @pytest.fixture(autouse=True)
    def hourly(self, news: NewsRepository) -> None:
        news.put_changed(
            an_article(number, ("AAPL", "0.2"), *([("IBM", "-0.4")] if number == 2 else []), published=at)
            for number, at in enumerate(NOON - timedelta(hours=10 * age) for age in range(5))
        )

    def test_the_newest_come_first_each_with_what_it_says_of_the_asset(self, ask: Asker) -> None:
        assert ids(ask.get("/assets/AAPL/news")) == [f"news-{number:03}" for number in range(5)]
        (only,) = ask.get("/assets/IBM/news").json["items"]
        assert only == {
            "id": "news-002",
            "published_at": "2026-11-19T16:00:00Z",
            "title": "Article 2",
            "url": "https://news.example/2",
            "source": "Example",
            "summary": "Something happened.",
            "authors": ["Ann Author"],
            "topics": ["earnings"],
            "score": "0.123456",
            "label": "Neutral",
            "mention": {"symbol": "IBM", "relevance": "0.5", "score": "-0.4", "label": "Somewhat-Bullish"},
        }

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("since=2026-11-20", ["news-000", "news-001"]),
            ("until=2026-11-19", ["news-002", "news-003", "news-004"]),
            ("since=2026-11-19T16:00:00Z&until=2026-11-20T02:00:00Z", ["news-001", "news-002"]),
            ("since=2027-01-01", []),
            ("since=&until=", [f"news-{number:03}" for number in range(5)]),
        ],
    )
    def test_a_span_of_days_or_moments_may_be_asked_for(self, ask: Asker, query: str, found: list[str]) -> None:
        assert ids(ask.get(f"/assets/AAPL/news?{query}")) == found
        assert paged(ask, f"/assets/AAPL/news?{query}&limit=1") == found

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("since=then", "since"),
            ("until=9999-12-31", "until"),
            ("until=0001-01-01", "until"),
            ("since=2026-11-20&until=2026-11-19", "until"),
        ],
    )
    def test_a_senseless_span_is_refused_by_name(self, ask: Asker, query: str, parameter: str) -> None:
        assert refused(ask.get(f"/assets/AAPL/news?{query}")) == [parameter]

    def test_a_cursor_of_another_asset_is_refused(self, ask: Asker) -> None:
        cursor = ask.get("/assets/AAPL/news?limit=1").json["cursor"]

        assert ask.get(f"/assets/IBM/news?cursor={cursor}").status == 400

    def test_an_address_that_is_none_of_the_web_is_not_handed_on(self, ask: Asker, news: NewsRepository) -> None:
        news.put_changed([an_article(9, ("IBM", "0"), published=NOON, url="javascript:alert(1)")])

        assert [item["url"] for item in ask.get("/assets/IBM/news?limit=1").json["items"]] == [None]


def series(ask: Asker, query: str = "") -> Any:
    reply = ask.get(f"/assets/AAPL/sentiment?{query}")
    assert reply.status == 200, reply.text
    return reply.json


class TestSeries:
    @pytest.fixture(autouse=True)
    def three(self, news: NewsRepository) -> None:
        news.put_changed(
            [
                an_article(1, ("AAPL", "0.9"), published=NOON, relevance="0.1"),
                an_article(2, ("AAPL", "-0.3"), published=NOON - timedelta(hours=1), relevance="0.5"),
                an_article(3, ("AAPL", "0.2"), published=NOON - timedelta(days=3)),
                an_article(4, ("AAPL", "1"), published=NOON - timedelta(days=31)),
                an_article(5, ("IBM", "1"), published=NOON),
            ]
        )

    def test_it_is_of_the_last_thirty_days_by_day(self, ask: Asker) -> None:
        told = series(ask)

        assert (told["symbol"], told["period"], told["articles"], told["truncated"]) == ("AAPL", "day", 3, False)
        assert [bucket["start"] for bucket in told["buckets"]] == ["2026-11-17T00:00:00Z", "2026-11-20T00:00:00Z"]
        assert told["buckets"][1] == {
            "start": "2026-11-20T00:00:00Z",
            "count": 2,
            "weighted_mean": "-0.100000",
            "mean": "0.300000",
            "min": "-0.3",
            "max": "0.9",
        }

    def test_it_may_be_by_hour_or_week(self, ask: Asker) -> None:
        hours = [bucket["start"] for bucket in series(ask, "period=hour&since=2026-11-20")["buckets"]]
        weeks = [(bucket["start"], bucket["count"]) for bucket in series(ask, "period=week")["buckets"]]

        assert hours == ["2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z"]
        assert weeks == [("2026-11-16T00:00:00Z", 3)]

    def test_a_longer_span_may_be_asked_for(self, ask: Asker) -> None:
        assert series(ask, "since=2025-11-21&until=2026-11-20")["articles"] == 4
        assert series(ask, "until=2026-10-25")["articles"] == 1

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("period=month", "period"),
            ("period=hour&since=2026-10-01", "since"),
            ("since=2025-11-01", "since"),
            ("period=week&since=2020-01-01", "since"),
            ("since=2027-01-01", "since"),
            ("until=9999-12-31", "until"),
            ("until=0001-01-02", "until"),
        ],
    )
    def test_too_long_a_span_is_refused(self, ask: Asker, query: str, parameter: str) -> None:
        assert refused(ask.get(f"/assets/AAPL/sentiment?{query}")) == [parameter]

    def test_what_is_too_much_to_read_is_told(self, ask: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("api.markets.sentiment.MAX_ARTICLES", 2)

        told = series(ask)

        assert (told["articles"], told["truncated"]) == (2, True)
        assert [bucket["start"] for bucket in told["buckets"]] == ["2026-11-20T00:00:00Z"]


class TestByHowTheySound:
    @pytest.fixture(autouse=True)
    def spread(self, news: NewsRepository) -> None:
        """Two days, the newer one with scores over several buckets."""
        scores = ["0.95", "0.9", "0.35", "0.3", "0", "-0.05", "-1"]
        news.put_changed(an_article(number, ("AAPL", score)) for number, score in enumerate(scores))
        news.put_changed([an_article(10, ("AAPL", "1"), ("IBM", "0.31"), published=NOON - timedelta(days=2))])

    def test_the_newest_day_comes_first_and_in_it_the_best_news(self, ask: Asker) -> None:
        reply = ask.get("/news")

        assert ids(reply) == [f"news-{number:03}" for number in range(7)] + ["news-010", "news-010"]
        assert [item["mention"]["symbol"] for item in reply.json["items"][-2:]] == ["AAPL", "IBM"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("min_score=0.3", [0, 1, 2, 3, 10, 10]),
            ("min_score=0.31&max_score=0.9", [1, 2, 10]),
            ("max_score=-0.05", [5, 6]),
            ("min_score=1", [10]),
            ("max_score=-1", [6]),
            ("min_score=0&max_score=0", [4]),
            ("since=2026-11-20&min_score=0.9", [0, 1]),
            ("until=2026-11-19", [10, 10]),
            ("since=2026-10-21&until=2026-11-20&min_score=0.95", [0, 10]),
        ],
    )
    def test_scores_and_days_may_be_chosen(self, ask: Asker, query: str, found: list[int]) -> None:
        expected = [f"news-{number:03}" for number in found]

        assert ids(ask.get(f"/news?{query}")) == expected
        for limit in (1, 2, 3):
            assert paged(ask, f"/news?{query}&limit={limit}") == expected

    def test_news_that_sound_alike_are_each_there_once(self, ask: Asker, news: NewsRepository) -> None:
        news.put_changed(an_article(number, ("AAPL", "0.55"), ("IBM", "0.55")) for number in range(20, 24))
        query = "/news?min_score=0.5&max_score=0.6"

        for limit in (1, 3):
            found = [item for page in all_pages(ask, f"{query}&limit={limit}") for item in page]
            assert sorted((item["id"], item["mention"]["symbol"]) for item in found) == [
                (f"news-{number:03}", symbol) for number in range(20, 24) for symbol in ("AAPL", "IBM")
            ]

    def test_one_request_asks_for_some_buckets_only_and_goes_on_by_cursor(
        self, ask: Asker, queries: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.markets.news.MAX_ROWS", 250)

        assert paged(ask, "/news") == [f"news-{number:03}" for number in range(7)] + ["news-010", "news-010"]
        queries.clear()
        assert ask.get("/news?since=2026-11-01&until=2026-11-10").json["items"] == []
        assert len(queries) == 5

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("min_score=1.1", "min_score"),
            ("max_score=NaN", "max_score"),
            ("min_score=high", "min_score"),
            ("min_score=0.5&max_score=0.4", "max_score"),
            ("since=2026-10-20&until=2026-11-20", "until"),
            ("since=2026-11-21", "until"),
            ("until=then", "until"),
            ("until=9999-12-31", "until"),
            ("until=0001-01-01", "until"),
        ],
    )
    def test_a_senseless_question_is_refused_by_name(self, ask: Asker, query: str, parameter: str) -> None:
        assert refused(ask.get(f"/news?{query}")) == [parameter]

    def test_a_cursor_of_another_question_is_refused(self, ask: Asker) -> None:
        cursor = ask.get("/news?limit=1").json["cursor"]

        assert ask.get(f"/news?min_score=0.1&cursor={cursor}").status == 400
