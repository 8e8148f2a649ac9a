"""AWS fails behind an export: whoever asks gets all of it, or a problem, before the gateway gives up."""

import csv
import io
import os

import pytest

from api.ferments.exporting import routes
from tests.integration.api.asking import Asker
from tests.integration.api.conftest import PHOTOS
from tests.integration.api.exporting.conftest import Owned, a_batch, an_event
from tests.integration.faults import (
    Faults,
    Plan,
    broken,
    denied,
    every,
    first,
    garbage,
    reset,
    throttled,
    timed_out,
)
from watchkeeper import aws
from watchkeeper.budgets import DOWNLOADS
from watchkeeper.ferments.repository import new_batch, new_event

LONGEST = 28.1
"""Seconds a request may wait for AWS; its function ends after 29."""

PERMANENT: dict[str, tuple[Plan, int]] = {
    "throttled": (throttled, 503),
    "timed out": (timed_out, 503),
    "reset": (reset, 503),
    "broken": (broken, 503),
    "garbled": (garbage, 500),
    "denied": (denied, 500),
}


@pytest.fixture
def faults(faults: Faults) -> Faults:
    return Faults(faults.clock, (DOWNLOADS,))


@pytest.fixture
def full(faults: Faults, owned: Owned, ask: Asker) -> Asker:
    """Five pages of events."""
    owned.write(new_batch(a_batch()), *(new_event(an_event(number, "x" * 350_000)) for number in range(10)))
    return ask


@pytest.fixture
def large(faults: Faults, owned: Owned, ask: Asker, monkeypatch: pytest.MonkeyPatch) -> Asker:
    """Too large for an answer."""
    monkeypatch.setattr("api.web.responses.MAX_BODY_BYTES", 2000)
    monkeypatch.setattr(routes, "MAX_BODY_BYTES", 2000)
    owned.write(new_batch(a_batch(notes=os.urandom(3000).hex())))
    return ask


def test_what_does_not_pass_is_a_problem_in_time(full: Asker, faults: Faults) -> None:
    for name, (plan, status) in PERMANENT.items():
        start = faults.clock.now
        with faults.injected(plan):
            answer = full.get("/export.csv")

        assert (name, answer.status) == (name, status)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert faults.clock.now - start <= LONGEST


def test_a_reading_that_breaks_off_is_no_shorter_export(full: Asker, faults: Faults) -> None:
    with faults.injected(lambda send: broken(send) if send.number >= 5 else None):
        assert full.get("/export.csv").status == 503


def test_slow_pages_are_waited_for(full: Asker, faults: Faults) -> None:
    """Each of them comes through, at the second attempt; people would not wait so long for a page."""
    start = faults.clock.now
    with faults.injected(every(4, timed_out)):
        answer = full.get("/export.csv")

    assert answer.status == 200
    assert answer.text.count("\r\nevent,") == 10
    assert faults.clock.now - start <= LONGEST


def test_but_not_for_ever(full: Asker, faults: Faults) -> None:
    start = faults.clock.now
    with faults.injected(every(2, timed_out)):
        assert full.get("/export.csv").status == 503

    assert faults.clock.now - start <= LONGEST


def test_a_bucket_that_fails_is_a_problem_in_time(large: Asker, faults: Faults) -> None:
    for name, (plan, status) in PERMANENT.items():
        start = faults.clock.now
        with faults.injected(plan, "s3"):
            answer = large.get("/export.csv")

        assert (name, answer.status) == (name, status)
        assert faults.clock.now - start <= DOWNLOADS.call_seconds


@pytest.mark.parametrize("plan", [throttled, timed_out, reset, broken])
def test_what_is_sent_again_is_sent_from_its_beginning(large: Asker, faults: Faults, plan: Plan) -> None:
    with faults.injected(first(1, plan), "s3", "PutObject"):
        assert large.get("/export.csv").status == 303

    client = aws.s3_client()
    [stored] = client.list_objects_v2(Bucket=PHOTOS)["Contents"]
    text = client.get_object(Bucket=PHOTOS, Key=stored["Key"])["Body"].read().decode("utf-8-sig")
    assert [row["type"] for row in csv.DictReader(io.StringIO(text, newline=""))] == ["batch"]


def test_nothing_is_stored_when_it_is_late(large: Asker, faults: Faults) -> None:
    with faults.injected(lambda _: faults.clock.sleep(DOWNLOADS.request_seconds / 2), operation="Query"):
        assert large.get("/export.csv").status == 503

    assert "Contents" not in aws.s3_client().list_objects_v2(Bucket=PHOTOS)
