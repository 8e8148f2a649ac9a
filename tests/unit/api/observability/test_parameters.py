"""Spans of time that are asked for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.observability.queries.parameters import (
    LONGEST,
    USUAL,
    Span,
    errors_span,
    history_span,
    security_span,
    series_span,
    wanted_dimensions,
)
from api.web.problems import InvalidParameter
from watchkeeper.observability.models import Period

NOW = datetime(2026, 11, 20, 12, 34, 56, tzinfo=UTC)
TEXTS = st.none() | st.text(max_size=40) | st.datetimes().map(str) | st.dates().map(str)


@pytest.mark.parametrize("period", Period)
def test_without_anything_else_it_is_the_usual_span_up_to_now(period: Period) -> None:
    span = series_span(None, "", period, NOW)

    assert span == Span(period.start(NOW - USUAL[period]), NOW)


@pytest.mark.parametrize("period", Period)
def test_the_longest_span_is_taken_and_no_longer_one(period: Period) -> None:
    first = NOW - LONGEST[period]
    assert series_span(first.isoformat(), None, period, NOW).until == NOW

    with pytest.raises(InvalidParameter):
        series_span((first - timedelta(seconds=1)).isoformat(), None, period, NOW)


@given(TEXTS, TEXTS, st.sampled_from(Period))
def test_any_span_is_in_order_and_bounded_or_refused(since: str | None, until: str | None, period: Period) -> None:
    try:
        span = series_span(since, until, period, NOW)
    except InvalidParameter:
        return
    assert span.since <= span.until
    assert min(span.until, NOW) - span.since < LONGEST[period] + timedelta(seconds=period.seconds)


@pytest.mark.parametrize(("find", "days"), [(history_span, 400), (security_span, 400)])
@given(since=TEXTS, until=TEXTS)
def test_nothing_is_looked_for_beyond_what_is_kept(
    find: object, days: int, since: str | None, until: str | None
) -> None:
    try:
        span: Span = find(since, until, NOW)  # type: ignore[operator]
    except InvalidParameter:
        return
    assert span.since >= NOW - timedelta(days=days)
    assert span.until <= NOW + timedelta(days=1)


@pytest.mark.parametrize("since", ["2020-01-01", "2027-01-01"])
@pytest.mark.parametrize("until", [None, "2030-01-01"])
def test_errors_are_looked_for_at_whatever_time_their_events_say(since: str, until: str | None) -> None:
    span = errors_span(since, until, NOW)

    assert (span.since.year, span.until.year) == (int(since[:4]), 2030 if until else 9999)
    assert errors_span(None, until, NOW) == replace(span, since=NOW - timedelta(days=30))


@pytest.mark.parametrize("until", ["2026-11-20", "2030-01-01T00:00:00Z"])
@pytest.mark.parametrize("period", Period)
def test_the_usual_span_before_an_end_to_come_is_the_one_before_now(until: str, period: Period) -> None:
    span = series_span(None, until, period, NOW)

    assert span.since == period.start(NOW - USUAL[period])
    assert span.until > NOW


@pytest.mark.parametrize("find", [history_span, security_span])
@pytest.mark.parametrize("days_ago", [0, 20, 40])
def test_without_a_beginning_it_is_thirty_days(find: Callable[..., Span], days_ago: int) -> None:
    end = NOW.replace(microsecond=0) - timedelta(days=days_ago)

    assert find(None, end.isoformat(), NOW) == Span(end - timedelta(days=30), end)


def test_without_a_beginning_incidents_nobody_closed_are_all_that_are_kept() -> None:
    assert security_span(None, None, NOW, only_open=True) == Span(NOW - timedelta(days=400), NOW)
    assert security_span("2026-11-01", None, NOW, only_open=True).since == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(("until", "parameter"), [(None, "from"), ("2026-11-20", "to")])
def test_what_ends_before_it_begins_is_refused_for_what_was_given(until: str | None, parameter: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        series_span("2026-11-21", until, Period.HOUR, NOW)

    assert refused.value.parameter == parameter


def test_a_day_counts_to_its_end() -> None:
    assert history_span("2026-11-01", "2026-11-02", NOW) == Span(
        datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, 23, 59, 59, tzinfo=UTC)
    )


def test_a_dimension_has_one_value() -> None:
    assert wanted_dimensions(["a:b:c", "d:e", "d:e"]) == {"a": "b:c", "d": "e"}
    with pytest.raises(InvalidParameter):
        wanted_dimensions(["a:1", "a:2"])
