"""Errors as they are published: what failed, where, and how to retry it, without secrets."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.events import DomainEvent, event_id
from watchkeeper.eventsourcing.event import Event
from watchkeeper.observability.errors import LONGEST_CAUSE, FailedEvent, cause_of, error_event

AT = datetime(2026, 11, 20, 21, tzinfo=UTC)
FACT = DomainEvent("e1", "CircuitOpened", 1, AT, "began-there", {"upstream": "lore"})
SOURCED = Event(
    id="e2",
    type="AlertRaised",
    version=1,
    occurred_at=AT,
    correlation_id="began-there",
    data={},
    aggregate_id="alert:1",
    aggregate_type="Alert",
    sequence=3,
    causation_id="c",
    actor="system",
)


def failed(event: DomainEvent, error: Exception) -> DomainEvent:
    return error_event(
        FailedEvent.of(event),
        error,
        where="publish-events",
        queue="publication",
        occurred_at=AT,
        correlation_id=event.correlation_id,
    )


def test_an_error_says_what_failed_and_how_it_is_done_again() -> None:
    told = failed(SOURCED, ValueError("no such thing"))

    assert (told.id, told.type, told.correlation_id) == (
        event_id("e2", "publish-events"),
        "ErrorOccurred",
        "began-there",
    )
    assert told.data == {
        "where": "publish-events",
        "error": "ValueError",
        "cause": "no such thing",
        "event": {
            "id": "e2",
            "type": "AlertRaised",
            "occurred_at": "2026-11-20T21:00:00Z",
            "aggregate_id": "alert:1",
            "sequence": 3,
        },
        "again": {"queue": "publication"},
    }


def test_an_event_of_no_aggregate_says_nothing_of_one() -> None:
    assert failed(FACT, ValueError()).data["event"] == {
        "id": "e1",
        "type": "CircuitOpened",
        "occurred_at": "2026-11-20T21:00:00Z",
    }


def test_a_cause_is_told_without_secrets() -> None:
    cause = cause_of(RuntimeError("password=hunter2hunter2 of ada@example.org"))

    assert "hunter2" not in cause
    assert "ada@" not in cause


@given(st.text(max_size=3000))
def test_a_cause_is_never_longer_than_it_may_be(text: str) -> None:
    assert len(cause_of(RuntimeError(text))) <= LONGEST_CAUSE
