"""AlphaVantage is asked as it wants to be asked, and its answers are data or errors, never both."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ingest.errors import (
    Burst,
    DayOver,
    KeyRefused,
    MinuteOver,
    PlanLacksFunction,
    RequestRefused,
    UpstreamBlocked,
    UpstreamError,
    UpstreamGarbled,
)
from ingest.markets.alphavantage import AlphaVantage
from ingest.upstream import Upstream
from tests.unit.ingest.markets.wire import Wire
from watchkeeper.markets.models import Statement

BURST = {"Information": "spread out your requests: 1 request per second"}
MINUTE = {"Note": "5 calls per minute"}
DAY = {"Information": "We have detected your API key as QX7 and the limit is 25 requests per day"}
WRONG_KEY = {"Error Message": "the parameter apikey is invalid or missing"}
NOW = datetime(2026, 11, 20, 9, 30, 20, tzinfo=UTC)
TABLE = "symbol,reportDate,fiscalDateEnding\r\nQUIL,2026-11-20,2026-09-30\r\n"


@pytest.fixture
def heard() -> list[UpstreamError]:
    return []


@pytest.fixture
def client(upstream: Upstream, heard: list[UpstreamError]) -> AlphaVantage:
    return AlphaVantage(upstream, heard=heard.append, clock=lambda: NOW)


@pytest.mark.parametrize("statement", Statement)
def test_a_statement_is_asked_for_in_alphavantages_words(
    client: AlphaVantage, wire: Wire, statement: Statement
) -> None:
    wire.say({"symbol": "BRAV-B"})

    assert client.statement(statement, "BRAV.B") == {"symbol": "BRAV-B"}
    assert wire.queries() == [{"function": statement.value.upper(), "symbol": "BRAV-B"}]


def test_an_empty_object_is_no_data(client: AlphaVantage, wire: Wire) -> None:
    wire.say({})

    assert client.statement(Statement.OVERVIEW, "FUND") is None


@pytest.mark.parametrize("body", ["[]", "null", "7", '"text"', "symbol,name", '{"symbol": "QU', "", "<html></html>"])
def test_a_statement_that_is_no_object_is_garbled(client: AlphaVantage, wire: Wire, body: str) -> None:
    wire.say(body)

    with pytest.raises(UpstreamGarbled):
        client.statement(Statement.EARNINGS, "QUIL")


def test_a_page_is_blocked(client: AlphaVantage, wire: Wire) -> None:
    wire.say("<html></html>", headers={"Content-Type": "text/html; charset=utf-8"})

    with pytest.raises(UpstreamBlocked):
        client.statement(Statement.EARNINGS, "QUIL")


def test_a_burst_is_asked_again_and_told(client: AlphaVantage, wire: Wire, heard: list[UpstreamError]) -> None:
    wire.say(BURST, times=2)
    wire.say({"symbol": "QUIL"})

    assert client.statement(Statement.EARNINGS, "QUIL") == {"symbol": "QUIL"}
    assert [type(error) for error in heard] == [Burst, Burst]


def test_a_burst_that_does_not_end_is_asked_three_times_more(client: AlphaVantage, wire: Wire) -> None:
    wire.say(BURST)

    with pytest.raises(Burst):
        client.statement(Statement.EARNINGS, "QUIL")

    assert len(wire.sent) == 4


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (MINUTE, MinuteOver),  # 40 seconds are too long for a function to sleep
        (DAY, DayOver),
        (WRONG_KEY, KeyRefused),
        ({"Information": "This is a premium endpoint"}, PlanLacksFunction),
        ({"Error Message": "Invalid API call"}, RequestRefused),
        ({"Information": "whatever"}, UpstreamGarbled),
    ],
)
def test_what_does_not_pass_soon_is_not_asked_again(
    client: AlphaVantage, wire: Wire, body: object, error: type[UpstreamError]
) -> None:
    wire.say(body)

    with pytest.raises(error):
        client.statement(Statement.EARNINGS, "QUIL")
    with pytest.raises(error):
        client.earnings_calendar()
    with pytest.raises(error):
        client.news(NOW)

    assert len(wire.sent) == 3


@pytest.mark.parametrize(("body", "error"), [(MINUTE, MinuteOver), (DAY, DayOver), (WRONG_KEY, KeyRefused)])
def test_what_concerns_all_who_have_the_key_is_told(
    client: AlphaVantage, wire: Wire, heard: list[UpstreamError], body: object, error: type[UpstreamError]
) -> None:
    wire.say(body)

    with pytest.raises(error):
        client.statement(Statement.EARNINGS, "QUIL")

    assert [type(one) for one in heard] == [error]


def test_a_refusal_of_one_request_is_told_nobody(client: AlphaVantage, wire: Wire, heard: list[UpstreamError]) -> None:
    wire.say({"Error Message": "Invalid API call"})

    with pytest.raises(RequestRefused):
        client.statement(Statement.EARNINGS, "NONE")

    assert heard == []


def test_the_calendar_is_text(client: AlphaVantage, wire: Wire) -> None:
    wire.say(f"\ufeff{TABLE}", headers={"Content-Type": "application/x-download"})

    assert client.earnings_calendar("6month") == TABLE.strip()
    assert wire.queries() == [{"function": "EARNINGS_CALENDAR", "horizon": "6month"}]


@pytest.mark.parametrize("body", ["{}", "[]", '{"symbol": 1', "", "  \r\n", "<!DOCTYPE html>"])
def test_a_calendar_that_is_no_text_of_a_table_is_garbled(client: AlphaVantage, wire: Wire, body: object) -> None:
    wire.say(body if isinstance(body, bytes) else str(body))

    with pytest.raises(UpstreamGarbled):
        client.earnings_calendar()


def test_an_octet_that_is_no_utf_8_costs_the_calendar_no_more_than_itself(client: AlphaVantage, wire: Wire) -> None:
    wire.say(b"symbol,name,reportDate,fiscalDateEnding\r\nNESN,Nestl\xe9,2026-11-20,2026-09-30\r\n")

    assert client.earnings_calendar().splitlines()[1] == "NESN,Nestl\ufffd,2026-11-20,2026-09-30"


def test_news_is_asked_for_oldest_first_by_the_minute_in_utc(client: AlphaVantage, wire: Wire) -> None:
    wire.say({"items": "1", "feed": [{"title": "One"}]})
    there = timezone(timedelta(hours=-5))

    page = client.news(datetime(2026, 11, 20, 4, 30, 59, tzinfo=there), datetime(2026, 11, 20, 10, tzinfo=UTC))

    assert page.rows == [{"title": "One"}]
    assert wire.queries() == [
        {
            "function": "NEWS_SENTIMENT",
            "sort": "EARLIEST",
            "limit": "1000",
            "time_from": "20261120T0930",
            "time_to": "20261120T1000",
        }
    ]


@pytest.mark.parametrize(
    ("articles", "full"), [(0, False), (49, False), (50, True), (51, False), (60, True), (61, True)]
)
def test_a_page_is_full_at_the_limit_or_at_the_one_alphavantage_may_have_taken_instead(
    client: AlphaVantage, wire: Wire, articles: int, full: bool
) -> None:
    wire.say({"feed": [{}] * articles})

    assert client.news(NOW, limit=60).full is full


def test_no_news_is_an_empty_page(client: AlphaVantage, wire: Wire) -> None:
    wire.say({"Information": "No articles found. Please adjust the time range."})

    page = client.news(NOW)

    assert (page.rows, page.full) == ([], False)


@pytest.mark.parametrize("body", [{}, {"feed": None}, {"feed": {}}, {"items": "0"}])
def test_news_without_a_list_is_garbled(client: AlphaVantage, wire: Wire, body: object) -> None:
    wire.say(body)

    with pytest.raises(UpstreamGarbled):
        client.news(NOW)
