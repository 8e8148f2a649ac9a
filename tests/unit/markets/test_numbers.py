"""Figures stay unchanged; invalid ones are missing, and not zero."""

import json
from decimal import Decimal
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.markets.numbers import MISSING, NotANumber, number, text_of

FIGURES = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**30), max_value=10**30)


@pytest.mark.parametrize("written", [*sorted(MISSING), None, "  None ", " - "])
def test_a_missing_figure_is_none(written: object) -> None:
    assert number(written) is None


@given(FIGURES)
def test_a_figure_keeps_its_value_and_its_scale(figure: Decimal) -> None:
    read = number(text_of(figure))

    assert read == figure
    assert str(read) == str(figure)
    assert read is not None
    assert text_of(read) == text_of(figure)


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e60, max_value=1e60).filter(lambda x: abs(x) > 1e-60)
)
def test_a_json_number_is_the_shortest_text_of_its_float(value: float) -> None:
    assert number(json.loads(json.dumps(value))) == Decimal(repr(value))


@given(st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1))
def test_whole_numbers_are_exact(value: int) -> None:
    assert number(value) == number(str(value)) == Decimal(value)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("1E+3", "1000"),
        ("1.50", "1.50"),
        ("-0.0", "-0.0"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+7", "7"),
        (1e-7, "0.0000001"),
    ],
)
def test_a_figure_is_kept_without_an_exponent(written: object, text: str) -> None:
    figure = number(written)

    assert figure is not None
    assert text_of(figure) == text


@pytest.mark.parametrize(
    "written",
    [
        "NaN",
        "nan",
        "sNaN",
        "Infinity",
        "-inf",
        "1,5",
        "1_000",
        "0x10",
        "12%",
        "1 2",
        "１２",
        "1" * 39,
        "1e100",
        "--1",
        ".",
    ],
)
def test_a_word_is_no_figure(written: str) -> None:
    with pytest.raises(NotANumber):
        number(written)


@pytest.mark.parametrize("written", [True, False, [], {}, b"1", float("nan"), float("inf"), 10**38])
def test_what_is_no_text_or_number_is_no_figure(written: object) -> None:
    with pytest.raises(NotANumber):
        number(written)


@given(st.text(max_size=20) | st.floats() | st.integers() | st.none() | st.booleans())
def test_anything_is_a_figure_or_missing_or_refused(written: object) -> None:
    try:
        figure = number(written)
    except NotANumber:
        return
    assert figure is None or (figure.is_finite() and len(figure.as_tuple().digits) <= 38)
    if isinstance(written, float):
        assert isfinite(written)
