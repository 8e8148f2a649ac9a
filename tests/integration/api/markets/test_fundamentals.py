"""What companies reported, as pages and as a table."""

import csv
from io import StringIO

import pytest

from tests.integration.api.asking import Asker
from tests.integration.api.conftest import Reply
from tests.integration.api.markets.builders import a_report, an_asset, an_overview
from tests.integration.api.markets.conftest import all_pages, refused
from watchkeeper.markets.models import Period, Statement
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.fundamentals import FundamentalsRepository

PATH = "/assets/IBM/fundamentals"
QUARTERS = ["2026-09-30", "2026-06-30", "2026-03-31", "2025-12-31"]


def days(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.text
    return [item["fiscal_date_ending"] or item["last_updated"] for item in reply.json["items"]]


def rows(reply: Reply) -> list[list[str]]:
    assert reply.status == 200, reply.text
    assert reply.text.startswith("\ufeff")
    return list(csv.reader(StringIO(reply.text.removeprefix("\ufeff"), newline="")))


def _days_of(table: list[list[str]]) -> list[str]:
    header, *found = table
    place = header.index("last_updated" if "last_updated" in header else "fiscal_date_ending")
    return [row[place] for row in found]


@pytest.fixture(autouse=True)
def ibm(ask: Asker, assets: AssetRepository, fundamentals: FundamentalsRepository) -> None:
    assets.add([an_asset("IBM"), an_asset("IBMX")])
    fundamentals.put([a_report(day) for day in QUARTERS])
    fundamentals.put([a_report("2025-12-31", period=Period.ANNUAL, totalRevenue="67535000000", netIncome="-5")])
    fundamentals.put([a_report("2026-09-30", Statement.EARNINGS, reportedEPS="2.65")])
    for day in ("2026-11-01", "2026-11-20"):
        fundamentals.put_overview(an_overview(day))


def test_quarters_of_the_income_statement_come_newest_first(ask: Asker) -> None:
    reply = ask.get(PATH)

    assert days(reply) == QUARTERS
    assert reply.json["items"][0] == {
        "period": "quarterly",
        "fiscal_date_ending": "2026-09-30",
        "last_updated": None,
        "values": {"totalRevenue": "17618000000"},
    }
    assert (reply.json["symbol"], reply.json["statement"], reply.json["cursor"]) == ("IBM", "income_statement", None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("period=annual", ["2025-12-31"]),
        ("statement=earnings", ["2026-09-30"]),
        ("statement=balance_sheet", []),
        ("statement=overview", ["2026-11-20", "2026-11-01"]),
        ("statement=overview&until=2026-11-19", ["2026-11-01"]),
        ("statement=overview&since=2026-11-02", ["2026-11-20"]),
        ("since=2026-03-31&until=2026-06-30", ["2026-06-30", "2026-03-31"]),
        ("since=&until=", QUARTERS),
        ("since=0001-01-01&until=9999-12-31", QUARTERS),
    ],
)
def test_statements_periods_and_days_may_be_chosen(ask: Asker, query: str, found: list[str]) -> None:
    assert days(ask.get(f"{PATH}?{query}")) == found
    assert _days_of(rows(ask.get(f"{PATH}.csv?{query}"))) == found


@pytest.mark.parametrize("query", ["", "statement=overview", "since=2026-01-01"])
def test_pages_add_up_to_the_whole(ask: Asker, query: str) -> None:
    pages = all_pages(ask, f"{PATH}?{query}&limit=1")

    assert {len(page) for page in pages} == {1}
    assert [item for page in pages for item in page] == ask.get(f"{PATH}?{query}").json["items"]


