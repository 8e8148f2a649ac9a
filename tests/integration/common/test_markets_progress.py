"""What the markets watch keeps in the table of progress: its budget, its coverage, its operator's word, its sources."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.integration.faults import Faults, first, garbage, lost
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Between, Keys, Table
from watchkeeper.errors import LimitExceeded, NoAnswer
from watchkeeper.markets.budget import BudgetRepository, Limits, Purpose, Spent, reserved
from watchkeeper.markets.coverage import AGES, Coverage, CoverageRepository
from watchkeeper.markets.maintenance import Maintenance, Said, Word
from watchkeeper.progress import KERNEL, MARKETS, ProgressRepository, Source

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIMITS = Limits(per_second=10, per_minute=1000, per_day=60, news_per_day=5)


@pytest.fixture
def table(tables: None) -> Table:
    return Table(aws.dynamodb_client(), table_name("progress"))


@pytest.fixture
def budget(table: Table) -> BudgetRepository:
    return BudgetRepository(table, "alphavantage", LIMITS)


class TestBudget:
    def test_it_is_read_as_it_was_stored(self, budget: BudgetRepository) -> None:
        taken = budget.take(5, NOON, patience=10)
        budget.take(2, NOON + timedelta(seconds=9), patience=10, purpose=Purpose.NEWS)
        budget.take(1, NOON + timedelta(seconds=9), patience=10, purpose=Purpose.CALENDAR)
        budget.pause(NOON.timestamp() + 30, NOON)

        spent = budget.spent(NOON)
        assert (spent.day, spent.used, spent.news, spent.calendar) == ("2026-11-20", 8, 2, 1)
        assert spent.seconds == {int(NOON.timestamp()): 5, int(NOON.timestamp()) + 9: 3}
        assert spent.paused_until == NOON.timestamp() + 30
        assert spent.next_at == pytest.approx(NOON.timestamp() + 9.3)
        assert len(taken.moments) == 5

    def test_a_day_that_is_over_counts_no_more(self, budget: BudgetRepository) -> None:
        budget.take(5, NOON, patience=10)

        assert budget.spent(NOON + timedelta(days=1)).used == 0

    def test_the_budgets_of_two_upstreams_are_two(self, budget: BudgetRepository, table: Table) -> None:
        budget.take(5, NOON, patience=10)

        assert BudgetRepository(table, "alpaca", LIMITS).spent(NOON).used == 0

    def test_a_taking_whose_answer_was_lost_gives_no_call_twice(self, faults: Faults, budget: BudgetRepository) -> None:
        with faults.injected(first(1, lost), operation="PutItem"), pytest.raises(NoAnswer):
            budget.take(2, NOON, patience=10)

        assert budget.take(2, NOON, patience=10).moments[0] > NOON.timestamp() + 0.19

    def test_no_call_is_given_twice_to_eight_at_once(
        self, atomic_tables: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("watchkeeper.budgets._LONGEST_PAUSE", 0.01)
        monkeypatch.setattr("watchkeeper.budgets._FIRST_PAUSE", 0.001)
        budget = BudgetRepository(Table(aws.dynamodb_client(), table_name("progress")), "alphavantage", LIMITS)

        def work(_: int) -> list[float]:
            return [moment for _ in range(3) for moment in budget.take(3, NOON, patience=100).moments]

        with ThreadPoolExecutor(8) as pool:
            given_out = [moment for moments in pool.map(work, range(8)) for moment in moments]

        kept = reserved(Spent(), LIMITS, NOON.timestamp())
        assert len(given_out) == LIMITS.per_day - kept == budget.spent(NOON).used, "24 times three were wanted"
        assert max(Counter(given_out).values()) == 1
        ordered = sorted(given_out)
        assert all(after - before > 0.0999 for before, after in pairwise(ordered))


def test_coverage_is_read_as_it_was_counted(table: Table) -> None:
    coverages = CoverageRepository(table)
    assert coverages.get() is None
    for oldest in (None, NOON - timedelta(days=400)):
        counted = Coverage(NOON, dict(zip(AGES, range(len(AGES)), strict=True)), oldest, oldest)
        coverages.put(counted)

        assert coverages.get() == counted


def test_an_operators_word_is_read_as_it_was_said(table: Table) -> None:
    maintenance = Maintenance(table, ["SUN"])
    assert maintenance.said() is None
    maintenance.say(Word.OPEN, NOON)
    assert Maintenance(table, []).said() == Said(Word.OPEN, NOON)
    maintenance.unsay()
    maintenance.unsay()
    assert maintenance.said() is None


def test_the_sources_of_each_watch_are_its_own(table: Table) -> None:
    kernel, markets = ProgressRepository(table, KERNEL), ProgressRepository(table, MARKETS)
    kernel.save(Source("lore:a"))
    markets.save(Source("alpaca:assets", error="down"))

    assert kernel.sources() == [Source("lore:a")]
    assert markets.sources() == [Source("alpaca:assets", error="down")]
    assert markets.source("lore:a").run is None
    assert kernel.source("alpaca:assets").error is None


@pytest.mark.parametrize("bounds", [Between("b", "a"), Between("2026-11-20", "2026-11-19#~")])
def test_bounds_the_wrong_way_round_hold_nothing_and_are_not_asked_for(
    faults: Faults, table: Table, bounds: Between
) -> None:
    with faults.injected(garbage):
        assert list(table.query({"pk": "N"}, sort=("sk", bounds))) == []
    assert faults.sends == []


class TestNumbers:
    KEYS = Keys("pk", "sk")

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.integers(-(10**38) + 1, 10**38 - 1)
        | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=9)
    )
    def test_a_number_comes_back_equal(self, table: Table, number: int | Decimal) -> None:
        assume(not isinstance(number, Decimal) or len(number.as_tuple().digits) <= 38)
        table.put({"pk": "N", "sk": "1", "number": number}, keys=self.KEYS)

        item = table.get({"pk": "N", "sk": "1"})
        assert item is not None
        assert item["number"] == number
        assert isinstance(item["number"], int | Decimal)

    @pytest.mark.parametrize(
        "number",
        [Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity"), Decimal("1E+126"), Decimal("1E-131"),
         10**38, Decimal("1." + "1" * 38), -(10**38)],
    )  # fmt: skip
    def test_what_is_no_number_to_dynamodb_is_refused_by_name_before_it_is_sent(
        self, table: Table, number: int | Decimal
    ) -> None:
        for put in (
            lambda: table.put({"pk": "N", "sk": "1", "number": number}, keys=self.KEYS),
            lambda: table.update({"pk": "N", "sk": "1"}, {"number": number}, keys=self.KEYS),
            lambda: table.batch_put([{"pk": "N", "sk": "1", "number": number}], keys=self.KEYS),
        ):
            with pytest.raises(LimitExceeded, match="number is no number"):
                put()
        assert table.get({"pk": "N", "sk": "1"}) is None

    @pytest.mark.parametrize("number", [Decimal("9.9E+125"), Decimal("1E-130"), 10**38 - 1, Decimal(0)])
    def test_the_largest_and_smallest_are_taken(self, table: Table, number: int | Decimal) -> None:
        table.check({"pk": "N", "sk": "1", "number": number}, self.KEYS)
