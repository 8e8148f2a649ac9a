"""The calendar of earnings is read by the names of its columns, and a broken one is never an empty one."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import UpstreamGarbled
from ingest.markets import calendar
from ingest.markets.calendar import REASONS, parse_calendar
from ingest.markets.fields import NO_DAY
from watchkeeper.markets.models import Earnings

HEADER = "symbol,name,reportDate,fiscalDateEnding,estimate,currency,timeOfTheDay"
GOOD = "QUIL,QUILLWORT INC,2026-11-20,2026-09-30,1.25,USD,post-market"


def table(*rows: str, header: str = HEADER) -> str:
    return "\r\n".join((header, *rows, ""))


def test_a_row_is_the_day_of_a_report() -> None:
    parsed = parse_calendar(table(GOOD, '"BRAV-B","BRAVURA, ""B""",2026-12-01,2026-10-31,,CHF,'))

    assert parsed.refused == []
    assert sorted(parsed.rows, key=lambda row: row.symbol, reverse=True) == [
        Earnings("QUIL", date(2026, 11, 20), date(2026, 9, 30), "QUILLWORT INC", Decimal("1.25"), "USD", "post-market"),
        Earnings("BRAV.B", date(2026, 12, 1), date(2026, 10, 31), 'BRAVURA, "B"', None, "CHF", ""),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + table(GOOD),
        table(GOOD).replace("\r", ""),
        table(GOOD).strip(),
        table("2026-09-30,QUIL,2026-11-20", header="FiscalDateEnding, Symbol ,REPORTDATE"),
        table("QUIL,2026-11-20,2026-09-30,x,y,z", header="symbol,reportDate,fiscalDateEnding,new,newer"),
        table(GOOD, ""),
    ],
)
def test_columns_are_known_by_their_names_and_may_be_fewer_or_more(text: str) -> None:
    [row] = parse_calendar(text).rows

    assert (row.symbol, row.earnings_date, row.fiscal_date_ending) == ("QUIL", date(2026, 11, 20), date(2026, 9, 30))


def test_a_period_may_end_after_it_is_reported() -> None:
    [row] = parse_calendar(table("QUIL,Q,2026-11-20,2026-12-31,,USD,")).rows

    assert row.fiscal_date_ending > row.earnings_date


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        HEADER,
        table(),
        table("E,r,r,o,r, ,M", header="E,r,r,o,r, ,M"),
        table("E,r,r,o,r, ,M"),
        table(GOOD, header="symbol,name,when,fiscalDateEnding,estimate,currency,timeOfTheDay"),
        '{"Information": "25 requests per day"}',
        "<!DOCTYPE html><html></html>",
        table(GOOD, "BRAV,BRAVURA,2026-1"),
        table(GOOD, 'BRAV,"BRAVURA,2026-11-21,2026-09-30,1,USD,'),
        table(",,2026-11-20,2026-09-30,,,", "QUIL,,,,,,"),
    ],
)
def test_what_is_no_whole_table_with_a_row_is_garbled(text: str) -> None:
    with pytest.raises(UpstreamGarbled):
        parse_calendar(text)


@pytest.mark.parametrize(
    ("row", "subject", "reason"),
    [
        (",NOBODY,2026-11-20,2026-09-30,,,", "?", calendar.NO_SYMBOL),
        ("CRYPTO:BTC,BITCOIN,2026-11-20,2026-09-30,,,", "CRYPTO:BTC", calendar.NO_SYMBOL),
        ("X,XEN,soon,2026-09-30,,,", "X", NO_DAY),
        ("X,XEN,2026-11-31,2026-09-30,,,", "X", NO_DAY),
        ("X,XEN,2026-11-20,,,,", "X", NO_DAY),
        ("X,XEN,0001-01-01,2026-09-30,,,", "X", NO_DAY),
        ("X", "X", NO_DAY),
        ("QUIL,QUILLWORT,2026-11-27,2026-09-30,,,", "QUIL", calendar.TWICE),
        ("QUIL,QUILLWORT,2026-11-20,2026-06-30,,,", "QUIL", calendar.SAME_DAY),
    ],
)
def test_a_row_that_is_none_is_refused_and_the_others_are_not(row: str, subject: str, reason: str) -> None:
    parsed = parse_calendar(table(GOOD, row, "LAST,LAST INC,2026-11-20,2026-09-30,,,"))

    assert [one.symbol for one in parsed.rows] == ["QUIL", "LAST"]
    assert [(one.subject, one.reason) for one in parsed.refused] == [(subject, reason)]


@pytest.mark.parametrize("estimate", ["NaN", "1.2x", "Infinity", "1e999"])
def test_an_estimate_that_is_no_number_costs_only_itself(estimate: str) -> None:
    parsed = parse_calendar(table(f"QUIL,Q,2026-11-20,2026-09-30,{estimate},USD,"))

    assert [row.estimate for row in parsed.rows] == [None]
    assert [one.reason for one in parsed.refused] == [calendar.NO_ESTIMATE]


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_spellings_alphavantages_own_counts(turn: int) -> None:
    rows = ["HEI.A,HEICO,2026-11-27,2026-10-31,,USD,", "HEI-A,HEICO,2026-12-02,2026-10-31,,USD,"][::turn]

    parsed = parse_calendar(table(*rows))

    assert [(row.symbol, row.earnings_date) for row in parsed.rows] == [("HEI.A", date(2026, 12, 2))]
    assert [(one.subject, one.reason) for one in parsed.refused] == [("HEI.A", calendar.OTHER_SPELLING)]


def test_two_periods_of_a_symbol_are_two_rows() -> None:
    parsed = parse_calendar(table(GOOD, "QUIL,Q,2027-02-19,2026-12-31,,USD,"))

    assert [row.fiscal_date_ending.month for row in parsed.rows] == [9, 12]


CELL = st.sampled_from(["QUIL", "HEI-A", "HEI.A", "2026-11-20", "2026-09-30", "NaN", "1.5", "", '"', "\0"]) | st.text(
    max_size=6
)


@given(st.text() | st.lists(st.lists(CELL, min_size=7, max_size=7).map(",".join)).map(lambda rows: table(GOOD, *rows)))
def test_whatever_comes_is_a_calendar_or_garbled(text: str) -> None:
    try:
        parsed = parse_calendar(text)
    except UpstreamGarbled:
        return

    assert parsed.rows
    assert {one.reason for one in parsed.refused} <= REASONS
    assert len({(row.symbol, row.fiscal_date_ending) for row in parsed.rows}) == len(parsed.rows)
    assert len({(row.symbol, row.earnings_date) for row in parsed.rows}) == len(parsed.rows)
    assert all(row.estimate is None or row.estimate.is_finite() for row in parsed.rows)
