"""The invented markets: they look realistic, add up, and change on request."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.upstreams.changes import UnknownThing
from local.upstreams.journal import Journal
from local.upstreams.markets import Markets
from local.upstreams.markets.control import change_markets
from local.upstreams.markets.world import FUNCTIONS, STATEMENTS
from tests.unit.local.market_clients import FRIDAY, Vendors

LATE = [name for name in FUNCTIONS if name != "EARNINGS"]


class TestWorld:
    def test_it_is_the_same_whenever_it_is_made(self) -> None:
        one, other = Vendors(), Vendors()

        assert one.assets() == other.assets()
        assert one.ask("CASH_FLOW", "QUIL") == other.ask("CASH_FLOW", "QUIL")
        assert one.news() == other.news()

    def test_twelve_thousand_companies_are_quickly_made_and_all_different(self) -> None:
        started = time.perf_counter()
        companies = Markets(12_000).companies()

        assert time.perf_counter() - started < 3
        assert len({one.symbol for one in companies}) == len({one.id for one in companies}) == 12_000

    def test_fewer_companies_are_the_first_of_more(self) -> None:
        assert list(Markets(80).companies())[:40] == list(Markets(40).companies())

    def test_a_period_is_shown_from_the_day_after_its_report(self, vendors: Vendors) -> None:
        day = vendors.markets.earnings_date("QUIL")
        vendors.now = datetime(day.year, day.month, day.day, 22, tzinfo=UTC)
        assert vendors.newest("EARNINGS", "QUIL") == "2026-09-30"
        assert vendors.report_dates("QUIL") == [day.isoformat()]

        vendors.wait(hours=2)

        assert {vendors.newest(name, "QUIL") for name in FUNCTIONS} == {"2026-12-31"}
        assert vendors.report_dates("QUIL") != [day.isoformat()]

    def test_some_vendors_statements_come_days_after_the_report(self, vendors: Vendors) -> None:
        vendors.now = datetime.combine(vendors.markets.earnings_date("LATQ"), vendors.now.timetz())
        vendors.wait(days=1)
        assert [vendors.newest(name, "LATQ") for name in ("EARNINGS", "CASH_FLOW")] == ["2026-12-31", "2026-09-30"]

        vendors.wait(days=3)

        assert vendors.newest("CASH_FLOW", "LATQ") == "2026-12-31"

    @pytest.mark.parametrize("days", range(0, 100, 9))
    def test_whenever_one_looks_somebody_reports_within_a_week(self, vendors: Vendors, days: int) -> None:
        vendors.wait(days=days)
        week = (vendors.now + timedelta(days=7)).date().isoformat()

        assert any(row["reportDate"] <= week for row in vendors.calendar())

    def test_nobody_reports_on_a_weekend(self, vendors: Vendors) -> None:
        rows = [row for row in vendors.calendar(horizon="12month") if "-" not in row["symbol"]]

        assert all(date.fromisoformat(row["reportDate"]).weekday() < 5 for row in rows)

    def test_after_a_weekend_the_volumes_are_those_of_friday_and_thursday(self, vendors: Vendors) -> None:
        vendors.wait(days=2)
        found = vendors.snapshots("QUIL")["QUIL"]

        assert (found["dailyBar"]["t"], found["prevDailyBar"]["t"]) == ("2026-11-20T04:00:00Z", "2026-11-19T04:00:00Z")

    @pytest.mark.parametrize("day", ["2026-11-20", "2026-12-31", "2027-03-06"])
    def test_some_report_before_the_market_opens_on_the_day_the_world_is_made(self, day: str) -> None:
        made = datetime.fromisoformat(f"{day}T04:00:00Z")
        vendors = Vendors(made)
        vendors.markets = Markets(clock=lambda: made, made=made)

        assert vendors.markets.early_reporters
        for reporter in vendors.markets.early_reporters:
            symbol = vendors.markets.company(reporter).dashed
            [row] = [row for row in vendors.calendar() if row["symbol"] == symbol]
            assert row["reportDate"] == day
            assert {vendors.newest(name, symbol) for name in FUNCTIONS} == {row["fiscalDateEnding"]}
            assert row["fiscalDateEnding"] <= day

    def test_who_reported_early_reports_the_next_time_as_usual(self) -> None:
        made = datetime(2026, 11, 20, 4, tzinfo=UTC)
        markets = Markets(clock=lambda: made, made=made)
        symbol = markets.early_reporters[0]
        reported = markets.latest(symbol, "EARNINGS")

        with markets.at(made + timedelta(days=1)):
            assert markets.latest(symbol, "EARNINGS") == reported
            assert markets.earnings_date(symbol) > made.date() + timedelta(days=60)


class TestFigures:
    @pytest.mark.parametrize("symbol", ["QUIL", "ZEPH", "BRAV-B", "IPOQ", "NORQ"])
    def test_assets_are_liabilities_and_equity(self, vendors: Vendors, symbol: str) -> None:
        found = vendors.ask("BALANCE_SHEET", symbol)

        for report in found["annualReports"] + found["quarterlyReports"]:
            owed, equity = int(report["totalLiabilities"]), int(report["totalShareholderEquity"])
            assert int(report["totalAssets"]) == owed + equity
            assert int(report["totalAssets"]) == int(report["totalCurrentAssets"]) + int(
                report["totalNonCurrentAssets"]
            )

    def test_a_year_is_the_sum_of_its_quarters(self, vendors: Vendors) -> None:
        found = vendors.ask("INCOME_STATEMENT", "QUIL")
        year = found["annualReports"][0]
        of_year = [one for one in found["quarterlyReports"] if one["fiscalDateEnding"].startswith("2025")]

        assert (year["fiscalDateEnding"], len(of_year)) == ("2025-12-31", 4)
        assert int(year["totalRevenue"]) == sum(int(one["totalRevenue"]) for one in of_year)

    def test_revenue_less_costs_is_what_was_earned(self, vendors: Vendors) -> None:
        for report in vendors.ask("INCOME_STATEMENT", "ZEPH")["quarterlyReports"]:
            gross = int(report["totalRevenue"]) - int(report["costOfRevenue"])
            assert int(report["grossProfit"]) == gross
            assert int(report["operatingIncome"]) == gross - int(report["operatingExpenses"])


class TestChanges:
    def test_a_moved_report_takes_its_statements_along(self, vendors: Vendors) -> None:
        moved = vendors.markets.move_earnings("QUIL", "2026-11-24")
        assert moved["fiscal_date_ending"] == "2026-12-31"
        assert vendors.report_dates("QUIL") == ["2026-11-24"]

        vendors.wait(days=5)

        assert vendors.newest("BALANCE_SHEET", "QUIL") == "2026-12-31"
        assert vendors.ask("EARNINGS", "QUIL")["quarterlyEarnings"][0]["reportedDate"] == "2026-11-24"

    def test_a_report_that_was_put_off_is_not_shown_on_its_old_day(self, vendors: Vendors) -> None:
        usual = vendors.markets.earnings_date("QUIL")
        vendors.markets.move_earnings("QUIL", usual + timedelta(days=7))
        vendors.now = datetime.combine(usual, vendors.now.timetz()) + timedelta(days=1)

        assert vendors.newest("EARNINGS", "QUIL") == "2026-09-30"
        assert vendors.report_dates("QUIL") == [(usual + timedelta(days=7)).isoformat()]

    def test_a_quarter_is_reported_in_all_functions(self, vendors: Vendors) -> None:
        before = vendors.report_dates("ZEPH", horizon="6month")
        vendors.markets.report_quarter("ZEPH")

        assert {vendors.newest(name, "ZEPH") for name in FUNCTIONS} == {"2026-12-31"}
        assert vendors.ask("EARNINGS", "ZEPH")["quarterlyEarnings"][0]["reportedDate"] == "2026-11-20"
        assert vendors.report_dates("ZEPH", horizon="6month") == before[1:]

    def test_a_quarter_is_reported_by_the_other_functions_later(self, vendors: Vendors) -> None:
        vendors.markets.report_quarter("QUIL", ["EARNINGS"])
        assert [vendors.newest(name, "QUIL") for name in ("EARNINGS", *LATE)] == ["2026-12-31", *["2026-09-30"] * 4]

        vendors.markets.report_quarter("QUIL", LATE)

        assert {vendors.newest(name, "QUIL") for name in FUNCTIONS} == {"2026-12-31"}

    def test_catching_up_adds_nothing_to_those_that_have_it(self, vendors: Vendors) -> None:
        vendors.markets.report_quarter("QUIL", ["EARNINGS"])
        vendors.markets.report_quarter("QUIL")

        assert vendors.newest("EARNINGS", "QUIL") == "2026-12-31"

    def test_older_periods_stay_as_they_were(self, vendors: Vendors) -> None:
        before = vendors.ask("CASH_FLOW", "QUIL")["quarterlyReports"]
        vendors.markets.report_quarter("QUIL")

        assert vendors.ask("CASH_FLOW", "QUIL")["quarterlyReports"][1:] == before[:-1]

    def test_statements_can_be_made_to_come_late(self, vendors: Vendors) -> None:
        vendors.markets.publish_late("QUIL", 10)
        vendors.markets.move_earnings("QUIL", "2026-11-20")
        vendors.wait(days=5)
        assert [vendors.newest(name, "QUIL") for name in ("EARNINGS", "CASH_FLOW")] == ["2026-12-31", "2026-09-30"]

        vendors.wait(days=6)

        assert {vendors.newest(name, "QUIL") for name in STATEMENTS} == {"2026-12-31"}

    @pytest.mark.parametrize(
        ("action", "body", "error"),
        [
            ("vanish", {"symbol": "NOPE"}, UnknownThing),
            ("move-article", {"url": "https://x.example", "time": "2026-11-20"}, UnknownThing),
            ("report-quarter", {"symbol": "QUIL", "functions": ["NEWS_SENTIMENT"]}, ValueError),
            ("anew", {}, UnknownThing),
            ("vanish", {}, TypeError),
        ],
    )
    def test_mistakes_are_told(
        self, vendors: Vendors, action: str, body: dict[str, Any], error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            change_markets(vendors.markets, action, body)


class TestJournal:
    def test_a_restart_brings_the_changes_back(self, tmp_path: Path) -> None:
        journal = Journal.open(tmp_path / "upstreams.json")
        journal.note("markets/add-article", {"tickers": ["QUIL"], "title": "Kept"}, FRIDAY)
        journal.note("markets/vanish", {"symbol": "QUIL"}, FRIDAY)

        again = Journal.open(tmp_path / "upstreams.json").replay_markets()

        assert again.vanished == {"QUIL"}
        assert [one.title for one in again.press.find(FRIDAY.replace(second=0), FRIDAY, ["QUIL"])] == ["Kept"]

    def test_markets_and_mails_are_forgotten_apart(self, tmp_path: Path) -> None:
        journal = Journal.open(tmp_path / "upstreams.json")
        journal.note("mails", {"list": "sample-hwmon", "subject": "hi"}, FRIDAY)
        journal.note("markets/vanish", {"symbol": "QUIL"}, FRIDAY)

        journal.forget()
        assert [one["action"] for one in Journal.open(tmp_path / "upstreams.json").changes] == ["markets/vanish"]

        journal.forget_markets()
        assert Journal.open(tmp_path / "upstreams.json").changes == []
