"""News: nothing missed between two runs, each article once, and no more calls than there are."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import BudgetSpent, DayOver, UpstreamUnavailable
from ingest.markets.use_cases.sync_news_sentiment import FURTHEST, OVERLAP, WINDOW, NewsSync
from ingest.reading import MARGIN_SECONDS
from tests.unit.ingest.markets.fakes import (
    NOW,
    FakeAlphaVantage,
    FakeAssets,
    FakeClock,
    FakeNews,
    FakeProgress,
    asset,
    reading_of,
)
from watchkeeper.markets.models import INACTIVE
from watchkeeper.progress import Run, Source

SOURCE = "alphavantage:news"
HOUR = timedelta(hours=1)


def row(name: str, at: datetime, *tickers: str, score: str = "0.2", **fields: Any) -> dict[str, Any]:
    mentions = [
        {
            "ticker": ticker,
            "relevance_score": "0.5",
            "ticker_sentiment_score": score,
            "ticker_sentiment_label": "Neutral",
        }
        for ticker in tickers or ("AAPL",)
    ]
    return {
        "title": name, "url": f"https://news.example/{name}", "time_published": at.strftime("%Y%m%dT%H%M%S"),
        "authors": [], "summary": "", "source": "Wire", "topics": [], "overall_sentiment_score": 0.1,
        "overall_sentiment_label": "Neutral", "ticker_sentiment": mentions, **fields,
    }  # fmt: skip


class Watch:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.left = 1e9
        self.error: type[Exception] = BudgetSpent
        self.client = FakeAlphaVantage(wait=self._wait)
        self.assets = FakeAssets(items={"AAPL": asset(), "BRK.B": asset("BRK.B"), "OLD": asset("OLD", status=INACTIVE)})
        self.news = FakeNews()
        self.progress = FakeProgress()

    def _wait(self) -> None:
        if self.left < 1:
            raise BudgetSpent("spent", retry_at=NOW) if self.error is BudgetSpent else DayOver("over", retry_at=NOW)
        self.left -= 1

    def publish(self, *rows: dict[str, Any]) -> None:
        self.client.feed += rows

    def sync(self, *, seconds: float = 300) -> bool:
        self.client.windows.clear()
        reading = reading_of(self.progress, SOURCE, self._ticking, seconds)
        return NewsSync(self.client, self.assets, self.news, self.clock).read(reading)

    def _ticking(self) -> datetime:
        self.clock.sleep(0.001)
        return self.clock.now

    @property
    def source(self) -> Source:
        return self.progress.source(SOURCE)

    @property
    def run(self) -> Run:
        assert self.source.run
        return self.source.run

    @property
    def stored(self) -> list[tuple[str, str]]:
        """Titles and symbols."""
        return sorted((article.title, symbol) for (_, _, symbol), article in self.news.items.items())


@pytest.fixture
def watch() -> Watch:
    return Watch()


class TestWindows:
    def test_the_first_run_reads_two_hours(self, watch: Watch) -> None:
        watch.publish(row("in", NOW - WINDOW), row("out", NOW - WINDOW - timedelta(minutes=2)))
        assert watch.sync()

        assert watch.client.windows == [NOW - WINDOW]
        assert watch.stored == [("in", "AAPL")]
        assert watch.source.last_success

    def test_the_next_run_reads_two_hours_again(self, watch: Watch) -> None:
        watch.sync()
        watch.clock.now = NOW + HOUR
        watch.sync()

        assert watch.client.windows == [NOW + HOUR - WINDOW]

    def test_after_a_silence_it_goes_on_where_it_ended_with_overlap(self, watch: Watch) -> None:
        watch.publish(row("last", NOW - timedelta(minutes=10)))
        watch.sync()
        watch.clock.now = NOW + 30 * HOUR
        watch.publish(row("late", NOW - timedelta(minutes=12)), row("sunday", NOW + 8 * HOUR))
        watch.sync()

        assert watch.client.windows == [NOW - OVERLAP]
        assert watch.stored == [("last", "AAPL"), ("late", "AAPL"), ("sunday", "AAPL")]

    def test_what_is_too_long_ago_is_left_out_and_that_stays_said(self, watch: Watch) -> None:
        watch.sync()
        watch.clock.now = NOW + FURTHEST + timedelta(days=1)
        watch.sync()

        assert watch.client.windows == [NOW + timedelta(days=1)]
        [gap] = watch.source.gaps
        assert gap.reason == "news from 2026-11-20T11:45:00Z to 2026-11-21T12:00:00Z were not read"
        watch.clock.now += HOUR
        watch.sync()
        assert watch.source.gaps == (gap,), "nobody reads them any more"

    def test_an_article_from_the_future_does_not_move_the_window_there(self, watch: Watch) -> None:
        watch.publish(row("tomorrow", NOW + 24 * HOUR))
        watch.sync()
        watch.clock.now = NOW + 5 * HOUR
        watch.sync()

        assert watch.client.windows[0] <= NOW - OVERLAP + timedelta(seconds=1)

    def test_a_window_begins_with_a_minute_as_the_upstream_has_it(self, watch: Watch) -> None:
        watch.clock.now = NOW.replace(minute=7, second=59, microsecond=9)
        watch.sync()

        assert watch.client.windows == [NOW.replace(minute=7) - WINDOW]


class TestPages:
    def test_more_than_a_page_is_read_page_after_page(self, watch: Watch) -> None:
        watch.client.page = 10
        watch.publish(*(row(f"n{number:02}", NOW - timedelta(minutes=60 - number)) for number in range(35)))
        assert watch.sync()

        assert len(watch.stored) == 35
        assert watch.source.gaps == ()
        assert watch.run.stored == 35

    def test_a_full_page_that_begins_with_the_newest_is_a_gap(self, watch: Watch) -> None:
        watch.client.page, watch.client.newest_first = 5, True
        watch.publish(*(row(f"n{number}", NOW - timedelta(minutes=60 - 10 * number)) for number in range(6)))
        watch.sync()

        assert ["did not begin with the oldest" in gap.reason for gap in watch.source.gaps] == [True]

    def test_a_full_page_of_another_time_is_not_asked_for_again(self, watch: Watch) -> None:
        watch.client.page, watch.client.always = 3, [row(f"n{n}", NOW - timedelta(days=180 - n)) for n in range(3)]
        assert watch.sync()

        assert len(watch.client.windows) == 1
        assert len(watch.stored) == 3
        assert ["no news from" in gap.reason for gap in watch.source.gaps] == [True]

    def test_a_page_that_ends_in_the_minute_after_it_began_is_no_gap(self, watch: Watch) -> None:
        watch.client.page = 4
        start = NOW - timedelta(minutes=30)
        watch.publish(*(row(f"n{number}", start + timedelta(seconds=25 * number)) for number in range(9)))
        watch.sync()

        assert len(watch.stored) == 9
        assert watch.source.gaps == ()

    def test_a_minute_with_more_than_a_page_is_a_gap_and_no_endless_loop(self, watch: Watch) -> None:
        watch.client.page = 5
        start = NOW - timedelta(minutes=30)
        watch.publish(*(row(f"n{number}", start + timedelta(seconds=number)) for number in range(8)))
        watch.publish(row("after", start + timedelta(minutes=1)))
        assert watch.sync()

        assert ("after", "AAPL") in watch.stored
        assert ["news of the minute" in gap.reason for gap in watch.source.gaps] == [True]

    def test_a_page_without_a_readable_article_does_not_stop_the_rest(self, watch: Watch) -> None:
        watch.client.page = 3
        at = NOW - timedelta(minutes=30)
        watch.publish(*(row(f"n{number}", at, title=None) for number in range(3)))
        watch.publish(row("good", at + timedelta(minutes=1)))
        assert watch.sync()

        assert watch.stored == [("good", "AAPL")]
        assert watch.run.refused >= 3

    @pytest.mark.parametrize("error", [BudgetSpent, DayOver])
    @pytest.mark.parametrize("pages", [0, 1, 2, 3])
    def test_what_there_are_no_calls_for_is_read_by_the_next_run(
        self, watch: Watch, pages: int, error: type[Exception]
    ) -> None:
        watch.client.page = 10
        watch.publish(*(row(f"n{number:02}", NOW - timedelta(minutes=60 - number)) for number in range(35)))
        watch.left, watch.error = pages, error
        assert not watch.sync()
        assert watch.source.last_success is None

        watch.left = 50
        watch.clock.now = NOW + 10 * HOUR
        assert watch.sync()
        if pages:
            assert len(watch.stored) == 35
        assert watch.source.last_success

    def test_it_stops_when_the_time_is_over_and_goes_on_in_the_next_run(self, watch: Watch) -> None:
        watch.client.page = 10
        watch.publish(*(row(f"n{number:02}", NOW - timedelta(minutes=60 - number)) for number in range(15)))

        assert not watch.sync(seconds=MARGIN_SECONDS - 1)
        assert len(watch.stored) == 10
        assert watch.sync()
        assert len(watch.stored) == 15

    def test_an_upstream_that_fails_leaves_what_was_read(self, watch: Watch) -> None:
        watch.client.page = 10
        watch.publish(*(row(f"n{number:02}", NOW - timedelta(minutes=60 - number)) for number in range(15)))
        waits = iter([None, UpstreamUnavailable("down")])

        def fail() -> None:
            if error := next(waits):
                raise error

        watch.client.wait = fail
        with pytest.raises(UpstreamUnavailable):
            watch.sync()

        assert len(watch.stored) == 10
        assert watch.source.cursor


class TestArticles:
    def test_only_active_assets_are_named(self, watch: Watch) -> None:
        watch.publish(row("a", NOW - HOUR, "AAPL", "BRK-B", "OLD", "NONE", "FOREX:USD"), row("b", NOW - HOUR, "NONE"))
        watch.sync()

        assert watch.stored == [("a", "AAPL"), ("a", "BRK.B")]
        assert (watch.run.fetched, watch.run.stored) == (2, 2)

    def test_the_same_article_again_is_written_once(self, watch: Watch) -> None:
        watch.publish(row("a", NOW - HOUR))
        watch.sync()
        watch.sync()

        assert watch.news.written == 1
        assert (watch.run.stored, watch.run.unchanged) == (0, 1)

    def test_an_article_under_another_time_is_still_the_same(self, watch: Watch) -> None:
        watch.publish(row("a", NOW - HOUR, "AAPL"))
        watch.sync()
        watch.client.feed = [row("a", NOW - timedelta(minutes=5), "AAPL", "BRK-B", score="0.9")]
        watch.sync()

        assert {article.published_at for article in watch.news.items.values()} == {NOW - HOUR}
        assert watch.stored == [("a", "AAPL"), ("a", "BRK.B")]
        assert {article.mentions[0].score for article in watch.news.items.values()} == {Decimal("0.9")}

    def test_an_article_twice_in_a_page_is_taken_as_it_came_last(self, watch: Watch) -> None:
        watch.publish(row("a", NOW - HOUR, score="0.1"), row("a", NOW - HOUR, score="0.3"))
        watch.sync()

        assert [article.mentions[0].score for article in watch.news.items.values()] == [Decimal("0.3")]

    def test_what_cannot_be_read_is_counted_by_its_reason(self, watch: Watch) -> None:
        watch.publish(row("a", NOW - HOUR, score="very good"), row("b", NOW - HOUR, url="javascript:x"))
        watch.sync()

        assert watch.run.refused == 2
        assert watch.stored == []

    def test_no_news_is_an_answer(self, watch: Watch) -> None:
        assert watch.sync()
        assert (watch.run.fetched, watch.run.stored) == (0, 0)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_nothing_is_missed_whatever_the_calls_there_are(data: st.DataObject) -> None:
    """Runs with few calls, some skipped; articles appear up to a quarter of an hour after their time."""
    watch = Watch()
    watch.client.page = data.draw(st.integers(3, 8))
    watch.sync()
    published = 0
    for hour in range(1, data.draw(st.integers(1, 8)) + 1):
        for _ in range(data.draw(st.integers(0, 12))):
            minutes = data.draw(st.integers(1, 59))
            published += 1
            watch.publish(row(f"n{published}", NOW + (hour - 1) * HOUR + timedelta(minutes=minutes, seconds=published)))
        watch.clock.now = NOW + hour * HOUR
        watch.left = data.draw(st.integers(0, 3))
        watch.sync()
    watch.left = 1000
    watch.sync()

    if not watch.source.gaps:
        assert len(watch.stored) == published
    assert len(watch.news.items) == watch.news.written, "none of them twice"


def test_times_are_utc(watch: Watch) -> None:
    watch.publish(row("a", NOW - HOUR))
    watch.sync()

    [article] = watch.news.items.values()
    assert article.published_at.tzinfo is UTC
