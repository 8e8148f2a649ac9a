"""What a run of a trigger tells, and what it does when that fails."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from scheduler.markets import triggering
from scheduler.markets.choosing import Choice, Need
from scheduler.markets.room import Room
from scheduler.markets.triggering import Regular, Reported, Trigger
from tests.unit.scheduler.markets.things import NOW, FakeBus, asset, report
from watchkeeper import correlation
from watchkeeper.events import DeliveryFailed
from watchkeeper.markets.budget import Limits, Spent
from watchkeeper.markets.events import Reason
from watchkeeper.markets.maintenance import MaintenanceWindow
from watchkeeper.markets.models import Asset, Earnings

SCHEDULED = {"id": "3f1c", "detail-type": "Scheduled Event", "time": "2026-11-20T06:00:00Z"}
LATER = {**SCHEDULED, "time": "2026-11-21T06:00:00Z"}


@dataclass
class Window:
    closed: bool = False

    def refuse(self, now: datetime) -> None:
        if self.closed:
            raise MaintenanceWindow("closed")


@dataclass
class FakeAssets:
    assets: list[Asset]
    asked_until: list[datetime | None] = field(default_factory=list)

    def get_many(self, symbols: Iterable[str]) -> dict[str, Asset]:
        return {one.symbol: one for one in self.assets if one.symbol in set(symbols)}

    def stalest(self, status: str, *, until: datetime | None = None) -> Iterator[tuple[dict[str, Any], Asset]]:
        self.asked_until.append(until)
        return (({}, one) for one in self.assets if one.status == status)


@dataclass
class FakeCalendar:
    reports: list[Earnings]

    def between(self, first: date, last: date) -> Iterator[tuple[str, Earnings]]:
        return ((one.symbol, one) for one in self.reports if first <= one.earnings_date <= last)


class FakeBudget:
    limits = Limits(per_second=1, per_minute=5, per_day=25, news_per_day=5)

    def spent(self, now: datetime) -> Spent:
        return Spent()


def trigger(bus: FakeBus, *symbols: str, closed: bool = False, now: datetime = NOW, left_out: int = 0) -> Trigger:
    needs = tuple(Need(symbol, Reason.REGULAR, "1.00") for symbol in symbols)
    return Trigger(Reason.REGULAR, lambda _: Choice(needs, left_out), bus, Window(closed), clock=lambda: now)


def test_each_asset_is_told_with_its_reason_score_and_cause() -> None:
    bus = FakeBus()
    with correlation.following("cause-1"):
        trigger(bus, "AAPL", "BRK.B").run(SCHEDULED)

    assert bus.symbols == ["AAPL", "BRK.B"]
    [first, _] = bus.told
    assert (first.type, first.version, first.occurred_at) == ("pollenationNeeded", 1, NOW)
    assert first.correlation_id == "cause-1"
    assert first.data == {"symbol": "AAPL", "reason": "regular", "score": "1.00"}


@pytest.mark.parametrize("event", [SCHEDULED, {}], ids=["scheduled", "by hand"])
def test_the_same_run_gives_the_same_events_whenever_it_is_tried(event: dict[str, str]) -> None:
    bus, again = FakeBus(), FakeBus()
    trigger(bus, "AAPL", "MSFT").run(event)
    trigger(again, "MSFT", "AAPL", now=NOW + timedelta(hours=3)).run(event)

    assert {(one.id, one.occurred_at) for one in bus.told} == {(one.id, one.occurred_at) for one in again.told}


def test_another_run_another_asset_and_another_reason_give_others() -> None:
    bus = FakeBus()
    trigger(bus, "AAPL", "MSFT").run(SCHEDULED)
    trigger(bus, "AAPL", now=NOW + timedelta(days=1)).run(LATER)
    reported = Choice((Need("AAPL", Reason.EARNINGS),), 0)
    Trigger(Reason.EARNINGS, lambda _: reported, bus, Window(), clock=lambda: NOW).run(SCHEDULED)

    assert len(set(bus.ids)) == 4


@pytest.mark.parametrize("time", ["rubbish", None, 7, "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none_counts_as_none(time: object) -> None:
    bus, by_hand = FakeBus(), FakeBus()
    trigger(bus, "AAPL").run({"time": time})
    trigger(by_hand, "AAPL").run({})

    assert bus.ids == by_hand.ids


def test_nothing_is_wanted_of_the_future() -> None:
    bus = FakeBus()
    trigger(bus, "AAPL").run(LATER)

    assert bus.told[0].occurred_at == NOW


def test_in_the_maintenance_window_nothing_is_told() -> None:
    bus = FakeBus()

    with pytest.raises(MaintenanceWindow):
        trigger(bus, "AAPL", closed=True).run(SCHEDULED)
    assert bus.requests == 0


def test_counting_tells_nothing_and_asks_no_window() -> None:
    bus = FakeBus()

    assert trigger(bus, "AAPL", closed=True, left_out=7).count().left_out == 7
    assert bus.requests == 0


def test_a_bus_that_fails_in_the_middle_fails_the_run_and_the_next_try_tells_the_same() -> None:
    bus = FakeBus(takes=1)
    with pytest.raises(DeliveryFailed) as raised:
        trigger(bus, "AAPL", "MSFT", "NVDA").run(SCHEDULED)

    assert [event.data["symbol"] for event in raised.value.failed] == ["MSFT", "NVDA"]
    bus.takes = 100
    trigger(bus, "AAPL", "MSFT", "NVDA").run(SCHEDULED)
    assert bus.symbols == ["AAPL", "AAPL", "MSFT", "NVDA"]
    assert len(set(bus.ids)) == 3


def test_a_bus_that_takes_nothing_more_is_not_asked_on_and_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triggering, "EVENTS_AT_ONCE", 2)
    bus = FakeBus(takes=3)

    with pytest.raises(DeliveryFailed) as raised:
        trigger(bus, *[f"S{number}" for number in range(9)]).run(SCHEDULED)

    assert [event.data["symbol"] for event in raised.value.failed] == [f"S{number}" for number in range(3, 9)]
    assert bus.requests == 3


def test_what_was_told_failed_and_left_out_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: dict[str, float] = {}
    monkeypatch.setattr(triggering, "measure", lambda metric, value, **_: measured.update({metric.name: value}))

    with pytest.raises(DeliveryFailed):
        trigger(FakeBus(takes=2), "A", "B", "C", left_out=40).run(SCHEDULED)

    assert measured == {"PollenationsNeeded": 2, "PollenationsLeftOut": 40}


class TestWhatIsLookedAt:
    def test_reports_of_fourteen_days_up_to_today_as_many_as_fit_into_a_day(self) -> None:
        days = {"TOMORROW": -1, "TODAY": 0, "YESTER": 1, "LATE": 14, "ANCIENT": 15}
        calendar = FakeCalendar([report(symbol, days=number) for symbol, number in days.items()])
        assets = FakeAssets([asset(symbol) for symbol in days])

        def chosen(waiting: Callable[[], int]) -> list[str]:
            choice = Reported(calendar, assets, Room(FakeBudget(), waiting))(NOW)
            return [need.symbol for need in choice.needs]

        assert chosen(lambda: 0) == ["YESTER", "TODAY", "LATE"]
        assert chosen(lambda: 1) == ["YESTER", "TODAY"]

    def test_assets_nobody_asked_about_for_a_day_as_many_as_fit_into_what_is_left_of_it(self) -> None:
        assets = FakeAssets([asset(f"S{number}", 10**number, days=5) for number in range(6)])

        choice = Regular(assets, Room(FakeBudget(), lambda: 1))(NOW)

        assert [need.symbol for need in choice.needs] == ["S5", "S4", "S3"]
        assert choice.left_out == 3
        assert assets.asked_until == [NOW - timedelta(days=1)]
