"""A day of the markets watch: its schedules, its events and its queue, and what people read of it over HTTP."""

import csv
import io
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from local.board import read_board
from tests.e2e.market import ASSETS, CALENDAR, NEWS, Market
from tests.e2e.people import expect, problem
from tests.e2e.waiting import wait_for
from watchkeeper.clock import from_iso, utc_now
from watchkeeper.markets.models import Statement

REPORTED = ("income_statement", "balance_sheet", "cash_flow", "earnings")


@pytest.fixture
def early(market: Market) -> str:
    """The symbol of a company that reported today before the market opened."""
    return market.vendor.early_reporters[0]


def test_the_schedules_bring_in_all_there_is(market: Market) -> None:
    coverage = market.read("coverage")
    sources = {source["name"]: source for source in coverage["sources"]}
    ages = {group["age"]: group["assets"] for group in coverage["assets"]["ages"]}

    assert {asset["symbol"] for asset in market.read("assets", limit=100)["items"]} == market.tracked
    assert all(sources[name]["error"] is None for name in (ASSETS, CALENDAR, NEWS))
    assert sum(ages.values()) == coverage["assets"]["total"] == len(market.tracked)
    assert ages["never"] == 0
    assert ages["1d"] == coverage["assets"]["fresh"] > 0
    assert ages["no_data"] > 0, "there are funds"
    assert coverage["budget"]["used"] >= 5 * len(market.tracked)


