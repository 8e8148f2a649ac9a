"""The earnings calendar, from AlphaVantage's CSV to the table."""

from datetime import date, timedelta
from typing import Any

import pytest

from ingest.errors import MinuteOver, UpstreamError
from local.upstreams.markets.trouble import Broken
from tests.integration.ingest.markets.functions import MarketFunctions, Told, metered, stored
from watchkeeper.markets.models import Earnings

SOURCE = "alphavantage:earnings-calendar"
LEFT = {"source": SOURCE, "outcome": "left"}


def sync(functions: MarketFunctions) -> None:
    assert functions.run("sync-earnings-calendar") == {"source": SOURCE, "outcome": "read"}


def only(functions: MarketFunctions, symbol: str) -> Earnings:
    [found] = functions.calendar.of_asset(symbol)
    return found


def test_who_reports_when_is_stored_and_found_by_day(functions: MarketFunctions) -> None:
    sync(functions)

    day = functions.markets.earnings_date("QUIL")
    assert only(functions, "QUIL").earnings_date == day
    assert "QUIL" in {earnings.symbol for _, earnings in functions.calendar.between(day, day)}
    assert functions.asked() == {"EARNINGS_CALENDAR": 1}


def test_an_unchanged_calendar_writes_nothing_but_that_it_was_read(functions: MarketFunctions) -> None:
    sync(functions)
    before = stored("earningsCalendar")

    used = metered(lambda: sync(functions))

    assert stored("earningsCalendar") == before
    assert used.write_units("watchkeeper-test-earningsCalendar") == 0


def test_a_moved_report_is_one_item_and_remembers_its_day(functions: MarketFunctions) -> None:
    sync(functions)
    before = only(functions, "QUIL")
    day = before.earnings_date + timedelta(days=5)
    functions.markets.move_earnings("QUIL", day)

    sync(functions)

    moved = only(functions, "QUIL")
    assert (moved.earnings_date, moved.moved_from) == (day, before.earnings_date)
    assert moved.fiscal_date_ending == before.fiscal_date_ending
    assert [found for _, found in functions.calendar.between(date(2026, 1, 1), date(2027, 12, 31))].count(moved) == 1


def test_reports_that_change_places_are_each_on_their_new_day(functions: MarketFunctions) -> None:
    first = [row("QUIL", "2026-12-01", "2026-09-30"), row("QUIL", "2026-12-08", "2026-12-31")]
    crossed = [row("QUIL", "2026-12-08", "2026-09-30"), row("QUIL", "2026-12-01", "2026-12-31")]
    for rows in (first, crossed):
        calendar_of(functions, *rows)
        sync(functions)

    found = {one.fiscal_date_ending.isoformat(): one.earnings_date.isoformat() for one in _all(functions, "QUIL")}
    assert found == {"2026-09-30": "2026-12-08", "2026-12-31": "2026-12-01"}


def test_a_company_that_is_spelled_twice_has_one_report(functions: MarketFunctions) -> None:
    sync(functions)

    day = functions.markets.earnings_date("BRAV.A")
    assert only(functions, "BRAV.A").earnings_date == day + timedelta(days=6)  # as it stands at BRAV-A
    assert only(functions, "HLMQ.B").symbol == "HLMQ.B"
    assert functions.calendar.of_asset("BRAV-A") == []


@pytest.mark.parametrize("kind", ["header", "letters", "json", "cut", "empty"])
def test_a_broken_calendar_changes_nothing(functions: MarketFunctions, kind: Broken) -> None:
    sync(functions)
    before = stored("earningsCalendar")
    functions.trouble.break_calendar(kind, times=9)

    with pytest.raises(UpstreamError):
        functions.run("sync-earnings-calendar")

    assert functions.source(SOURCE).error
    assert stored("earningsCalendar") == before
    functions.trouble.clear()
    functions.wait(minutes=2)
    sync(functions)
    assert functions.source(SOURCE).error is None


