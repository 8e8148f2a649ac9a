"""Taking metrics of many series, on a store that fails for some."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.observability.commands.bodies import NewMetric, Unreadable
from api.observability.commands.recording import UNREADABLE, RequestContext, commands_of, record
from watchkeeper.clock import to_iso
from watchkeeper.errors import DatabaseError, LimitExceeded, OutOfTime, Throttled, Unavailable
from watchkeeper.eventsourcing.event import Cause
from watchkeeper.eventsourcing.repository import Processed
from watchkeeper.eventsourcing.store import ConcurrencyConflict, HistoryUnreadable
from watchkeeper.eventsourcing.upcasting import UnknownEvent
from watchkeeper.observability.metrics import MAX_VALUES, Metric

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CAUSE = Cause("cause", "command", "ada")
CONFLICT = ConcurrencyConflict("metric:a", expected=1, current=2)


class Metrics:
    """Fails for the series it is told to, from one of their commands on."""

    after = 0

    def __init__(self, **failing: Exception) -> None:
        self.failing = failing
        self.commands: list[tuple[str, str | None]] = []

    def process(
        self,
        aggregate_id: str,
        decide: Callable[[Metric], object],
        *,
        cause: Cause,
        command_id: str | None = None,
        issued_at: datetime | None = None,
    ) -> Processed[Metric]:
        assert (cause, issued_at) == (CAUSE, NOON)
        metric = Metric(aggregate_id)
        if (error := self.failing.get(metric.series.name)) and len(self.commands) >= self.after:
            raise error
        self.commands.append((aggregate_id, command_id))
        decide(metric)
        return Processed(metric)


def send(metrics: Metrics, *sent: NewMetric | Unreadable, command_id: str | None = "id") -> Any:
    return record(metrics, sent, RequestContext(command_id, CAUSE, NOON))  # type: ignore[arg-type]


def of(name: str, value: int = 1, at: datetime | None = None, **dimensions: str) -> NewMetric:
    said = {"name": name, "value": value, "dimensions": dimensions}
    return NewMetric.model_validate(said if at is None else {**said, "at": to_iso(at)})


def test_each_series_is_one_command_of_its_own() -> None:
    metrics = Metrics()

    outcome = send(metrics, of("a"), of("b"), of("a", 2), of("a", host="x"))

    assert sorted(metrics.commands) == [
        ("metric:a", "id/a/1"),
        ("metric:a{host=x}", "id/a{host=x}/1"),
        ("metric:b", "id/b/1"),
    ]
    assert (outcome.taken, outcome.is_last_word) == (4, True)


def test_one_that_cannot_come_again_has_no_name() -> None:
    metrics = Metrics()

    send(metrics, of("a"), command_id=None)

    assert metrics.commands == [("metric:a", None)]


class TestManyOfASeries:
    sent = tuple(of("a", at=NOON - timedelta(minutes=age)) for age in range(2 * MAX_VALUES + 1))

    def test_they_are_commands_one_after_the_other_in_order_of_time(self) -> None:
        metrics = Metrics()

        assert send(metrics, *self.sent).taken == len(self.sent)
        assert metrics.commands == [("metric:a", f"id/a/{number}") for number in (1, 2, 3)]

    def test_once_one_fails_for_now_so_do_those_after_it(self) -> None:
        metrics = Metrics(a=Throttled("busy"))
        metrics.after = 1

        outcome = send(metrics, *self.sent)

        assert [one["index"] for one in outcome.results if one["taken"]] == list(range(51, 101)), "the oldest"
        assert all(one["taken"] or one["again"] for one in outcome.results)

    def test_what_can_never_be_kept_is_no_reason_to_leave_out_those_after_it(self) -> None:
        metrics = Metrics(a=LimitExceeded("too large"))

        assert send(metrics, *self.sent, of("b")).taken == 1
        assert metrics.commands == [("metric:b", "id/b/1")]


def test_each_series_takes_a_command_for_as_many_as_an_event_holds() -> None:
    assert commands_of([of("a"), of("a", host="x"), of("a"), Unreadable("name", "is none")]) == 2
    assert commands_of([of("a")] * (MAX_VALUES + 1) + [of("b")] * MAX_VALUES) == 3


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


@pytest.mark.parametrize("error", [HistoryUnreadable("event 1"), UnknownEvent("Flown")])
def test_a_series_that_cannot_be_read_is_told_for_good_and_others_are_taken(error: Exception) -> None:
    outcome = send(Metrics(a=error), of("a"), of("b"))

    assert [one.get("reason") for one in outcome.results] == [UNREADABLE, None]
    assert outcome.is_last_word


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        ({"a": Throttled("busy"), "b": DatabaseError("denied")}, Throttled),
        ({"a": DatabaseError("denied"), "b": OutOfTime("late")}, OutOfTime),
        ({"a": CONFLICT, "b": DatabaseError("denied")}, Unavailable),
        ({"a": DatabaseError("denied"), "b": DatabaseError("denied")}, DatabaseError),
        ({"a": UnknownEvent("Flown"), "b": Throttled("busy")}, Throttled),
        ({"a": UnknownEvent("Flown"), "b": LimitExceeded("too large")}, UnknownEvent),
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
