"""Calls are made at the moments the budget gave, and never closer together than it allows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import BudgetSpent
from ingest.markets.calls import PATIENCE_SECONDS, Calls
from tests.unit.ingest.markets.fakes import NOW, FakeClock
from tests.unit.markets.tables import FakeTable
from watchkeeper import metrics
from watchkeeper.markets.budget import BudgetRepository, Limits, Purpose

LIMITS = Limits(per_second=1, per_minute=30, per_day=25, news_per_day=5)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def budget() -> BudgetRepository:
    return BudgetRepository(FakeTable(), "alphavantage", LIMITS)


def calls_of(
    budget: BudgetRepository,
    clock: FakeClock,
    purpose: Purpose = Purpose.FUNDAMENTALS,
    patience: float = PATIENCE_SECONDS,
) -> Calls:
    return Calls(budget, clock=clock, sleep=clock.sleep, purpose=purpose, patience=patience)


@pytest.fixture
def calls(budget: BudgetRepository, clock: FakeClock) -> Calls:
    return calls_of(budget, clock)


def used(budget: BudgetRepository) -> int:
    return budget.spent(NOW).used


def made(calls: Calls, clock: FakeClock, number: int, *, each: float = 0.0) -> list[float]:
    """The moments of so many calls, each of which takes so long."""
    moments = []
    for _ in range(number):
        calls.wait()
        moments.append((clock.now - NOW).total_seconds())
        clock.sleep(each)
    return moments


def test_calls_are_waited_for(calls: Calls, clock: FakeClock) -> None:
    assert made(calls, clock, 4) == [0, 1, 2, 3]


def test_calls_taken_beforehand_are_one_write(budget: BudgetRepository, clock: FakeClock) -> None:
    calls = calls_of(budget, clock)
    calls.take(5)
    calls.take(5)

    assert made(calls, clock, 5) == [0, 1, 2, 3, 4]
    assert used(budget) == 5
    assert isinstance(budget._table, FakeTable)
    assert budget._table.puts == 1


def test_fewer_are_taken_if_there_are_fewer(budget: BudgetRepository, clock: FakeClock) -> None:
    calls_of(budget, clock).take(19)
    calls = calls_of(budget, clock)
    clock.sleep(60)
    calls.take(5)

    assert len(made(calls, clock, 3)) == 3
    with pytest.raises(BudgetSpent) as spent:
        calls.wait()
    assert spent.value.retry_at == NOW.replace(hour=15), "one is kept for the calendar, two for news of the evening"
    assert used(budget) == 22


def test_a_spent_budget_is_said_before_anything_is_asked(budget: BudgetRepository, clock: FakeClock) -> None:
    calls_of(budget, clock).take(25)

    with pytest.raises(BudgetSpent):
        calls_of(budget, clock).take(5)
    assert clock.now == NOW


def test_news_are_taken_from_their_share(budget: BudgetRepository, clock: FakeClock) -> None:
    calls = calls_of(budget, clock, Purpose.NEWS)
    assert len(made(calls, clock, 3)) == 3

    with pytest.raises(BudgetSpent) as spent:
        calls.wait()
    assert spent.value.retry_at == NOW.replace(hour=14), "three of five are due by one o'clock"
    calls_of(budget, clock).wait()


def test_the_calendar_has_its_call_when_fundamentals_have_taken_all_theirs(
    budget: BudgetRepository, clock: FakeClock
) -> None:
    calls_of(budget, clock).take(25)
    clock.sleep(60)
    with pytest.raises(BudgetSpent):
        calls_of(budget, clock).wait()

    assert len(made(calls_of(budget, clock, Purpose.CALENDAR), clock, 1)) == 1
    assert budget.spent(NOW).calendar == 1


def test_who_has_less_time_waits_no_longer_for_a_call(budget: BudgetRepository, clock: FakeClock) -> None:
    calls_of(budget, clock).take(12)

    with pytest.raises(BudgetSpent) as spent:
        calls_of(budget, clock, Purpose.NEWS, patience=10).wait()
    assert spent.value.retry_at == NOW + timedelta(seconds=12)
    assert made(calls_of(budget, clock, Purpose.NEWS, patience=12), clock, 1) == [12]


def test_a_pause_longer_than_the_patience_gives_back_what_was_taken(budget: BudgetRepository, clock: FakeClock) -> None:
    impatient = calls_of(budget, clock, Purpose.NEWS, patience=60)
    impatient.take(2)
    impatient.pause((NOW + timedelta(seconds=61)).timestamp())

    assert (used(budget), budget.spent(NOW).news) == (0, 0)


def test_what_was_taken_is_measured(calls: Calls) -> None:
    metrics._collected.clear()
    calls.take(5)
    collected = {metric.name: value for values in metrics._collected.values() for metric, value in values}
    metrics._collected.clear()

    assert collected == {"AlphaVantageCallsUsed": 5, "AlphaVantageBudgetLeft": 20}


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([0.0, 0.2, 2.5, 12.0, 40.0]), st.sampled_from([None, None, 1.5, 20.0])),
        min_size=1,
        max_size=12,
    )
)
def test_slow_calls_and_pauses_do_not_let_the_next_ones_come_in_a_burst(
    steps: list[tuple[float, float | None]],
) -> None:
    clock = FakeClock()
    budget = BudgetRepository(FakeTable(), "alphavantage", LIMITS)
    calls = calls_of(budget, clock)
    calls.take(5)
    moments: list[datetime] = []
    not_before = NOW
    for took, pause in steps:
        calls.wait()
        assert clock.now >= not_before - timedelta(microseconds=10)
        moments.append(clock.now)
        clock.sleep(took)
        if pause:
            not_before = clock.now + timedelta(seconds=pause)
            calls.pause(not_before.timestamp())

    assert all(after - before >= timedelta(seconds=0.9999) for before, after in pairwise(moments))


class TestPauses:
    def test_calls_that_were_taken_wait_for_a_short_pause(self, calls: Calls, clock: FakeClock) -> None:
        calls.take(3)
        calls.wait()
        calls.pause((NOW + timedelta(seconds=30)).timestamp())

        assert made(calls, clock, 2) == [30, 31]

    def test_a_short_pause_does_not_end_a_longer_one(self, calls: Calls, clock: FakeClock) -> None:
        calls.take(2)
        calls.pause((NOW + timedelta(seconds=30)).timestamp())
        calls.pause((NOW + timedelta(seconds=2)).timestamp())

        assert made(calls, clock, 1) == [30]

    def test_a_long_pause_ends_the_work_at_once(self, calls: Calls, clock: FakeClock) -> None:
        calls.take(5)
        until = NOW + timedelta(seconds=PATIENCE_SECONDS + 1)
        calls.pause(until.timestamp())

        with pytest.raises(BudgetSpent) as spent:
            calls.wait()
        assert spent.value.retry_at == until
        assert clock.now == NOW

    def test_a_pause_holds_for_everybody(self, budget: BudgetRepository, clock: FakeClock) -> None:
        calls_of(budget, clock).pause((NOW + timedelta(hours=1)).timestamp())

        with pytest.raises(BudgetSpent):
            calls_of(budget, clock, Purpose.NEWS).wait()

    def test_a_long_pause_that_an_operator_ends_is_over(
        self, calls: Calls, budget: BudgetRepository, clock: FakeClock
    ) -> None:
        calls.pause((NOW + timedelta(hours=1)).timestamp())
        budget.resume()

        assert made(calls, clock, 1) == [0]


def test_what_was_taken_long_ago_is_not_made_any_more(calls: Calls, budget: BudgetRepository, clock: FakeClock) -> None:
    calls.take(5)
    calls.wait()
    clock.sleep(3600)
    calls.wait()

    assert used(budget) == 6


def test_a_call_of_yesterday_is_not_made_today(calls: Calls, budget: BudgetRepository, clock: FakeClock) -> None:
    clock.now = NOW.replace(hour=23, minute=59, second=50)
    calls.take(5)
    clock.sleep(11)
    calls.wait()

    assert budget.spent(clock.now).used == 1


def test_what_the_work_before_left_is_made_by_the_next(
    calls: Calls, budget: BudgetRepository, clock: FakeClock
) -> None:
    calls.take(5)
    calls.wait()
    clock.sleep(10)
    calls.take(4)

    assert used(budget) == 5


def test_calls_that_are_given_back_count_no_more(budget: BudgetRepository, clock: FakeClock) -> None:
    calls = calls_of(budget, clock, Purpose.NEWS)
    calls.take(3)
    calls.wait()
    calls.give_back()
    calls.give_back()

    assert (used(budget), budget.spent(NOW).news) == (1, 1)
    assert made(calls, clock, 1) == [3], "their moments are over for everybody"


def test_calls_of_yesterday_are_not_given_back_to_today(budget: BudgetRepository, clock: FakeClock) -> None:
    yesterday, today = calls_of(budget, clock), calls_of(budget, clock)
    yesterday.take(5)
    clock.sleep(timedelta(days=1).total_seconds())
    today.wait()

    yesterday.give_back()

    assert budget.spent(clock.now).used == 1


def test_a_key_that_was_refused_costs_the_calls_that_were_made(budget: BudgetRepository, clock: FakeClock) -> None:
    calls = calls_of(budget, clock)
    calls.take(5)
    calls.wait()

    calls.pause((clock.now + timedelta(minutes=15)).timestamp())

    assert used(budget) == 1


BUSY = Limits(per_second=1, per_minute=75, per_day=50_000, news_per_day=48)


@dataclass
class SlowWorker:
    """Takes five calls at a time, each of which takes so long. Its time is its own, as it waits by itself."""

    budget: BudgetRepository
    seconds: Callable[[], float]
    clock: FakeClock = field(default_factory=FakeClock)
    blocks: int = 0
    to_make: int = 0
    knows_since: datetime | None = None
    """When it was done with the calls it took before it knew how slow they are."""

    def __post_init__(self) -> None:
        self.calls = calls_of(self.budget, self.clock)

    def step(self) -> datetime | None:
        """Takes some, or makes one; when that was."""
        if not self.to_make:
            self.calls.take(5)
            self.blocks, self.to_make = self.blocks + 1, 5
            if self.blocks == 2:
                self.knows_since = self.clock.now
            return None
        self.calls.wait()
        self.to_make -= 1
        made = self.clock.now
        self.clock.sleep(self.seconds())
        return made


def calls_when_all_know(*workers: SlowWorker, steps: int = 120) -> list[datetime]:
    moments = []
    for _ in range(steps):
        moments.append(min(workers, key=lambda worker: worker.clock.now).step())
    known = [worker.knows_since for worker in workers if worker.knows_since]
    assert len(known) == len(workers)
    return sorted(moment for moment in moments if moment and moment >= max(known))


class TestSlowAnswers:
    @pytest.fixture
    def busy(self) -> BudgetRepository:
        return BudgetRepository(FakeTable(), "alphavantage", BUSY)

    @pytest.mark.parametrize("seconds", [(0.1, 0.1), (1.5, 1.5), (2.5, 2.5), (1.5, 2.5), (0.1, 2.5)])
    def test_two_workers_who_know_how_slow_they_are_keep_their_distance(
        self, busy: BudgetRepository, seconds: tuple[float, float]
    ) -> None:
        first, second = (SlowWorker(busy, partial(float, each)) for each in seconds)
        moments = calls_when_all_know(first, second)

        assert len(moments) > 50
        assert all(after - before >= timedelta(seconds=0.9999) for before, after in pairwise(moments))

    @settings(max_examples=40, deadline=None)
    @given(seed=st.randoms(use_true_random=False), slow=st.sampled_from([1.5, 2.5]))
    def test_answers_that_take_now_more_and_now_less_change_nothing_of_that(self, seed: Random, slow: float) -> None:
        """The distance to others that slow answers leave is enough for five that take a little longer each."""
        busy = BudgetRepository(FakeTable(), "alphavantage", BUSY)
        workers = [SlowWorker(busy, lambda: slow + seed.uniform(0, 0.1)) for _ in range(2)]
        moments = calls_when_all_know(*workers)

        assert all(after - before >= timedelta(seconds=0.9999) for before, after in pairwise(moments))

    def test_calls_are_as_far_apart_as_the_slowest_answer_before(
        self, busy: BudgetRepository, clock: FakeClock
    ) -> None:
        calls = calls_of(busy, clock)
        calls.take(3)
        made(calls, clock, 1, each=2.5)
        made(calls, clock, 2, each=1.5)
        calls.take(3)
        begin = (clock.now - NOW).total_seconds()

        assert made(calls, clock, 3) == [begin, begin + 2.5, begin + 5]

    def test_who_is_fast_again_is_given_calls_as_before(self, busy: BudgetRepository, clock: FakeClock) -> None:
        calls = calls_of(busy, clock)
        for each in (2.5, 0.1):
            calls.take(3)
            made(calls, clock, 3, each=each)
        clock.sleep(60)
        calls.take(3)
        begin = (clock.now - NOW).total_seconds()

        assert made(calls, clock, 3) == [begin, begin + 1, begin + 2]

    def test_an_answer_that_took_minutes_is_an_exception(self, busy: BudgetRepository, clock: FakeClock) -> None:
        calls = calls_of(busy, clock)
        calls.take(3)
        made(calls, clock, 3, each=90)
        calls.take(3)
        begin = (clock.now - NOW).total_seconds()

        assert made(calls, clock, 3) == [begin, begin + 5, begin + 10]

    def test_a_single_call_does_not_make_forget_how_slow_they_are(
        self, busy: BudgetRepository, clock: FakeClock
    ) -> None:
        calls = calls_of(busy, clock)
        for number in (3, 1):
            calls.take(number)
            made(calls, clock, number, each=2.5)
        calls.take(2)
        begin = (clock.now - NOW).total_seconds()

        assert made(calls, clock, 2) == [begin, begin + 2.5]

    @pytest.mark.parametrize("left_over", [0, 2])
    def test_idle_time_between_two_pieces_of_work_is_not_taken_for_slowness(
        self, busy: BudgetRepository, clock: FakeClock, left_over: int
    ) -> None:
        """Also if the work before ended early and left calls, which the next work makes."""
        calls = calls_of(busy, clock)
        calls.take(3 + left_over)
        made(calls, clock, 3)
        clock.sleep(4)
        calls.take(2)
        made(calls, clock, 2)
        clock.sleep(600)
        calls.take(3)
        begin = (clock.now - NOW).total_seconds()

        assert made(calls, clock, 3) == [begin, begin + 1, begin + 2]
