"""News: one item for an article and a symbol, found by time and by score."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Table
from watchkeeper.markets.models import Article, Mention
from watchkeeper.markets.repositories.news import BUCKETS, NewsRepository, bucket_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SCORES = st.decimals(-1, 1, places=6)


def mention(symbol: str = "AAPL", score: str = "0.20", relevance: str = "0.5") -> Mention:
    return Mention(symbol, Decimal(relevance), Decimal(score), "Neutral")


def article(name: str = "n1", *mentions: Mention, at: datetime = NOON) -> Article:
    told = mentions or (mention(),)
    url = f"https://news.example/{name}"
    return Article(name, at, "Title", url, "Wire", "Text", ("Ada",), ("earnings",), Decimal("0.1"), "Neutral", told)


@pytest.fixture
def table(tables: None) -> Table:
    return Table(aws.dynamodb_client(), table_name("newsSentiment"))


@pytest.fixture
def news(table: Table) -> NewsRepository:
    return NewsRepository(table)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(score=SCORES, of_symbol=SCORES, relevance=st.decimals(0, 1, places=6), texts=st.text(max_size=30))
def test_an_article_is_read_as_it_was_written_for_one_symbol(
    news: NewsRepository, score: Decimal, of_symbol: Decimal, relevance: Decimal, texts: str
) -> None:
    told = replace(
        article(),
        title=texts,
        summary=texts,
        label=texts,
        score=score,
        mentions=(Mention("AAPL", relevance, of_symbol, "x"),),
    )
    news.put_changed([told])

    [(_, read)] = news.of_asset("AAPL")
    assert read == told
    assert str(read.mentions[0].score) == str(of_symbol), "its scale, too"
    assert news.put_changed([told]) == (0, 1)


class TestStoring:
    def test_only_what_changed_is_written(self, news: NewsRepository) -> None:
        both = article("n1", mention("AAPL"), mention("MSFT"))
        assert news.put_changed([both, article("n2")]) == (3, 0)
        assert news.put_changed([both, article("n2")]) == (0, 3)

        other = replace(both, mentions=(mention("AAPL", "0.21"), mention("MSFT")))
        assert news.put_changed([other, article("n2")]) == (1, 2)
        assert [found.mentions[0].score for _, found in news.of_asset("AAPL")] == [Decimal("0.20"), Decimal("0.21")]

    @pytest.mark.parametrize("score", ["0", "-0", "1", "-1", "0.0", "1.00", "0.000001"])
    def test_a_score_that_dynamodb_writes_otherwise_is_no_change(self, news: NewsRepository, score: str) -> None:
        told = article("n1", mention("AAPL", score))

        assert news.put_changed([told]) == (1, 0)
        assert news.put_changed([told]) == (0, 1)

    def test_no_article_is_no_request(self, news: NewsRepository) -> None:
        assert news.put_changed([]) == (0, 0)
        assert news.known([]) == set()

    def test_an_article_is_known_when_all_it_says_is_there_under_its_time(self, news: NewsRepository) -> None:
        news.put_changed([article("n1"), article("n2", mention("AAPL"), mention("MSFT"))])
        later = replace(article("n2", mention("AAPL"), mention("MSFT")), published_at=NOON + timedelta(minutes=1))

        assert news.known([article("n1"), article("n3")]) == {"n1"}
        assert news.known([article("n1", mention("AAPL"), mention("MSFT"))]) == set()
        assert news.known([later]) == set()

    def test_an_article_was_published_when_it_was_told_first(self, news: NewsRepository) -> None:
        news.put_changed([article("n1", mention("MSFT"), mention("AAPL"))])

        assert news.first_told("n1") == NOON
        assert news.first_told("n2") is None


class TestByTime:
    @pytest.fixture(autouse=True)
    def an_hour(self, news: NewsRepository) -> None:
        told = [article(f"n{minute}", at=NOON + timedelta(minutes=minute)) for minute in range(6)]
        news.put_changed([*told, article("o", mention("MSFT"))])

    @staticmethod
    def minutes(found: object) -> list[int]:
        return [(read.published_at - NOON) // timedelta(minutes=1) for _, read in found]  # type: ignore[attr-defined]

    def test_the_newest_come_first(self, news: NewsRepository) -> None:
        assert self.minutes(news.of_asset("AAPL", page_size=2)) == [5, 4, 3, 2, 1, 0]
        assert self.minutes(news.of_asset("AAPL", descending=False)) == [0, 1, 2, 3, 4, 5]

    @pytest.mark.parametrize(
        ("since", "until", "found"),
        [(2, None, [5, 4, 3, 2]), (None, 2, [1, 0]), (1, 3, [2, 1]), (3, 3, []), (4, 1, [])],
    )
    def test_the_first_moment_is_included_and_the_last_is_not(
        self, news: NewsRepository, since: int | None, until: int | None, found: list[int]
    ) -> None:
        first = None if since is None else NOON + timedelta(minutes=since)
        last = None if until is None else NOON + timedelta(minutes=until)

        assert self.minutes(news.of_asset("AAPL", since=first, until=last)) == found

    def test_a_moment_within_a_second_is_included_with_the_second(self, news: NewsRepository) -> None:
        until = NOON + timedelta(minutes=1, microseconds=5)

        assert self.minutes(news.of_asset("AAPL", until=until)) == [1, 0]

    def test_they_go_on_after_any_of_them(self, news: NewsRepository) -> None:
        places = [place for place, _ in news.of_asset("AAPL")]

        for number, place in enumerate(places):
            rest = [found for found, _ in news.of_asset("AAPL", start=place, page_size=2)]
            assert rest == places[number + 1 :]


class TestByScore:
    @pytest.mark.parametrize(
        ("score", "bucket"),
        [
            ("-1", 0), ("-0.81", 0), ("-0.8", 1), ("-0.000001", 4), ("0", 5), ("0.199999", 5), ("0.2", 6),
            ("0.8", 9), ("1", 9), ("1.0005", 9), ("-1.0005", 0), ("7", 9), ("-7", 0),
        ],
    )  # fmt: skip
    def test_a_score_is_in_a_fifth_and_one_beyond_in_the_last(self, score: str, bucket: int) -> None:
        assert bucket_of(Decimal(score)) == bucket

    @given(SCORES, SCORES)
    def test_a_higher_score_is_in_no_lower_bucket(self, one: Decimal, other: Decimal) -> None:
        assert bucket_of(min(one, other)) <= bucket_of(max(one, other)) < BUCKETS

    def test_a_days_bucket_comes_by_falling_score(self, news: NewsRepository) -> None:
        scores = ["0.25", "0.39", "0.2", "0.25", "0.4", "0.19"]
        news.put_changed(article(f"n{place}", mention("AAPL", score)) for place, score in enumerate(scores))
        news.put_changed([article("y", mention("AAPL", "0.3"), at=NOON - timedelta(days=1))])

        found = list(news.by_score(date(2026, 11, 20), 6, page_size=1))
        assert [str(read.mentions[0].score) for _, read in found] == ["0.39", "0.25", "0.25", "0.2"]
        for number, (place, _) in enumerate(found):
            rest = [read for _, read in news.by_score(date(2026, 11, 20), 6, start=place)]
            assert rest == [read for _, read in found[number + 1 :]]

    def test_the_day_is_the_one_in_utc(self, news: NewsRepository) -> None:
        news.put_changed([article("n1", at=datetime.fromisoformat("2026-11-20T20:00:00-05:00"))])

        assert [read.id for _, read in news.by_score(date(2026, 11, 21), 6)] == ["n1"]
