"""The markets watch with moved reports, vendors that fail or change, wrong keys, killed workers, and duplicate or late
events: nothing is lost, nothing is done twice, and no call is wasted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from local import declared, keys, maintenance
from local.cloud import FunctionFailed
from local.functions import log_lines
from local.upstreams import ALPACA_KEY_ID, ALPACA_SECRET_KEY, ALPHAVANTAGE_API_KEY
from tests.e2e.market import ASSETS, CALENDAR, POLLENATE, QUEUE, Market
from tests.e2e.people import Json
from tests.e2e.waiting import wait_for
from watchkeeper.clock import to_iso, utc_now
from watchkeeper.markets.maintenance import Word
from watchkeeper.markets.models import Statement

FIVE = tuple(statement.name for statement in Statement)
"""What a company is asked about, in this order."""
REPORTED = tuple(statement for statement in Statement if statement is not Statement.OVERVIEW)
NEW_KEY, NEW_SECRET, NOT_TOLD_US, WRONG = (f"{name}-key-0123" for name in ("new", "new-secret", "not-told-us", "wrong"))
SECRETS = (ALPACA_KEY_ID, ALPACA_SECRET_KEY, ALPHAVANTAGE_API_KEY, NEW_KEY, NEW_SECRET, NOT_TOLD_US, WRONG)


@pytest.fixture(autouse=True)
def all_well(market: Market) -> Iterator[None]:
    """No test leaves trouble to the next one, nor work to be done, nor any that was given up."""
    market.system.queues.purge(QUEUE)
    market.system.upstreams.alphavantage.log.clear()
    yield
    market.vendor.trouble.clear()
    market.system.upstreams.alphavantage.faults.clear()
    market.settle()
    assert market.system.queues.depth("pollenation-dlq").is_empty


# The calendar


def test_a_report_that_moves_is_there_once(market: Market) -> None:
    symbol = market.reports_soon[0]
    before = market.vendor.earnings_date(symbol)
    after = before + timedelta(days=3)
    market.vendor.move_earnings(symbol, after)
    market.vendor.trouble.alter("EARNINGS_CALENDAR", "*.estimate", "1.23")

    market.run("earnings-calendar-sync")

    [moved] = market.calendar_of(symbol)
    assert (moved["earnings_date"], moved["moved_from"]) == (after.isoformat(), before.isoformat())
    announced = market.read("earnings", limit=100, to=(utc_now() + timedelta(days=90)).date().isoformat())["items"]
    assert {day["estimate"] for day in announced} == {"1.23"}
    assert [day["symbol"] for day in announced if day["moved_from"]] == [symbol]


@pytest.mark.parametrize("kind", ["header", "letters", "cut", "empty"])
def test_a_calendar_that_is_broken_changes_nothing(market: Market, kind: Any) -> None:
    known = {symbol: market.calendar_of(symbol) for symbol in market.tracked}
    market.vendor.trouble.break_calendar(kind)

    with pytest.raises(FunctionFailed, match="AlphaVantage answered"):
        market.run("earnings-calendar-sync")
    assert "AlphaVantage answered" in market.source(CALENDAR)["error"]
    assert {symbol: market.calendar_of(symbol) for symbol in known} == known

    market.run("earnings-calendar-sync")
    assert market.source(CALENDAR)["error"] is None


# The list of assets


def test_an_asset_that_vanishes_is_inactive_until_it_comes_back(market: Market) -> None:
    market.vendor.vanish("ASCQ")
    assert market.run("assets-sync")["outcome"] == "read"
    gone = market.asset("ASCQ")
    market.vendor.come_back("ASCQ")
    market.run("assets-sync")
    back = market.asset("ASCQ")

    assert (gone["status"], back["status"]) == ("inactive", "active")
    assert gone["vanished_at"]
    assert gone["last_pollenated"] == back["last_pollenated"], "what is known stays"


def test_a_list_that_is_cut_short_is_not_believed(market: Market) -> None:
    market.vendor.truncate_assets(50)
    try:
        with pytest.raises(FunctionFailed, match="less than 80% of them"):
            market.run("assets-sync")
        assert {asset["symbol"] for asset in market.read("assets", status="inactive", limit=100)["items"]} == set()
        assert "assets are listed" in market.source(ASSETS)["error"]
    finally:
        market.vendor.truncate_assets(100)
    market.run("assets-sync")
    assert market.source(ASSETS)["error"] is None


def test_fields_and_values_nobody_has_heard_of_are_taken(market: Market) -> None:
    trouble = market.vendor.trouble
    trouble.alter("assets", "*.brand_new", {"nested": [1]})
    trouble.alter("assets", "0.exchange", "MOONX")
    trouble.alter("assets", "0.borrow_status", "lent_to_the_moon")
    trouble.alter("BALANCE_SHEET", "quarterlyReports.0.moonAssets", "12.50", "QUIL")
    trouble.alter("OVERVIEW", "MoonRating", "A-", "QUIL")

    market.run("assets-sync")
    market.pollenate("QUIL")

    asset = market.asset("QUIL")
    assert (asset["exchange"], asset["borrow_status"]) == ("MOONX", "lent_to_the_moon")
    sheet, overview = (
        market.read("assets/QUIL/fundamentals", statement=name)["items"][0]["values"]
        for name in ("balance_sheet", "overview")
    )
    assert (sheet["moonAssets"], overview["MoonRating"]) == ("12.50", "A-")
    assert market.source(ASSETS)["refused"] == 0


# The day's calls


def test_a_throttled_day_wastes_no_call_and_loses_no_work(market: Market) -> None:
    market.vendor.trouble.limit(per_day=3)
    first, second = market.ask_for("ZEPH"), market.ask_for("XOLB")

    market.wait_until_put_off(2)
    asked = market.asked("ZEPH"), market.asked("XOLB")
    assert sum(sum(one.values()) for one in asked) <= 5, "three were answered; both workers may have been refused one"
    assert market.read("coverage")["budget"]["paused_until"]

    with market.putting_off(2):
        market.quarter_of_an_hour_passes()
    assert (market.asked("ZEPH"), market.asked("XOLB")) == asked, "nobody asks on that day"
    assert market.run("regular-pollenation")["needed"] == 0

    market.vendor.trouble.limit()
    keys.resume(market.system.cloud, "alphavantage")
    market.quarter_of_an_hour_passes()
    market.wait_for_pollenation("ZEPH", first)
    market.wait_for_pollenation("XOLB", second)

    done = market.asked("ZEPH"), market.asked("XOLB")
    assert all(one.keys() == set(FIVE) for one in done)
    assert sum(sum(one.values()) for one in done) <= 12, "what was answered is not asked again"
    assert market.system.queues.depth(QUEUE).is_empty


# Events


def envelope(symbol: str, correlation_id: str, occurred_at: str) -> Json:
    data = {"symbol": symbol, "reason": "request", "score": None}
    told = {"id": correlation_id, "type": "pollenationNeeded", "version": 1, "occurred_at": occurred_at}
    return {**told, "correlation_id": correlation_id, "data": data}


def test_events_that_come_twice_or_late_ask_for_nothing(market: Market) -> None:
    market.pollenate("QUIL")
    told = market.asset("QUIL")
    market.system.upstreams.alphavantage.log.clear()
    old = to_iso(utc_now() - timedelta(days=1))

    market.say(*(envelope("QUIL", name, old) for name in ("twice", "twice", "late")))
    for name, times in (("twice", 2), ("late", 1)):
        wait_for(
            "the work",
            lambda name=name, times=times: ends(market, name) == ["asset pollenated"] * times,  # type: ignore[misc]
        )

    assert market.asked("QUIL") == {}
    assert market.asset("QUIL") == told


def ends(market: Market, correlation_id: str) -> list[str]:
    return [line["message"] for line in market.told(POLLENATE, correlation_id)]


def test_a_report_is_marked_once_however_often_it_is_told(market: Market) -> None:
    symbol = market.vendor.early_reporters[0]
    [before] = [day for day in market.calendar_of(symbol) if day["processed_at"]]
    event = market.processed(symbol=symbol)[0].envelope

    market.say({**event, "correlation_id": "told-twice"}, {**event, "correlation_id": "told-twice"})
    wait_for("both to be heard", lambda: len(market.told("mark-earnings-processed", "told-twice")) == 2)

    assert {line["marked"] for line in market.told("mark-earnings-processed", "told-twice")} == {0}
    assert before in market.calendar_of(symbol)


# Crashes


def test_a_worker_that_is_killed_loses_nothing_and_does_nothing_twice(market: Market) -> None:
    """In its third call: another goes on there. That one finds that the upstream was down meanwhile, and tries it."""
    system, symbol = market.system, market.reports_soon[-1]
    known = {name: market.periods(symbol, name) for name in REPORTED}
    period = report_now(market, symbol)
    faults = system.upstreams.alphavantage.faults
    faults.add("hang", path=f"function={FIVE[2]}&symbol={symbol.replace('.', '-')}&", delay=5)

    with system.queues.retrying_after(3, QUEUE):
        since = market.ask_for(symbol)
        wait_for("the third call", lambda: not faults.as_json())
        system.kill_workers([POLLENATE])
        market.claims_run_out(symbol)
        market.was_down()
        market.wait_for_pollenation(symbol, since)
    market.is_up()

    asked = market.asked(symbol)
    assert asked == dict.fromkeys(FIVE, 1) | {FIVE[2]: asked[FIVE[2]]}
    assert asked[FIVE[2]] <= 2
    assert {name: market.periods(symbol, name) for name in REPORTED} == {
        name: [period, *periods][:100] for name, periods in known.items()
    }
    wait_for("the mark", lambda: bool(market.calendar_of(symbol)[0]["processed_at"]))
    assert [event.data["fiscal_date_ending"] for event in market.processed(symbol=symbol)] == [period]


def report_now(market: Market, symbol: str) -> str:
    """Let the company report today, and its figures be there; the end of the fiscal period."""
    market.vendor.move_earnings(symbol, utc_now().date())
    market.run("earnings-calendar-sync")
    return str(market.vendor.report_quarter(symbol)["fiscal_date_ending"])


# Keys


@contextmanager
def keys_of_the_sample(market: Market) -> Iterator[None]:
    """Whatever was changed, the first ones work again."""
    try:
        yield
    finally:
        market.vendor.set_keys(ALPACA_KEY_ID, ALPACA_SECRET_KEY, ALPHAVANTAGE_API_KEY)
        market.put_key("alpaca", key_id=ALPACA_KEY_ID, secret_key=ALPACA_SECRET_KEY)
        market.put_key("alphavantage", api_key=ALPHAVANTAGE_API_KEY)


def test_work_waits_for_a_key_that_is_taken(market: Market) -> None:
    with keys_of_the_sample(market):
        market.vendor.set_keys(api_key=NEW_KEY)
        before, since = market.asked("BRAV.B"), market.ask_for("BRAV.B")
        market.wait_until_put_off()
        assert (before, market.asked("BRAV.B")) == ({}, {FIVE[0]: 1}), "one refusal is heard by all"
        market.ask_for("NTRQ")
        market.wait_until_put_off(2)
        assert market.asked("NTRQ") == {}

        market.put_key("alphavantage", api_key=NEW_KEY)
        market.quarter_of_an_hour_passes()
        market.wait_for_pollenation("BRAV.B", since)
        market.wait_for_pollenation("NTRQ", since)


def test_keys_are_rotated_without_a_deployment_and_without_a_pause(market: Market) -> None:
    """Functions that have read the old ones within five minutes read again as soon as these are refused."""
    with keys_of_the_sample(market):
        market.vendor.set_keys(ALPACA_KEY_ID, NEW_SECRET, NEW_KEY)
        market.put_key("alpaca", secret_key=NEW_SECRET)
        market.put_key("alphavantage", api_key=NEW_KEY)

        assert market.run("assets-sync")["outcome"] == "read"
        assert market.run("earnings-calendar-sync")["outcome"] == "read"
        market.pollenate("QUIL")

        assert market.read("coverage")["budget"]["paused_until"] is None


def test_a_wrong_key_is_told_and_not_shown(market: Market) -> None:
    with keys_of_the_sample(market):
        market.put_key("alpaca", secret_key=WRONG)
        market.vendor.set_keys(secret_key=NOT_TOLD_US)
        with pytest.raises(FunctionFailed) as failed:
            market.run("assets-sync")

    assert "key" in str(failed.value)
    assert not any(secret in str(failed.value) for secret in SECRETS)
    assert market.source(ASSETS)["error"]
    market.run("assets-sync")


# Maintenance


def test_an_operator_closes_and_opens_the_watch(market: Market) -> None:
    cloud = market.system.cloud
    maintenance.say(cloud, Word.CLOSED, timedelta(hours=1), utc_now())
    try:
        for rule in ("assets-sync", "news-sentiment-sync", "regular-pollenation"):
            with pytest.raises(FunctionFailed, match="maintenance window"):
                market.run(rule)
        since = market.ask_for("ASCQ")
        market.wait_until_put_off()
        assert market.asked("ASCQ") == {}
    finally:
        maintenance.say(cloud, Word.OPEN, timedelta(hours=1), utc_now())
    market.quarter_of_an_hour_passes()
    market.wait_for_pollenation("ASCQ", since)
    assert market.run("assets-sync")["outcome"] == "read"
    maintenance.unsay(cloud)


# After all that


def test_no_key_is_in_a_log_an_event_or_a_table(market: Market) -> None:
    cloud = market.system.cloud
    places = {name: "\n".join(log_lines(cloud, name, 100_000, False)) for name in declared.functions()}
    places |= {"events": repr(market.system.bus.heard())}
    for table in ("progress", "assets", "earningsCalendar", "newsSentiment", "foundationalData", "breakers"):
        places[table] = repr(list(market.system.tables.items(table)))

    assert all(places[name] for name in ("sync-assets", POLLENATE, "events", "foundationalData"))
    assert [(name, secret) for name, text in places.items() for secret in SECRETS if secret in text] == []
