"""The guarantees of the call budget: per second, minute and day, and for the calendar and news."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.markets.tables import FakeTable
from watchkeeper import records
from watchkeeper.budgets import Patience
from watchkeeper.dynamodb import item_size
from watchkeeper.errors import Throttled
from watchkeeper.markets.budget import (
    CALLS_OF_THE_CALENDAR,
    MINUTE,
    BudgetRepository,
    Grant,
    Limits,
    Purpose,
    Spent,
    _packed,
    _spread,
    grant,
    left,
    news_allowed,
    reserved,
    returned,
    tomorrow,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MIDNIGHT = NOON.replace(hour=0).timestamp()
HOUR = 3600
FREE = Limits(per_second=1, per_minute=30, per_day=25, news_per_day=5)
NOTHING_ELSE = 1e-4
"""Seconds that floats may lose."""

LIMITS = st.builds(
    Limits,
    per_second=st.sampled_from([0.5, 1.0, 3.0, 50.0]),
    per_minute=st.integers(1, 40),
    per_day=st.integers(1, 150),
    news_per_day=st.integers(1, 30),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.01, 0.4, 1.0, 7.3, 59.0, 60.5, 900.0, 3600.0, 20_000.0]),
        st.integers(0, 40),
        st.sampled_from(Purpose),
        st.sampled_from([None, None, None, 1.5, 45.0, 900.0, 50_000.0]),
        st.sampled_from([0.0, 1.0, 100.0]),
    ),
    max_size=25,
)


def day_of(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


@dataclass
class History:
    """All that was ever granted, held against the promises as they are written."""

    limits: Limits
    spent: Spent = field(default_factory=Spent)
    moments: list[float] = field(default_factory=list)
    news: list[float] = field(default_factory=list)

    def take(
        self, wanted: int, now: float, patience: float, purpose: Purpose = Purpose.FUNDAMENTALS, spacing: float = 0.0
    ) -> Grant:
        self.spent, granted = grant(
            self.spent, self.limits, wanted, now, patience=patience, purpose=purpose, spacing=spacing
        )
        self.moments += granted.moments
        if purpose is Purpose.NEWS:
            self.news += granted.moments
        return granted

    def check(self) -> None:
        for before, after in zip(self.moments, self.moments[1:], strict=False):
            assert after - before >= 1 / self.limits.per_second - NOTHING_ELSE
        for place, last in enumerate(self.moments):
            window = [moment for moment in self.moments[: place + 1] if moment > last - MINUTE]
            assert len(window) <= self.limits.per_minute
        assert all(calls <= self.limits.per_day for calls in Counter(map(day_of, self.moments)).values())
        assert all(calls <= self.limits.news_per_day for calls in Counter(map(day_of, self.news)).values())


@settings(max_examples=150, deadline=None)
@given(limits=LIMITS, start=st.integers(0, 86_399), steps=STEPS)
def test_no_limit_is_passed_and_no_call_is_refused_without_a_reason(
    limits: Limits, start: int, steps: list[tuple[float, int, Purpose, float | None, float]]
) -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC).timestamp() + start
    history = History(limits)
    for passed, wanted, purpose, pause, patience in steps:
        now += passed
        if pause:
            history.spent = replace(history.spent, paused_until=now + pause)
        granted = history.take(wanted, now, patience, purpose)
        assert all(now <= moment <= now + patience for moment in granted.moments)
        assert all(moment >= history.spent.paused_until for moment in granted.moments)
        assert granted.left == left(history.spent, limits) >= 0
        assert granted.retry_at >= now
        if len(granted.moments) < wanted:
            assert _refused_with_reason(history, granted, now, patience, purpose)
    history.check()


def _refused_with_reason(history: History, granted: Grant, now: float, patience: float, purpose: Purpose) -> bool:
    """Another would be too late, or is one too many; at ``retry_at`` there is one, and before it there was none."""

    def asked_at(moment: float) -> Grant:
        return grant(history.spent, history.limits, 1, moment, patience=0, purpose=purpose)[1]

    spent, limits = history.spent, history.limits
    if _is_ever(limits, purpose):
        assert asked_at(granted.retry_at).moments == (granted.retry_at,)
    if granted.retry_at - now > 0.01:
        assert not asked_at(granted.retry_at - 0.01).moments
    over = spent.used >= limits.per_day
    over |= purpose is Purpose.NEWS and spent.news >= news_allowed(limits, now)
    over |= purpose is Purpose.FUNDAMENTALS and left(spent, limits) <= reserved(spent, limits, now)
    return over or granted.retry_at > now + patience or granted.retry_at >= tomorrow(now)


def _is_ever(limits: Limits, purpose: Purpose) -> bool:
    """Whether a day has a call for it at all: a share of news may be larger than the day."""
    last = MIDNIGHT + 23 * HOUR
    return purpose is not Purpose.FUNDAMENTALS or limits.per_day > reserved(Spent(), limits, last)


class TestShares:
    """Of calendar and news, which fundamentals are to leave alone."""

    @settings(max_examples=150, deadline=None)
    @given(
        limits=st.builds(
            Limits,
            per_second=st.sampled_from([0.5, 1.0, 50.0]),
            per_minute=st.integers(5, 40),
            per_day=st.integers(6, 80),
            news_per_day=st.integers(0, 30),
        ).filter(lambda limits: limits.news_per_day + CALLS_OF_THE_CALENDAR <= limits.per_day),
        minute=st.integers(0, 55),
        calendar=st.integers(0, 23 * 60 + 50),
        takes=st.lists(
            st.tuples(
                st.integers(0, 24 * 60 - 1),
                st.integers(1, 60),
                st.sampled_from([0.0, 2.5]),
                st.sampled_from([0.0, 0.0, -0.5]),
            ),
            max_size=30,
        ),
    )
    def test_calendar_and_news_get_theirs_whatever_fundamentals_take(
        self,
        limits: Limits,
        minute: int,
        calendar: int,
        takes: list[tuple[int, int, float, float]],
    ) -> None:
        """News come once an hour, and take what is theirs by then; the clock of a worker may be behind."""
        history, news, of_the_calendar = History(limits), 0, 0
        events = [(60 * hour + minute, 2, Purpose.NEWS, 0.0, 0.0) for hour in range(24)]
        events += [(calendar, 1, Purpose.CALENDAR, 0.0, 0.0)]
        events += [(at, wanted, Purpose.FUNDAMENTALS, spacing, behind) for at, wanted, spacing, behind in takes]
        for at, wanted, purpose, spacing, behind in sorted(events):
            now = MIDNIGHT + at * 60 + (behind if history.spent.day == "2026-11-20" else 0)
            patience = 100 if purpose is Purpose.FUNDAMENTALS else 240
            granted = len(history.take(wanted, now, patience, purpose, spacing).moments)
            if purpose is Purpose.NEWS:
                news += granted
                assert news == news_allowed(limits, now)
            of_the_calendar += granted * (purpose is Purpose.CALENDAR)

        assert (news, of_the_calendar) == (limits.news_per_day, 1)
        history.check()

    def test_what_they_leave_is_all_for_fundamentals(self) -> None:
        history = History(FREE)

        assert len(history.take(30, MIDNIGHT, 100).moments) == 19
        assert len(history.take(9, MIDNIGHT + HOUR, 100, Purpose.CALENDAR).moments) == 6

    def test_what_is_kept_shrinks_with_each_call_for_them(self) -> None:
        history = History(FREE)
        assert reserved(history.spent, FREE, MIDNIGHT) == 6
        history.take(1, MIDNIGHT + 5 * HOUR, 100, Purpose.CALENDAR)
        assert reserved(history.spent, FREE, MIDNIGHT) == 5
        history.take(2, MIDNIGHT + 5 * HOUR, 100, Purpose.NEWS)

        assert reserved(history.spent, FREE, MIDNIGHT + 5 * HOUR) == 3
        assert reserved(history.spent, FREE, MIDNIGHT + 24 * HOUR) == 6

    def test_what_is_given_back_is_kept_again(self) -> None:
        history = History(FREE)
        for purpose in (Purpose.CALENDAR, Purpose.NEWS):
            moments = history.take(1, MIDNIGHT, 100, purpose).moments
            assert reserved(history.spent, FREE, MIDNIGHT) == 5
            history.spent = returned(history.spent, moments, purpose)

            assert history.spent.used == 0
            assert reserved(history.spent, FREE, MIDNIGHT) == 6

    @pytest.mark.parametrize(
        ("hour", "kept"), [(0, 5), (0.99, 5), (1, 4), (4.99, 4), (5, 3), (9.99, 3), (10, 2), (15, 1), (20, 0), (23, 0)]
    )
    def test_what_news_missed_is_kept_for_them_for_an_hour(self, hour: float, kept: int) -> None:
        """Of five a day one each is due at 0, 4, 9, 14 and 19 o'clock."""
        assert reserved(Spent(), FREE, MIDNIGHT + hour * HOUR) == kept + CALLS_OF_THE_CALENDAR

    def test_who_takes_more_than_is_free_is_told_when_something_is_released(self) -> None:
        history, granted, hours = History(FREE), [], []
        now = MIDNIGHT
        while now < MIDNIGHT + 24 * HOUR:
            refused = history.take(30, now, 100)
            granted.append(len(refused.moments))
            hours.append((now - MIDNIGHT) / HOUR)
            now = refused.retry_at

        assert granted[0] == 19
        assert granted[1:] == [1, 1, 1, 1, 1]
        assert hours[0] == 0
        assert all(hour == int(hour) for hour in hours)
        assert now == MIDNIGHT + 24 * HOUR

    @pytest.mark.parametrize("purpose", Purpose)
    def test_a_clock_that_is_behind_releases_nothing_of_the_day_that_has_begun(self, purpose: Purpose) -> None:
        """For it the day is almost over, and nothing of it is kept for anybody."""
        history = History(Limits(per_second=50, per_minute=1000, per_day=25, news_per_day=5))
        history.take(1, MIDNIGHT, 1)

        assert history.take(30, MIDNIGHT - 1, 100, purpose).moments == ()

    def test_a_day_that_has_none_for_fundamentals_at_all_is_asked_again_when_it_is_over(self) -> None:
        limits = replace(FREE, per_day=1)

        assert grant(Spent(), limits, 1, NOON.timestamp(), patience=100)[1].retry_at == tomorrow(NOON.timestamp())


