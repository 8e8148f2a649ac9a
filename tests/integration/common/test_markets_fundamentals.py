"""What companies report, and how far asking for it is."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

import pytest

from tests.integration.faults import Faults, first, lost, timed_out
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Table
from watchkeeper.errors import LeaseTaken, NoAnswer
from watchkeeper.markets.models import Asked, Outcome, Overview, Period, Report, Statement
from watchkeeper.markets.repositories.fundamentals import FundamentalsRepository, Pollenation

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BALANCE, EARNINGS = Statement.BALANCE_SHEET, Statement.EARNINGS
QUARTERS = [date(2025, 12, 31), date(2026, 3, 31), date(2026, 6, 30), date(2026, 9, 30)]


def report(day: date, statement: Statement = BALANCE, period: Period = Period.QUARTERLY, **values: str) -> Report:
    return Report("BRK.B", statement, period, day, values or {"totalAssets": "1.50"})


@pytest.fixture
def table(faults: Faults, tables: None) -> Table:
    return Table(aws.dynamodb_client(), table_name("foundationalData"))


@pytest.fixture
def fundamentals(table: Table) -> FundamentalsRepository:
    return FundamentalsRepository(table)


class TestReports:
    @pytest.fixture(autouse=True)
    def years(self, fundamentals: FundamentalsRepository) -> None:
        fundamentals.put(report(day) for day in QUARTERS)
        fundamentals.put([report(QUARTERS[0], period=Period.ANNUAL), report(QUARTERS[0], EARNINGS)])
        fundamentals.put_overview(Overview("BRK.B", QUARTERS[0], {"Name": "Berkshire"}))
        fundamentals.keep(Pollenation("BRK.B"))

    def test_they_come_newest_first_and_of_one_kind(self, fundamentals: FundamentalsRepository) -> None:
        found = list(fundamentals.reports("BRK.B", BALANCE, Period.QUARTERLY, page_size=1))

        assert found == [report(day) for day in reversed(QUARTERS)]
        assert list(fundamentals.reports("BRK.B", BALANCE, Period.ANNUAL)) == [
            report(QUARTERS[0], period=Period.ANNUAL)
        ]
        assert list(fundamentals.reports("BRK.B", Statement.CASH_FLOW, Period.ANNUAL)) == []

    def test_the_oldest_can_come_first(self, fundamentals: FundamentalsRepository) -> None:
        found = fundamentals.reports("BRK.B", BALANCE, Period.QUARTERLY, descending=False)

        assert [one.fiscal_date_ending for one in found] == QUARTERS

    @pytest.mark.parametrize(
        ("since", "until", "found"), [(1, 2, [2, 1]), (None, 0, [0]), (3, None, [3]), (2, 2, [2]), (3, 1, [])]
    )
    def test_both_days_are_included(
        self, fundamentals: FundamentalsRepository, since: int | None, until: int | None, found: list[int]
    ) -> None:
        days = [None if place is None else QUARTERS[place] for place in (since, until)]
        rows = fundamentals.reports("BRK.B", BALANCE, Period.QUARTERLY, since=days[0], until=days[1])

        assert [one.fiscal_date_ending for one in rows] == [QUARTERS[place] for place in found]

    def test_all_that_is_stored_of_a_statement_is_known_by_its_period(
        self, fundamentals: FundamentalsRepository
    ) -> None:
        stored = fundamentals.stored("BRK.B", BALANCE)

        assert len(stored) == 5
        assert stored[Period.ANNUAL, QUARTERS[0]].period is Period.ANNUAL
        assert fundamentals.stored("MSFT", BALANCE) == {}

    def test_what_is_there_of_a_fiscal_period_is_both_its_year_and_its_quarter(
        self, fundamentals: FundamentalsRepository
    ) -> None:
        found = {(one.statement, one.period) for one in fundamentals.of_period("BRK.B", QUARTERS[0])}

        assert found == {(BALANCE, Period.ANNUAL), (BALANCE, Period.QUARTERLY), (EARNINGS, Period.QUARTERLY)}
        assert fundamentals.of_period("BRK.B", date(2020, 1, 1)) == []

    def test_what_is_told_of_a_former_company_is_kept_and_found_no_more(
        self, fundamentals: FundamentalsRepository, table: Table
    ) -> None:
        before = {str(item["statement"]): item["record"] for item in table.query({"symbol": "BRK.B"})}
        fundamentals.set_aside("BRK.B", "its-id")
        fundamentals.set_aside("BRK.B", "its-id")

        assert fundamentals.stored("BRK.B", BALANCE) == {}
        assert list(fundamentals.overviews("BRK.B")) == []
        assert fundamentals.of_period("BRK.B", QUARTERS[0]) == []
        assert fundamentals.pollenation("BRK.B").edition == 1
        after = {str(item["statement"]): item["record"] for item in table.query({"symbol": "BRK.B"})}
        state = before.pop("pollenation")
        assert after == {"pollenation": state} | {f"former#its-id#{key}": record for key, record in before.items()}

    def test_a_figure_keeps_its_scale(self, fundamentals: FundamentalsRepository) -> None:
        [newest, *_] = fundamentals.reports("BRK.B", BALANCE, Period.QUARTERLY)

        assert Decimal(newest.values["totalAssets"]).as_tuple().exponent == -2


class TestOverviews:
    @pytest.fixture(autouse=True)
    def three(self, fundamentals: FundamentalsRepository) -> None:
        for number, day in enumerate(QUARTERS[:3]):
            fundamentals.put_overview(Overview("BRK.B", day, {"Name": f"{number}"}))

    def test_they_come_newest_first(self, fundamentals: FundamentalsRepository) -> None:
        assert [one.values["Name"] for one in fundamentals.overviews("BRK.B")] == ["2", "1", "0"]
        assert next(fundamentals.overviews("MSFT"), None) is None

    @pytest.mark.parametrize(("since", "until", "found"), [(1, None, "21"), (None, 1, "10"), (1, 1, "1"), (2, 0, "")])
    def test_both_days_are_included(
        self, fundamentals: FundamentalsRepository, since: int | None, until: int | None, found: str
    ) -> None:
        days = [None if place is None else QUARTERS[place] for place in (since, until)]
        rows = fundamentals.overviews("BRK.B", since=days[0], until=days[1])

        assert [one.values["Name"] for one in rows] == list(found)

    def test_of_one_day_there_is_one(self, fundamentals: FundamentalsRepository) -> None:
        fundamentals.put_overview(Overview("BRK.B", QUARTERS[2], {"Name": "new"}))

        assert [one.values["Name"] for one in fundamentals.overviews("BRK.B")] == ["new", "1", "0"]


class TestPollenation:
    ASKED: ClassVar = {
        Statement.OVERVIEW: Asked(NOON, Outcome.DATA, "abc"),
        BALANCE: Asked(NOON, Outcome.REFUSED, "", "it does not know the symbol"),
        EARNINGS: Asked(NOON + timedelta(seconds=1), Outcome.NO_DATA),
    }

    def test_nobody_has_asked_at_first(self, fundamentals: FundamentalsRepository) -> None:
        assert fundamentals.pollenation("BRK.B") == Pollenation("BRK.B")

    @pytest.mark.parametrize("claim", [("", None), ("worker", NOON)])
    def test_it_is_read_as_it_was_kept(
        self, fundamentals: FundamentalsRepository, claim: tuple[str, datetime | None]
    ) -> None:
        kept = fundamentals.keep(Pollenation("BRK.B", self.ASKED, *claim))

        assert kept == Pollenation("BRK.B", self.ASKED, *claim, edition=1)
        assert fundamentals.pollenation("BRK.B") == kept

    def test_of_two_who_claim_it_one_has_it(self, fundamentals: FundamentalsRepository) -> None:
        for _ in range(2):
            read = fundamentals.pollenation("BRK.B")
            mine = fundamentals.keep(replace(read, claimed_by="a", claimed_until=NOON))
            with pytest.raises(LeaseTaken):
                fundamentals.keep(replace(read, claimed_by="b", claimed_until=NOON))

            assert fundamentals.pollenation("BRK.B") == mine

    def test_who_goes_on_with_what_another_has_kept_since_is_told(self, fundamentals: FundamentalsRepository) -> None:
        mine = fundamentals.keep(Pollenation("BRK.B", claimed_by="a", claimed_until=NOON))
        fundamentals.keep(replace(fundamentals.pollenation("BRK.B"), claimed_by="b"))

        with pytest.raises(LeaseTaken):
            fundamentals.keep(replace(mine, asked=self.ASKED))
        assert fundamentals.pollenation("BRK.B").asked == {}

    def test_a_claim_that_cannot_be_told_to_be_kept_is_none(
        self, fundamentals: FundamentalsRepository, faults: Faults
    ) -> None:
        with faults.injected(timed_out, operation="PutItem"), pytest.raises(NoAnswer):
            fundamentals.keep(Pollenation("BRK.B", claimed_by="a", claimed_until=NOON))

        assert fundamentals.pollenation("BRK.B") == Pollenation("BRK.B")

    @pytest.mark.parametrize("edition", [0, 1])
    def test_a_claim_whose_answer_was_lost_is_still_ones_own(
        self, fundamentals: FundamentalsRepository, faults: Faults, edition: int
    ) -> None:
        read = Pollenation("BRK.B") if edition == 0 else fundamentals.keep(Pollenation("BRK.B"))
        with faults.injected(first(1, lost), operation="PutItem"):
            kept = fundamentals.keep(replace(read, claimed_by="a", claimed_until=NOON))

        assert len(faults.sends) == 2
        assert fundamentals.pollenation("BRK.B") == kept

    def test_a_claim_is_anothers_until_it_runs_out(self) -> None:
        claimed = Pollenation("BRK.B", claimed_by="a", claimed_until=NOON)

        assert claimed.is_claimed_by_another("b", NOON - timedelta(seconds=1))
        assert not claimed.is_claimed_by_another("b", NOON)
        assert not claimed.is_claimed_by_another("a", NOON - timedelta(seconds=1))
        assert not Pollenation("BRK.B").is_claimed_by_another("b", NOON)

    def test_a_statement_is_answered_since_it_was_asked_for(self) -> None:
        state = Pollenation("BRK.B", self.ASKED)

        assert state.is_answered(Statement.OVERVIEW, NOON)
        assert not state.is_answered(Statement.OVERVIEW, NOON + timedelta(seconds=1))
        assert not state.is_answered(Statement.CASH_FLOW, NOON)
