"""Refused sign-ins are told of, and whatever becomes of that, the refusal stays what it is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

import pytest

from api.people.signin.ports import AddressRefused, SignInEnded, TokenRefused, WrongCode
from api.people.signin.telling import Telling
from api.web.problems import TooManyRequests
from watchkeeper.budgets import Deadline
from watchkeeper.errors import Unavailable, WatchkeeperError
from watchkeeper.events import DeliveryFailed, DomainEvent

AT = datetime(2026, 11, 20, 21, tzinfo=UTC)


class Bus:
    def __init__(self, *, broken: bool = False) -> None:
        self.told: list[DomainEvent] = []
        self._broken = broken

    def publish(self, events: Sequence[DomainEvent]) -> None:
        if self._broken:
            raise DeliveryFailed(events, "it is down")
        self.told += events


def telling(bus: Bus) -> Telling:
    numbers = count()
    return Telling(lambda: bus, Deadline(), lambda: AT, lambda: str(next(numbers)))


def refuse(bus: Bus, *refusals: Exception) -> None:
    told = telling(bus)
    for refusal in refusals:
        with pytest.raises(type(refusal)) as raised, told.of_refusals():
            raise refusal
        assert raised.value is refusal


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (WrongCode("session"), "wrong-code"),
        (SignInEnded(), "sign-in-ended"),
        (TokenRefused(), "token-refused"),
    ],
)
def test_a_refusal_is_told_by_its_reason(refusal: WatchkeeperError, reason: str) -> None:
    bus = Bus()

    refuse(bus, refusal, refusal)

    assert [(one.type, one.data, one.occurred_at) for one in bus.told] == [("SignInFailed", {"reason": reason}, AT)] * 2
    assert len({one.id for one in bus.told}) == 2


def test_nothing_else_is_told() -> None:
    bus = Bus()

    refuse(bus, Unavailable("busy"), AddressRefused(), TooManyRequests(60), KeyError("x"))
    with telling(bus).of_refusals():
        pass

    assert bus.told == []


def test_a_bus_that_is_down_changes_nothing() -> None:
    refuse(Bus(broken=True), SignInEnded())
