"""What is sent, held against what the domain takes."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from api.observability.commands.bodies import Figure, NewAlertRule, NewMetric, NewMetrics, Unreadable
from watchkeeper.observability import series
from watchkeeper.observability.decimals import rounded, unfit
from watchkeeper.observability.refusals import Refused
from watchkeeper.observability.series import Series, is_unit

FIGURE: TypeAdapter[Decimal] = TypeAdapter(Figure)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def is_taken(**members: Any) -> bool:
    try:
        NewMetric.model_validate({"name": "a", "value": 1, **members})
    except ValidationError:
        return False
    return True


def is_series(name: str, dimensions: dict[str, str]) -> bool:
    try:
        Series.named(name, dimensions)
    except Refused:
        return False
    return True


@given(st.text(max_size=70) | st.from_regex(series.NAME, fullmatch=True))
@example("a\n")
@example("é")
def test_a_name_is_one_to_the_domain_as_well(name: str) -> None:
    assert is_taken(name=name) == is_series(name, {})


@given(
    st.dictionaries(
        st.text(max_size=3) | st.from_regex(series.KEY, fullmatch=True),
        st.text(max_size=3) | st.from_regex(series.VALUE, fullmatch=True),
        max_size=6,
    )
)
@example({"a": "b\n"})
@example({"a": "٣"})
def test_dimensions_are_some_to_the_domain_as_well(dimensions: dict[str, str]) -> None:
    assert is_taken(dimensions=dimensions) == is_series("a", dimensions)


@given(st.text(max_size=40) | st.from_regex(series.UNIT, fullmatch=True))
@example("Count\n")
def test_a_unit_is_one_to_the_domain_as_well(unit: str) -> None:
    assert is_taken(unit=unit) == is_unit(unit)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=5) | st.decimals())
@example(Decimal("1e15"))
@example(Decimal("1e999999"))
@example(Decimal("-0"))
def test_a_figure_is_exactly_what_was_written_or_is_refused(figure: Decimal) -> None:
    try:
        read = FIGURE.validate_python(str(figure).replace("E", "e"))
    except ValidationError:
        assert unfit(figure) or len(str(figure)) > 40
    else:
        assert read == figure
        assert unfit(read) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1 / 3)
@example(1e-16)
def test_a_number_that_is_not_whole_is_rounded(number: float) -> None:
    figure = Decimal(repr(number))
    kept = figure if number.is_integer() else rounded(figure)
    try:
        assert FIGURE.validate_python(number) == kept
    except ValidationError:
        assert unfit(kept)


@pytest.mark.parametrize("value", ["0.1234567890123456", 1234567890123456, 1234567890123456.0])
def test_a_text_and_a_whole_number_are_meant_as_they_are(value: Any) -> None:
    with pytest.raises(ValidationError):
        FIGURE.validate_python(value)


def test_a_name_of_the_system_s_own_is_refused_for_a_metric_and_not_for_a_rule() -> None:
    rule = {"name": "a", "metric": "ingest.run.failures", "comparison": "gt", "threshold": 1}

    assert not is_taken(name="ingest.mine")
    assert is_taken(name="ingestion.mine")
    assert NewAlertRule.model_validate(rule).metric == "ingest.run.failures"


@pytest.mark.parametrize("value", [True, False, None, "", " 1", "1_0", "٣", "0x10", "1e9999", "+1", [], float("nan")])
def test_what_is_no_figure_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        FIGURE.validate_python(value)


@given(st.lists(JSON, min_size=1, max_size=5))
def test_whatever_comes_among_others_is_a_metric_or_says_why_not(sent: list[Any]) -> None:
    found = NewMetrics.model_validate({"metrics": sent}).sent

    assert len(found) == len(sent)
    assert all(isinstance(one, NewMetric) or (isinstance(one, Unreadable) and one.reason) for one in found)


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    (found,) = NewMetrics.model_validate({"metrics": [{"name": "a", "value": "SECRET"}]}).sent

    assert found == Unreadable("value", "is not a finite number")


def test_a_batch_of_one_is_a_batch() -> None:
    metric = {"name": "a", "value": 1}

    assert NewMetrics.model_validate(metric).is_single
    assert not NewMetrics.model_validate({"metrics": [metric]}).is_single
