"""Figures are exact, finite and small."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.observability.samples import FIGURES
from watchkeeper.observability.decimals import added, checked, rounded, shortest, unfit
from watchkeeper.observability.models import as_json
from watchkeeper.observability.refusals import Refused


@pytest.mark.parametrize(
    "text", ["0", "-0", "0E+99999", "1.50000000000000000000", "999999999999999", "0.000000000000001", "-12.25", "1E+14"]
)
def test_a_figure_of_fifteen_digits_is_kept(text: str) -> None:
    figure = Decimal(text)

    assert unfit(figure) is None
    assert checked("it", figure) == figure
    assert len(as_json(shortest(figure))) <= 18


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("NaN", "not a finite number"),
        ("sNaN", "not a finite number"),
        ("-Infinity", "not a finite number"),
        ("1E+15", "10^15 or more"),
        ("-1000000000000000", "10^15 or more"),
        ("0.3000000000000000444", "more than 15 significant digits"),
        ("1234567890.123456", "more than 15 significant digits"),
        ("1E-16", "more than 15 significant digits"),
        ("1E-99999", "more than 15 significant digits"),
    ],
)
def test_any_other_is_refused_with_the_reason(text: str, why: str) -> None:
    assert why in str(unfit(Decimal(text)))
    with pytest.raises(Refused, match=r"^threshold: "):
        checked("threshold", Decimal(text))


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        (1 / 3, "0.333333333333333"),
        (-1 / 30, "-0.033333333333333"),
        (0.1 + 0.2, "0.3"),
        (12.345678901234567, "12.3456789012346"),
        (123456789012345.67, "123456789012346"),
        (2.5e-15, "0.000000000000002"),
        (0.1 + 0.2 - 0.3, "0"),
        (-1e-16, "0"),
        (5e-324, "0"),
    ],
)
def test_a_number_is_rounded_to_what_is_kept(number: float, kept: str) -> None:
    assert rounded(Decimal(repr(number))) == Decimal(kept)


@given(st.floats(-1e14, 1e14))
def test_what_was_rounded_is_kept_and_the_nearest_there_is(number: float) -> None:
    figure = Decimal(repr(number))
    nearest = rounded(figure)

    assert unfit(nearest) is None
    assert abs(nearest - figure) <= max(Decimal("5E-16"), abs(figure) * Decimal("5E-15"))


@given(st.lists(FIGURES, max_size=50))
def test_sums_lose_nothing(figures: list[Decimal]) -> None:
    total = Decimal(0)
    for figure in figures:
        total = added(total, figure)

    assert Fraction(total) == sum((Fraction(figure) for figure in figures), Fraction(0))


@given(FIGURES)
def test_a_figure_is_written_without_an_exponent_and_needless_zeros(figure: Decimal) -> None:
    text = as_json(figure)

    assert Decimal(text) == figure
    assert "E" not in text
    assert text != "-0"
    assert not ("." in text and text.endswith("0"))
