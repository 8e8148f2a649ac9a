"""How many assets more the budget carries."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from scheduler.markets.room import Room
from tests.unit.scheduler.markets.things import NOW
from watchkeeper.markets.budget import Limits, Spent

EARLY = NOW.replace(hour=0, minute=30)
"""News have missed nothing yet."""

FREE = Limits(per_second=1, per_minute=5, per_day=25, news_per_day=5)


@dataclass
class FakeBudget:
    now: Spent
    limits: Limits = FREE

    def spent(self, now: datetime) -> Spent:
        return self.now


def room(waiting: int = 0, limits: Limits = FREE, **spent: float) -> Room:
    return Room(FakeBudget(Spent("2026-11-20", **spent), limits), lambda: waiting)  # type: ignore[arg-type]


@pytest.mark.parametrize(("waiting", "assets"), [(0, 3), (1, 2), (3, 0), (9, 0)])
def test_a_day_carries_what_its_calls_allow_beside_calendar_and_news_and_what_waits(waiting: int, assets: int) -> None:
    assert room(waiting, used=25).of_a_day() == assets


@pytest.mark.parametrize(
    ("used", "news", "calendar", "waiting", "assets"),
    [
        (0, 0, 0, 0, 3),
        (4, 0, 0, 0, 3),
        (5, 0, 0, 0, 2),
        (5, 0, 1, 0, 3),
        (5, 5, 0, 0, 3),
        (6, 5, 1, 0, 3),
        (10, 0, 0, 0, 1),
        (9, 0, 0, 0, 2),
        (9, 0, 0, 1, 1),
        (9, 0, 0, 5, 0),
        (22, 0, 0, 0, 0),
        (40, 0, 0, 0, 0),
    ],
)
def test_today_carries_what_is_left_beside_calendar_and_news_still_to_come(
    used: int, news: int, calendar: int, waiting: int, assets: int
) -> None:
    assert room(waiting, used=used, news=news, calendar=calendar).of_today(EARLY) == assets


def test_what_news_missed_is_room_for_fundamentals_later() -> None:
    assert room(used=5).of_today(EARLY) == 2
    assert room(used=5).of_today(EARLY + timedelta(hours=1)) == 3


def test_a_share_for_news_larger_than_the_day_leaves_nothing() -> None:
    assert room(limits=Limits(1, 5, 25, 99)).of_a_day() == 0
    assert room(limits=Limits(1, 5, 25, 99)).of_today(EARLY) == 0


def test_nothing_is_left_of_a_day_the_upstream_says_is_over() -> None:
    midnight = NOW.replace(hour=0) + timedelta(days=1)

    assert room(paused_until=midnight.timestamp()).of_today(NOW) == 0
    assert room(paused_until=(NOW + timedelta(minutes=15)).timestamp()).of_today(NOW) == 4
