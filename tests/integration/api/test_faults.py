"""AWS fails in every way behind every route: whoever asks gets the answer, or a problem, within the budget."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from api.web.secrets import secret
from tests.integration.api.builders import a_mail, a_patch, a_series
from tests.integration.api.conftest import Get, Reply, Store
from tests.integration.faults import (
    Faults,
    Plan,
    broken,
    denied,
    every,
    first,
    garbage,
    half_unprocessed,
    lost,
    nothing_processed,
    reset,
    throttled,
    throttled_for_long,
    timed_out,
    unreachable,
)
from watchkeeper.budgets import PEOPLE
from watchkeeper.clock import utc_now
from watchkeeper.kernel.models import Kind

PATHS = (
    "/patches?limit=2",
    "/patches?state=new,accepted&text=change",
    "/patches?submitter=ann@example.com",
    "/patches?series=5",
    "/patches?message_id=patch-1@example.com",
    "/patches/1",
    "/patches/patch-1@example.com/discussions",
    "/patches/by-message-id/patch-1@example.com",
    "/series/5",
    "/threads/patch-1@example.com",
    "/discussions/large@x",
    "/people/ann@example.com",
    "/people/ann@example.com/patches",
    "/people/ray@example.org/reviews?limit=1",
    "/stats",
    "/freshness",
)

PASSING: dict[str, Plan] = {
    "some throttled": every(7, throttled),
    "every other broken": every(2, broken),
    "every other reset": every(2, reset),
    "some time out": every(5, timed_out),
    "batches half done": half_unprocessed,
}

PERMANENT: dict[str, tuple[Plan, int]] = {
    "throttled": (throttled, 503),
    "told to wait for long": (throttled_for_long, 503),
    "timed out": (timed_out, 503),
    "unreachable": (unreachable, 503),
    "reset": (reset, 503),
    "answers lost": (lost, 503),
    "broken": (broken, 503),
    "garbled": (garbage, 500),
    "denied": (denied, 500),
}

LONGEST = 5
"""Seconds a request may wait for AWS, whatever it asks for."""


@pytest.fixture
def faults(faults: Faults) -> Faults:
    return Faults(faults.clock, (PEOPLE,))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The routes that were asked."""
    templates: set[str] = set()
    monkeypatch.setattr("api.web.routing.note_route", templates.add)
    return templates


@pytest.fixture
def read(faults: Faults, get: Get, asked: set[str], store: Store, monkeypatch: pytest.MonkeyPatch) -> Get:
    now = utc_now()
    monkeypatch.setattr("api.kernel.routes.utc_now", lambda: now)
    patch: dict[str, Any] = {"thread_id": "patch-1@example.com", "patch_message_id": "patch-1@example.com"}
    store.patches(*(a_patch(number, series_id=5) for number in range(1, 5)))
    store.series(a_series(5))
    store.mails(
        a_mail("patch-1@example.com", kind=Kind.PATCH, **patch),
        a_mail("r@x", 1, parent_id="patch-1@example.com", **patch),
        a_mail("s@x", 2, parent_id="lost@x", **patch),
    )
    with monkeypatch.context() as patched:
        patched.setattr("watchkeeper.kernel.repositories.discussions.MAX_BODY_BYTES", 10)
        patched.setattr("watchkeeper.kernel.repositories.discussions.MAX_SUMMARY_BYTES", 10)
        store.mail(a_mail("large@x", 3))
    return get


def everything(read: Get) -> dict[str, Reply]:
    return {path: read(path) for path in PATHS}


def test_every_route_is_tried(read: Get, asked: set[str]) -> None:
    everything(read)

    assert asked == {path for path in _documented(read) if path.startswith("/api/v1/kernel/")}


def _documented(read: Get) -> set[str]:
    paths = read("/api/v1/openapi.json").json["paths"]
    return {path.replace("{", "<").replace("}", ">") for path in paths}


@pytest.mark.parametrize("plan", PASSING.values(), ids=PASSING)
def test_what_passes_is_outlived(read: Get, faults: Faults, plan: Plan) -> None:
    undisturbed = everything(read)

    with faults.injected(plan):
        answers = everything(read)

    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(PATHS, 200)
    assert {path: answer.json for path, answer in answers.items()} == {
        path: answer.json for path, answer in undisturbed.items()
    }
    assert max(faults.calls) <= PEOPLE.call_seconds


