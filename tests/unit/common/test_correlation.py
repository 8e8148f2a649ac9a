from typing import Any

import pytest

from tests.lambdas import sqs_record
from watchkeeper import correlation

GOOD = ["a", "A-b_c.9", "x" * 64]
BAD = ["", "x" * 65, "a b", "a\r\nSet-Cookie: b", "a\n", "\x00", "é", '"}', "a/b", None, 7, ["a"]]


@pytest.mark.parametrize("given", GOOD)
def test_a_harmless_id_is_taken(given: str) -> None:
    assert correlation.accepted(given) == given


@pytest.mark.parametrize("given", BAD)
def test_any_other_id_is_not(given: object) -> None:
    assert correlation.accepted(given) is None


@pytest.mark.parametrize(
    "event",
    [
        {"headers": {"X-Correlation-Id": "mine"}},
        {"headers": {"x-correlation-id": "mine"}},
        {"detail-type": "PatchReceived", "detail": {"id": "1", "correlation_id": "mine"}},
        {"triggerSource": "PreSignUp_SignUp", "request": {"clientMetadata": {"correlation_id": "mine"}}},
        {"mode": "recent", "correlation_id": "mine"},
    ],
)
def test_a_request_an_event_a_caller_of_cognito_and_an_operator_hand_one_on(event: dict[str, Any]) -> None:
    assert correlation.of_event(event) == "mine"


NONE: list[Any] = [
    {},
    {"headers": None},
    {"request": {"clientMetadata": None}},
    {"detail": "text"},
    {"headers": {"x-correlation-id": "a b"}},
]


@pytest.mark.parametrize("event", [*NONE, None, 7, "text", ["correlation_id"], True])
def test_what_brings_none_has_none(event: object) -> None:
    assert correlation.of_event(event) is None


def test_a_message_carries_one_as_an_attribute() -> None:
    assert correlation.of_message(sqs_record("m1", "{}", correlation_id="mine")) == "mine"
    assert correlation.of_message(sqs_record("m1", "{}")) is None


def test_what_follows_ends_where_it_began() -> None:
    with correlation.following("outer"):
        with correlation.following("inner"):
            assert correlation.current() == "inner"
        assert correlation.current() == "outer"
    assert correlation.current() == ""
