"""The pollenation of a company, from the event that requests it to the processed report."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from local.upstreams.markets.world import FUNCTIONS
from tests.integration.ingest.markets.functions import (
    API_KEY,
    NEW_KEY,
    NOW,
    Item,
    MarketFunctions,
    Told,
    environment_per_thread,
    metered,
    stored,
)
from watchkeeper.markets.models import Earnings, Outcome, Period, Statement

ONCE = dict.fromkeys(FUNCTIONS, 1)
YOUNG = "IPOQ"
"""A company with a history of two quarters."""


def pollenate(functions: MarketFunctions, symbol: str = YOUNG) -> None:
    functions.need(symbol)
    functions.work()


def test_five_calls_bring_all_there_is_of_a_company(functions: MarketFunctions) -> None:
    functions.track("QUIL")

    pollenate(functions, "QUIL")

    assert functions.asked() == ONCE
    assert count(functions, Statement.EARNINGS) == (121, 29)
    for statement in (Statement.BALANCE_SHEET, Statement.CASH_FLOW, Statement.INCOME_STATEMENT):
        assert count(functions, statement) == (81, 20)
    assert len(list(functions.fundamentals.overviews("QUIL"))) == 1
    asset = functions.assets.get("QUIL")
    assert asset.last_pollenated == NOW.replace(microsecond=0)
    assert not asset.no_data
    assert functions.spent().used == 5
    assert functions.waiting == 0


def count(functions: MarketFunctions, statement: Statement) -> tuple[int, int]:
    """Quarters and years of QUIL."""
    kept = [period for period, _ in functions.fundamentals.stored("QUIL", statement)]
    return kept.count(Period.QUARTERLY), kept.count(Period.ANNUAL)


def reports() -> list[Item]:
    kept = stored("foundationalData")["foundationalData"]
    return [item for item in kept if item["statement"]["S"] != "pollenation"]


def test_the_same_again_costs_no_more_than_ten_write_units(functions: MarketFunctions) -> None:
    functions.track("QUIL")
    pollenate(functions, "QUIL")
    before = reports()
    functions.wait(hours=1)

    used = metered(lambda: pollenate(functions, "QUIL"))

    assert functions.asked() == dict.fromkeys(FUNCTIONS, 2)
    assert used.write_units() <= 10, {name: usage.as_dict() for name, usage in used.items() if usage.write_units}
    assert reports() == before
    assert functions.assets.get("QUIL").last_pollenated == NOW.replace(hour=13, microsecond=0)


def test_of_a_new_quarter_only_what_is_new_is_written(functions: MarketFunctions) -> None:
    functions.track("VODQ")
    pollenate(functions, "VODQ")
    before = stored("foundationalData")["foundationalData"]
    functions.wait(hours=1)
    functions.markets.report_quarter("VODQ")

    pollenate(functions, "VODQ")

    new = [item["statement"]["S"] for item in stored("foundationalData")["foundationalData"] if item not in before]
    assert {name for name in new if "#quarterly#" in name} >= {
        f"{statement}#quarterly#2026-12-31" for statement in Statement if statement is not Statement.OVERVIEW
    }
    assert len(new) <= 10


def test_of_a_fund_there_is_nothing_and_that_is_noted(functions: MarketFunctions, told: Told) -> None:
    functions.track("ZBMQ")

    pollenate(functions, "ZBMQ")

    assert functions.asked() == ONCE
    assert functions.assets.get("ZBMQ").no_data
    assert functions.waiting == 0
    state = functions.fundamentals.pollenation("ZBMQ")
    assert {asked.outcome for asked in state.asked.values()} == {Outcome.NO_DATA}
    assert told.measured("Pollenations") == [1]


def test_a_function_the_plan_lacks_is_told_and_the_others_are_kept(functions: MarketFunctions, told: Told) -> None:
    functions.track(YOUNG)
    pollenate(functions)
    cash = functions.fundamentals.stored(YOUNG, Statement.CASH_FLOW)
    functions.wait(hours=1)
    functions.trouble.premium("CASH_FLOW")

    pollenate(functions)

    state = functions.fundamentals.pollenation(YOUNG)
    assert state.asked[Statement.CASH_FLOW].outcome is Outcome.REFUSED
    assert state.asked[Statement.EARNINGS].outcome is Outcome.DATA
    assert functions.fundamentals.stored(YOUNG, Statement.CASH_FLOW) == cash
    assert functions.assets.get(YOUNG).last_pollenated == NOW.replace(hour=13, microsecond=0)
    assert told.measured("UpstreamRefused") == [1]


def test_a_symbol_alphavantage_does_not_take_is_refused_for_good(functions: MarketFunctions) -> None:
    functions.track(YOUNG)
    functions.trouble.throttle("invalid-call", times=5)

    pollenate(functions)

    state = functions.fundamentals.pollenation(YOUNG)
    assert {asked.outcome for asked in state.asked.values()} == {Outcome.REFUSED}
    assert not functions.assets.get(YOUNG).no_data
    assert functions.waiting == 0


def test_new_fields_are_kept_and_figures_that_are_none_left_out(functions: MarketFunctions) -> None:
    functions.track(YOUNG)
    functions.trouble.alter("BALANCE_SHEET", "quarterlyReports.*.brandNewField", "12.50")
    functions.trouble.alter("BALANCE_SHEET", "quarterlyReports.0.totalAssets", "NaN")
    functions.trouble.alter("CASH_FLOW", "quarterlyReports.+", {"fiscalDateEnding": "never"})
    functions.trouble.alter("OVERVIEW", "Mood", "bright")

    pollenate(functions)

    reports = list(functions.fundamentals.reports(YOUNG, Statement.BALANCE_SHEET, Period.QUARTERLY))
    assert {report.values["brandNewField"] for report in reports} == {"12.50"}
    assert "totalAssets" not in reports[0].values
    assert next(functions.fundamentals.overviews(YOUNG)).values["Mood"] == "bright"
    source = functions.source("alphavantage:fundamentals")
    assert {one.subject for one in source.refusals} == {
        f"{YOUNG} balance_sheet: totalAssets quarterly {reports[0].fiscal_date_ending}",
        f"{YOUNG} cash_flow: quarterly",
    }
    assert source.run
    assert source.run.reasons == {"it begins like a figure and is none": 1, "a date is none": 1}


class TestTrouble:
    def test_a_day_that_ends_in_the_middle_goes_on_with_the_next(self, functions: MarketFunctions, told: Told) -> None:
        functions.track(YOUNG)
        functions.trouble.limit(per_day=3)
        functions.need(YOUNG)
        functions.work()
        assert functions.asked() == dict.fromkeys(("OVERVIEW", "EARNINGS", "INCOME_STATEMENT", "BALANCE_SHEET"), 1)
        calls = sum(functions.asked().values())

        while functions.now().date() == NOW.date():
            functions.wait(hours=1)
            functions.work()
            if functions.now().date() == NOW.date():
                assert sum(functions.asked().values()) == calls
                assert functions.waiting == 1
        functions.wait(minutes=15)
        functions.work()

        assert functions.asked() == ONCE | {"BALANCE_SHEET": 2}
        assert functions.waiting == 0
        assert functions.assets.get(YOUNG).last_pollenated
        assert told.measured("AlphaVantageThrottled")

    def test_what_there_is_no_budget_for_waits_in_the_queue(self, functions: MarketFunctions) -> None:
        functions.track(YOUNG, "QUIL")
        functions.limit(per_day=8, news=0)  # and one is the calendar's
        functions.need(YOUNG, "QUIL")
        functions.work()
        assert sum(functions.asked().values()) == 7
        assert functions.waiting == 1

        functions.wait(minutes=30)
        functions.work()
        assert sum(functions.asked().values()) == 7
        functions.go(NOW + timedelta(hours=13))
        functions.work()

        assert sum(functions.asked().values()) == 10
        assert functions.waiting == 0
        assert all(functions.assets.get(symbol).last_pollenated for symbol in (YOUNG, "QUIL"))

    def test_a_burst_is_tried_again_and_everybody_slows_down(self, functions: MarketFunctions, told: Told) -> None:
        functions.track(YOUNG)
        functions.trouble.throttle("burst", times=2)

        pollenate(functions)

        assert functions.asked() == ONCE | {"OVERVIEW": 3}
        assert functions.now() >= NOW + timedelta(seconds=2)
        assert sum(told.measured("AlphaVantageThrottled")) == 2
        assert functions.waiting == 0

    def test_a_minute_that_is_over_keeps_the_rest_for_the_next(self, functions: MarketFunctions) -> None:
        functions.track(YOUNG)
        functions.trouble.throttle("minute", function="CASH_FLOW")
        functions.need(YOUNG)
        functions.work()
        assert functions.waiting == 1

        functions.wait(minutes=2)
        functions.work()

        assert functions.asked() == ONCE | {"CASH_FLOW": 2}
        assert functions.waiting == 0

    def test_a_key_that_is_refused_stops_everybody_until_there_is_another(
        self, functions: MarketFunctions, told: Told
    ) -> None:
        functions.track(YOUNG, "QUIL")
        functions.markets.set_keys(api_key=NEW_KEY)
        functions.need(YOUNG, "QUIL")
        functions.work()
        calls = sum(functions.asked().values())
        assert calls == 1
        assert functions.waiting == 2
        assert functions.spent().used == 1
        assert functions.run("sync-earnings-calendar")["outcome"] == "left"
        assert functions.run("sync-news-sentiment")["outcome"] == "left"
        assert sum(functions.asked().values()) == calls
        assert told.measured("UpstreamRefused") == [1]

        functions.rotate(api_key=NEW_KEY)
        functions.wait(minutes=16)
        functions.work()

        assert functions.waiting == 0
        assert all(functions.assets.get(symbol).last_pollenated for symbol in (YOUNG, "QUIL"))

    def test_before_there_are_keys_work_waits(self, functions: MarketFunctions, told: Told) -> None:
        functions.track(YOUNG)
        functions.rotate(api_key="placeholder")
        functions.need(YOUNG)
        functions.work()
        assert functions.waiting == 1
        assert functions.asked() == {}
        assert functions.spent().used == 0
        assert told.measured("UpstreamRefused") == [1]

        functions.rotate(api_key=API_KEY)
        functions.wait(minutes=16)
        functions.work()

        assert functions.asked() == ONCE
        assert functions.waiting == 0

    def test_a_key_rotated_between_two_calls_is_used_for_the_second(self, functions: MarketFunctions) -> None:
        functions.track(YOUNG)
        pollenate(functions)
        functions.markets.set_keys(api_key=NEW_KEY)
        functions.rotate(api_key=NEW_KEY)
        functions.wait(minutes=1)  # the old one is still in the cache

        pollenate(functions)

        assert functions.asked() == dict.fromkeys(FUNCTIONS, 2) | {"OVERVIEW": 3}
        assert functions.waiting == 0

    def test_an_upstream_that_fails_is_tried_again_later_and_what_came_stays(self, functions: MarketFunctions) -> None:
        functions.track(YOUNG)
        functions.upstreams.alphavantage.faults.add("garbage", path="BALANCE_SHEET")
        functions.need(YOUNG)
        functions.work()
        assert functions.waiting == 1

        functions.wait(minutes=2)
        functions.work()

        assert functions.asked() == ONCE | {"BALANCE_SHEET": 2}
        assert functions.spent().used == 6  # calls that were taken beforehand and not made are not lost
        assert functions.waiting == 0

    def test_work_for_which_the_time_does_not_suffice_is_handed_on(self, functions: MarketFunctions) -> None:
        functions.track(YOUNG)
        functions.need(YOUNG)
        functions.deliver(functions.next_message(), seconds=60)
        assert functions.asked() == {}
        assert functions.waiting == 1

        assert functions.work() == 1
        assert functions.asked() == ONCE
        assert functions.spent().used == 5


class TestSameWorkTwice:
    def test_an_event_that_comes_twice_or_late_costs_no_call(self, functions: MarketFunctions) -> None:
        functions.track(YOUNG)
        functions.need(YOUNG, YOUNG, at=NOW - timedelta(hours=1))
        functions.need(YOUNG)
        functions.work()
        functions.need(YOUNG, at=NOW - timedelta(days=2))

        functions.work()

        assert functions.asked() == ONCE
        assert functions.spent().used == 5
        assert functions.waiting == 0

    def test_a_request_made_while_its_asset_was_asked_about_is_not_satisfied_by_what_came_before(
        self, functions: MarketFunctions
    ) -> None:
        functions.limit(per_second=0.1)  # ten seconds between the calls
        functions.track(YOUNG)
        functions.need(YOUNG)
        functions.work()
        assert functions.now() >= NOW + timedelta(seconds=39)

        functions.need(YOUNG, at=NOW + timedelta(seconds=15))
        functions.work()

        assert functions.asked() == ONCE | {"OVERVIEW": 2, "EARNINGS": 2, "INCOME_STATEMENT": 2}

    def test_two_workers_at_the_same_time_make_five_calls_together(
        self, functions: MarketFunctions, atomic_tables: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        environment_per_thread(monkeypatch)
        functions.track(YOUNG)
        functions.need(YOUNG, YOUNG)
        messages = [functions.next_message() for _ in range(2)]
        threads = [threading.Thread(target=functions.deliver, args=(message,)) for message in messages]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        functions.wait(minutes=2)
        functions.work()

        assert functions.asked() == ONCE
        assert functions.spent().used == 5
        assert functions.waiting == 0
        assert functions.assets.get(YOUNG).last_pollenated

    def test_while_another_worker_has_it_nothing_is_asked(self, functions: MarketFunctions) -> None:
        functions.track(YOUNG)
        state = functions.fundamentals.pollenation(YOUNG)
        until = functions.now() + timedelta(minutes=10)
        functions.fundamentals.keep(replace(state, claimed_by="another", claimed_until=until))
        functions.need(YOUNG)
        functions.work()
        assert functions.asked() == {}
        assert functions.spent().used == 0

        functions.wait(minutes=11)
        functions.work()

        assert functions.asked() == ONCE


def _due(expected: Earnings, functions: MarketFunctions) -> Earnings:
    """Reported yesterday."""
    return replace(expected, earnings_date=functions.now().date() - timedelta(days=1))


class TestEarnings:
    def test_a_report_that_came_is_processed_once(self, functions: MarketFunctions) -> None:
        functions.track(YOUNG)
        expected = functions.expect(YOUNG)
        functions.go(NOW.replace(year=2027, month=expected.earnings_date.month, day=expected.earnings_date.day))
        functions.wait(days=1)

        pollenate(functions, YOUNG)
        functions.wait(hours=1)
        pollenate(functions, YOUNG)

        [report] = functions.calendar.of_asset(YOUNG)
        assert report.processed_at
        assert functions.processed == [{"marked": 1}]

    def test_a_report_is_processed_only_when_all_statements_are_there(self, functions: MarketFunctions) -> None:
        functions.track("LATQ")
        expected = functions.expect("LATQ")
        functions.go(NOW.replace(year=2027, month=expected.earnings_date.month, day=expected.earnings_date.day))
        functions.wait(days=1)
        pollenate(functions, "LATQ")
        period = functions.fundamentals.of_period("LATQ", expected.fiscal_date_ending)
        assert {report.statement for report in period} == {Statement.EARNINGS}
        assert functions.processed == []

        functions.wait(days=3)
        pollenate(functions, "LATQ")

        assert functions.processed == [{"marked": 1}]

    @pytest.mark.parametrize("last", FUNCTIONS)
    def test_whichever_comes_last_is_waited_for(self, functions: MarketFunctions, last: str) -> None:
        functions.track(YOUNG)
        expected = functions.expect(YOUNG)
        functions.markets.report_quarter(YOUNG, functions=[one for one in FUNCTIONS if one != last])
        functions.calendar.move(expected, _due(expected, functions))
        pollenate(functions)
        assert functions.processed == []
        functions.wait(hours=1)
        functions.markets.report_quarter(YOUNG, functions=[last], fiscal_date_ending=expected.fiscal_date_ending)

        pollenate(functions)

        assert functions.processed == [{"marked": 1}]

    def test_a_report_that_moved_meanwhile_is_marked_where_it_is(self, functions: MarketFunctions) -> None:
        functions.track(YOUNG)
        expected = functions.expect(YOUNG)
        due = _due(expected, functions)
        functions.calendar.move(expected, due)
        functions.markets.report_quarter(YOUNG)
        functions.need(YOUNG)
        functions.deliver(functions.next_message())
        functions.calendar.move(due, expected)

        functions.work()

        [report] = functions.calendar.of_asset(YOUNG)
        assert (report.earnings_date, bool(report.processed_at)) == (expected.earnings_date, True)
        assert functions.processed == [{"marked": 1}]

    def test_an_event_that_comes_again_marks_nothing(self, functions: MarketFunctions) -> None:
        functions.track(YOUNG)
        expected = functions.expect(YOUNG)
        functions.calendar.move(expected, _due(expected, functions))
        functions.markets.report_quarter(YOUNG)
        functions.need(YOUNG)
        functions.need(YOUNG)
        for message in (functions.next_message(), functions.next_message(carry=False)):
            functions.deliver(message)  # the second before the first is marked
        functions.work()

        assert functions.processed == [{"marked": 1}, {"marked": 0}]


@pytest.mark.parametrize("body", ["no JSON", "{}", '{"type": "earningsProcessed"}', "[]"])
def test_what_is_no_request_becomes_a_dead_letter_and_costs_no_call(functions: MarketFunctions, body: str) -> None:
    functions.send(body)
    for _ in range(5):
        functions.work()
        functions.wait(seconds=701)

    assert functions.waiting == 0
    [letter] = functions.dead_letters()
    assert letter["Body"] == body
    assert "WorkRefused" in str(letter["MessageAttributes"])
    assert functions.asked() == {}
    assert functions.spent().used == 0


@pytest.mark.parametrize("symbol", ["NOBODY", "../etc", "", "A&apikey=x"])
def test_an_asset_nobody_tracks_is_not_asked_about(functions: MarketFunctions, symbol: str) -> None:
    functions.need(symbol)
    functions.work()

    assert functions.asked() == {}
    assert functions.waiting == 1  # until it is a dead letter