@pytest.mark.parametrize(("plan", "status"), PERMANENT.values(), ids=PERMANENT)
def test_what_does_not_pass_is_a_problem_within_the_budget(read: Get, faults: Faults, plan: Plan, status: int) -> None:
    for path in PATHS:
        start = faults.clock.now
        with faults.injected(plan):
            answer = read(path)

        assert (path, answer.status) == (path, status)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert ("Retry-After" in answer.headers) == (status == 503)
        assert faults.clock.now - start <= LONGEST
    assert max(faults.calls) <= PEOPLE.call_seconds


def test_batches_that_stay_undone_are_a_problem_within_the_budget(read: Get, faults: Faults) -> None:
    for path in PATHS:
        start = faults.clock.now
        with faults.injected(nothing_processed):
            answer = read(path)

        assert answer.status in (200, 503)
        assert faults.clock.now - start <= LONGEST


def test_a_request_of_many_slow_calls_ends_within_its_budget(read: Get, faults: Faults) -> None:
    """Each of them comes through, at the second attempt."""
    statuses = set()
    for path in PATHS:
        start = faults.clock.now
        with faults.injected(every(2, timed_out)):
            statuses.add(read(path).status)

        assert faults.clock.now - start <= LONGEST
    assert statuses == {200, 503}


@pytest.mark.parametrize("nth", [2, 3, 5])
def test_a_request_to_services_that_are_all_slow_ends_within_its_budget(read: Get, faults: Faults, nth: int) -> None:
    plan = every(nth, timed_out)
    for path in (*PATHS, "/patches?limit=2&project=linux-hwmon"):
        secret.cache_clear()
        start = faults.clock.now
        with faults.injected(plan), faults.injected(plan, "s3"), faults.injected(plan, "secretsmanager"):
            assert read(path).status in (200, 503)

        assert faults.clock.now - start <= LONGEST


def test_a_secret_is_not_asked_for_when_it_is_late(read: Get, faults: Faults) -> None:
    secret.cache_clear()
    asked: list[str] = []

    with (
        faults.injected(lambda _: faults.clock.sleep(LONGEST), operation="Query"),
        faults.injected(lambda send: asked.append(send.operation), "secretsmanager"),
    ):
        answer = read("/patches?limit=2&project=linux-hwmon")

    assert answer.status == 503
    assert asked == []


def test_a_request_ends_before_its_function_does() -> None:
    functions = yaml.safe_load((Path(__file__).parents[3] / "services" / "api" / "functions.yml").read_text())
    assert functions["kernel"]["timeout"] > LONGEST


def test_a_late_request_leaves_the_next_one_all_its_time(read: Get, faults: Faults) -> None:
    with faults.injected(timed_out):
        assert read("/patches").status == 503

    assert read("/patches").status == 200


@pytest.mark.parametrize(
    ("service", "path"), [("s3", "/discussions/large@x"), ("secretsmanager", "/patches?limit=2&project=linux-hwmon")]
)
def test_texts_and_secrets_that_cannot_be_had_are_problems(read: Get, faults: Faults, service: str, path: str) -> None:
    for name, (plan, status) in PERMANENT.items():
        faults.sends.clear()
        start = faults.clock.now
        with faults.injected(plan, service):
            answer = read(path)

        assert faults.sends
        assert (name, answer.status) == (name, status)
        assert ("Retry-After" in answer.headers) == (status == 503)
        assert faults.clock.now - start <= PEOPLE.call_seconds


@pytest.mark.parametrize(
    ("service", "path"), [("s3", "/discussions/large@x"), ("secretsmanager", "/patches?limit=2&project=linux-hwmon")]
)
def test_texts_and_secrets_are_asked_for_again(read: Get, faults: Faults, service: str, path: str) -> None:
    for plan in (throttled, broken, reset, timed_out):
        faults.sends.clear()
        secret.cache_clear()
        with faults.injected(first(1, plan), service):
            assert read(path).status == 200

        assert len(faults.sends) == 2


@pytest.mark.parametrize(
    "path", ["/patches?message_id=", "/patches?submitter=", "/threads/", "/discussions/", "/people/"]
)
def test_no_name_is_too_long_for_a_problem(get: Get, path: str) -> None:
    for name in ("x" * 1000, "ä" * 512, "ä" * 1000, "x" * 6000):
        assert get(path + name).status in (200, 404, 422)