def test_what_no_limit_forbids_is_granted_at_once() -> None:
    now = NOON.timestamp()

    assert grant(Spent(), FREE, 3, now, patience=10)[1].moments == (now, now + 1, now + 2)


def test_a_minute_that_is_full_is_waited_for() -> None:
    limits = Limits(per_second=10, per_minute=5, per_day=100, news_per_day=5)
    history, now = History(limits), NOON.timestamp()
    history.take(5, now, 0.5)

    assert history.take(1, now + 30, 100).moments == (now + 61,), "a second counts as a whole"


def test_the_next_day_begins_with_a_whole_budget() -> None:
    history, now = History(FREE), NOON.timestamp()
    spent = history.take(30, now, 100, Purpose.CALENDAR)

    assert (len(spent.moments), spent.left) == (25, 0)
    assert {history.take(1, now + 60, 100, purpose).retry_at for purpose in Purpose} == {spent.retry_at}
    assert datetime.fromtimestamp(spent.retry_at, UTC) == datetime(2026, 11, 21, tzinfo=UTC)
    assert history.take(1, spent.retry_at, 0).left == 24


def test_no_call_of_today_is_made_tomorrow() -> None:
    now = datetime(2026, 11, 20, 23, 59, 58, tzinfo=UTC).timestamp()
    _, granted = grant(Spent(), FREE, 10, now, patience=100)

    assert granted.moments == (now, now + 1)
    assert granted.retry_at == now + 2


