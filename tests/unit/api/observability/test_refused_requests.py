"""Lines of the access log: refused requests are counted by status and route, and nothing else is told."""

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.observability.access.refused_requests import DeliveryUnreadable, delivery_of, refusals

AT = 1795208400000


def line(number: int, status: int, route: str = "GET /api/v1/kernel/{proxy+}") -> dict[str, Any]:
    said = {"time": "20/Nov/2026:21:00:00 +0000", "id": f"r{number}", "method": "GET", "route": route, "status": status}
    return {"id": f"{number:03}", "timestamp": AT + number, "message": json.dumps(said)}


def delivered(*lines: Any, kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    told = {"messageType": kind, "logGroup": "/aws/http-api/watchkeeper-test-api", "logEvents": list(lines)}
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(told).encode())).decode()}}


def counted(event: dict[str, Any]) -> dict[tuple[int, str], int]:
    facts = [one.data for one in refusals(delivery_of(event).lines)]
    return {(data["status"], data["route"]): data["count"] for data in facts}


def test_refusals_are_counted_by_status_and_route() -> None:
    event = delivered(line(1, 401), line(2, 401), line(3, 403), line(4, 401, "GET /a"), line(5, 200), line(6, 404))

    assert counted(event) == {
        (401, "GET /api/v1/kernel/{proxy+}"): 2,
        (403, "GET /api/v1/kernel/{proxy+}"): 1,
        (401, "GET /a"): 1,
    }


def test_those_that_come_too_often_are_one_fact_however_many_they_are() -> None:
    often = [line(number, 429, "ANY /api/v1/auth/{proxy+}") for number in range(300)]

    assert counted(delivered(*often, line(301, 429, "GET /a"))) == {
        (429, "ANY /api/v1/auth/{proxy+}"): 300,
        (429, "GET /a"): 1,
    }


def test_who_is_not_let_in_is_told_by_who_lets_people_in_alone() -> None:
    assert counted(delivered(line(1, 401, "ANY /api/v1/auth/{proxy+}"), line(2, 401, "GET /a"))) == {(401, "GET /a"): 1}


def test_a_delivery_that_comes_again_is_told_the_same_in_whatever_order() -> None:
    lines = [line(1, 401), line(2, 401), line(3, 401)]
    once, again, other = (
        list(refusals(delivery_of(delivered(*some)).lines)) for some in (lines, lines[::-1], lines[:2])
    )

    assert once == again
    assert once[0].id != other[0].id
    assert int(once[0].occurred_at.timestamp()) == AT // 1000


@pytest.mark.parametrize(
    "message",
    ["", "rubbish", "[]", "7", '{"status":-,"route":"-"}', '{"status":401}', '{"route":"GET /a","status":"-"}'],
)
def test_a_line_that_cannot_be_read_is_counted_and_left(message: str) -> None:
    delivery = delivery_of(delivered({**line(1, 401), "message": message}, line(2, 401), "rubbish", {}))

    assert (len(delivery.lines), delivery.unreadable) == (1, 3)


def test_a_question_whether_somebody_is_there_tells_nothing() -> None:
    probe = {"id": "", "timestamp": AT, "message": "CWL CONTROL MESSAGE: Checking health of destination Lambda."}

    assert delivery_of(delivered(probe, kind="CONTROL_MESSAGE")) == delivery_of(delivered())


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"awslogs": None},
        {"awslogs": {"data": "rubbish"}},
        {"awslogs": {"data": base64.b64encode(b"rubbish").decode()}},
        {"awslogs": {"data": base64.b64encode(gzip.compress(b"rubbish")).decode()}},
        {"awslogs": {"data": base64.b64encode(gzip.compress(b"[]")).decode()}},
        {"awslogs": {"data": base64.b64encode(gzip.compress(b'{"messageType": "DATA_MESSAGE"}')).decode()}},
        {"awslogs": {"data": base64.b64encode(gzip.compress(b"{}" * 99)[:-9]).decode()}},
    ],
)
def test_what_is_no_delivery_fails(event: dict[str, Any]) -> None:
    with pytest.raises(DeliveryUnreadable):
        delivery_of(event)


@given(st.lists(st.text(max_size=30) | st.sampled_from([line(1, 403)["message"], '{"status":1e999,"route":0}'])))
def test_nothing_anybody_asks_for_fails_the_watch(messages: list[str]) -> None:
    lines = [{"id": str(number), "timestamp": AT, "message": message} for number, message in enumerate(messages)]
    delivery = delivery_of(delivered(*lines))

    assert len(delivery.lines) + delivery.unreadable == len(messages)
    assert sum(one.data["count"] for one in refusals(delivery.lines)) == messages.count(line(1, 403)["message"])
