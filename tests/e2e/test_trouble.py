"""The deployed system with killed processes, an upstream that blocks it, and work that is done twice."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice

from local.upstreams import HWMON, LEDS
from tests.e2e.system import LORE, PATCHWORK, System
from tests.e2e.tables import differences
from tests.e2e.waiting import wait_for
from watchkeeper.kernel.events import PatchReceived

KILLS = 4
LONGEST_LIFE = 1.5
"""Seconds a reading goes on before it is killed, at most."""


def test_reading_everything_again_writes_nothing(system: System) -> None:
    system.read_all("full")
    before, told = system.tables.facts(), told_of_the_kernel(system)

    system.read_all("full")

    assert differences(before, system.tables.facts()) == []
    assert told_of_the_kernel(system) == told
    for name in (*PATCHWORK, *LORE):
        run = system.api.sources()[name]["run"]
        assert (run["mode"], run["stored"], run["refused"]) == ("full", 0, 0)
        assert run["unchanged"] == run["fetched"] > 0


def told_of_the_kernel(system: System) -> int:
    return sum(event.source == "watchkeeper.kernel" for event in system.bus.heard())


def test_killed_workers_lose_nothing_and_double_nothing(system: System) -> None:
    system.read_all("full")
    undisturbed = system.tables.facts()
    told = len(system.bus.heard(PatchReceived))
    system.tables.empty()

    with system.queues.retrying_after(6, "patches", "discussions", "threads"), system.awaited(*PATCHWORK, *LORE):
        interrupted = load_among_kills(system, random.Random(11))
    system.settle()

    assert interrupted >= KILLS
    assert differences(undisturbed, system.tables.facts()) == []
    assert_told_again(system, told)


def load_among_kills(system: System, chance: random.Random) -> int:
    """Kill all workers again and again; returns how many readings of an upstream that cut short."""
    interrupted = 0
    with slow_upstreams(system):
        for sources in islice(cycle(zip(PATCHWORK, LORE, strict=True)), KILLS):
            system.hand_out(sources, "recent")
            wait_for("somebody to read", lambda: bool(system.tables.leases()))
            time.sleep(chance.uniform(0, LONGEST_LIFE))
            interrupted += len(system.tables.leases())
            system.kill_workers()
            system.tables.expire(system.tables.leases())  # those taken just before the kill, too
    return interrupted


@contextmanager
def slow_upstreams(system: System) -> Iterator[None]:
    """Let reading last long enough to be cut short."""
    servers = (system.upstreams.patchwork, system.upstreams.lore)
    for server in servers:
        server.faults.add("slow", times=10_000, delay=0.05)
    yield
    for server in servers:
        server.faults.clear()


def assert_told_again(system: System, before: int) -> None:
    """Every patch is announced, and where that was said twice, it is known by the event's id."""
    patches = set(system.upstreams.world.tracker.patches)

    def told() -> list[tuple[int, str]]:
        return [(event.data["patch_id"], event.envelope["id"]) for event in system.bus.heard(PatchReceived)[before:]]

    wait_for("all patches to be announced", lambda: {patch_id for patch_id, _ in told()} >= patches)
    assert len(set(told())) == len(patches)


def test_an_upstream_that_blocks_us_is_named_and_forgiven(system: System) -> None:
    source = f"lore:{HWMON}"
    system.upstreams.lore.faults.add("challenge", times=1000)
    try:
        system.hand_out([source], "recent")
        wait_for("the block to show", lambda: system.api.sources()[source]["blocked_since"] is not None)
        blocked = system.api.read("freshness")
    finally:
        system.upstreams.lore.faults.clear()
    assert not blocked["complete"]
    assert system.api.sources()[source]["error"]
    assert system.api.sources()[f"lore:{LEDS}"]["blocked_since"] is None
    assert system.api.items("patches")

    with system.awaited(source):
        system.hand_out([source], "recent")

    assert system.api.sources()[source]["blocked_since"] is None
    assert system.api.read("freshness")["complete"]
