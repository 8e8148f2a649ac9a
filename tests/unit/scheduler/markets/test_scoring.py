"""How much it is worth to ask about an asset."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.markets.scoring import MOST_DAYS, score, text_of
from tests.unit.scheduler.markets.things import NOW, asset

VOLUMES = st.integers(0, 10**12)
DAYS = st.one_of(st.none(), st.floats(0, 4000))


@given(VOLUMES, VOLUMES, DAYS, st.booleans())
def test_more_volume_never_lowers_it(one: int, other: int, days: float | None, no_data: bool) -> None:
    less, more = sorted((one, other))

    assert score(asset(volume=less, days=days, no_data=no_data), NOW) <= score(
        asset(volume=more, days=days, no_data=no_data), NOW
    )


@given(VOLUMES, st.floats(0, 4000), st.floats(0, 4000), st.booleans())
def test_more_staleness_never_lowers_it(volume: int, one: float, other: float, no_data: bool) -> None:
    less, more = sorted((one, other))

    assert score(asset(volume=volume, days=less, no_data=no_data), NOW) <= score(
        asset(volume=volume, days=more, no_data=no_data), NOW
    )


@given(VOLUMES, DAYS)
def test_one_without_data_is_never_worth_more_than_a_tenth(volume: int, days: float | None) -> None:
    known = asset(volume=volume, days=days)

    assert score(replace(known, no_data=True), NOW) <= score(known, NOW) / 10 + 1e-9


@given(VOLUMES, DAYS)
def test_one_that_was_never_asked_about_is_worth_no_less_than_any_of_its_volume(
    volume: int, days: float | None
) -> None:
    assert score(asset(volume=volume), NOW) >= score(asset(volume=volume, days=days), NOW)


@pytest.mark.parametrize(
    ("volume", "days", "no_data", "worth"),
    [
        (0, None, False, "90.00"),
        (999, None, False, "360.00"),
        (999, MOST_DAYS + 500, False, "360.00"),
        (999, 10, False, "40.00"),
        (999, 1, False, "4.00"),
        (999, 0.999, False, "0.00"),
        (999, -1, False, "0.00"),
        (999, 29.9, True, "0.00"),
        (999, 30, True, "12.00"),
    ],
)
def test_what_it_is(volume: int, days: float | None, no_data: bool, worth: str) -> None:
    assert text_of(score(asset(volume=volume, days=days, no_data=no_data), NOW)) == worth


def test_a_stale_asset_with_little_volume_overtakes_a_fresh_one_with_much() -> None:
    much, little = asset("MUCH", 10**9, days=2), asset("LITTLE", 100, days=10)

    assert score(little, NOW) > score(much, NOW)
    assert score(much, NOW + timedelta(days=88)) > score(little, NOW + timedelta(days=88))
