"""Figures are exact, finite and small."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.observability.samples import FIGURES
from watchkeeper.observability.figures import added, checked, shortest, unfit
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
        ("NaN", "no finite number"),
        ("sNaN", "no finite number"),
        ("-Infinity", "no finite number"),
        ("1E+15", "10^15 or more"),
        ("-1000000000000000", "10^15 or more"),
        ("0.3000000000000000444", "more than 15 digits"),
        ("1234567890.123456", "more than 15 digits"),
        ("1E-16", "more than 15 digits"),
        ("1E-99999", "more than 15 digits"),
    ],
)
def test_any_other_is_refused_with_the_reason(text: str, why: str) -> None:
    assert why in str(unfit(Decimal(text)))
    with pytest.raises(Refused, match=r"^threshold: "):
        checked("threshold", Decimal(text))


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
