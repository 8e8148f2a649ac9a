"""What AlphaVantage says instead of data is known by its words, whatever key it stands under."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import (
    Burst,
    DayOver,
    KeyRefused,
    MinuteOver,
    PlanLacksFunction,
    RequestRefused,
    UpstreamError,
    UpstreamGarbled,
)
from ingest.markets.answers import NoArticles, classify, decoded

NOW = datetime(2026, 11, 20, 9, 30, 20, tzinfo=UTC)
KEY = "QX7TESTKEY"
PLANS = "Subscribe to one of the premium plans to lift the daily limit and unlock all premium endpoints."
SAID: list[tuple[str, type[UpstreamError]]] = [
    (
        f"Consider spreading out your free requests (1 request per second). The limit is 25 requests per day. {PLANS}",
        Burst,
    ),
    ("Burst pattern detected. Spread requests evenly across a minute, at most 30 requests per second.", Burst),
    ("No more than 5 requests per second, please.", Burst),
    (f"We have detected your API key as {KEY} and our limit is 25 requests per day. {PLANS}", DayOver),
    (f"We have detected your API key as {KEY}: 25 requests per day; plans begin at 75 requests per minute.", DayOver),
    ("Our standard API rate limit is 25 requests per day.", DayOver),
    ("Our standard API call frequency is 5 calls per minute and 500 calls per day.", MinuteOver),
    ("Minute-level rate limit reached.", MinuteOver),
    ("Please consider optimizing your API call frequency.", MinuteOver),
    ("Visit our pages if you would like to have a higher API call volume.", MinuteOver),
    (f"This is a premium endpoint. {PLANS}", PlanLacksFunction),
    ("The **demo** API key is for demo purposes only. Claim your free API key.", KeyRefused),
    ("the parameter apikey is invalid or missing. Claim your free API key.", KeyRefused),
    ("Invalid inputs. Refer to the API documentation and try again.", RequestRefused),
    ("Invalid API call. Retry or visit the documentation for BALANCE_SHEET.", RequestRefused),
    ("No articles found. Please adjust the time range.", NoArticles),
    (f"Something new about {KEY}", UpstreamGarbled),
    ("", UpstreamGarbled),
]


@pytest.mark.parametrize("under", ["Note", "Information", "Error Message", "information"])
@pytest.mark.parametrize(("text", "error"), SAID, ids=[text[:40] for text, _ in SAID])
def test_a_text_is_known_under_any_key(text: str, error: type[UpstreamError], under: str) -> None:
    with pytest.raises(UpstreamError) as raised:
        classify({under: text}, NOW)

    assert type(raised.value) is error
    assert KEY not in repr(raised.value)


def test_a_text_beside_data_is_judged_too() -> None:
    with pytest.raises(DayOver):
        classify({"symbol": "QUIL", "annualReports": [], "Information": "25 requests per day"}, NOW)


@pytest.mark.parametrize("text", [None, 7, ["premium endpoint"], {"a": 1}])
def test_what_is_said_in_no_words_is_garbled(text: object) -> None:
    with pytest.raises(UpstreamGarbled):
        classify({"Note": text}, NOW)


@pytest.mark.parametrize("body", [{}, {"symbol": "QUIL"}, [], "Information", None, 3])
def test_an_answer_that_says_nothing_passes(body: object) -> None:
    classify(body, NOW)


def error_of(text: str) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        classify({"Information": text}, NOW)
    return raised.value


def test_a_burst_is_over_in_a_second_or_two() -> None:
    error = error_of("1 request per second")

    assert isinstance(error, Burst)
    assert error.retry_after is not None
    assert 1 <= error.retry_after <= 2


def test_a_minute_is_over_when_the_next_begins() -> None:
    error = error_of("5 calls per minute")

    assert isinstance(error, MinuteOver)
    assert error.retry_after == 40


def test_a_day_is_over_at_midnight_utc() -> None:
    error = error_of("25 requests per day")

    assert isinstance(error, DayOver)
    assert error.retry_at == datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize("octets", [b"", b"<html>", b'{"symbol": "QU', b"\xff", b"[" * 5000])
def test_what_is_no_whole_json_is_garbled_and_not_repeated(octets: bytes) -> None:
    with pytest.raises(UpstreamGarbled) as raised:
        decoded(octets)

    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_whatever_is_answered_nothing_but_an_upstreams_error_comes_of_it(body: object) -> None:
    assert len(said(body)) < 80


def said(body: object) -> str:
    try:
        classify(body, NOW)
    except UpstreamError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("octets", "read"),
    [
        (b'{"a": NaN, "b": [-Infinity]}', {"a": "NaN", "b": ["-Infinity"]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"title": "half of a pair: \\ud83d", "n": 0.1}', {"title": "half of a pair: ?", "n": 0.1}),
        (b'{"title": "no \xff UTF-8"}', {"title": "no \N{REPLACEMENT CHARACTER} UTF-8"}),
    ],
)
def test_one_bad_place_does_not_spoil_the_rest(octets: bytes, read: object) -> None:
    assert decoded(octets) == read
