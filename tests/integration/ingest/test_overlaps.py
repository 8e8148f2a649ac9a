"""Runs of the same schedule that overlap: each upstream is read by one at a time, and the end is that of one run."""

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import sleep
from typing import Any

import pytest

from ingest import reading as module
from ingest.reading import FULL, RECENT, REFRESH
from local.upstreams import HWMON, LEDS, Upstreams, World
from tests.integration.conftest import repositories
from tests.integration.ingest.conftest import Kernel
from tests.integration.ingest.functions import restore, small_world, stored
from watchkeeper.clock import utc_now
from watchkeeper.errors import LeaseTaken
from watchkeeper.progress import ProgressRepository

MOST_TRIES = 2000


@pytest.fixture
def upstreams() -> Iterator[Upstreams]:
    with Upstreams(World()) as running:
        small_world(running)
        yield running


@pytest.fixture
def many_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


class Readers:
    """How many read each upstream at the same moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: dict[str, int] = {}
        self.most: dict[str, int] = {}

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reading = module.reading

        @contextmanager
        def watched(name: str, upstream: str, *others: Any) -> Iterator[Any]:
            with reading(name, upstream, *others) as current:
                self._add(upstream, 1)
                try:
                    yield current
                finally:
                    self._add(upstream, -1)

        monkeypatch.setattr("tests.integration.ingest.conftest.reading", watched)

    def _add(self, upstream: str, number: int) -> None:
        with self._lock:
            self._now[upstream] = self._now.get(upstream, 0) + number
            self.most[upstream] = max(self.most.get(upstream, 0), self._now[upstream])


Read = Callable[[Kernel], object]


def patches(mode: str) -> Read:
    return lambda kernel: kernel.read_project(HWMON, mode)


def mails(name: str, mode: str) -> Read:
    return lambda kernel: kernel.read_list(name, mode)


def threads(kernel: Kernel) -> None:
    kernel.fetch_threads("series@sample.example", "nobody@x")


OVERLAPS: dict[str, list[Read]] = {
    "patches recent twice": [patches(RECENT), patches(RECENT)],
    "a full over a recent": [patches(RECENT), patches(FULL)],
    "mails recent twice": [mails(HWMON, RECENT), mails(HWMON, RECENT)],
    "refresh twice over a recent": [mails(HWMON, RECENT), mails(HWMON, REFRESH), mails(HWMON, REFRESH)],
    "lists, threads and patches": [mails(HWMON, RECENT), mails(LEDS, RECENT), threads, patches(FULL), patches(RECENT)],
}


def in_turn(kernel: Kernel, read: Read) -> None:
    """As its queue does it: who finds the upstream being read comes again a little later."""
    for _ in range(MOST_TRIES):
        try:
            read(kernel)
        except LeaseTaken:
            sleep(0.01)
        else:
            return
    raise AssertionError("it never got its turn")


@pytest.mark.usefixtures("atomic_tables", "many_switches")
@pytest.mark.parametrize("reads", OVERLAPS.values(), ids=OVERLAPS)
def test_overlapping_runs_end_as_one_does(
    bucket: str, upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch, reads: list[Read]
) -> None:
    alone = Kernel(upstreams, **repositories())
    for read in reads:
        read(alone)
    expected = stored()
    restore({})
    readers = Readers()
    readers.watch(monkeypatch)
    start = threading.Barrier(len(reads))

    def run(number: int) -> None:
        kernel = Kernel(upstreams, **repositories(), calls=1000 * number)
        start.wait()
        in_turn(kernel, reads[number])

    with ThreadPoolExecutor(len(reads)) as pool:
        for done in [pool.submit(run, number) for number in range(len(reads))]:
            done.result()

    assert stored() == expected
    assert set(readers.most.values()) == {1}
    assert all(source.error is None for source in alone.progress.sources())


@pytest.mark.usefixtures("atomic_tables", "many_switches")
def test_of_eight_that_want_a_lease_at_once_one_gets_it(progress: ProgressRepository) -> None:
    start = threading.Barrier(8)

    def race(holder: int) -> list[bool]:
        won = []
        for number in range(30):
            start.wait()
            try:
                progress.take_lease(f"upstream-{number}", f"call-{holder}", now=utc_now(), seconds=60)
            except LeaseTaken:
                won.append(False)
            else:
                won.append(True)
        return won

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(race, range(8)))

    assert [sum(round_) for round_ in zip(*results, strict=True)] == [1] * 30
