"""An operator's request is done as it was meant, or refused with what is wrong."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.operations.errors import WrongRequest
from scheduler.operations.requests import DEFAULT_LIMIT, FIELDS, Request


def test_all_queues_are_counted_without_more_words() -> None:
    assert Request.of({"action": "list"}) == Request("list", None, None, DEFAULT_LIMIT, "")


def test_a_correlation_id_is_no_part_of_the_request() -> None:
    event = {"action": "redrive", "queue": "threads", "id": "1", "correlation_id": "x"}

    assert Request.of(event) == Request("redrive", "threads", "1", DEFAULT_LIMIT, "")


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        (None, "action"),
        ([], "action"),
        ({}, "action"),
        ({"action": "delete"}, "list, show, redrive, drop"),
        ({"action": ["list"]}, "action"),
        ({"action": "list", "queue": ""}, "queue"),
        ({"action": "list", "queue": 3}, "queue"),
        ({"action": "list", "queue": "threads", "limit": 0}, "limit"),
        ({"action": "list", "queue": "threads", "limit": True}, "limit"),
        ({"action": "show", "queue": "threads"}, "id"),
        ({"action": "redrive"}, "queue"),
        ({"action": "drop", "queue": "threads"}, "reason"),
        ({"action": "drop", "queue": "threads", "reason": "  "}, "reason"),
        ({"action": "drop", "queue": "threads", "reason": "x" * 501}, "reason"),
    ],
)
def test_a_wrong_request_is_refused_with_what_is_wrong(event: object, complaint: str) -> None:
    with pytest.raises(WrongRequest, match=complaint):
        Request.of(event)


@pytest.mark.parametrize("field", ["ids", "ID", "letter", "limit"])
def test_a_misspelt_id_does_not_mean_all_letters(field: str) -> None:
    with pytest.raises(WrongRequest, match=f"has no {field}"):
        Request.of({"action": "redrive", "queue": "threads", field: "1"})


@pytest.mark.parametrize("nothing", ["", None, 0, [], False])
def test_an_id_that_is_none_does_not_mean_all_letters(nothing: object) -> None:
    with pytest.raises(WrongRequest, match="id"):
        Request.of({"action": "redrive", "queue": "threads", "id": nothing})


@given(st.dictionaries(st.sampled_from(["action", "queue", "id", "limit", "reason"]), st.text() | st.integers()))
def test_any_request_is_understood_or_refused(event: dict[str, Any]) -> None:
    try:
        request = Request.of(event)
    except WrongRequest:
        return
    assert request.action in FIELDS
