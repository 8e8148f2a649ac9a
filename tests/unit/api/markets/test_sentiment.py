from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.markets.sentiment import buckets, start_of
from watchkeeper.markets.models import Article, Mention

NOON = datetime(2026, 11, 20, 12, 34, 56, tzinfo=UTC)

SCORES = st.decimals(-1, 1, places=6)
WEIGHTS = st.decimals(0, 1, places=6)


def article(score: Decimal, relevance: Decimal, at: datetime = NOON) -> Article:
    mention = Mention("AAPL", relevance, score, "Neutral")
    return Article("id", at, "", "", "", "", (), (), Decimal(0), "", (mention,))


@pytest.mark.parametrize(
    ("period", "start"),
    [
        ("hour", datetime(2026, 11, 20, 12, tzinfo=UTC)),
        ("day", datetime(2026, 11, 20, tzinfo=UTC)),
        ("week", datetime(2026, 11, 16, tzinfo=UTC)),
    ],
)
def test_a_bucket_begins_where_its_hour_day_or_week_does(period: str, start: datetime) -> None:
    assert start_of(NOON, period) == start_of(start, period) == start
    assert start_of(start - timedelta(seconds=1), period) < start


def test_an_article_weighs_as_much_as_it_is_relevant() -> None:
    (bucket,) = buckets([article(Decimal("1"), Decimal("0.75")), article(Decimal("0"), Decimal("0.25"))], "day")

    assert (bucket["weighted_mean"], bucket["mean"]) == (Decimal("0.75"), Decimal("0.5"))


def test_without_any_weight_each_weighs_the_same() -> None:
    (bucket,) = buckets([article(Decimal("1"), Decimal(0)), article(Decimal("0"), Decimal(0))], "day")

    assert bucket["weighted_mean"] == Decimal("0.5")


@given(st.lists(st.tuples(SCORES, WEIGHTS, st.integers(0, 100)), min_size=1, max_size=20))
def test_every_article_is_in_one_bucket_and_no_mean_leaves_its_range(
    told: Sequence[tuple[Decimal, Decimal, int]],
) -> None:
    found = buckets([article(score, weight, NOON - timedelta(hours=age)) for score, weight, age in told], "day")

    assert sum(bucket["count"] for bucket in found) == len(told)
    assert [bucket["start"] for bucket in found] == sorted({bucket["start"] for bucket in found})
    for bucket in found:
        assert bucket["min"] <= bucket["mean"] <= bucket["max"]
        assert bucket["min"] <= bucket["weighted_mean"] <= bucket["max"]
