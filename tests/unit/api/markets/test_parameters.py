from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.markets.parameters import (
    Days,
    Moments,
    day,
    earnings_days,
    fiscal_days,
    moments,
    news_days,
    scores,
    series_moments,
    symbol_in_path,
    symbol_in_query,
)
from api.web.problems import InvalidParameter
from watchkeeper.errors import ItemNotFound

TODAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

TEXTS = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.dates().map(date.isoformat),
    st.datetimes().map(datetime.isoformat),
    st.sampled_from(["0001-01-01", "9999-12-31", "9999-12-31T23:59:59-23:59", "2026-W01-1", "20261120"]),
)


@pytest.mark.parametrize("spelling", ["BRK.B", "BRK-B", "brk.b", " Brk-b "])
def test_a_symbol_is_known_in_any_spelling(spelling: str) -> None:
    assert symbol_in_path(spelling) == symbol_in_query(spelling) == "BRK.B"


@pytest.mark.parametrize("text", ["", "FOREX:USD", "BTC/USD", "A B", "ß", "A" * 13, "A..B"])
def test_what_can_be_no_symbol_is_not_there_in_a_path_and_refused_in_a_query(text: str) -> None:
    with pytest.raises(ItemNotFound):
        symbol_in_path(text)
    with pytest.raises(InvalidParameter):
        symbol_in_query(text)


def test_days_of_news_are_the_week_up_to_today() -> None:
    assert news_days(None, "", TODAY) == Days(date(2026, 11, 14), TODAY)


def test_as_many_days_may_be_asked_for_as_are_promised_and_no_more() -> None:
    assert news_days("2026-10-21", None, TODAY) == Days(date(2026, 10, 21), TODAY)
    with pytest.raises(InvalidParameter):
        news_days("2026-10-20", None, TODAY)
    assert earnings_days(None, "2027-11-20", TODAY).last == date(2027, 11, 20)
    with pytest.raises(InvalidParameter):
        earnings_days(None, "2027-11-21", TODAY)
    assert series_moments("2026-10-20T12:00:01Z", None, "hour", NOON)[0] == datetime(2026, 10, 20, 12, 0, 1, tzinfo=UTC)
    with pytest.raises(InvalidParameter):
        series_moments("2026-10-20T12:00:00Z", None, "hour", NOON)


def test_a_day_is_meant_as_a_whole_and_a_moment_is_included() -> None:
    midnight = datetime(2026, 11, 20, tzinfo=UTC)

    assert moments("2026-11-19", "2026-11-19") == Moments(midnight.replace(day=19), midnight)
    assert moments(None, "2026-11-19T23:59:59Z") == Moments(None, midnight)


def test_scores_are_all_there_are_unless_some_are_asked_for() -> None:
    assert scores(None, None) == (Decimal(-1), Decimal(1))
    assert scores(Decimal("0.1"), Decimal("0.1")) == (Decimal("0.1"), Decimal("0.1"))


@given(TEXTS, TEXTS)
def test_whatever_is_asked_for_is_understood_or_refused(since: str | None, until: str | None) -> None:
    for read in (
        lambda: day(since, "since"),
        lambda: fiscal_days(since, until),
        lambda: moments(since, until),
        lambda: news_days(since, until, TODAY),
        lambda: earnings_days(since, until, TODAY),
        lambda: series_moments(since, until, "day", NOON),
    ):
        try:
            found = read()
        except InvalidParameter:
            continue
        if isinstance(found, Days):
            assert found.first <= found.last
