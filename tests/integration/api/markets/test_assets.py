"""Assets: by volume, by staleness, and one in full."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.api.asking import Asker
from tests.integration.api.conftest import Reply
from tests.integration.api.markets.builders import NOON, a_day, an_asset
from tests.integration.api.markets.conftest import all_pages, refused
from watchkeeper.markets.models import Asked, Outcome, Statement
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.earnings import EarningsRepository
from watchkeeper.markets.repositories.fundamentals import FundamentalsRepository, Pollenation


def symbols(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.text
    return [item["symbol"] for item in reply.json["items"]]


def ranked(reply: Reply) -> list[tuple[str, int]]:
    return [(item["symbol"], item["rank"]) for item in reply.json["items"]]


@pytest.fixture
def six(assets: AssetRepository) -> None:
    assets.add(
        [
            an_asset("AAPL", 600, name="Apple Inc.", last_pollenated=NOON - timedelta(days=1)),
            an_asset("MSFT", 500, name="Microsoft", last_pollenated=NOON - timedelta(days=10)),
            an_asset("IBM", 400, name="International Business Machines", exchange="NYSE"),
            an_asset("BRK.B", 300, exchange="NYSE", last_pollenated=NOON - timedelta(days=40)),
            an_asset("SPY", 200, exchange="ARCA", no_data=True, last_pollenated=NOON - timedelta(days=2)),
            an_asset("GONE", 900, status="inactive", vanished_at=NOON),
        ]
    )


@pytest.mark.usefixtures("six")
class TestListing:
    def test_the_most_traded_come_first_each_with_its_rank(self, ask: Asker) -> None:
        assert ranked(ask.get("/assets")) == [("AAPL", 1), ("MSFT", 2), ("IBM", 3), ("BRK.B", 4), ("SPY", 5)]

    def test_a_rank_is_the_same_on_any_page_and_under_any_filter(self, ask: Asker) -> None:
        pages = all_pages(ask, "/assets?limit=2")

        assert [[one["rank"] for one in page] for page in pages] == [[1, 2], [3, 4], [5]]
        assert ranked(ask.get("/assets?exchange=nyse")) == [("IBM", 3), ("BRK.B", 4)]
        paged = [one["rank"] for page in all_pages(ask, "/assets?exchange=NYSE&limit=1") for one in page]
        assert paged == [3, 4]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("status=inactive", ["GONE"]),
            ("top=2", ["AAPL", "MSFT"]),
            ("top=3&exchange=NYSE", ["IBM"]),
            ("text=apple", ["AAPL"]),
            ("text=BRK-B", ["BRK.B"]),
            ("text=machines", ["IBM"]),
            ("text=nothing", []),
            ("stale_days=10", ["MSFT", "IBM", "BRK.B"]),
            ("stale_days=0", ["AAPL", "MSFT", "IBM", "BRK.B", "SPY"]),
            ("order=staleness", ["IBM", "BRK.B", "MSFT", "SPY", "AAPL"]),
            ("order=staleness&stale_days=10", ["IBM", "BRK.B", "MSFT"]),
            ("order=staleness&exchange=ARCA", ["SPY"]),
        ],
    )
    def test_filters(self, ask: Asker, query: str, found: list[str]) -> None:
        assert symbols(ask.get(f"/assets?{query}")) == found

    @pytest.mark.parametrize("query", ["top=3", "order=staleness", "text=a", "stale_days=1", "order=staleness&text=b"])
    def test_pages_add_up_to_the_whole(self, ask: Asker, query: str) -> None:
        paged = [one["symbol"] for page in all_pages(ask, f"/assets?{query}&limit=1") for one in page]

        assert paged == symbols(ask.get(f"/assets?{query}"))

    def test_by_staleness_there_are_no_ranks(self, ask: Asker) -> None:
        assert {item["rank"] for item in ask.get("/assets?order=staleness").json["items"]} == {None}

    def test_what_was_never_asked_for_says_so(self, ask: Asker) -> None:
        by_symbol = {item["symbol"]: item for item in ask.get("/assets").json["items"]}

        assert by_symbol["IBM"]["last_pollenated"] is None
        assert by_symbol["AAPL"]["last_pollenated"] == "2026-11-19T12:00:00Z"
        assert by_symbol["SPY"]["no_data"]

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("status=delisted", "status"),
            ("order=name", "order"),
            ("exchange=%0d%0a", "exchange"),
            ("text=", "text"),
            ("top=0", "top"),
            ("top=2001", "top"),
            ("top=5&order=staleness", "top"),
            ("stale_days=-1", "stale_days"),
            ("limit=101", "limit"),
        ],
    )
    def test_a_senseless_filter_is_refused_by_name(self, ask: Asker, query: str, parameter: str) -> None:
        assert refused(ask.get(f"/assets?{query}")) == [parameter]

    def test_a_cursor_of_another_query_is_refused(self, ask: Asker) -> None:
        cursor = ask.get("/assets?limit=2").json["cursor"]

        for query in ("order=staleness", "status=inactive", "top=4", "exchange=NYSE"):
            assert ask.get(f"/assets?{query}&cursor={cursor}").status == 400

    def test_a_page_without_filters_reads_no_more_than_it_shows(self, ask: Asker, queries: list[str]) -> None:
        ask.get("/assets?limit=2")

        assert queries == ["Query", "BatchGetItem"]


class TestAnAsset:
    def test_everything_known_is_told(
        self,
        ask: Asker,
        assets: AssetRepository,
        calendar: EarningsRepository,
        fundamentals: FundamentalsRepository,
    ) -> None:
        assets.add([an_asset("IBM", 400, margin_requirement_long=Decimal("30"), attributes=("has_options",))])
        calendar.put([a_day("IBM", -30), a_day("IBM", 62), a_day("IBM", 70), a_day("IBM", 5, withdrawn_at=NOON)])
        asked = {
            Statement.OVERVIEW: Asked(NOON, Outcome.DATA, "digest"),
            Statement.CASH_FLOW: Asked(NOON, Outcome.REFUSED, reason="premium endpoint"),
        }
        fundamentals.keep(Pollenation("IBM", asked))

        reply = ask.get("/assets/IBM")

        told: dict[str, Any] = reply.json
        assert (told["symbol"], told["id"], told["volume"]) == ("IBM", "id-IBM", 400)
        assert (told["margin_requirement_long"], told["attributes"]) == ("30", ["has_options"])
        assert told["next_earnings"]["earnings_date"] == "2027-01-21"
        assert told["next_earnings"]["estimate"] == "1.50"
        assert told["last_earnings"]["earnings_date"] == "2026-10-21"
        by_name = {state.pop("statement"): state for state in told["statements"]}
        assert by_name.keys() == {"overview", "earnings", "income_statement", "balance_sheet", "cash_flow"}
        assert by_name["overview"] == {"asked_at": "2026-11-20T12:00:00Z", "outcome": "data", "reason": None}
        assert by_name["cash_flow"]["reason"] == "premium endpoint"
        assert by_name["earnings"] == {"asked_at": None, "outcome": None, "reason": None}
        assert "digest" not in reply.text

    def test_one_that_reports_today_reports_next(
        self, ask: Asker, assets: AssetRepository, calendar: EarningsRepository
    ) -> None:
        assets.add([an_asset("IBM")])
        calendar.put([a_day("IBM", 0)])

        told = ask.get("/assets/IBM").json

        assert (told["next_earnings"]["earnings_date"], told["last_earnings"]) == ("2026-11-20", None)

    @pytest.mark.parametrize("spelling", ["BRK.B", "BRK-B", "brk.b", "brk-b", "BRK%2EB", "%20BRK.B"])
    def test_any_vendors_spelling_finds_it(self, ask: Asker, assets: AssetRepository, spelling: str) -> None:
        assets.add([an_asset("BRK.B")])

        for path in ("", "/fundamentals", "/fundamentals.csv", "/news", "/sentiment"):
            assert ask.get(f"/assets/{spelling}{path}").status == 200, path
        assert ask.get(f"/assets/{spelling}").json["symbol"] == "BRK.B"

    @pytest.mark.parametrize("symbol", ["NONE", "BRK.", "FOREX:USD", "BTC%2FUSD", "%00", "ß", "a" * 64, "..", "%25"])
    @pytest.mark.parametrize("path", ["", "/fundamentals", "/fundamentals.csv", "/news", "/sentiment"])
    def test_what_is_not_there_is_a_problem(self, ask: Asker, symbol: str, path: str) -> None:
        reply = ask.get(f"/assets/{symbol}{path}")

        assert reply.status == 404
        assert reply.headers["Content-Type"] == "application/problem+json"

    def test_nobody_who_has_not_signed_in_is_told(self, ask: Asker) -> None:
        assert ask.as_("").get("/assets").status == 401
