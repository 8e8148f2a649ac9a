"""Each active asset is counted once, by its age."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.markets.coverage import AGES, NEVER, NO_DATA, OLDER, counted
from watchkeeper.markets.models import ACTIVE, Asset

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ASSET = Asset("AAPL", "1", "Apple", ACTIVE, "NASDAQ", "us_equity", tradable=True)
ASSETS = st.builds(
    lambda age, no_data: replace(ASSET, last_pollenated=None if age is None else NOW - age, no_data=no_data),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=1000)),
    st.booleans(),
)


@given(st.lists(ASSETS))
def test_each_asset_is_in_one_age(assets: list[Asset]) -> None:
    coverage = counted(assets, NOW)

    assert tuple(coverage.assets) == AGES
    assert coverage.total == len(assets)
    assert coverage.fresh <= coverage.total
    asked = [asset.last_pollenated for asset in assets if asset.last_pollenated]
    assert (coverage.oldest, coverage.newest) == (min(asked, default=None), max(asked, default=None))


@pytest.mark.parametrize(
    ("days", "no_data", "age"),
    [
        (None, False, NEVER),
        (0.5, False, "1d"),
        (1, False, "1d"),
        (1.1, False, "7d"),
        (30, False, "30d"),
        (90, False, "90d"),
        (91, False, OLDER),
        (0.5, True, NO_DATA),
        (400, True, NO_DATA),
    ],
)
def test_an_age_is_the_first_that_fits(days: float | None, no_data: bool, age: str) -> None:
    last = None if days is None else NOW - timedelta(days=days)
    coverage = counted([replace(ASSET, last_pollenated=last, no_data=no_data)], NOW)

    assert [name for name, number in coverage.assets.items() if number] == [age]


def test_fresh_is_what_was_asked_for_within_a_quarter_and_had_data() -> None:
    ages = (None, 1, 89, 91)
    assets = [replace(ASSET, last_pollenated=None if days is None else NOW - timedelta(days=days)) for days in ages]

    assert counted([*assets, replace(ASSET, last_pollenated=NOW, no_data=True)], NOW).fresh == 2
