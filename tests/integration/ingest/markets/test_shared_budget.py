"""One budget for all who have the key: together they never ask more than is allowed."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.ingest.markets.functions import NOW, MarketFunctions, Told, forget
from watchkeeper.markets.maintenance import MaintenanceWindow, Word

SYMBOLS = ("IPOQ", "VODQ")


def outcome(functions: MarketFunctions, name: str) -> str:
    return str(functions.run(name)["outcome"])


def test_with_our_limits_those_of_alphavantage_are_never_met(functions: MarketFunctions, told: Told) -> None:
    functions.limit(per_second=1, per_minute=5, per_day=25, news=5)
    functions.trouble.limit(per_second=1, per_minute=5, per_day=25)
    functions.track(*SYMBOLS)
    outcomes = []
    for _ in range(4):
        functions.need(*SYMBOLS)
        for name in ("sync-news-sentiment", "sync-earnings-calendar"):
            outcomes.append(outcome(functions, name))
            forget()  # what follows is another process
            functions.deliver(functions.next_message())
            forget()
        functions.work()
        functions.wait(minutes=15)

    assert sum(functions.asked().values()) == functions.spent().used == 25
    assert functions.asked()["NEWS_SENTIMENT"] <= 5
    assert outcomes[:2] == ["read", "read"]
    assert outcomes[-2:] == ["left", "left"]
    assert '"outcome":"throttled"' not in told.text()
    assert '"outcome":"day_over"' not in told.text()
    assert sum(told.measured("AlphaVantageCallsUsed")) == 25
    assert told.measured("AlphaVantageBudgetLeft")[-1] == 0


def test_fundamentals_without_end_leave_calendar_and_news_their_calls_of_the_day(functions: MarketFunctions) -> None:
    functions.limit(per_second=1, per_minute=5, per_day=25, news=5)
    functions.trouble.limit(per_second=1, per_minute=5, per_day=25)
    functions.track(*SYMBOLS)
    functions.go(NOW.replace(hour=0, minute=5))
    outcomes = Counter[tuple[str, str]]()
    for hour in range(24):
        if hour < 3:
            functions.need(*SYMBOLS)  # thirty calls
        functions.work()
        for name in ("sync-news-sentiment", *(["sync-earnings-calendar"] if hour == 22 else [])):
            functions.wait(minutes=5)
            outcomes[name, outcome(functions, name)] += 1
        functions.go(NOW.replace(hour=0, minute=5) + timedelta(hours=hour + 1))

    assert outcomes["sync-news-sentiment", "read"] == functions.asked().pop("NEWS_SENTIMENT") == 5
    assert outcomes["sync-earnings-calendar", "read"] == functions.asked().pop("EARNINGS_CALENDAR") == 1
    assert sum(functions.asked().values()) == 25


def test_what_one_function_is_told_holds_for_all(functions: MarketFunctions) -> None:
    functions.track("IPOQ")
    functions.trouble.throttle("day", function="NEWS_SENTIMENT")
    assert outcome(functions, "sync-news-sentiment") == "left"
    forget()
    functions.need("IPOQ")
    functions.work()

    assert outcome(functions, "sync-earnings-calendar") == "left"
    assert functions.asked() == {"NEWS_SENTIMENT": 1}
    assert functions.waiting == 1

    functions.go((NOW + timedelta(days=1)).replace(hour=0, minute=1))
    functions.work()
    assert outcome(functions, "sync-earnings-calendar") == "read"
    assert functions.waiting == 0


SUNDAY = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SCHEDULES = ("sync-assets", "sync-earnings-calendar", "sync-news-sentiment")


def refused(functions: MarketFunctions, *names: str) -> bool:
    for name in names:
        with pytest.raises(MaintenanceWindow):
            functions.run(name)
    return True


class TestMaintenance:
    @pytest.fixture
    def asked(self, functions: MarketFunctions) -> Callable[[], int]:
        functions.close_on("SUN")
        functions.track("IPOQ")
        functions.need("IPOQ")
        vendors = functions.upstreams.alphavantage, functions.upstreams.alpaca
        return lambda: sum(len(vendor.log.all()) for vendor in vendors)

    def test_on_a_sunday_nothing_is_collected_and_work_waits_for_monday(
        self, functions: MarketFunctions, asked: Callable[[], int]
    ) -> None:
        functions.go(SUNDAY)
        for _ in range(3):
            assert functions.work() == 1
            functions.wait(minutes=15)
        assert refused(functions, *SCHEDULES)
        with pytest.raises(MaintenanceWindow):
            functions.run("sync-assets", believe=True)
        assert asked() == 0
        assert functions.waiting == 1
        assert functions.dead_letters() == []

        functions.go(SUNDAY + timedelta(hours=12))
        functions.work()

        assert functions.asked() == dict.fromkeys(functions.asked(), 1)
        assert functions.waiting == 0

    def test_an_operator_opens_it_for_a_while(self, functions: MarketFunctions, asked: Callable[[], int]) -> None:
        functions.go(SUNDAY)
        functions.maintenance.say(Word.OPEN, SUNDAY + timedelta(hours=1))
        for name in SCHEDULES:
            assert outcome(functions, name) == "read"
        functions.work()
        calls = asked()
        assert functions.waiting == 0

        functions.wait(hours=1)

        assert refused(functions, *SCHEDULES)
        assert asked() == calls

    def test_an_operator_closes_any_day(self, functions: MarketFunctions, asked: Callable[[], int]) -> None:
        functions.maintenance.say(Word.CLOSED, NOW + timedelta(hours=1))
        functions.work()
        assert refused(functions, *SCHEDULES)
        assert asked() == 0

        functions.maintenance.unsay()
        functions.wait(minutes=15)
        functions.work()

        assert functions.waiting == 0
        assert outcome(functions, "sync-assets") == "read"
