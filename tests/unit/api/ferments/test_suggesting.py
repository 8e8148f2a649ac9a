"""When a batch wants to be looked after."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ferments.suggesting import ALL_KEYS, stage_takes, suggestions
from watchkeeper.ferments.models import Batch, BatchStatus, Stage, Timing

BEGAN = datetime(2026, 7, 1, 8, tzinfo=UTC)
JAR = Batch("b", "u", "x" * 100, BEGAN, BEGAN, stage1=Timing(BEGAN, 40.0), temperature_c=22.0)
BOTTLES = replace(JAR, stage=Stage.BOTTLED, stage2=Timing(BEGAN, 60.0))


def hours(batch: Batch) -> dict[str, float]:
    """When each is due, counted from the beginning of the stage."""
    return {one.key: (one.due_at - BEGAN).total_seconds() / 3600 for one in suggestions(batch)}


def test_a_jar_is_tasted_and_then_bottled() -> None:
    assert hours(JAR) == {"taste": 30, "bottle": 40}


@pytest.mark.parametrize(("temperature", "takes"), [(12.0, 80), (22.0, 40), (32.0, 20), (27.0, 40 / 2**0.5)])
def test_ten_degrees_more_halve_the_time(temperature: float, takes: float) -> None:
    assert hours(replace(JAR, temperature_c=temperature))["bottle"] == pytest.approx(takes, abs=1 / 3600)


def test_bottles_are_opened_once_a_day_and_then_put_in_the_fridge() -> None:
    assert hours(BOTTLES) == {"burp-1": 24, "burp-2": 48, "fridge": 60}


def test_the_last_day_needs_no_opening_of_its_own() -> None:
    assert hours(replace(BOTTLES, stage2=Timing(BEGAN, 48.0))) == {"burp-1": 24, "fridge": 48}


def test_bottles_are_opened_five_times_at_the_most() -> None:
    keys = list(hours(replace(BOTTLES, stage2=Timing(BEGAN, 2000.0))))

    assert keys == [*(f"burp-{number}" for number in range(1, 6)), "fridge"]


def test_every_key_is_suggested_some_time() -> None:
    slow = replace(BOTTLES, stage2=Timing(BEGAN, 2000.0))
    found = [*hours(JAR), *hours(slow), *hours(replace(BOTTLES, status=BatchStatus.IN_FRIDGE))]

    assert found == list(ALL_KEYS)


def test_what_is_in_the_fridge_is_drunk_within_two_weeks() -> None:
    cold = replace(BOTTLES, status=BatchStatus.IN_FRIDGE, status_since=BEGAN + timedelta(days=3))

    assert hours(cold) == {"drink": 17 * 24}


@pytest.mark.parametrize("status", [BatchStatus.DONE, BatchStatus.ARCHIVED])
@pytest.mark.parametrize("batch", [JAR, BOTTLES])
def test_what_is_over_wants_nothing(batch: Batch, status: BatchStatus) -> None:
    assert suggestions(replace(batch, status=status)) == []


def test_a_batch_nobody_said_much_of_takes_what_is_usual() -> None:
    jar = Batch("b", "u", "Ginger", BEGAN, BEGAN)

    assert hours(jar) == {"taste": 36, "bottle": 48}
    assert hours(replace(jar, stage=Stage.BOTTLED)) == {"burp-1": 24, "fridge": 36}


def test_temperature_and_target_of_nought_and_less_are_taken_at_their_word() -> None:
    assert stage_takes(replace(JAR, temperature_c=0.0)) > stage_takes(replace(JAR, temperature_c=1.0))


@given(
    batch=st.builds(
        Batch,
        id=st.just("b"),
        user=st.just("u"),
        name=st.text(min_size=1, max_size=100),
        created_at=st.just(BEGAN),
        updated_at=st.just(BEGAN),
        stage=st.sampled_from(Stage),
        status=st.sampled_from(BatchStatus),
        stage1=st.builds(Timing, st.just(BEGAN), st.none() | st.floats(0.5, 2000)),
        stage2=st.builds(Timing, st.just(BEGAN), st.none() | st.floats(0.5, 2000)),
        temperature_c=st.none() | st.floats(-5, 60),
    )
)
def test_suggestions_fit_a_push_message_and_come_in_order(batch: Batch) -> None:
    found = suggestions(batch)

    assert len({one.key for one in found}) == len(found)
    assert {one.key for one in found} <= set(ALL_KEYS)
    assert [one.due_at for one in found] == sorted(one.due_at for one in found)
    assert all(len(one.title) <= 178 and len(one.body) <= 500 and not one.due_at.microsecond for one in found)
    assert all(one.due_at > BEGAN for one in found)
