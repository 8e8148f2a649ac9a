"""How much is known of what is tracked: counted, kept and measured."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.scheduler.markets.conftest import Market
from watchkeeper.markets.models import INACTIVE
from watchkeeper.progress import Source


def measured(written: str, name: str, dimension: str) -> dict[str, float]:
    """Of the metric, by that dimension."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in written.splitlines() if '"_aws"' in line]
    return {line[dimension]: line[name][0] for line in lines if name in line}


def test_active_assets_are_counted_by_age_and_kept(market: Market, capsys: pytest.CaptureFixture[str]) -> None:
    for number, days in enumerate((0.1, 0.5, 3, 20, 80, 400)):
        market.track(f"S{number}", days=days)
    market.track("NEW")
    market.track("FUND", days=1, no_data=True)
    market.track("GONE", status=INACTIVE)

    answer = market.count()

    ages = {"1d": 2, "7d": 1, "30d": 1, "90d": 1, "older": 1, "never": 1, "no_data": 1}
    assert answer == {"assets": ages, "stale": []}
    kept = market.coverage.get()
    assert kept is not None
    assert (kept.assets, kept.total, kept.fresh) == (ages, 8, 5)
    assert kept.oldest == market.now - timedelta(days=400)
    assert measured(capsys.readouterr().out, "AssetsByAge", "age") == ages


def test_the_age_of_each_source_and_of_the_fundamentals_is_measured(
    market: Market, capsys: pytest.CaptureFixture[str]
) -> None:
    market.track("AAPL", days=0.25)
    market.progress.save(Source("alpaca:assets", last_success=market.now - timedelta(hours=1)))
    market.progress.save(Source("alphavantage:news", failing_since=market.now - timedelta(days=3)))

    assert market.count()["stale"] == ["alphavantage:news"]
    ages = measured(capsys.readouterr().out, "FreshnessAge", "source")
    expected = {"alpaca:assets": 3600, "alphavantage:news": 3 * 86_400, "alphavantage:fundamentals": 6 * 3600}
    assert ages == pytest.approx(expected, abs=60)
    told = {one["data"]["source"]: one["data"] for one in market.told() if one["type"] == "SourceAged"}
    assert {name: data["seconds"] for name, data in told.items()} == pytest.approx(expected, abs=60)
    assert [name for name, data in told.items() if data["stale"]] == ["alphavantage:news"]


def test_counting_keeps_and_measures_nothing(market: Market, capsys: pytest.CaptureFixture[str]) -> None:
    market.track("AAPL")

    assert market.count(action="count")["assets"]["never"] == 1
    assert market.coverage.get() is None
    assert "AssetsByAge" not in capsys.readouterr().out
    assert market.told() == []


def test_a_stage_that_knows_nothing_yet_has_nothing_to_measure(
    market: Market, capsys: pytest.CaptureFixture[str]
) -> None:
    assert market.count()["stale"] == []
    assert "FreshnessAge" not in capsys.readouterr().out
