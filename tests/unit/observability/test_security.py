"""A security event is triaged, and ends when somebody closes it, unless it happens again."""

from typing import Any

import pytest

from tests.unit.observability.samples import NINE, at
from watchkeeper.errors import ItemNotFound
from watchkeeper.observability import ids
from watchkeeper.observability.models import SecuritySeverity, SecurityState
from watchkeeper.observability.refusals import Refused, WrongState
from watchkeeper.observability.security import SecurityEvent

WISH: dict[str, Any] = {
    "kind": "sign-in-failed",
    "severity": SecuritySeverity.MEDIUM,
    "summary": "Sign-ins failed",
    "source": "auth",
    "at": NINE,
}


def detected() -> SecurityEvent:
    event = SecurityEvent(ids.security_event("20261120T21-sign-in-failed"))
    event.detect(**WISH)
    return event


def closed() -> SecurityEvent:
    event = detected()
    event.triage(by="a-person", now=at(5), note="one address")
    event.close(by="another", now=at(10), resolution="A forgotten password")
    return event


def told(event: SecurityEvent) -> list[str]:
    return [data.type for data in event.recorded]


def test_what_was_detected_is_triaged_and_closed() -> None:
    event = closed()

    assert told(event) == ["SecurityEventDetected", "SecurityEventTriaged", "SecurityEventClosed"]
    status = event.status
    assert (status.id, status.count, status.state) == ("20261120T21-sign-in-failed", 1, SecurityState.CLOSED)
    assert (status.triaged_by, status.triaged_at, status.note) == ("a-person", at(5), "one address")
    assert (status.closed_by, status.closed_at, status.resolution) == ("another", at(10), "A forgotten password")


def test_what_is_plain_is_closed_without_being_triaged() -> None:
    event = detected()

    event.close(by="a-person", now=at(1), resolution="A test")

    assert event.status.state is SecurityState.CLOSED


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"kind": "sign in"}, "the kind begins with a letter"),
        ({"summary": ""}, "the summary has 1 to 300 characters"),
        ({"source": "s" * 101}, "the source has 1 to 100 characters"),
        ({"count": 0}, "the count is 1 or more"),
    ],
)
def test_what_says_nothing_is_refused(wish: dict[str, Any], why: str) -> None:
    event = SecurityEvent(ids.security_event("x"))

    with pytest.raises(Refused, match=why):
        event.detect(**{**WISH, **wish})

    assert event.is_new


def test_repeats_are_counted_and_are_as_bad_as_the_worst() -> None:
    event = detected()

    event.repeat(severity=SecuritySeverity.HIGH, at=at(3), count=4)
    event.repeat(severity=SecuritySeverity.LOW, at=at(2))

    assert told(event)[1:] == ["SecurityEventRepeated"] * 2
    assert (event.status.count, event.status.severity) == (6, SecuritySeverity.HIGH)
    assert (event.status.detected_at, event.status.last_seen_at) == (NINE, at(3))
    with pytest.raises(Refused, match="the count is 1 or more"):
        event.repeat(severity=SecuritySeverity.LOW, at=at(4), count=0)


def test_a_repeat_leaves_a_triaged_one_triaged() -> None:
    event = detected()
    event.triage(by="a-person", now=at(5))

    event.repeat(severity=SecuritySeverity.MEDIUM, at=at(6))

    assert event.status.state is SecurityState.TRIAGED
    assert event.status.note is None


def test_what_happens_after_it_was_closed_opens_it_again() -> None:
    event = closed()

    event.repeat(severity=SecuritySeverity.MEDIUM, at=at(11))

    status = event.status
    assert (status.state, status.count) == (SecurityState.DETECTED, 2)
    assert {status.triaged_at, status.triaged_by, status.note, status.closed_at, status.closed_by} == {None}
    assert status.resolution is None
    event.triage(by="a-person", now=at(12))


def test_what_had_happened_before_it_was_closed_is_counted_and_opens_nothing() -> None:
    event = closed()

    event.repeat(severity=SecuritySeverity.MEDIUM, at=at(9))

    assert (event.status.state, event.status.count) == (SecurityState.CLOSED, 2)


def test_a_command_that_does_not_fit_the_state_is_refused() -> None:
    event = detected()
    with pytest.raises(WrongState, match="detected already"):
        event.detect(**WISH)
    event.triage(by="a-person", now=at(1))
    with pytest.raises(WrongState, match="triaged already"):
        event.triage(by="a-person", now=at(2))
    with pytest.raises(WrongState, match="closed already"):
        closed().triage(by="a-person", now=at(11))
    with pytest.raises(WrongState, match="closed already"):
        closed().close(by="a-person", now=at(11), resolution="again")


def test_closing_takes_a_resolution() -> None:
    with pytest.raises(Refused, match="the resolution has 1 to 500 characters"):
        detected().close(by="a-person", now=at(1), resolution=" ")


def test_one_that_was_never_detected_is_not_found() -> None:
    event = SecurityEvent(ids.security_event("x"))

    with pytest.raises(ItemNotFound):
        event.triage(by="a-person", now=NINE)
    with pytest.raises(ItemNotFound):
        event.repeat(severity=SecuritySeverity.LOW, at=NINE)
