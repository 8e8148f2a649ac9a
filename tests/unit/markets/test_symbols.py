"""One spelling inside, AlphaVantage's at its border."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.markets.symbols import from_alphavantage, is_symbol, to_alphavantage

SYMBOLS = st.from_regex(r"[A-Z0-9]{1,12}(\.[A-Z0-9]{1,8}){0,2}", fullmatch=True).filter(
    lambda symbol: ".P." not in symbol  # no part of a symbol of Alpaca's: it writes a preferred share in another way
)


@given(SYMBOLS)
def test_a_symbol_comes_back_from_the_border_as_it_went(symbol: str) -> None:
    assert is_symbol(symbol)
    assert "." not in to_alphavantage(symbol)
    assert from_alphavantage(to_alphavantage(symbol)) == symbol


@given(SYMBOLS)
def test_both_spellings_of_the_calendar_are_the_same_symbol(symbol: str) -> None:
    assert from_alphavantage(f" {symbol.lower()} ") == from_alphavantage(symbol.replace(".", "-")) == symbol


@pytest.mark.parametrize(
    ("ours", "theirs"), [("BAC.PRK", "BAC-P-K"), ("ABR.PRD", "abr-p-d"), ("ABC.PRA.CL", "ABC-P-A-CL")]
)
def test_a_preferred_share_is_spelt_in_three_parts_there(ours: str, theirs: str) -> None:
    assert (to_alphavantage(ours), from_alphavantage(theirs)) == (theirs.upper(), ours)


@pytest.mark.parametrize(("ours", "theirs"), [("BRK.B", "BRK-B"), ("AAPL", "AAPL"), ("ABC.WS.A", "ABC-WS-A")])
def test_a_class_share_has_a_dot_here_and_a_dash_there(ours: str, theirs: str) -> None:
    assert (to_alphavantage(ours), from_alphavantage(theirs)) == (theirs, ours)


@pytest.mark.parametrize(
    "text",
    ["", "FOREX:USD", "CRYPTO:BTC", "BTC/USD", "A B", "A..B", ".A", "A.", "A.B.C.D", "AAPL\n#", "Ä", "A" * 13, "~"],
)
def test_what_is_no_share_has_no_symbol(text: str) -> None:
    assert not is_symbol(text)
    assert from_alphavantage(text) is None


def test_a_trailing_newline_is_no_part_of_a_symbol() -> None:
    assert not is_symbol("AAPL\n")
