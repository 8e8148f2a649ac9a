"""Values are taken exactly as they are, and rolled up whatever the order and the batches they come in."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.observability.samples import FIGURES, NINE, SERIES, at, rollup
from watchkeeper.dynamodb import item_size
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.store import MAX_EVENTS_PER_APPEND, event_item
from watchkeeper.observability import ids
from watchkeeper.observability.events import MetricRecorded
from watchkeeper.observability.metrics import FURTHEST_AHEAD, MAX_VALUES, OLDEST, Metric, Sample
from watchkeeper.observability.models import Period, Rollup, Value

Buckets = dict[tuple[Period, datetime], Rollup]
KILOBYTE = 1024
"""Octets of an item that cost one write unit."""


def metric() -> Metric:
    return Metric(ids.metric(SERIES))


def seconds(when: datetime, value: str = "1") -> Sample:
    return Sample(when, Decimal(value), "Seconds")


def told(aggregate: Metric) -> list[MetricRecorded]:
    return [data for data in aggregate.recorded if isinstance(data, MetricRecorded)]


def rolled_up(recorded: Iterable[MetricRecorded]) -> Buckets:
    """As a read model keeps them: each as the last event with it had it."""
    return {(rollup.period, rollup.start): rollup for data in recorded for rollup in data.rollups}


def folded(values: Iterable[Value]) -> Buckets:
    grouped: dict[tuple[Period, datetime], list[Decimal]] = defaultdict(list)
    for value in values:
        midnight = value.at.replace(hour=0, minute=0, second=0)
        grouped[Period.MINUTE, value.at.replace(second=0)].append(value.value)
        grouped[Period.HOUR, midnight.replace(hour=value.at.hour)].append(value.value)
        grouped[Period.DAY, midnight].append(value.value)
    return {
        (period, start): rollup(period, start, *(str(figure) for figure in figures))
        for (period, start), figures in grouped.items()
    }


def test_a_value_is_told_with_the_minute_hour_and_day_it_is_in() -> None:
    aggregate = metric()

    reasons = aggregate.take([seconds(at(1, 30), "12.50")], at(2))

    assert reasons == [None]
    assert told(aggregate) == [
        MetricRecorded(
            SERIES,
            "Seconds",
            (Value(at(1, 30), Decimal("12.5")),),
            Value(at(1, 30), Decimal("12.5")),
            (
                rollup(Period.MINUTE, at(1), "12.5"),
                rollup(Period.HOUR, NINE, "12.5"),
                rollup(Period.DAY, NINE.replace(hour=0), "12.5"),
            ),
        )
    ]


def test_a_command_tells_its_values_in_order_of_time() -> None:
    aggregate = metric()

    aggregate.take([seconds(at(5)), seconds(at(3)), seconds(at(4))], at(6))

    (data,) = told(aggregate)
    assert [value.at for value in data.values] == [at(3), at(4), at(5)]
    assert data.latest.at == at(5)


def test_a_late_value_is_rolled_up_and_is_not_the_latest() -> None:
    aggregate = metric()
    aggregate.take([seconds(at(5), "1")], at(5))

    aggregate.take([seconds(at(3), "2")], at(5))

    assert told(aggregate)[-1].latest == Value(at(5), Decimal(1))
    assert told(aggregate)[-1].rollups[1] == rollup(Period.HOUR, NINE, "1", "2")


def test_of_two_values_of_one_moment_the_one_taken_last_is_the_latest() -> None:
    aggregate = metric()

    aggregate.take([seconds(at(5), "1")], at(5))
    aggregate.take([seconds(at(5), "2"), seconds(at(5), "3")], at(5))

    assert told(aggregate)[-1].latest == Value(at(5), Decimal(3))


def test_what_cannot_be_taken_is_refused_by_itself() -> None:
    aggregate = metric()

    reasons = aggregate.take(
        [
            seconds(NINE - OLDEST - timedelta(seconds=1)),
            seconds(NINE - OLDEST),
            seconds(NINE + FURTHEST_AHEAD),
            seconds(NINE + FURTHEST_AHEAD + timedelta(seconds=1)),
            Sample(NINE, Decimal(1), "Count"),
            Sample(NINE, Decimal(1), "5"),
            seconds(NINE, "NaN"),
        ],
        NINE,
    )

    assert reasons == [
        "the time is more than 6 hours ago",
        None,
        None,
        "the time is more than 10 minutes ahead",
        "the unit of the series is Seconds",
        "the unit has 1 to 32 letters, '%' and '/'",
        "the value is not a finite number",
    ]
    assert [value.at for data in told(aggregate) for value in data.values] == [NINE - OLDEST, NINE + FURTHEST_AHEAD]


def test_nothing_is_told_when_nothing_is_taken() -> None:
    aggregate = metric()

    aggregate.take([seconds(NINE, "Infinity")], NINE)
    aggregate.take([], NINE)

    assert aggregate.recorded == []
    assert aggregate.unit is None


def test_a_series_keeps_its_first_unit() -> None:
    aggregate = metric()
    aggregate.take([seconds(NINE)], NINE)

    assert aggregate.take([Sample(NINE, Decimal(1))], NINE) == ["the unit of the series is Seconds"]


def test_a_moment_is_kept_to_the_second() -> None:
    aggregate = metric()

    aggregate.take([seconds(NINE.replace(microsecond=999_999))], NINE)

    assert told(aggregate)[0].latest.at == NINE


def test_a_command_records_one_event_with_no_more_values_than_an_alert_can_answer() -> None:
    aggregate = metric()

    aggregate.take([seconds(at(0, n)) for n in range(MAX_VALUES)], NINE)

    assert [len(data.values) for data in told(aggregate)] == [MAX_VALUES] <= [MAX_EVENTS_PER_APPEND]
    with pytest.raises(ValueError, match="at most 50 values"):
        aggregate.take([seconds(NINE)] * (MAX_VALUES + 1), NINE)


def test_a_value_whose_rollups_may_be_forgotten_is_refused_whatever_the_clock_says() -> None:
    aggregate = metric()
    aggregate.take([seconds(NINE)], NINE - timedelta(minutes=10))
    an_hour_slow = NINE - timedelta(hours=1)

    reasons = aggregate.take([seconds(NINE - OLDEST - FURTHEST_AHEAD - timedelta(seconds=1))], an_hour_slow)

    assert reasons == ["the series has values that are too much newer"]


def test_what_can_grow_no_more_is_forgotten() -> None:
    aggregate = metric()
    for minute in range(24 * 60):
        aggregate.take([seconds(at(minute, second), "999999.123456789") for second in (0, 30)], at(minute))

    state = aggregate.state()

    assert {period: len(state[period]) for period in Period} == {"minute": 430, "hour": 8, "day": 1}
    assert len(orjson.dumps(state)) < 32 * KILOBYTE


def test_an_event_of_one_value_takes_one_write_unit() -> None:
    aggregate = metric()
    for n in range(1000):
        aggregate.take([seconds(at(0, n % 60), "184.25")], NINE)

    stored = Event(
        id="0" * 32,
        type=MetricRecorded.type,
        version=1,
        occurred_at=NINE,
        correlation_id="0" * 36,
        data=told(aggregate)[-1].encoded(),
        aggregate_id=aggregate.id,
        aggregate_type=aggregate.kind,
        sequence=1000,
        causation_id="0" * 36,
        actor="0" * 36,
    )

    assert item_size(event_item(stored)) <= KILOBYTE


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["go on", "snapshot", "replay"]),
        st.integers(-5, 400),
        st.lists(st.tuples(st.integers(-400 * 60, 15 * 60), FIGURES), max_size=8),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(STEPS)
def test_rollups_are_those_of_all_values_taken_whatever_their_order_and_batches(
    steps: list[tuple[str, int, list[tuple[int, Decimal]]]],
) -> None:
    aggregate, now = metric(), NINE
    recorded: list[MetricRecorded] = []
    taken: list[Value] = []
    for loading, minutes, ages in steps:
        now += timedelta(minutes=minutes)
        samples = [Sample(now + timedelta(seconds=age), value) for age, value in ages]
        reasons = aggregate.take(samples, now)
        taken += [Value(one.at, one.value) for one, reason in zip(samples, reasons, strict=True) if reason is None]
        recorded += told(aggregate)
        aggregate.recorded.clear()
        aggregate = _loaded(loading, aggregate, recorded)

    assert rolled_up(recorded) == folded(taken)
    assert sorted((value.at, value.value) for data in recorded for value in data.values) == sorted(
        (value.at, value.value) for value in taken
    )
    if taken:
        assert aggregate.latest is not None
        assert aggregate.latest.at == max(value.at for value in taken)


def _loaded(loading: str, aggregate: Metric, recorded: list[MetricRecorded]) -> Metric:
    if loading == "go on":
        return aggregate
    loaded = metric()
    if loading == "snapshot" and not aggregate.is_new:
        loaded.restore(orjson.loads(orjson.dumps(aggregate.state())))
        loaded.version = aggregate.version
        assert loaded.state() == aggregate.state()
        return loaded
    for data in recorded:
        loaded.replay(MetricRecorded.of(orjson.loads(orjson.dumps(data.encoded()))))
    return loaded


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-6 * 3600, 600), FIGURES), max_size=30), st.randoms(use_true_random=False))
def test_one_batch_rolls_up_as_one_value_at_a_time_in_any_order(
    ages: list[tuple[int, Decimal]], random: Random
) -> None:
    samples = [Sample(NINE + timedelta(seconds=age), value) for age, value in ages]
    at_once, one_by_one = metric(), metric()
    at_once.take(samples, NINE)
    random.shuffle(samples)
    for sample in samples:
        one_by_one.take([sample], NINE)

    assert rolled_up(told(at_once)) == rolled_up(told(one_by_one))


@pytest.mark.parametrize("period", Period)
def test_a_period_begins_by_utc(period: Period) -> None:
    moment = datetime.fromisoformat("2026-11-21T00:30:15+01:00")

    assert (
        period.start(moment)
        == {
            Period.MINUTE: datetime.fromisoformat("2026-11-20T23:30:00+00:00"),
            Period.HOUR: datetime.fromisoformat("2026-11-20T23:00:00+00:00"),
            Period.DAY: datetime.fromisoformat("2026-11-20T00:00:00+00:00"),
        }[period]
    )
