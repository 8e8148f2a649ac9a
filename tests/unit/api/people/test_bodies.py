"""What is sent about devices and reminders, and how it is documented."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api.documentation.contexts import CONTEXTS
from api.documentation.document import document
from api.people.bodies import DeviceRegistration, Snooze
from watchkeeper.people.devices import PUSH_TOKEN


@given(st.from_regex(PUSH_TOKEN, fullmatch=True))
def test_every_token_of_a_form_that_is_not_too_long_is_taken(token: str) -> None:
    assert DeviceRegistration(token=token, platform="ios").token == token  # type: ignore[arg-type]


@given(st.text() | st.from_regex(PUSH_TOKEN))
def test_nothing_else_is(token: str) -> None:
    assert is_taken(token) is bool(PUSH_TOKEN.fullmatch(token))


def is_taken(token: str) -> bool:
    try:
        DeviceRegistration(token=token, platform="ios")  # type: ignore[arg-type]
    except ValidationError:
        return False
    return True


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(ValidationError) as refused:
        DeviceRegistration(token="ExponentPushTokenSECRET", platform="ios")  # type: ignore[arg-type]

    assert "SECRET" not in str(refused.value)


@given(st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.booleans(), st.datetimes().map(str)))
def test_a_moment_is_one_or_is_refused(value: Any) -> None:
    try:
        moment = Snooze(due_at=value).due_at
    except ValidationError:
        return
    assert moment is not None
    assert moment.utcoffset() == timedelta(0)
    assert not moment.microsecond
    assert isinstance(value, str)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document([context for context in CONTEXTS if context.prefix == "/api/v1/me"])


def test_every_route_is_described_with_its_answers(described: dict[str, Any]) -> None:
    statuses = {
        f"{method.upper()} {path}": sorted(operation["responses"])
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    }

    assert "200" in statuses["DELETE /api/v1/me"]
    assert "202" in statuses["DELETE /api/v1/me"]
    assert all("401" in known for known in statuses.values())
    guarded = {route: known for route, known in statuses.items() if route.partition(" ")[2] != "/api/v1/me"}
    assert len(guarded) == 7
    assert all("410" in known for known in guarded.values())
    assert "409" in statuses["POST /api/v1/me/reminders/{reminder_id}/cancel"]


def test_no_answer_has_a_token_in_it(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]

    assert "token" in schemas["DeviceRegistration"]["properties"]
    assert [name for name, schema in schemas.items() if "token" in schema.get("properties", {})] == [
        "DeviceRegistration"
    ]
