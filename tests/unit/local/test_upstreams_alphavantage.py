"""The AlphaVantage-like vendor against what is known of the real one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.upstreams.markets.world import FUNCTIONS, STATEMENTS
from tests.unit.local.market_clients import Vendors

UNSPELLABLE = "2026-11-20T10:00"


def missing_share(reports: list[dict[str, str]]) -> float:
    values = [value for report in reports for value in report.values()]
    return values.count("None") / len(values)


class TestStatements:
    @pytest.mark.parametrize(
        ("function", "fields", "missing"),
        [("BALANCE_SHEET", 38, 0.19), ("CASH_FLOW", 30, 0.53), ("INCOME_STATEMENT", 26, 0.26)],
    )
    def test_they_have_the_real_ones_size_and_gaps(
        self, vendors: Vendors, function: str, fields: int, missing: float
    ) -> None:
        found = vendors.ask(function, "QUIL")
        annual, quarterly = found["annualReports"], found["quarterlyReports"]

        assert found["symbol"] == "QUIL"
        assert (len(annual), len(quarterly)) == (20, 81)
        assert {len(report) for report in annual + quarterly} == {fields}
        assert all(isinstance(value, str) for report in annual + quarterly for value in report.values())
        assert missing_share(quarterly) == pytest.approx(missing, abs=0.05)

    def test_they_are_newest_first_and_periods_are_in_both_lists(self, vendors: Vendors) -> None:
        found = vendors.ask("BALANCE_SHEET", "QUIL")
        annual, quarterly = (
            [one["fiscalDateEnding"] for one in found[name]] for name in ("annualReports", "quarterlyReports")
        )

        assert quarterly == sorted(quarterly, reverse=True)
        assert annual[0] == quarterly[3] == "2025-12-31"
        assert set(annual) <= set(quarterly)

    def test_a_young_company_has_few_periods_and_no_year(self, vendors: Vendors) -> None:
        found = vendors.ask("INCOME_STATEMENT", "IPOQ")

        assert (found["annualReports"], len(found["quarterlyReports"])) == ([], 2)


class TestEarnings:
    def test_the_first_annual_entry_is_no_year(self, vendors: Vendors) -> None:
        found = vendors.ask("EARNINGS", "QUIL")
        quarter = found["quarterlyEarnings"][0]

        assert found["annualEarnings"][0] == {name: quarter[name] for name in ("fiscalDateEnding", "reportedEPS")}
        assert {one["fiscalDateEnding"][5:] for one in found["annualEarnings"][1:]} == {"12-31"}

    def test_after_the_last_quarter_it_is_one(self, vendors: Vendors) -> None:
        vendors.markets.report_quarter("QUIL")

        assert vendors.ask("EARNINGS", "QUIL")["annualEarnings"][0]["fiscalDateEnding"] == "2026-12-31"

    def test_old_quarters_have_no_estimates(self, vendors: Vendors) -> None:
        quarters = vendors.ask("EARNINGS", "QUIL")["quarterlyEarnings"]

        assert len(quarters) == 121
        assert [quarters[at]["estimatedEPS"] == "None" for at in (0, 79, 80, 120)] == [False, False, True, True]
        assert {one["reportTime"] for one in quarters} == {"pre-market"}


class TestOverview:
    def test_it_is_flat_text_with_two_marks_for_what_is_missing(self, vendors: Vendors) -> None:
        found = [vendors.ask("OVERVIEW", one.dashed) for one in vendors.markets.reporters()]

        assert {len(one) for one in found} == {55}
        assert {type(value) for one in found for value in one.values()} == {str}
        assert {"None", "-"} <= {value for one in found for value in one.values()}


@pytest.mark.parametrize("function", FUNCTIONS)
class TestSymbols:
    def test_they_have_a_dash(self, vendors: Vendors, function: str) -> None:
        assert len(vendors.ask(function, "BRAV-B")) > 1
        assert vendors.ask(function, "BRAV.B") == {
            "Error Message": "Invalid API call. Please retry or visit the documentation "
            f"(https://www.alphavantage.co/documentation/) for {function}."
        }

    @pytest.mark.parametrize("symbol", ["ZBMQ", "NOPE", "ZEPH-WS"])
    def test_of_funds_and_of_what_is_unknown_there_is_nothing(
        self, vendors: Vendors, function: str, symbol: str
    ) -> None:
        assert vendors.ask(function, symbol) == {}

    def test_without_one_the_call_is_invalid(self, vendors: Vendors, function: str) -> None:
        assert "Invalid API call" in vendors.ask(function)["Error Message"]


class TestCalendar:
    def test_it_has_seven_columns_and_gaps(self, vendors: Vendors) -> None:
        rows = vendors.calendar()

        assert list(rows[0]) == [
            *("symbol", "name", "reportDate", "fiscalDateEnding", "estimate", "currency", "timeOfTheDay")
        ]
        assert {"USD", "CAD", "EUR", "ISK"} <= {row["currency"] for row in rows}
        for name in ("estimate", "timeOfTheDay"):
            assert {row[name] == "" for row in rows} == {True, False}

    def test_class_shares_stand_there_twice_with_different_dates(self, vendors: Vendors) -> None:
        (dot,), (dash,) = vendors.report_dates("BRAV.B"), vendors.report_dates("BRAV-B")

        assert dot < dash
        assert vendors.report_dates("HLMQ.B") == []

    def test_some_report_before_their_period_ends(self, vendors: Vendors) -> None:
        early = [row["symbol"] for row in vendors.calendar() if row["fiscalDateEnding"] > row["reportDate"]]

        assert early == ["ERLQ", "ERZQ"]

    def test_longer_horizons_have_several_reports_of_a_company(self, vendors: Vendors) -> None:
        counts = [len(vendors.report_dates("QUIL", horizon=one)) for one in ("3month", "6month", "12month")]

        assert counts == [1, 2, 4]

    def test_it_can_be_asked_for_one_symbol(self, vendors: Vendors) -> None:
        assert [row["symbol"] for row in vendors.calendar(symbol="QUIL")] == ["QUIL"]
        assert vendors.calendar(symbol="NOPE") == []

    def test_it_names_companies_that_are_traded_nowhere_here(self, vendors: Vendors) -> None:
        traded = {row["symbol"].replace(".", "-") for row in vendors.assets()}

        assert {row["symbol"].replace(".", "-") for row in vendors.calendar()} - traded

    @pytest.mark.parametrize(
        ("kind", "rows"), [("header", 0), ("letters", 1), ("empty", 0), ("json", 0), ("cut", None)]
    )
    def test_it_breaks_as_the_real_one_does(self, vendors: Vendors, kind: Any, rows: int | None) -> None:
        whole = vendors.text("EARNINGS_CALENDAR")
        vendors.markets.trouble.break_calendar(kind)
        broken = vendors.text("EARNINGS_CALENDAR")

        if kind == "letters":
            assert broken.splitlines()[1] == "E,r,r,o,r, ,M"
        elif kind == "json":
            assert "Information" in json.loads(broken)
        elif kind == "cut":
            assert whole.startswith(broken)
            assert not broken.endswith("\n")
        else:
            assert len(broken.splitlines()[1:]) == rows
        assert vendors.text("EARNINGS_CALENDAR") == whole

    def test_columns_and_dates_drift(self, vendors: Vendors) -> None:
        vendors.markets.trouble.alter("EARNINGS_CALENDAR", "*.mood", "good")
        vendors.markets.trouble.alter("EARNINGS_CALENDAR", "0.reportDate", "soon")
        vendors.markets.trouble.alter("EARNINGS_CALENDAR", "+", "stray")
        first, *_, last = vendors.calendar()

        assert (first["mood"], first["reportDate"], last["symbol"]) == ("good", "soon", "stray")


class TestNews:
    def test_an_article_has_the_vendors_fields_and_types(self, vendors: Vendors) -> None:
        answer = vendors.ask("NEWS_SENTIMENT", limit="1000")
        article = next(one for one in answer["feed"] if one["ticker_sentiment"])
        named = article["ticker_sentiment"][0]

        assert answer["items"] == str(len(answer["feed"])) == "1000"
        assert isinstance(article["overall_sentiment_score"], float)
        assert {type(value) for value in named.values()} == {str}
        assert any(not one["authors"] for one in answer["feed"])
        assert any(one["banner_image"] is None for one in answer["feed"])
        assert "Somewhat-Bullish" in {one["overall_sentiment_label"] for one in answer["feed"]}

    @pytest.mark.parametrize(("limit", "count"), [("", 50), ("7", 50), ("200", 50), ("1000", 1000)])
    def test_only_two_limits_have_effect(self, vendors: Vendors, limit: str, count: int) -> None:
        assert len(vendors.news(**({"limit": limit} if limit else {}))) == count

    def test_they_are_sorted_and_lie_in_the_span_asked_for(self, vendors: Vendors) -> None:
        span = {"time_from": "20261119T0600", "time_to": "20261119T1800"}
        earliest = [one["time_published"] for one in vendors.news(**span, sort="EARLIEST")]
        latest = [one["time_published"] for one in vendors.news(**span)]

        assert earliest == sorted(latest)
        assert latest == sorted(latest, reverse=True)
        assert "20261119T060000" <= earliest[0] < earliest[-1] <= "20261119T180000"

    def test_the_future_is_not_told(self, vendors: Vendors) -> None:
        vendors.markets.add_article(["QUIL"], time="2026-11-20T12:31:00Z", url="https://x.example/1")
        assert vendors.news(tickers="QUIL", time_from="20261120T1230") == []

        vendors.wait(minutes=1)

        assert [one["url"] for one in vendors.news(tickers="QUIL", time_from="20261120T1230")] == [
            "https://x.example/1"
        ]

    def test_several_tickers_ask_for_articles_that_name_all(self, vendors: Vendors) -> None:
        vendors.markets.add_article(["QUIL", "BRAV.B", "QNSTY"], url="https://x.example/both")
        vendors.markets.add_article(["QUIL"], url="https://x.example/one")
        found = vendors.news(tickers="QUIL,BRAV-B,QNSTY")

        assert found[0]["url"] == "https://x.example/both"
        assert "https://x.example/one" not in {one["url"] for one in found}
        assert [one["ticker"] for one in found[0]["ticker_sentiment"]] == ["QUIL", "BRAV-B", "QNSTY"]

    def test_by_relevance_those_about_it_come_first(self, vendors: Vendors) -> None:
        found = vendors.news(tickers="QUIL", sort="RELEVANCE")
        scores = [
            float(named["relevance_score"])
            for one in found
            for named in one["ticker_sentiment"]
            if named["ticker"] == "QUIL"
        ]

        assert scores == sorted(scores, reverse=True)

    def test_articles_name_what_is_not_traded_here_too(self, vendors: Vendors) -> None:
        named = {one["ticker"] for article in vendors.news(limit="1000") for one in article["ticker_sentiment"]}

        assert {"CRYPTO:QZC", "QNSTY", "BRAV-A", "QUIL"} <= named

    def test_an_article_can_get_another_time(self, vendors: Vendors) -> None:
        article = vendors.news()[3]
        vendors.markets.move_article(article["url"], "2026-11-18T08:00:00Z")
        moved = vendors.news(time_from="20261118T0800", time_to="20261118T0800")

        assert article | {"time_published": "20261118T080000"} in moved
        assert article["url"] not in {one["url"] for one in vendors.news()}

    @pytest.mark.parametrize(
        "query",
        [
            {"tickers": "NOPE"},
            {"tickers": "QUIL,BRAV.B"},
            {"time_from": "20261120T100000"},
            {"time_from": UNSPELLABLE},
            {"time_from": "20261320T1000"},
            {"time_from": "20261120T1000", "time_to": "20261119T1000"},
            {"sort": "LOUDEST"},
        ],
    )
    def test_bad_inputs_are_told_like_throttling(self, vendors: Vendors, query: dict[str, str]) -> None:
        assert vendors.ask("NEWS_SENTIMENT", **query)["Information"].startswith("Invalid inputs.")


class TestRefusals:
    @pytest.mark.parametrize(("key", "said"), [("", "apikey is invalid or missing"), ("demo", "**demo** API key")])
    def test_of_a_wrong_key(self, vendors: Vendors, key: str, said: str) -> None:
        (text,) = json.loads(vendors.text("OVERVIEW", apikey=key, symbol="QUIL")).values()

        assert said in text

    def test_of_a_function_there_is_not(self, vendors: Vendors) -> None:
        assert vendors.ask("HOROSCOPE") == {"Error Message": "This API function (HOROSCOPE) does not exist."}

    @pytest.mark.parametrize(
        ("text", "name", "said"),
        [
            ("burst", "Information", "(1 request per second)"),
            ("premium-burst", "Information", "Burst pattern detected"),
            ("minute", "Information", "Minute-level rate limit"),
            ("day", "Information", "We have detected your API key as sample-api-key and our standard"),
            ("legacy", "Note", "5 calls per minute and 500 calls per day"),
            ("premium", "Information", "This is a premium endpoint"),
            ("demo", "Information", "**demo** API key"),
            ("invalid-key", "Error Message", "apikey is invalid or missing"),
            ("invalid-inputs", "Information", "Invalid inputs"),
            ("invalid-call", "Error Message", "for EARNINGS_CALENDAR."),
        ],
    )
    def test_the_next_calls_are_refused_on_demand(self, vendors: Vendors, text: str, name: str, said: str) -> None:
        vendors.markets.trouble.throttle(text, times=2)

        for _ in range(2):
            refused = vendors.ask("EARNINGS_CALENDAR")
            assert list(refused) == [name]
            assert said in refused[name]
        assert vendors.calendar()

    def test_they_can_be_bound_to_a_function(self, vendors: Vendors) -> None:
        vendors.markets.trouble.throttle("burst", function="CASH_FLOW")

        assert "symbol" in vendors.ask("EARNINGS", "QUIL")
        assert "Information" in vendors.ask("CASH_FLOW", "QUIL")

    def test_one_nobody_knows_is_a_mistake(self, vendors: Vendors) -> None:
        with pytest.raises(ValueError, match="unknown refusal 'shrug'"):
            vendors.markets.trouble.throttle("shrug")

    def test_a_function_becomes_premium_until_that_is_lifted(self, vendors: Vendors) -> None:
        vendors.markets.trouble.premium("EARNINGS")
        assert "premium endpoint" in vendors.ask("EARNINGS", "QUIL")["Information"]

        vendors.markets.trouble.premium("EARNINGS", lifted=True)
        assert "symbol" in vendors.ask("EARNINGS", "QUIL")


class TestLimits:
    @pytest.mark.parametrize(
        ("limit", "span", "said"),
        [
            ({"per_second": 2}, {"seconds": 1}, "1 request per second"),
            ({"per_second": 2, "premium": True}, {"seconds": 1}, "Burst pattern"),
            ({"per_minute": 2}, {"minutes": 1}, "5 calls per minute"),
            ({"per_minute": 2, "premium": True}, {"minutes": 1}, "Minute-level"),
            ({"per_day": 2}, {"hours": 12}, "25 requests per day"),
        ],
    )
    def test_calls_beyond_are_refused_until_the_span_is_over(
        self, vendors: Vendors, limit: dict[str, Any], span: dict[str, float], said: str
    ) -> None:
        vendors.markets.trouble.limit(**limit)
        answers = [vendors.text("OVERVIEW", symbol="QUIL") for _ in range(4)]
        assert [said in answer for answer in answers] == [False, False, True, True]

        vendors.wait(**span)

        assert "Symbol" in vendors.ask("OVERVIEW", "QUIL")

    def test_calls_made_before_do_not_count(self, vendors: Vendors) -> None:
        vendors.ask("OVERVIEW", "QUIL")
        vendors.markets.trouble.limit(per_day=1)

        assert "Symbol" in vendors.ask("OVERVIEW", "QUIL")
        assert "Information" in vendors.ask("OVERVIEW", "QUIL")

    def test_without_limits_nothing_is_refused(self, vendors: Vendors) -> None:
        vendors.markets.trouble.limit(per_second=1)
        vendors.markets.trouble.limit()

        assert all("Symbol" in vendors.ask("OVERVIEW", "QUIL") for _ in range(30))


class TestDrift:
    @pytest.mark.parametrize("function", STATEMENTS)
    def test_a_report_of_one_company_changes(self, vendors: Vendors, function: str) -> None:
        other = vendors.ask(function, "ZEPH")
        vendors.markets.trouble.alter(function, "quarterlyReports.0.goodMood", 3, symbol="BRAV.B")
        vendors.markets.trouble.alter(function, "annualReports.+", ["no report"], symbol="BRAV.B")
        found = vendors.ask(function, "BRAV-B")

        assert found["quarterlyReports"][0]["goodMood"] == 3
        assert found["annualReports"][-1] == ["no report"]
        assert vendors.ask(function, "ZEPH") == other

    def test_clearing_ends_all_trouble(self, vendors: Vendors) -> None:
        before = vendors.text("EARNINGS_CALENDAR")
        trouble = vendors.markets.trouble
        trouble.alter("EARNINGS_CALENDAR", "*.name", "")
        trouble.break_calendar("cut")
        trouble.throttle("day", times=9)
        trouble.limit(per_day=0)
        trouble.premium("EARNINGS_CALENDAR")
        trouble.clear()

        assert vendors.text("EARNINGS_CALENDAR") == before