def test_an_asset_without_any_has_none(ask: Asker) -> None:
    assert days(ask.get("/assets/IBMX/fundamentals")) == []
    assert rows(ask.get("/assets/IBMX/fundamentals.csv")) == [["symbol", "statement", "period", "fiscal_date_ending"]]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("statement=dividends", "statement"),
        ("period=monthly", "period"),
        ("since=yesterday", "since"),
        ("until=2026-13-01", "until"),
        ("since=2026-07-02&until=2026-07-01", "until"),
    ],
)
def test_a_senseless_question_is_refused_by_name(ask: Asker, query: str, parameter: str) -> None:
    assert refused(ask.get(f"{PATH}?{query}")) == [parameter]
    assert refused(ask.get(f"{PATH}.csv?{query}")) == [parameter]


def test_a_cursor_of_another_statement_is_refused(ask: Asker) -> None:
    cursor = ask.get(f"{PATH}?limit=1").json["cursor"]

    for query in ("statement=earnings", "period=annual", "since=2020-01-01"):
        assert ask.get(f"{PATH}?{query}&cursor={cursor}").status == 400
    assert ask.get(f"/assets/IBMX/fundamentals?cursor={cursor}").status == 400


class TestTable:
    def test_it_has_a_column_for_each_field_of_any_row(self, ask: Asker, fundamentals: FundamentalsRepository) -> None:
        fundamentals.put([a_report("2026-12-31", totalRevenue="1", newField="2"), a_report("2025-09-30", oldField="3")])

        header, *found = rows(ask.get(f"{PATH}.csv"))

        assert header == ["symbol", "statement", "period", "fiscal_date_ending", "totalRevenue", "newField", "oldField"]
        assert found[0] == ["IBM", "income_statement", "quarterly", "2026-12-31", "1", "2", ""]
        assert found[-1] == ["IBM", "income_statement", "quarterly", "2025-09-30", "", "", "3"]

    def test_figures_are_as_they_are_and_texts_no_formulas(
        self, ask: Asker, fundamentals: FundamentalsRepository
    ) -> None:
        fundamentals.put_overview(
            an_overview("2026-12-01", EPS="-1.50", Name="=cmd()", Description="a,\n-b", Sector="@x", **{"=Field": "1"})
        )

        header, newest, *_ = rows(ask.get(f"{PATH}.csv?statement=overview"))

        told = dict(zip(header, newest, strict=True))
        assert (told["EPS"], told["Name"], told["Sector"]) == ("-1.50", "'=cmd()", "'@x")
        assert told["Description"] == "a,\n'-b"
        assert told["'=Field"] == "1"
        assert told["last_updated"] == "2026-12-01"

    def test_it_is_a_file_to_keep(self, ask: Asker) -> None:
        reply = ask.get("/assets/ibm/fundamentals.csv?period=annual")

        assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
        disposition = 'attachment; filename="IBM-income_statement-annual.csv"'
        assert reply.headers["Content-Disposition"] == disposition
        assert "overview.csv" in ask.get(f"{PATH}.csv?statement=overview").headers["Content-Disposition"]

    def test_who_prefers_it_gets_it_at_the_other_path_too(self, ask: Asker) -> None:
        table = ask.get(f"{PATH}.csv?period=annual")
        preferred = ask.get(f"{PATH}?period=annual&limit=1", {"Accept": "text/csv"})
        default = ask.get(f"{PATH}?period=annual", {"Accept": "*/*"})

        assert preferred.text == table.text
        assert preferred.headers["Content-Type"] == table.headers["Content-Type"]
        assert default.headers["Content-Type"] == "application/json"
        assert all("Accept," in reply.headers["Vary"] for reply in (preferred, default))

    def test_what_does_not_fit_is_a_problem(self, ask: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("api.markets.fundamentals.MAX_ROWS", 3)

        assert ask.get(f"{PATH}.csv").status == 406
        assert ask.get(f"{PATH}.csv?since=2026-01-01").status == 200

    def test_octets_that_do_not_fit_are_a_problem(
        self, ask: Asker, fundamentals: FundamentalsRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fundamentals.put([a_report("2027-03-31", note="x" * 1000)])
        monkeypatch.setattr("api.web.responses.MAX_BODY_BYTES", 1000)

        assert ask.get(f"{PATH}.csv").status == 406
