"""The earnings calendar: a fiscal period is on one day at a time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.faults import Faults, first, throttled
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Table
from watchkeeper.errors import ConditionFailed
from watchkeeper.markets.models import Earnings
from watchkeeper.markets.repositories.earnings import EarningsRepository

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = date(2026, 11, 20)
NEXT_QUARTER = date(2027, 3, 31)
REPORT = Earnings("AAPL", DAY, date(2026, 9, 30), "Apple", Decimal("1.50"), "USD", "post-market")
DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@pytest.fixture
def earnings(faults: Faults, tables: None) -> EarningsRepository:
    return EarningsRepository(Table(aws.dynamodb_client(), table_name("earningsCalendar")))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    report=st.builds(
        Earnings,
        symbol=st.just("BRK.B"),
        earnings_date=st.just(DAY),
        fiscal_date_ending=DAYS,
        name=st.text(max_size=20),
        estimate=st.none() | st.decimals(-100, 100, places=2),
        currency=st.sampled_from(["", "USD", "JPY"]),
        time_of_day=st.sampled_from(["", "pre-market"]),
        moved_from=st.none() | DAYS,
        withdrawn_at=st.none() | st.just(NOON),
        processed_at=st.none() | st.just(NOON),
    )
)
def test_a_report_is_read_as_it_was_written(earnings: EarningsRepository, report: Earnings) -> None:
    earnings.put([report])

    assert earnings.of_asset("BRK.B") == [report]
    assert str(earnings.of_asset("BRK.B")[0].estimate) == str(report.estimate)
    assert [found for _, found in earnings.between(DAY, DAY)] == [report]


def test_the_reports_of_a_company_come_by_day_from_one_on(earnings: EarningsRepository) -> None:
    quarters = [replace(REPORT, earnings_date=DAY + timedelta(days=90 * number)) for number in range(3)]
    earnings.put([*reversed(quarters), replace(REPORT, symbol="MSFT")])

    assert earnings.of_asset("AAPL") == quarters
    assert earnings.of_asset("AAPL", since=quarters[1].earnings_date) == quarters[1:]
    assert earnings.of_asset("NONE") == []


class TestBetween:
    DAYS = (date(2026, 10, 31), date(2026, 11, 1), date(2026, 12, 31), date(2027, 1, 1))

    @pytest.fixture(autouse=True)
    def two_companies(self, earnings: EarningsRepository) -> None:
        earnings.put([replace(REPORT, symbol=name, earnings_date=day) for name in ("B.C", "A") for day in self.DAYS])

    def test_they_come_by_day_and_symbol_over_months_and_years(self, earnings: EarningsRepository) -> None:
        found = [(one.earnings_date, one.symbol) for _, one in earnings.between(self.DAYS[0], self.DAYS[-1])]

        assert found == [(day, name) for day in self.DAYS for name in ("A", "B.C")]

    @pytest.mark.parametrize(("first_day", "last_day"), [(0, 0), (0, 1), (1, 2), (3, 3)])
    def test_both_days_are_included(self, earnings: EarningsRepository, first_day: int, last_day: int) -> None:
        found = {one.earnings_date for _, one in earnings.between(self.DAYS[first_day], self.DAYS[last_day])}

        assert found == set(self.DAYS[first_day : last_day + 1])

    def test_they_go_on_after_any_place(self, earnings: EarningsRepository) -> None:
        first_day, last_day = self.DAYS[0], self.DAYS[-1]
        places = [place for place, _ in earnings.between(first_day, last_day)]

        for number, place in enumerate(places):
            rest = [found for found, _ in earnings.between(first_day, last_day, after=place, page_size=1)]
            assert rest == places[number + 1 :]

    @pytest.mark.parametrize("days", [1, 400])
    def test_days_the_wrong_way_round_hold_nothing(self, earnings: EarningsRepository, days: int) -> None:
        assert list(earnings.between(DAY, DAY - timedelta(days=days))) == []


class TestMoving:
    NEW = replace(REPORT, earnings_date=date(2026, 12, 1), moved_from=DAY)

    def test_a_report_is_on_its_new_day_alone(self, earnings: EarningsRepository) -> None:
        earnings.put([REPORT])
        earnings.move(REPORT, self.NEW)

        assert earnings.of_asset("AAPL") == [self.NEW]
        assert [found for _, found in earnings.between(DAY, date(2026, 12, 31))] == [self.NEW]

    def test_reports_that_change_places_do_so_together(self, earnings: EarningsRepository) -> None:
        first, second = REPORT, replace(REPORT, earnings_date=self.NEW.earnings_date, fiscal_date_ending=NEXT_QUARTER)
        earnings.put([first, second])
        earnings.swap(
            [
                replace(first, earnings_date=second.earnings_date, processed_at=NOON),
                replace(second, earnings_date=first.earnings_date),
            ]
        )

        found = [(one.fiscal_date_ending, one.processed_at) for one in earnings.of_asset("AAPL")]
        assert found == [(NEXT_QUARTER, None), (REPORT.fiscal_date_ending, NOON)]

    def test_nothing_moves_that_is_not_there(self, earnings: EarningsRepository) -> None:
        with pytest.raises(ConditionFailed) as refused:
            earnings.move(REPORT, self.NEW)

        assert refused.value.failed == (0,)
        assert earnings.of_asset("AAPL") == []

    def test_a_report_that_was_processed_meanwhile_stays_until_that_is_known(
        self, earnings: EarningsRepository
    ) -> None:
        earnings.put([REPORT])
        earnings.mark_processed(REPORT, NOON)
        with pytest.raises(ConditionFailed):
            earnings.move(REPORT, self.NEW)
        [stored] = earnings.of_asset("AAPL")
        assert stored == replace(REPORT, processed_at=NOON)

        earnings.move(stored, replace(self.NEW, processed_at=NOON))
        assert earnings.of_asset("AAPL") == [replace(self.NEW, processed_at=NOON)]

    def test_a_move_that_is_sent_again_is_one_move(self, earnings: EarningsRepository, faults: Faults) -> None:
        earnings.put([REPORT])
        with faults.injected(first(1, throttled), operation="TransactWriteItems"):
            earnings.move(REPORT, self.NEW)

        assert earnings.of_asset("AAPL") == [self.NEW]


class TestProcessed:
    def test_a_report_is_marked_once(self, earnings: EarningsRepository) -> None:
        earnings.put([REPORT])

        assert earnings.mark_processed(REPORT, NOON)
        assert not earnings.mark_processed(REPORT, NOON + timedelta(hours=1))
        assert earnings.of_asset("AAPL") == [replace(REPORT, processed_at=NOON)]

    def test_one_that_is_not_there_does_not_come_to_be(self, earnings: EarningsRepository) -> None:
        assert not earnings.mark_processed(REPORT, NOON)
        assert earnings.of_asset("AAPL") == []

    def test_a_change_does_not_undo_it(self, earnings: EarningsRepository) -> None:
        earnings.put([REPORT])
        earnings.mark_processed(REPORT, NOON)
        earnings.change(replace(REPORT, estimate=Decimal("1.60"), withdrawn_at=NOON))

        assert earnings.of_asset("AAPL") == [
            replace(REPORT, estimate=Decimal("1.60"), withdrawn_at=NOON, processed_at=NOON)
        ]
