"""The calendar: one item for each fiscal period, wherever its day moves."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import UpstreamGarbled
from ingest.markets.use_cases.sync_earnings_calendar import EarningsCalendarSync
from tests.unit.ingest.markets.fakes import NOW, FakeAlphaVantage, FakeClock, FakeEarnings, FakeProgress, reading_of
from watchkeeper.errors import ConditionFailed
from watchkeeper.markets.models import Earnings
from watchkeeper.progress import Run, Source

SOURCE = "alphavantage:earnings-calendar"
HEADER = "symbol,name,reportDate,fiscalDateEnding,estimate,currency,timeOfTheDay"
TODAY = NOW.date()
SOON, LATER, LATEST = (TODAY + timedelta(days=days) for days in (10, 20, 30))
QUARTER, NEXT = date(2026, 9, 30), date(2026, 12, 31)
MARK = NOW + timedelta(hours=5)
REPORT = Earnings("AAPL", SOON, QUARTER, "Inc.", Decimal("1.50"), "USD")

Told = tuple[str, date, date]


class Watch:
    def __init__(self) -> None:
        self.client = FakeAlphaVantage()
        self.earnings = FakeEarnings()
        self.progress = FakeProgress()
        self.clock = FakeClock()

    def sync(self, *told: Told, estimate: str = "1.50") -> Source:
        lines = [f"{symbol},Inc.,{on},{ending},{estimate},USD," for symbol, on, ending in told]
        return self.sync_text("\r\n".join([HEADER, *lines]) + "\r\n")

    def sync_text(self, text: str) -> Source:
        self.client.calendar = text
        self.earnings.written.clear()
        self.clock.sleep(1)
        reading = reading_of(self.progress, SOURCE, self._ticking)
        EarningsCalendarSync(self.client, self.earnings, self.clock).read(reading)
        return self.source

    def _ticking(self) -> datetime:
        self.clock.sleep(0.001)
        return self.clock.now

    @property
    def source(self) -> Source:
        return self.progress.source(SOURCE)

    @property
    def run(self) -> Run:
        assert self.source.run
        return self.source.run

    @property
    def days(self) -> list[Told]:
        """What is announced, and not withdrawn."""
        return [(one.symbol, one.earnings_date, one.fiscal_date_ending) for one in self.stored if not one.withdrawn_at]

    @property
    def stored(self) -> list[Earnings]:
        return self.earnings.reports


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_what_is_announced_is_stored(watch: Watch) -> None:
    watch.sync(("AAPL", SOON, QUARTER), ("MSFT", LATER, QUARTER))

    assert watch.stored == [REPORT, replace(REPORT, symbol="MSFT", earnings_date=LATER)]
    assert (watch.run.fetched, watch.run.stored, watch.run.unchanged) == (2, 2, 0)


def test_the_same_calendar_again_writes_nothing(watch: Watch) -> None:
    watch.sync(("AAPL", SOON, QUARTER), ("MSFT", LATER, QUARTER))
    watch.sync(("MSFT", LATER, QUARTER), ("AAPL", SOON, QUARTER))

    assert watch.earnings.written == []
    assert (watch.run.fetched, watch.run.stored, watch.run.unchanged) == (2, 0, 2)


def test_a_new_estimate_is_written_where_the_report_is(watch: Watch) -> None:
    watch.sync(("AAPL", SOON, QUARTER))
    watch.sync(("AAPL", SOON, QUARTER), estimate="1.60")

    assert watch.stored == [replace(REPORT, estimate=Decimal("1.60"))]


@pytest.mark.parametrize("broken", ["", HEADER, f"{HEADER}\r\nE,r,r,o,r, ,M\r\n", "<html>"])
def test_a_broken_calendar_changes_nothing(watch: Watch, broken: str) -> None:
    watch.sync(("AAPL", SOON, QUARTER))
    with pytest.raises(UpstreamGarbled):
        watch.sync_text(broken)

    assert watch.stored == [REPORT]


def test_two_spellings_of_a_company_are_one_report(watch: Watch) -> None:
    watch.sync(("BF.B", SOON, QUARTER), ("BF-B", LATER, QUARTER))
    assert watch.days == [("BF.B", LATER, QUARTER)]
    assert watch.run.refused == 1

    watch.sync(("BF-B", LATER, QUARTER), ("BF.B", SOON, QUARTER))
    assert watch.earnings.written == []


class TestMoved:
    def test_a_moved_report_is_on_its_new_day_alone(self, watch: Watch) -> None:
        watch.sync(("AAPL", SOON, QUARTER))
        watch.sync(("AAPL", LATER, QUARTER))

        assert watch.stored == [replace(REPORT, earnings_date=LATER, moved_from=SOON)]
        assert watch.run.stored == 1

    def test_it_says_where_it_came_from_until_it_moves_again(self, watch: Watch) -> None:
        for day in (SOON, LATER, LATER, LATEST):
            watch.sync(("AAPL", day, QUARTER))

        assert watch.stored == [replace(REPORT, earnings_date=LATEST, moved_from=LATER)]

    def test_a_report_that_did_not_come_on_its_day_is_the_one_that_moves(self, watch: Watch) -> None:
        watch.sync(("AAPL", SOON, QUARTER))
        watch.clock.now += timedelta(days=15)
        watch.sync(("AAPL", LATER, QUARTER))

        assert watch.days == [("AAPL", LATER, QUARTER)]

    def test_the_next_quarter_takes_the_day_that_the_last_has_left(self, watch: Watch) -> None:
        watch.sync(("AAPL", LATER, QUARTER))
        watch.sync(("AAPL", SOON, QUARTER), ("AAPL", LATER, NEXT))

        assert watch.days == [("AAPL", SOON, QUARTER), ("AAPL", LATER, NEXT)]

    def test_reports_that_move_up_one_after_another_are_all_there(self, watch: Watch) -> None:
        third = date(2027, 3, 31)
        watch.sync(("AAPL", SOON, QUARTER), ("AAPL", LATER, NEXT))
        watch.sync(("AAPL", LATER, QUARTER), ("AAPL", LATEST, NEXT), ("AAPL", SOON, third))

        assert watch.days == [("AAPL", SOON, third), ("AAPL", LATER, QUARTER), ("AAPL", LATEST, NEXT)]

    def test_reports_that_change_places_are_both_there(self, watch: Watch) -> None:
        watch.sync(("AAPL", SOON, QUARTER), ("AAPL", LATER, NEXT))
        watch.sync(("AAPL", LATER, QUARTER), ("AAPL", SOON, NEXT))

        assert watch.days == [("AAPL", SOON, NEXT), ("AAPL", LATER, QUARTER)]

    def test_what_was_processed_moves_as_processed(self, watch: Watch) -> None:
        watch.sync(("AAPL", SOON, QUARTER))
        watch.earnings.mark_processed(REPORT, MARK)
        watch.sync(("AAPL", LATER, QUARTER))

        assert watch.stored == [replace(REPORT, earnings_date=LATER, moved_from=SOON, processed_at=MARK)]

    def test_what_is_processed_just_as_it_moves_moves_as_processed(self, watch: Watch) -> None:
        watch.sync(("AAPL", SOON, QUARTER))

        def processed() -> None:
            watch.earnings.mark_processed(REPORT, MARK)

        watch.earnings.meanwhile = processed
        watch.sync(("AAPL", LATER, QUARTER))

        assert watch.stored == [replace(REPORT, earnings_date=LATER, moved_from=SOON, processed_at=MARK)]

    @pytest.mark.parametrize("elsewhere", [LATER, None])
    def test_what_another_has_moved_or_taken_away_just_now_is_there_once(
        self, watch: Watch, elsewhere: date | None
    ) -> None:
        watch.sync(("AAPL", SOON, QUARTER))

        def another() -> None:
            watch.earnings.meanwhile = lambda: None
            watch.earnings.items.clear()
            if elsewhere:
                watch.earnings.put([replace(REPORT, earnings_date=elsewhere)])

        watch.earnings.meanwhile = another
        watch.sync(("AAPL", LATER, QUARTER))

        assert watch.days == [("AAPL", LATER, QUARTER)]

    def test_what_changes_all_the_time_is_left_to_the_next_attempt(self, watch: Watch) -> None:
        watch.sync(("AAPL", SOON, QUARTER))
        marks = iter([MARK, None, MARK])

        def another() -> None:
            place = ("AAPL", SOON)
            watch.earnings.items[place] = replace(watch.earnings.items[place], processed_at=next(marks))

        watch.earnings.meanwhile = another
        with pytest.raises(ConditionFailed):
            watch.sync(("AAPL", LATER, QUARTER))


class TestWithdrawn:
    def test_what_is_to_come_and_not_announced_any_more_is_withdrawn_once(self, watch: Watch) -> None:
        others = [(f"S{number}", LATEST, QUARTER) for number in range(9)]
        watch.sync(("AAPL", SOON, QUARTER), *others)
        watch.sync(*others)
        withdrawn = [one for one in watch.stored if one.withdrawn_at]
        assert [one.symbol for one in withdrawn] == ["AAPL"]
        assert watch.run.stored == 1

        watch.sync(*others)
        assert watch.earnings.written == []
        assert [one for one in watch.stored if one.withdrawn_at] == withdrawn

    def test_what_is_announced_again_is_not_withdrawn_any_more(self, watch: Watch) -> None:
        others = [(f"S{number}", LATEST, QUARTER) for number in range(9)]
        for told in ([("AAPL", SOON, QUARTER)], [], [("AAPL", SOON, QUARTER)]):
            watch.sync(*told, *others)

        assert ("AAPL", SOON, QUARTER) in watch.days

    @pytest.mark.parametrize("days", [-3, 0, 60])
    def test_what_is_due_already_or_beyond_the_calendar_is_not_withdrawn(self, watch: Watch, days: int) -> None:
        others = [(f"S{number}", LATEST, QUARTER) for number in range(9)]
        told = ("AAPL", TODAY + timedelta(days=days), QUARTER)
        watch.sync(told, *others)
        watch.sync(*others)

        assert told in watch.days

    def test_a_short_calendar_withdraws_nothing_and_that_is_said(self, watch: Watch) -> None:
        told = [(f"S{number}", SOON, QUARTER) for number in range(10)]
        watch.sync(*told)
        source = watch.sync(*told[:7])

        assert len(watch.days) == 10
        assert [gap.reason for gap in source.gaps] == ["the calendar had 7 reports: nothing was taken for withdrawn"]

    def test_a_calendar_that_stays_short_is_believed_after_some_days(self, watch: Watch) -> None:
        told = [(f"S{number}", SOON, QUARTER) for number in range(10)]
        watch.sync(*told)
        left = []
        for _ in range(6):
            watch.sync(*told[:5])
            left.append(len(watch.days))

        assert left[:2] == [10, 10]
        assert left[-1] == 5

    def test_a_fiscal_period_that_is_corrected_takes_the_place_of_the_wrong_one(self, watch: Watch) -> None:
        watch.sync(("AAPL", SOON, date(2026, 8, 31)), ("MSFT", LATER, QUARTER))
        watch.sync(("AAPL", SOON, QUARTER), ("MSFT", LATER, QUARTER))

        assert watch.days == [("AAPL", SOON, QUARTER), ("MSFT", LATER, QUARTER)]
        assert len(watch.stored) == 2


CALENDARS = st.lists(
    st.dictionaries(
        st.tuples(st.sampled_from(["A", "B.C"]), st.sampled_from([QUARTER, NEXT, date(2027, 3, 31)])),
        st.integers(1, 6).map(lambda days: TODAY + timedelta(days=days)),
        min_size=1,
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(CALENDARS)
def test_whatever_moves_each_period_is_there_once_on_its_day(
    calendars: list[dict[tuple[str, date], date]],
) -> None:
    watch = Watch()
    for calendar in calendars:
        taken: dict[tuple[str, date], Told] = {}
        for (symbol, ending), on in calendar.items():
            taken.setdefault((symbol, on), (symbol, on, ending))
        watch.sync(*taken.values())

        assert set(watch.days) >= set(taken.values())
        periods = [(one.symbol, one.fiscal_date_ending) for one in watch.stored]
        assert len(periods) == len(set(periods))
