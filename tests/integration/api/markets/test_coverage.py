"""How much is known, how fresh it is, and what may still be asked for."""

from datetime import timedelta

from tests.integration.api.asking import Asker
from tests.integration.api.markets.builders import NOON, an_asset
from tests.integration.api.markets.conftest import PER_DAY
from watchkeeper.dynamodb import Table
from watchkeeper.markets.budget import BudgetRepository, Limits
from watchkeeper.markets.coverage import CoverageRepository, counted
from watchkeeper.progress import KERNEL, LIVE, MARKETS, Gap, ProgressRepository, Refusal, Run, Source


def test_before_anything_is_read_nothing_is_claimed(ask: Asker) -> None:
    reply = ask.get("/coverage")

    assert reply.status == 200
    assert reply.json["assets"] is None
    names = ["alpaca:assets", "alphavantage:earnings-calendar", "alphavantage:news"]
    assert [source["name"] for source in reply.json["sources"]] == names
    assert {source["last_success"] for source in reply.json["sources"]} == {None}
    assert reply.json["budget"] == {"per_day": PER_DAY, "used": 0, "left": PER_DAY, "paused_until": None}
    assert reply.headers["Cache-Control"] == "no-cache"


def test_assets_are_told_by_age(ask: Asker, progress_table: Table) -> None:
    ages = {"A": 0, "B": 3, "C": 60, "D": 200}
    known = [an_asset(symbol, last_pollenated=NOON - timedelta(days=age)) for symbol, age in ages.items()]
    nothing = an_asset("F", last_pollenated=NOON, no_data=True)
    CoverageRepository(progress_table).put(counted([*known, an_asset("E"), nothing], NOON))

    told = ask.get("/coverage").json["assets"]

    assert (told["total"], told["fresh"], told["counted_at"]) == (6, 3, "2026-11-20T12:00:00Z")
    by_age = {group["age"]: group["assets"] for group in told["ages"]}
    assert by_age == {"1d": 1, "7d": 1, "30d": 0, "90d": 1, "older": 1, "never": 1, "no_data": 1}
    assert (told["oldest"], told["newest"]) == ("2026-05-04T12:00:00Z", "2026-11-20T12:00:00Z")


def test_trouble_with_a_source_is_told_and_sources_of_other_watches_are_not(ask: Asker, progress_table: Table) -> None:
    ProgressRepository(progress_table, KERNEL).save(Source("patchwork:linux-hwmon"))
    run = Run("run-1", "all", NOON, refused=7, reasons={"the symbol is listed twice": 7})
    refusals = (Refusal("QUIL", "the symbol is listed twice", NOON),)
    ProgressRepository(progress_table, MARKETS).save(
        Source(
            "alpaca:assets",
            LIVE,
            {},
            run,
            last_success=NOON - timedelta(hours=1),
            error="Implausible",
            failing_since=NOON,
            blocked_since=NOON,
            gaps=(Gap(NOON, "x"),),
            refusals=refusals,
        )
    )

    first, *others = ask.get("/coverage").json["sources"]

    assert first == {
        "name": "alpaca:assets",
        "last_success": "2026-11-20T11:00:00Z",
        "age_seconds": 3600,
        "error": "Implausible",
        "failing_since": "2026-11-20T12:00:00Z",
        "blocked_since": "2026-11-20T12:00:00Z",
        "gaps": [{"since": "2026-11-20T12:00:00Z", "reason": "x"}],
        "refused": 7,
        "reasons": {"the symbol is listed twice": 7},
        "refusals": [{"subject": "QUIL", "reason": "the symbol is listed twice", "at": "2026-11-20T12:00:00Z"}],
    }
    assert len(others) == 2


def test_the_calls_of_the_day_are_told(ask: Asker, progress_table: Table) -> None:
    budget = BudgetRepository(progress_table, "alphavantage", Limits(1, 5, PER_DAY, 5))
    budget.take(3, NOON, patience=60)
    budget.pause((NOON + timedelta(hours=1)).timestamp(), NOON)

    assert ask.get("/coverage").json["budget"] == {
        "per_day": PER_DAY,
        "used": 3,
        "left": PER_DAY - 3,
        "paused_until": "2026-11-20T13:00:00Z",
    }


def test_yesterdays_calls_count_no_more(ask: Asker, progress_table: Table) -> None:
    yesterday = NOON - timedelta(days=1)
    BudgetRepository(progress_table, "alphavantage", Limits(1, 5, PER_DAY, 5)).take(3, yesterday, patience=60)

    assert ask.get("/coverage").json["budget"]["left"] == PER_DAY
