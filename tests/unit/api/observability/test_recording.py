"""Taking metrics of many series, on a store that fails for some."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.observability.commands.bodies import NewMetric, Unreadable
from api.observability.commands.recording import Command, record, series_of
from watchkeeper.errors import DatabaseError, LimitExceeded, OutOfTime, Throttled, Unavailable
from watchkeeper.eventsourcing.event import Cause
from watchkeeper.eventsourcing.store import ConcurrencyConflict
from watchkeeper.observability.metrics import Metric

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
YESTERDAY = NOON - timedelta(days=1)
CAUSE = Cause("cause", "command", "ada")
CONFLICT = ConcurrencyConflict("metric:a", expected=1, current=2)


class Metrics:
    """Fails for the series it is told to."""

    def __init__(self, **failing: Exception) -> None:
        self.failing = failing
        self.commands: dict[str, str | None] = {}

    def execute(
        self,
        aggregate_id: str,
        decide: Callable[[Metric], object],
        *,
        cause: Cause,
        command_id: str | None = None,
        given_at: datetime | None = None,
    ) -> Metric:
        assert (cause, given_at) == (CAUSE, YESTERDAY if command_id else None)
        metric = Metric(aggregate_id)
        if error := self.failing.get(metric.series.name):
            raise error
        self.commands[aggregate_id] = command_id
        decide(metric)
        return metric


def send(metrics: Metrics, *sent: NewMetric | Unreadable, command_id: str | None = "id") -> Any:
    command = Command(command_id, CAUSE, NOON, YESTERDAY if command_id else None)
    return record(metrics, sent, command)  # type: ignore[arg-type]


def of(name: str, value: int = 1, **dimensions: str) -> NewMetric:
    return NewMetric.model_validate({"name": name, "value": value, "dimensions": dimensions})


def test_each_series_is_one_command_of_its_own() -> None:
    metrics = Metrics()

    outcome = send(metrics, of("a"), of("b"), of("a", 2), of("a", host="x"))

    assert metrics.commands == {
        "metric:a": "id/a",
        "metric:b": "id/b",
        "metric:a{host=x}": "id/a{host=x}",
    }
    assert (outcome.taken, outcome.is_last_word) == (4, True)


def test_one_that_cannot_come_again_has_no_name() -> None:
    metrics = Metrics()

    send(metrics, of("a"), command_id=None)

    assert metrics.commands == {"metric:a": None}


def test_series_are_told_apart_by_their_dimensions() -> None:
    assert series_of([of("a"), of("a", host="x"), of("a"), Unreadable("name", "is none")]) == 2


@pytest.mark.parametrize("error", [CONFLICT, Throttled("busy"), OutOfTime("late"), DatabaseError("denied")])
def test_what_fails_for_one_series_is_told_of_its_metrics_alone(error: Exception) -> None:
    outcome = send(Metrics(a=error), of("a"), of("b"), Unreadable("name", "is none"), of("a"))

    assert [one["taken"] for one in outcome.results] == [False, True, False, False]
    assert [one.get("again", False) for one in outcome.results] == [True, False, False, True]
    assert not outcome.is_last_word


def test_what_can_never_be_kept_is_told_for_good() -> None:
    outcome = send(Metrics(a=LimitExceeded("it is too large")), of("a"), of("b"))

    assert outcome.results[0] == {"index": 0, "taken": False, "reason": "it is too large"}
    assert outcome.is_last_word


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        ({"a": Throttled("busy"), "b": DatabaseError("denied")}, Throttled),
        ({"a": DatabaseError("denied"), "b": OutOfTime("late")}, OutOfTime),
        ({"a": CONFLICT, "b": DatabaseError("denied")}, Unavailable),
        ({"a": DatabaseError("denied"), "b": DatabaseError("denied")}, DatabaseError),
    ],
)
def test_when_nothing_is_taken_the_request_fails_as_the_store_did(
    failing: dict[str, Exception], told: type[Exception]
) -> None:
    with pytest.raises(told) as raised:
        send(Metrics(**failing), of("a"), of("b"), Unreadable("name", "is none"))

    assert type(raised.value) is told


def test_what_is_refused_for_good_is_no_failure() -> None:
    outcome = send(Metrics(), Unreadable("", "is no object"), Unreadable("name", "is none"))

    assert (outcome.taken, outcome.is_last_word) == (0, True)
    assert [one["reason"] for one in outcome.results] == ["is no object", "name: is none"]
