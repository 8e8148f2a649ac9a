"""AWS fails behind the public pages: whoever asks hears it in time, and never that a shared batch is not there."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.integration.api.asking import Asker
from tests.integration.api.events import USER
from tests.integration.faults import Faults, Plan, broken, denied, every, garbage, reset, throttled, timed_out
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.budgets import PEOPLE
from watchkeeper.dynamodb import Table
from watchkeeper.ferments.models import Batch
from watchkeeper.ferments.repository import new_batch
from watchkeeper.people.table import KEYS

LONGEST = 5
SHARED = "01KAG1C2SR0000000000000001"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PATHS = (SHARED, f"{SHARED}/qr.svg")
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
    return Faults(faults.clock, (PEOPLE,))


@pytest.fixture
def ask(faults: Faults, people_environment: None) -> Iterator[Asker]:
    from api.ferments.sharing.container import container

    container.cache_clear()
    from api.ferments.sharing.handler import handler

    shared = Batch(SHARED, USER, "Ginger", NOON, NOON, public=True)
    Table(aws.dynamodb_client(), table_name("people")).write([new_batch(shared)], keys=KEYS)
    yield Asker(handler, "/api/v1/public/b/", user="")
    container.cache_clear()


def test_what_does_not_pass_is_a_problem_within_the_budget(ask: Asker, faults: Faults) -> None:
    for name, (plan, status) in PERMANENT.items():
        for path in PATHS:
            start = faults.clock.now
            with faults.injected(plan):
                answer = ask.get(path, {"Accept": "text/html"})

            assert (name, answer.status) == (name, status)
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.headers["Cache-Control"] == "no-store"
            assert faults.clock.now - start <= LONGEST


def test_what_passes_is_outlived(ask: Asker, faults: Faults) -> None:
    for plan in (every(2, broken), every(2, reset), every(4, timed_out)):
        with faults.injected(plan):
            assert [ask.get(path).status for path in PATHS] == [200, 200]