def test_when_the_day_is_over_nothing_is_stored_and_nobody_asks_again(functions: MarketFunctions, told: Told) -> None:
    functions.trouble.throttle("day", times=99)

    assert functions.run("sync-earnings-calendar") == LEFT
    functions.wait(hours=2)
    assert functions.run("sync-earnings-calendar") == LEFT

    assert stored("earningsCalendar") == {"earningsCalendar": []}
    assert functions.asked() == {"EARNINGS_CALENDAR": 1}
    assert told.measured("AlphaVantageThrottled") == [1, 1]
    assert functions.source(SOURCE).failing_since


@pytest.mark.parametrize("text", ["burst", "premium-burst"])
def test_a_burst_is_waited_out(functions: MarketFunctions, text: str) -> None:
    functions.trouble.throttle(text)
    begun = functions.now()

    sync(functions)

    assert functions.now() > begun + timedelta(seconds=1)
    assert functions.asked() == {"EARNINGS_CALENDAR": 2}


@pytest.mark.parametrize("text", ["minute", "legacy"])
def test_a_minute_that_is_over_is_left_to_a_later_run(functions: MarketFunctions, text: str) -> None:
    functions.trouble.throttle(text)

    with pytest.raises(MinuteOver):  # it asks for three quarters of a minute: too long to wait
        functions.run("sync-earnings-calendar")

    begun = functions.now()
    sync(functions)  # waits for it, as the budget is paused
    assert functions.now() >= begun + timedelta(seconds=44)
    assert functions.asked() == {"EARNINGS_CALENDAR": 2}


def test_a_report_that_is_not_announced_any_more_is_withdrawn_until_it_is(functions: MarketFunctions) -> None:
    rows = [row(symbol, "2026-12-01", "2026-09-30") for symbol in ("QUIL", "ZEPH", "XOLB", "NTRQ", "NORQ")]
    calendar_of(functions, *rows)
    sync(functions)
    calendar_of(functions, *rows[1:])
    sync(functions)
    withdrawn = only(functions, "QUIL")
    assert withdrawn.withdrawn_at == functions.now().replace(microsecond=0)
    before = stored("earningsCalendar")
    sync(functions)
    assert stored("earningsCalendar") == before

    calendar_of(functions, *rows)
    sync(functions)

    assert only(functions, "QUIL").withdrawn_at is None


def test_rows_that_are_none_are_set_aside_and_new_columns_left(functions: MarketFunctions) -> None:
    good = {**row("QUIL", "2026-12-01", "2026-09-30"), "mood": "bright"}
    bad = [row("ZEPH", "soon", "2026-09-30"), row("", "2026-12-01", "2026-09-30"), row("XOLB", "2026-12-01", "")]
    calendar_of(functions, good, *bad, row("NTRQ", "2026-12-01", "2026-09-30", estimate="many"))

    sync(functions)

    run = functions.source(SOURCE).run
    assert run
    assert (run.stored, run.refused) == (2, 4)
    assert only(functions, "QUIL").earnings_date == date(2026, 12, 1)
    assert functions.calendar.of_asset("ZEPH") == functions.calendar.of_asset("XOLB") == []


def row(symbol: str, day: str, end: str, **fields: str) -> dict[str, str]:
    return {"symbol": symbol, "name": symbol, "reportDate": day, "fiscalDateEnding": end, "currency": "USD", **fields}


def calendar_of(functions: MarketFunctions, *rows: Any) -> None:
    """Have the calendar be these rows."""
    altered = functions.trouble.altered

    def shown(answer: str, document: Any, symbol: str = "") -> Any:
        return list(rows) if answer == "EARNINGS_CALENDAR" else altered(answer, document, symbol)

    functions.trouble.altered = shown  # type: ignore[method-assign]


def _all(functions: MarketFunctions, symbol: str) -> list[Earnings]:
    return functions.calendar.of_asset(symbol)
