"""AWS fails behind every route of the watch: whoever asks gets the answer, or a problem, within the budget."""

from dataclasses import replace
from typing import Any

import pytest

from api.web.secrets import secret
from tests.integration.api.asking import Asker
from tests.integration.api.observability.conftest import Store
from tests.integration.faults import (
    Faults,
    Plan,
    broken,
    denied,
    every,
    garbage,
    reset,
    throttled,
    throttled_for_long,
    timed_out,
    unreachable,
)
from watchkeeper.budgets import PEOPLE

QUERIES = (
    "/metrics?limit=1",
    "/metrics/latency/series",
    "/alert-rules",
    "/alerts?state=open",
    "/alert-history?from=2026-01-01",
    "/security-events",
    "/health",
    "/errors",
)
COMMANDS: tuple[tuple[str, Any], ...] = (
    ("/metrics", {"name": "latency", "value": 1}),
    ("/alert-rules", {"name": "slow", "metric": "latency", "comparison": "gt", "threshold": 5}),
    ("/security-events", {"kind": "leak", "severity": "low", "summary": "A leak", "source": "a test"}),
)
PASSING: dict[str, Plan] = {
    "every other broken": every(2, broken),
    "every other reset": every(2, reset),
    "some throttled": every(7, throttled),
}
PERMANENT: dict[str, tuple[Plan, int]] = {
    "throttled": (throttled, 503),
    "told to wait for long": (throttled_for_long, 503),
    "timed out": (timed_out, 503),
    "unreachable": (unreachable, 503),
    "broken": (broken, 503),
    "garbled": (garbage, 500),
    "denied": (denied, 500),
}
LONGEST = 5
"""Seconds a request may wait for AWS."""


@pytest.fixture
def faults(faults: Faults) -> Faults:
    return replace(faults, budgets=(PEOPLE,))


@pytest.fixture
def watch(faults: Faults, admin: Asker, store: Store) -> Asker:
    for path, body in COMMANDS:
        admin.post(path, body)
    store.project()
    return admin


@pytest.mark.parametrize("path", QUERIES)
@pytest.mark.parametrize("plan", PASSING)
def test_trouble_that_passes_changes_no_answer(watch: Asker, faults: Faults, path: str, plan: str) -> None:
    expected = watch.get(path).json
    secret.cache_clear()

    with faults.injected(PASSING[plan]), faults.injected(PASSING[plan], "secretsmanager"):
        reply = watch.get(path)

    assert (reply.status, reply.json) == (200, expected)


@pytest.mark.parametrize("path", QUERIES)
@pytest.mark.parametrize("failing", PERMANENT)
def test_trouble_that_stays_is_a_problem_within_the_budget(
    watch: Asker, faults: Faults, path: str, failing: str
) -> None:
    plan, status = PERMANENT[failing]
    with faults.injected(plan):
        reply = watch.get(path)

    assert reply.status == status
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert sum(faults.calls) <= LONGEST


@pytest.mark.parametrize(("path", "body"), COMMANDS)
@pytest.mark.parametrize("failing", PERMANENT)
def test_a_command_that_fails_is_a_problem_within_the_budget_and_does_nothing(
    watch: Asker, faults: Faults, store: Store, path: str, body: Any, failing: str
) -> None:
    plan, status = PERMANENT[failing]
    before = len(store.events())

    with faults.injected(plan):
        reply = watch.post(path, body, {"Idempotency-Key": "k"})

    assert reply.status == status
    assert sum(faults.calls) <= LONGEST
    assert len(store.events()) == before


@pytest.mark.parametrize(("path", "body"), COMMANDS)
@pytest.mark.parametrize("plan", PASSING)
def test_a_command_amid_trouble_that_passes_is_done_once(
    watch: Asker, faults: Faults, store: Store, path: str, body: Any, plan: str
) -> None:
    before = len(store.events())

    with faults.injected(PASSING[plan]):
        replies = [watch.post(path, body, {"Idempotency-Key": "k"}) for _ in range(2)]

    assert {reply.status for reply in replies} <= {200, 201}
    assert replies[0].json == replies[1].json
    assert len(store.events()) == before + 1
