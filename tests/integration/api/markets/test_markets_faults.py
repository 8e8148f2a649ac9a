"""AWS fails behind every route of the markets watch: whoever asks gets the answer, or a problem, within the budget."""

from dataclasses import replace
from datetime import timedelta

import pytest

from api.web.secrets import secret
from tests.integration.api.asking import Asker
from tests.integration.api.conftest import Reply
from tests.integration.api.markets.builders import NOON, a_day, a_report, an_article, an_asset
from tests.integration.api.markets.conftest import BUS
from tests.integration.faults import (
    Faults,
    Plan,
    all_refused,
    broken,
    denied,
    every,
    garbage,
    half_unprocessed,
    lost,
    reset,
    throttled,
    throttled_for_long,
    timed_out,
    unreachable,
)
from watchkeeper import aws
from watchkeeper.budgets import PEOPLE
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.earnings import EarningsRepository
from watchkeeper.markets.repositories.fundamentals import FundamentalsRepository
from watchkeeper.markets.repositories.news import NewsRepository

PATHS = (
    "/assets?limit=1",
    "/assets?order=staleness",
    "/assets/IBM",
    "/assets/IBM/fundamentals",
    "/assets/IBM/fundamentals.csv",
    "/assets/IBM/news?limit=1",
    "/assets/IBM/sentiment",
    "/news?limit=1",
    "/earnings",
    "/coverage",
)
POLLENATE = "/assets/IBM/pollenate"

PASSING: dict[str, Plan] = {
    "some throttled": every(7, throttled),
    "every other broken": every(2, broken),
    "every other reset": every(2, reset),
    "batches half done": half_unprocessed,
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
BUS_FAILS: dict[str, Plan] = {
    "throttled": throttled,
    "timed out": timed_out,
    "answers lost": lost,
    "broken": broken,
    "garbled": garbage,
    "denied": denied,
    "refused": all_refused,
    "refused after a time-out": lambda send: timed_out(send) if send.number % 2 == 0 else all_refused(send),
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
def asking(
    faults: Faults,
    ask: Asker,
    asked: set[str],
    assets: AssetRepository,
    fundamentals: FundamentalsRepository,
    news: NewsRepository,
    calendar: EarningsRepository,
) -> Asker:
    assets.add([an_asset("IBM", 2), an_asset("AAPL", 1)])
    fundamentals.put([a_report("2026-09-30"), a_report("2026-06-30")])
    news.put_changed(an_article(age, ("IBM", "0.95"), published=NOON - timedelta(hours=age)) for age in range(3))
    calendar.put([a_day("IBM", 3), a_day("AAPL", 40)])
    aws.events_client().create_event_bus(Name=BUS)
    return replace(ask, groups=("Admin",))


def everything(asking: Asker) -> dict[str, Reply]:
    return {path: asking.get(path) for path in PATHS}


def test_every_route_is_tried(asking: Asker, asked: set[str]) -> None:
    from api.markets.routes import routes

    everything(asking)
    asking.post(POLLENATE)

    assert asked == {operation.path for operation in routes.operations.values()}


@pytest.mark.parametrize("plan", PASSING.values(), ids=PASSING)
def test_what_passes_is_outlived(asking: Asker, faults: Faults, plan: Plan) -> None:
    undisturbed = everything(asking)

    with faults.injected(plan):
        answers = everything(asking)

    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(PATHS, 200)
    assert {path: answer.text for path, answer in answers.items()} == {
        path: answer.text for path, answer in undisturbed.items()
    }


@pytest.mark.parametrize(("plan", "status"), PERMANENT.values(), ids=PERMANENT)
def test_what_does_not_pass_is_a_problem_within_the_budget(
    asking: Asker, faults: Faults, plan: Plan, status: int
) -> None:
    for path in PATHS:
        start = faults.clock.now
        with faults.injected(plan):
            answer = asking.get(path)

        assert (path, answer.status) == (path, status)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert ("Retry-After" in answer.headers) == (status == 503)
        assert faults.clock.now - start <= LONGEST


def test_a_request_of_many_slow_calls_ends_within_its_budget(asking: Asker, faults: Faults) -> None:
    """Each of them comes through, at the second attempt."""
    statuses = set()
    for path in (*PATHS, "/news?since=2026-11-01&until=2026-11-10"):
        secret.cache_clear()
        start = faults.clock.now
        with faults.injected(every(2, timed_out)), faults.injected(every(2, timed_out), "secretsmanager"):
            statuses.add(asking.get(path).status)

        assert faults.clock.now - start <= LONGEST
    assert statuses == {200, 503}


@pytest.mark.parametrize("plan", BUS_FAILS.values(), ids=BUS_FAILS)
def test_a_bus_that_fails_is_a_problem_within_the_budget(asking: Asker, faults: Faults, plan: Plan) -> None:
    start = faults.clock.now
    with faults.injected(plan, "events"):
        answer = asking.post(POLLENATE)

    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert faults.clock.now - start <= LONGEST


def test_the_bus_is_not_asked_when_it_is_late(asking: Asker, faults: Faults) -> None:
    with (
        faults.injected(lambda _: faults.clock.sleep(LONGEST), operation="GetItem"),
        faults.injected(lambda _: None, "events"),
    ):
        answer = asking.post(POLLENATE)

    assert answer.status == 503
    assert {send.service for send in faults.sends} == {"dynamodb"}