def test_who_reported_is_asked_about_first_and_all_others_by_what_it_is_worth(market: Market) -> None:
    early = set(market.vendor.early_reporters)
    reasons = {
        reason: [event.data for event in market.needed(reason=reason)] for reason in ("earnings", "regular", "request")
    }

    assert {told["symbol"] for told in reasons["earnings"]} == early
    assert {told["symbol"] for told in reasons["regular"]} == market.tracked - early
    scores = [Decimal(told["score"]) for told in reasons["regular"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0
    said_by_day = [*reasons["earnings"], *reasons["regular"]]
    assert max(Counter(told["symbol"] for told in said_by_day).values()) == 1


def test_a_report_that_came_is_brought_in_and_marked_as_processed(market: Market, early: str) -> None:
    [reported] = [day for day in market.calendar_of(early) if day["earnings_date"] == utc_now().date().isoformat()]
    period = reported["fiscal_date_ending"]

    assert reported["processed_at"]
    assert {market.periods(early, statement)[0] for statement in REPORTED} == {period}
    [event] = market.processed(symbol=early)
    assert event.data["fiscal_date_ending"] == period
    assert event.envelope["correlation_id"] == market.needed(symbol=early)[0].envelope["correlation_id"]
    assert market.told("mark-earnings-processed", event.envelope["correlation_id"])[-1]["marked"] == 1


def test_the_board_shows_the_day(market: Market) -> None:
    shown = {section.title: section for section in read_board(market.system.cloud, utc_now())}
    states = {row.cells[0]: row.cells[1] for title in ("Sources", "Markets") for row in shown[title].rows}

    assert {states[name] for name in (ASSETS, CALENDAR, NEWS)} == {"live"}
    assert states["assets pollenated"].startswith(f"{len(market.tracked)} of {len(market.tracked)}")
    assert shown["Sources"].troubles == shown["Markets"].troubles == []


def test_assets_are_listed_by_volume_and_by_staleness(market: Market) -> None:
    first = market.read("assets", limit=5)
    rest = market.read("assets", limit=100, cursor=first["cursor"])
    ranked = [*first["items"], *rest["items"]]
    stalest = market.read("assets", order="staleness", limit=100)["items"]

    assert [asset["rank"] for asset in ranked] == list(range(1, len(market.tracked) + 1))
    assert [asset["volume"] for asset in ranked] == sorted((asset["volume"] for asset in ranked), reverse=True)
    assert {asset["symbol"] for asset in stalest} == {asset["symbol"] for asset in ranked}
    assert [asset["last_pollenated"] for asset in stalest] == sorted(asset["last_pollenated"] for asset in stalest)
    found = market.read("assets", text="quillmark", exchange="NYSE")["items"]
    assert [asset["symbol"] for asset in found] == ["QUIL"]


def test_an_asset_is_told_by_any_spelling(market: Market) -> None:
    told = market.asset("brav-b")

    assert (told["symbol"], told["status"]) == ("BRAV.B", "active")
    assert {state["statement"]: state["outcome"] for state in told["statements"]} == dict.fromkeys(Statement, "data")
    assert told["next_earnings"]["symbol"] == "BRAV.B"
    assert problem(market.person.get("markets/assets/NOSUCH"), 404) == "not-found"


def test_what_was_reported_is_told_as_the_vendor_told_it_also_as_a_table(market: Market) -> None:
    told = market.read("assets/QUIL/fundamentals", statement="balance_sheet", period="annual", limit=100)["items"]
    books = market.vendor.books(market.vendor.company("QUIL"))
    for report in told:
        end = report["fiscal_date_ending"]
        assert report["values"]["totalAssets"] == str(books.balance(from_iso(f"{end}T00:00:00Z").date())["totalAssets"])

    answer = market.person.get("markets/assets/QUIL/fundamentals.csv?statement=balance_sheet&period=annual")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    assert answer.headers["Content-Type"].startswith("text/csv")
    assert [row["totalAssets"] for row in rows] == [report["values"]["totalAssets"] for report in told]
    assert len(rows) == 20
    assert market.read("assets/QUIL/fundamentals", statement="overview")["items"][0]["values"]["Exchange"] == "NYSE"


def test_news_are_told_with_what_they_say_of_an_asset(market: Market, early: str) -> None:
    def articles() -> list[dict[str, object]]:
        found = market.read(f"assets/{early}/news", limit=100)["items"]
        return [article for article in found if article["title"] == f"All about {early}"]

    [article] = articles()
    series = market.read(f"assets/{early}/sentiment", period="hour")
    sounding_well = market.read("news", min_score="0.35", limit=100)["items"]

    assert article["mention"]["symbol"] == early  # type: ignore[index]
    assert Decimal(article["mention"]["score"]) == Decimal("0.4")  # type: ignore[index]
    assert sum(bucket["count"] for bucket in series["buckets"]) == series["articles"] > 0
    assert (article["id"], early) in {(one["id"], one["mention"]["symbol"]) for one in sounding_well}

    market.vendor.move_article(str(article["url"]), utc_now() - timedelta(minutes=30))
    assert market.run("news-sentiment-sync")["outcome"] == "read"
    assert articles() == [article], "the same article is one article"


def test_reports_are_told_by_the_days_they_are_expected(market: Market) -> None:
    until = (utc_now() + timedelta(days=120)).date().isoformat()
    expected = market.read("earnings", to=until, limit=100)["items"]

    days = [(day["earnings_date"], day["symbol"]) for day in expected]
    assert days == sorted(days)
    for symbol in (*market.reports_soon, *market.vendor.early_reporters):
        assert (market.vendor.earnings_date(symbol).isoformat(), symbol) in days
    assert [day["symbol"] for day in expected].count("BRAV.B") == 1, "who is there under two spellings reports once"


def test_asking_out_of_turn_is_for_developers_and_is_followed_to_the_end(market: Market) -> None:
    path = "markets/assets/BRAV.A/pollenate"
    assert problem(market.person.post(path), 403) == "forbidden"

    answer = market.developer.post(path, headers={"X-Correlation-Id": "asked-out-of-turn"})
    told = expect(answer, 202)
    market.wait_for_pollenation("BRAV.A", from_iso(told["requested_at"]))

    assert [event.envelope["id"] for event in market.needed(symbol="BRAV.A", reason="request")] == [told["event_id"]]
    wait_for("the line", lambda: bool(market.told("pollenate-asset", "asked-out-of-turn")))
    assert market.told("pollenate-asset", "asked-out-of-turn")[-1]["message"] == "asset pollenated"
    assert market.system.queues.depth("pollenation-dlq").is_empty
