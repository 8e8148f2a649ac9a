"""How old each table's newest facts are, and which of them are late."""

from datetime import timedelta

import pytest

from scheduler.markets.freshness import Freshness, freshness
from tests.unit.scheduler.markets.things import NOW, asset
from watchkeeper.markets.coverage import counted
from watchkeeper.progress import Run, Source

NOTHING = counted([], NOW)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@pytest.mark.parametrize(
    ("source", "age", "stale"),
    [
        ("alpaca:assets", 49, False),
        ("alpaca:assets", 51, True),
        ("alphavantage:earnings-calendar", 49, False),
        ("alphavantage:earnings-calendar", 51, True),
        ("alphavantage:news", 31, False),
        ("alphavantage:news", 33, True),
    ],
)
def test_a_source_may_rest_on_a_sunday_and_is_late_after_it(source: str, age: float, stale: bool) -> None:
    [found] = freshness([Source(source, last_success=NOW - hours(age))], NOTHING, NOW)

    assert found == Freshness(source, age * 3600, stale)


def test_one_that_never_succeeded_is_as_old_as_its_first_attempt() -> None:
    failing = Source("alpaca:assets", failing_since=NOW - hours(5), blocked_since=NOW)
    running = Source("alphavantage:news", run=Run("1", "hourly", NOW - hours(1)))

    assert list(freshness([failing, running], NOTHING, NOW)) == [
        Freshness("alpaca:assets", 5 * 3600, stale=False, blocked=True),
        Freshness("alphavantage:news", 3600, stale=False),
    ]


def test_what_nobody_tried_to_read_and_what_is_no_source_of_ours_has_no_age() -> None:
    assert list(freshness([Source("alpaca:weather", last_success=NOW)], NOTHING, NOW)) == []


def test_fundamentals_are_as_old_as_the_newest_pollenation() -> None:
    coverage = counted([asset("A", days=3), asset("B", days=1), asset("C")], NOW)

    assert list(freshness([], coverage, NOW)) == [Freshness("alphavantage:fundamentals", 86_400, stale=False)]


def test_word_of_what_was_refused_in_fundamentals_does_not_make_them_fresh() -> None:
    refusing = Source("alphavantage:fundamentals", run=Run("2026-11-20", "recent", NOW))

    assert list(freshness([refusing], NOTHING, NOW)) == []
