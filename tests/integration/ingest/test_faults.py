"""AWS fails in every way at every use case: what was asked is done in the end, as if nothing had been."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import stamina

from ingest.kernel import container as module
from local.upstreams import HWMON, LEDS, Upstreams, World
from tests.integration.conftest import empty_cloud, repositories
from tests.integration.faults import (
    Clock,
    Faults,
    Plan,
    broken,
    burst,
    denied,
    every,
    first,
    garbage,
    half_unprocessed,
    lost,
    nothing_processed,
    reset,
    stop_the_clock,
    throttled,
    timed_out,
    unmet,
    unreachable,
)
from tests.integration.ingest.functions import (
    LARGE,
    QUIET,
    ROOT,
    Functions,
    Rows,
    make_functions,
    restore,
    small_world,
    stored,
)
from watchkeeper import aws
from watchkeeper.budgets import WORKERS


def read_patches(functions: Functions) -> None:
    functions.invoke("fetch-patches", {"mode": "recent"})


def read_discussions(functions: Functions) -> None:
    functions.invoke("fetch-discussions", {"mode": "recent"})


def read_large_mail(functions: Functions) -> None:
    functions.send("discussions", {"task": "discussions", "list": LEDS, "mode": "recent"})


def read_threads(functions: Functions) -> None:
    functions.send("threads", {"message_ids": [ROOT, "nobody@x"]})
    functions.send("threads", {"message_ids": [QUIET], "if_missing": True})


def link_tracked(functions: Functions) -> None:
    functions.send("threads", {"tracked": ["orphan@x", "reply-1@sample.example"]})


def refresh(functions: Functions) -> None:
    functions.invoke("refresh-discussions", {})


def count_weeks(functions: Functions) -> None:
    functions.send("patches", {"task": "statistics", "project": HWMON, "weeks": ["2026-W02", "2026-W41"]})
    functions.send("discussions", {"task": "statistics", "weeks": [f"{HWMON}#2026-W02", f"{HWMON}#2026-W41"]})


UseCase = Callable[[Functions], None]

FROM_NOTHING: tuple[UseCase, ...] = (read_patches, read_discussions, read_threads)
FROM_FACTS: tuple[UseCase, ...] = (link_tracked, refresh, count_weeks)
USE_CASES = (*FROM_NOTHING, *FROM_FACTS)

PASSING: dict[str, Plan] = {
    "every third throttled": every(3, throttled),
    "every third broken": every(3, broken),
    "every third reset": every(3, reset),
    "every third timed out": every(3, timed_out),
    "every third answer lost": every(3, lost),
    "batches half done": half_unprocessed,
}
"""What one call outlives by itself."""

LASTING: dict[str, Plan] = {
    "throttled for long": burst(4, 12, throttled),
    "down": burst(9, 9, broken),
    "unreachable": burst(6, 6, unreachable),
    "answers lost": burst(7, 6, lost),
    "some garbled": burst(3, 2, garbage),
    "permission gone": burst(5, 1, denied),
    "a condition unmet": burst(2, 1, unmet),
    "batches not done": burst(5, 60, nothing_processed),
}
"""What makes a call fail; the next finds it over."""


@dataclass(frozen=True)
class Stage:
    """One account and one world for all tests; each begins with the rows it needs."""

    functions: Functions
    clock: Clock
    results: dict[UseCase, Rows] = field(default_factory=dict)

    def prepare(self, use_case: UseCase) -> Rows:
        """Give the tables what a use case begins with, and tell what it ends with when nothing goes wrong."""
        result = self._result(use_case)
        self._begin(use_case)
        return result

    def _result(self, use_case: UseCase) -> Rows:
        if use_case not in self.results:
            self._begin(use_case)
            use_case(self.functions)
            self.functions.work()
            assert self.functions.failures == 0
            self.results[use_case] = stored()
        return self.results[use_case]

    def _begin(self, use_case: UseCase) -> None:
        restore({**self._facts(), "figures": []} if use_case in FROM_FACTS else {})

    def _facts(self) -> Rows:
        patches, mails = self._result(read_patches), self._result(read_discussions)
        return {name: patches[name] or mails[name] for name in mails}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch, Upstreams(World()) as upstreams, stamina.set_testing(True, attempts=5):
        clock = stop_the_clock(patch)
        with empty_cloud(patch):
            small_world(upstreams)
            patch.setattr("watchkeeper.kernel.repositories.discussions.MAX_BODY_BYTES", 8_000)
            yield Stage(make_functions(upstreams, patch), clock)
        module.container.cache_clear()


@pytest.fixture
def functions(stage: Stage) -> Functions:
    """With new clients: a client that failed often retries less."""
    aws._client.cache_clear()
    module.container.cache_clear()
    stage.functions.failures = 0
    return stage.functions


@pytest.fixture
def faults(stage: Stage) -> Faults:
    return Faults(stage.clock, (WORKERS,))


@pytest.fixture
def prepare(stage: Stage, functions: Functions) -> Callable[[UseCase], Rows]:
    return stage.prepare


Prepare = Callable[[UseCase], Rows]


def changes(before: Rows, after: Rows) -> dict[str, Rows]:
    """The rows that differ, by table."""
    return {
        name: {
            "only before": [row for row in before[name] if row not in after[name]],
            "only after": [row for row in after[name] if row not in before[name]],
        }
        for name in before
        if before[name] != after[name]
    }


@pytest.mark.parametrize("plan", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("use_case", USE_CASES)
def test_what_passes_is_outlived_within_the_budget(
    functions: Functions, faults: Faults, prepare: Prepare, use_case: UseCase, plan: Plan
) -> None:
    result = prepare(use_case)

    use_case(functions)
    with faults.injected(plan):
        functions.work()

    assert functions.failures == 0
    assert changes(result, stored()) == {}
    assert max(faults.calls) <= WORKERS.call_seconds


@pytest.mark.parametrize("plan", LASTING.values(), ids=LASTING)
@pytest.mark.parametrize("use_case", USE_CASES)
def test_what_lasts_is_made_good_when_the_work_comes_again(
    functions: Functions, faults: Faults, prepare: Prepare, use_case: UseCase, plan: Plan
) -> None:
    result = prepare(use_case)

    use_case(functions)
    with faults.injected(plan):
        functions.work()

    assert changes(result, stored()) == {}
    assert max(faults.calls) <= WORKERS.call_seconds


PERMANENT: dict[str, Plan] = {"throttled": throttled, "broken": broken, "timed out": timed_out, "garbled": garbage}


@pytest.mark.parametrize("plan", PERMANENT.values(), ids=PERMANENT)
@pytest.mark.parametrize("use_case", [*USE_CASES, read_large_mail])
def test_work_that_cannot_be_done_is_not_lost(
    functions: Functions, faults: Faults, prepare: Prepare, use_case: UseCase, plan: Plan
) -> None:
    """Through any service: it comes again, and then it is done."""
    result = prepare(use_case)
    use_case(functions)

    with faults.injected(plan, "dynamodb"), faults.injected(plan, "sqs"), faults.injected(plan, "s3"):
        for _ in range(2):
            functions.call()
            assert functions.waiting
    assert functions.failures == 2

    functions.work()
    assert changes(result, stored()) == {}
    assert max(faults.calls) <= WORKERS.call_seconds


MESSAGES: dict[str, Plan] = {
    "throttled": burst(0, 4, throttled),
    "answer lost": burst(0, 4, lost),
    "later answers lost": burst(1, 8, lost),
    "garbled": first(1, garbage),
    "denied": first(2, denied),
}


@pytest.mark.parametrize("plan", MESSAGES.values(), ids=MESSAGES)
@pytest.mark.parametrize("use_case", [read_patches, read_discussions, refresh])
def test_a_message_that_may_not_have_been_sent_is_sent_again(
    functions: Functions, faults: Faults, prepare: Prepare, use_case: UseCase, plan: Plan
) -> None:
    result = prepare(use_case)

    use_case(functions)
    with faults.injected(plan, "sqs"):
        functions.work()

    assert functions.failures > 0
    assert changes(result, stored()) == {}


BODIES: dict[str, Plan] = {
    "throttled twice": first(2, throttled),
    "throttled": burst(0, 4, throttled),
    "broken": burst(0, 4, broken),
    "answer lost": burst(0, 4, lost),
    "garbled": first(1, garbage),
    "denied": first(1, denied),
}


@pytest.mark.parametrize("plan", BODIES.values(), ids=BODIES)
def test_a_body_that_cannot_be_stored_leaves_no_mail_without_one(
    functions: Functions, faults: Faults, prepare: Prepare, plan: Plan
) -> None:
    result = prepare(read_large_mail)

    read_large_mail(functions)
    with faults.injected(plan, "s3"):
        functions.call()
        assert functions.failures == 0 or stored()["discussions"] == []
        functions.work()

    assert changes(result, stored()) == {}
    [(_, body)] = repositories()["discussions"].of_message(LARGE)
    assert len(body.text) > 16_000