def test_a_clock_that_is_behind_does_not_bring_yesterday_back() -> None:
    midnight = datetime(2026, 11, 21, tzinfo=UTC).timestamp()
    history = History(FREE)
    history.take(15, midnight + 1, 100)
    history.take(20, midnight - 0.5, 100)

    assert history.spent.used == 15
    assert len(history.take(20, midnight + 120, 100).moments) == 4


def test_news_come_bit_by_bit_and_never_beyond_their_share() -> None:
    midnight = datetime(2026, 11, 20, tzinfo=UTC).timestamp()
    history = History(FREE)
    for minute in range(0, 24 * 60, 20):
        history.take(2, midnight + minute * 60, 5, Purpose.NEWS)

    assert len(history.news) == 5
    assert max(Counter(int(moment - midnight) // 3600 for moment in history.news).values()) == 1


@pytest.mark.parametrize("hour", [0, 5, 23])
def test_news_are_asked_for_again_when_their_share_has_grown(hour: int) -> None:
    now = datetime(2026, 11, 20, hour, 30, tzinfo=UTC).timestamp()
    history = History(FREE)
    spent = history.take(6, now, 100, Purpose.NEWS)

    again = datetime.fromtimestamp(spent.retry_at, UTC)
    assert (again.minute, again.second) == (0, 0)
    assert history.take(1, spent.retry_at, 0, Purpose.NEWS).moments == (spent.retry_at,)


def test_a_pause_beyond_the_day_is_waited_for_to_its_end() -> None:
    now = datetime(2026, 11, 20, 23, 50, tzinfo=UTC).timestamp()
    paused = Spent(day="2026-11-20", paused_until=now + 900)

    assert grant(paused, FREE, 1, now, patience=100)[1].retry_at == now + 900


@pytest.mark.parametrize("purpose", Purpose)
def test_what_is_spent_as_well_as_paused_is_waited_for_until_both_are_over(purpose: Purpose) -> None:
    now = datetime(2026, 11, 20, 23, 50, tzinfo=UTC).timestamp()
    spent = Spent(day="2026-11-20", used=25, news=5, paused_until=now + 900)

    assert grant(spent, FREE, 1, now, patience=100, purpose=purpose)[1].retry_at == now + 900


@pytest.mark.parametrize("spacing", [0.0, 0.3, 1.0, 2.5])
def test_answers_that_take_long_have_the_calls_as_far_apart_and_the_next_workers_after_them(spacing: float) -> None:
    history, now, apart = History(FREE), NOON.timestamp(), max(1.0, spacing)
    moments = [moment for _ in range(2) for moment in history.take(3, now, 100, spacing=spacing).moments]

    assert moments == pytest.approx([now + number * apart for number in range(6)])


def test_an_item_from_before_the_calendar_was_counted_is_read() -> None:
    table = FakeTable()
    budget = BudgetRepository(table, "alphavantage", FREE)
    budget.take(3, NOON, patience=100)
    [item] = table.items.values()
    record = records.loads(str(item["record"]))
    assert record.pop("calendar") == 0
    table.items[tuple(item[name] for name in ("pk", "sk"))] = {**item, "record": records.dumps(record)}

    assert (budget.spent(NOON).used, budget.spent(NOON).calendar) == (3, 0)
    assert budget.take(1, NOON, patience=100, purpose=Purpose.CALENDAR).moments == (NOON.timestamp() + 3,)
    assert budget.spent(NOON).calendar == 1


@given(st.dictionaries(st.integers(1_700_000_000, 1_700_000_200), st.integers(1, 2000)))
def test_seconds_are_unpacked_as_they_were_packed(seconds: dict[int, int]) -> None:
    assert _spread(_packed(seconds)) == seconds


@pytest.mark.parametrize(("per_second", "per_minute"), [(1, 75), (2, 75), (20, 1200), (50, 3000)])
def test_the_item_is_one_write_unit(per_second: float, per_minute: int) -> None:
    table = FakeTable()
    limits = Limits(per_second, per_minute, per_day=50_000, news_per_day=48)
    budget = BudgetRepository(table, "alphavantage", limits)
    budget.take(1, NOON, patience=100, purpose=Purpose.CALENDAR)
    for seconds in range(0, 180, 20):
        budget.take(5000, NOON + timedelta(seconds=seconds, microseconds=333_333), patience=100)

    assert table.puts > 3
    assert all(item_size(item) < 1000 for item in table.items.values())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = iter([True, True, False])
    monkeypatch.setattr(Patience, "pause", lambda _: next(pauses))


@dataclass
class Rival:
    """Takes a call whenever somebody else is about to store what it took."""

    budget: BudgetRepository
    table: FakeTable
    times: float = 1

    def __call__(self) -> None:
        if self.times > 0:
            self.times -= 1
            mine, self.table.before_put = self.table.before_put, lambda: None
            self.budget.take(1, NOON, patience=100)
            self.table.before_put = mine


@pytest.mark.usefixtures("impatient")
class TestConflicts:
    def test_who_comes_second_takes_what_the_first_has_left(self) -> None:
        table = FakeTable()
        budget = BudgetRepository(table, "alphavantage", FREE)
        table.before_put = Rival(budget, table)

        assert budget.take(1, NOON, patience=100).moments == (NOON.timestamp() + 1,)
        assert budget.spent(NOON).used == 2

    @pytest.mark.parametrize(
        "do", [lambda budget: budget.take(1, NOON, patience=100), lambda budget: budget.pause(2e9, NOON)]
    )
    def test_who_always_comes_second_is_told_so(self, do: Callable[[BudgetRepository], object]) -> None:
        table = FakeTable()
        budget = BudgetRepository(table, "alphavantage", FREE)
        table.before_put = Rival(budget, table, times=float("inf"))

        with pytest.raises(Throttled):
            do(budget)

    def test_a_pause_is_not_lost_to_a_rival(self) -> None:
        table = FakeTable()
        budget = BudgetRepository(table, "alphavantage", FREE)
        table.before_put = Rival(budget, table)
        budget.pause(NOON.timestamp() + 600, NOON)

        assert budget.spent(NOON).paused_until == NOON.timestamp() + 600
        assert budget.spent(NOON).used == 1


def test_a_longer_pause_stays_and_an_operator_ends_it() -> None:
    table = FakeTable()
    budget = BudgetRepository(table, "alphavantage", FREE)
    budget.resume()
    budget.pause(NOON.timestamp() + 600, NOON)
    budget.pause(NOON.timestamp() + 60, NOON)

    refused = budget.take(1, NOON, patience=100)
    assert (refused.moments, refused.retry_at) == ((), NOON.timestamp() + 600)

    budget.resume()
    assert budget.take(1, NOON, patience=100).moments == (NOON.timestamp(),)


def test_a_budget_without_a_call_left_is_not_written() -> None:
    table = FakeTable()
    budget = BudgetRepository(table, "alphavantage", FREE)
    budget.take(25, NOON, patience=100, purpose=Purpose.CALENDAR)
    puts = table.puts

    assert budget.take(1, NOON + timedelta(hours=1), patience=100).moments == ()
    assert table.puts == puts
