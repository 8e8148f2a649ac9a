"""No function sends requests to an upstream that is down, until a probe after a while."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from local.upstreams import HWMON
from tests.e2e.breakers import Breakers
from tests.e2e.system import System
from tests.e2e.waiting import wait_for

REMEMBERED = 6
"""Seconds after which a function looks anew at a breaker; one more than what Powertools waits."""


@dataclass(frozen=True)
class Reading:
    """How a function is made to read an upstream, and the queue to which it puts off what it could not do."""

    upstream: str
    queue: str
    begin: Callable[[System], None]

    @property
    def source(self) -> str:
        return f"{self.upstream}:{'threads' if self.queue == 'threads' else HWMON}"


def ask_for_thread(system: System) -> None:
    mail = system.upstreams.world.archive.inboxes[HWMON].messages[0].mail
    system.cloud.invoke("fetch-threads", {"message_ids": [mail.message_id]})


READINGS = {
    "fetch-patches": Reading("patchwork", "patches", lambda system: system.hand_out([f"patchwork:{HWMON}"], "recent")),
    "fetch-discussions": Reading("lore", "discussions", lambda system: system.hand_out([f"lore:{HWMON}"], "recent")),
    "fetch-threads": Reading("lore", "threads", ask_for_thread),
}


@pytest.mark.parametrize("function", READINGS)
def test_an_upstream_that_is_down_is_left_alone_and_asked_again_later(system: System, function: str) -> None:
    reading, breakers = READINGS[function], Breakers(system.cloud)
    with down(system, reading):
        reading.begin(system)
        wait_for("the breaker to open", lambda: breakers.states().get(reading.upstream) == "OPEN")
        wait_for("the work to be put off", lambda: put_off(system, reading) == 1)
        asked = requests_to(system, reading)
        reading.begin(system)
        wait_for("the next work to be put off", lambda: put_off(system, reading) == 2)
        assert requests_to(system, reading) == asked

    breakers.let_time_pass()
    time.sleep(REMEMBERED)
    reading.begin(system)

    wait_for("the breaker to close", lambda: breakers.states()[reading.upstream] == "CLOSED")
    wait_for("the source to be well", lambda: not system.api.sources()[reading.source]["error"])
    system.settle()


@contextmanager
def down(system: System, reading: Reading) -> Iterator[None]:
    """What was put off meanwhile is not kept: it would come in a minute, among other tests."""
    system.queues.purge(reading.queue)
    server = getattr(system.upstreams, reading.upstream)
    server.faults.add("unavailable", times=10_000, retry_after=1)
    try:
        yield
    finally:
        server.faults.clear()
        system.queues.purge(reading.queue)


def put_off(system: System, reading: Reading) -> int:
    return system.queues.depth(reading.queue).delayed


def requests_to(system: System, reading: Reading) -> int:
    return len(getattr(system.upstreams, reading.upstream).log.all())
