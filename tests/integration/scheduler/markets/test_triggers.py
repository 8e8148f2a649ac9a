"""Which assets the two triggers have asked about, on the tables, the queue and the bus."""

from datetime import timedelta
from time import perf_counter
from typing import Any

import pytest

from scheduler.markets.handlers import trigger_regular_pollenation
from tests.integration.faults import Faults, every, first, throttled
from tests.integration.scheduler.markets.conftest import Market
from watchkeeper.errors import DatabaseError
from watchkeeper.events import DeliveryFailed
from watchkeeper.markets.maintenance import MaintenanceWindow, Word
from watchkeeper.markets.models import INACTIVE, Asset


@pytest.fixture
def market(market: Market) -> Market:
    """Early in the day, of which news have missed nothing yet."""
    market.now = market.now.replace(hour=0, minute=30)
    return market


def symbols(events: list[dict[str, Any]]) -> list[str]:
    return [event["data"]["symbol"] for event in events]


class TestReports:
    def test_companies_that_reported_are_told_once_each_those_of_the_last_day_first(self, market: Market) -> None:
        market.track("AAPL", 500)
        market.track("BRK.B", 900, days=20)
        market.track("LATE", 10**9)
        market.track("GONE", status=INACTIVE)
        market.track("QUIET")
        for symbol, days in (("AAPL", 1), ("BRK.B", 1), ("LATE", 5), ("GONE", 1), ("FOREIGN", 1)):
            market.reports(symbol, days)

        assert market.report_earnings() == {"needed": 3, "left_out": 0}
        told = market.told()
        assert symbols(told) == ["BRK.B", "AAPL", "LATE"]
        assert told[0]["type"] == "pollenationNeeded"
        assert told[0]["data"] == {"symbol": "BRK.B", "reason": "earnings", "score": None}

    def test_once_the_figures_are_there_nobody_asks_again(self, market: Market) -> None:
        market.track("AAPL")
        report = market.reports("AAPL")
        market.calendar.mark_processed(report, market.now)

        assert market.report_earnings() == {"needed": 0, "left_out": 0}

    def test_a_report_whose_figures_are_late_is_looked_for_each_day_and_no_oftener(self, market: Market) -> None:
        market.track("AAPL")
        market.reports("AAPL", days=3)
        market.assets.pollenated("AAPL", market.now, no_data=False)

        assert market.report_earnings()["needed"] == 0
        market.now += timedelta(days=1)
        assert market.report_earnings()["needed"] == 1

    def test_no_more_are_told_than_a_day_can_carry_and_the_others_come_the_day_after(self, market: Market) -> None:
        """25 calls a day, 5 of them for news and one for the calendar: three assets."""
        for number in range(6):
            market.track(f"S{number}", volume=10**number)
            market.reports(f"S{number}")

        assert market.report_earnings() == {"needed": 3, "left_out": 3}
        done = symbols(market.told())
        for symbol in done:
            market.assets.pollenated(symbol, market.now, no_data=False)
            market.calendar.mark_processed(market.reports(symbol), market.now)
        market.now += timedelta(days=1)
        assert market.report_earnings() == {"needed": 3, "left_out": 0}
        assert [*done, *symbols(market.told())] == ["S5", "S4", "S3", "S2", "S1", "S0"]

    def test_what_waits_in_the_queue_takes_room_also_what_is_held_back(self, market: Market) -> None:
        for symbol in ("AAPL", "MSFT", "NVDA"):
            market.track(symbol)
            market.reports(symbol)
        market.wait(1)

        assert market.report_earnings() == {"needed": 2, "left_out": 1}
        market.wait(9)
        assert market.report_earnings() == {"needed": 0, "left_out": 3}


class TestRegular:
    def test_the_best_use_of_what_is_left_of_the_day_is_told_with_its_score(self, market: Market) -> None:
        market.track("BIG", 10**8)
        market.track("STALE", 999, days=89)
        market.track("FRESH", 10**9, days=0.5)
        market.track("FUND", 10**9, days=29, no_data=True)
        market.track("LOW", 0, days=2)
        market.use(9)

        assert market.choose() == {"needed": 2, "left_out": 1}
        told = market.told()
        assert symbols(told) == ["BIG", "STALE"]
        assert told[1]["data"] == {"symbol": "STALE", "reason": "regular", "score": "356.00"}

    def test_it_counts_with_what_is_spent_what_news_may_take_and_what_waits(self, market: Market) -> None:
        for number in range(9):
            market.track(f"S{number}")

        assert market.choose(action="count") == {"needed": 3, "left_out": 6}
        market.wait(1)
        assert market.choose(action="count") == {"needed": 2, "left_out": 7}
        market.use(5)
        assert market.choose(action="count") == {"needed": 1, "left_out": 8}
        market.now += timedelta(hours=20)
        assert market.choose(action="count") == {"needed": 2, "left_out": 7}, "news have missed all of their share"
        market.budget.pause((market.now + timedelta(days=2)).timestamp(), market.now)
        assert market.choose(action="count") == {"needed": 0, "left_out": 9}
        assert market.told() == []

    def test_the_same_run_twice_tells_the_same_events(self, market: Market) -> None:
        market.track("AAPL")
        market.choose()
        [once] = market.told()
        market.choose()
        [again] = market.told()

        assert (again["id"], again["occurred_at"]) == (once["id"], once["occurred_at"])

    def test_twelve_thousand_assets_take_seconds(self, market: Market) -> None:
        assets = [
            Asset(f"S{number:05}", str(number), "Name", "active", "NYSE", "us_equity", tradable=True, volume=number)
            for number in range(12_000)
        ]
        choose = trigger_regular_pollenation._trigger()._choose
        choose.assets.stalest = lambda *_, **__: (({}, one) for one in assets)  # type: ignore[attr-defined]
        begin = perf_counter()

        assert market.choose() == {"needed": 3, "left_out": 11_997}
        assert perf_counter() - begin < 3


class TestMaintenance:
    @pytest.mark.parametrize("trigger", [Market.report_earnings, Market.choose])
    def test_in_the_window_nothing_is_told_until_an_operator_opens_it(self, market: Market, trigger: Any) -> None:
        market.track("AAPL")
        market.reports("AAPL")
        market.maintenance.say(Word.CLOSED, market.now + timedelta(hours=1))

        with pytest.raises(MaintenanceWindow):
            trigger(market)
        assert market.told() == []
        market.maintenance.say(Word.OPEN, market.now + timedelta(hours=1))
        assert trigger(market)["needed"] == 1


class TestTrouble:
    def test_a_bus_that_is_away_fails_the_run_and_the_next_try_tells_the_same(
        self, faults: Faults, market: Market
    ) -> None:
        market.track("AAPL")
        market.track("MSFT")
        with faults.injected(throttled, "events"), pytest.raises(DeliveryFailed, match="2 events"):
            market.choose()

        assert market.told() == []
        assert market.choose()["needed"] == 2
        assert sorted(symbols(market.told())) == ["AAPL", "MSFT"]

    def test_a_bus_that_is_busy_for_a_moment_is_outlived(self, faults: Faults, market: Market) -> None:
        market.track("AAPL")
        with faults.injected(first(2, throttled), "events"):
            market.choose()

        assert symbols(market.told()) == ["AAPL"]

    @pytest.mark.parametrize("service", ["sqs", "dynamodb"])
    def test_who_cannot_see_what_waits_or_is_stored_tells_nothing(
        self, faults: Faults, market: Market, service: str
    ) -> None:
        market.track("AAPL")
        with faults.injected(every(1, throttled), service), pytest.raises(DatabaseError):
            market.choose()

        assert market.told() == []
