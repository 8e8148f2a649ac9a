"""The kernel watch's use cases on moto's tables, reading the sample upstreams over HTTP."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
import stamina

from ingest.kernel.lore import Lore
from ingest.kernel.patchwork import Patchwork
from ingest.kernel.use_cases.count_weeks import WeekCounter
from ingest.kernel.use_cases.fetch_threads import ThreadFetch
from ingest.kernel.use_cases.keep_mails import MailKeeper
from ingest.kernel.use_cases.sync_discussions import DiscussionSync
from ingest.kernel.use_cases.sync_patches import PatchSync
from ingest.reading import RECENT, Caller, reading
from ingest.upstream import Pace, Upstream
from local.upstreams import Upstreams, build_world
from tests.integration.account import copy_of_tables, put_tables
from tests.integration.conftest import empty_cloud, repositories
from watchkeeper.clock import utc_now
from watchkeeper.kernel.repositories.discussions import DiscussionRepository
from watchkeeper.kernel.repositories.patches import PatchRepository, SeriesRepository
from watchkeeper.kernel.repositories.threading import ThreadingRepository
from watchkeeper.progress import ProgressRepository

PROJECTS = LISTS = ("sample-hwmon", "sample-leds")


@dataclass
class FakeQueue:
    """A work queue that keeps what it got."""

    sent: list[dict[str, Any]] = field(default_factory=list)

    def send(self, work: Mapping[str, Any], *, delay: int = 0) -> None:
        self.sent.append({**work, "delay": delay})


@dataclass
class Kernel:
    """The kernel watch without Lambda around it."""

    upstreams: Upstreams
    patches: PatchRepository
    series: SeriesRepository
    discussions: DiscussionRepository
    threading: ThreadingRepository
    progress: ProgressRepository
    patch_work: FakeQueue = field(default_factory=FakeQueue)
    discussion_work: FakeQueue = field(default_factory=FakeQueue)
    thread_work: FakeQueue = field(default_factory=FakeQueue)
    calls: int = 0
    seconds_left: float = 900.0

    @property
    def queues(self) -> tuple[FakeQueue, ...]:
        return self.patch_work, self.discussion_work, self.thread_work

    def caller(self) -> Caller:
        self.calls += 1
        return Caller(f"call-{self.calls}", lambda: self.seconds_left)

    def keeper(self) -> MailKeeper:
        return MailKeeper(self.discussions, self.threading, self.patches)

    def patch_sync(self) -> PatchSync:
        return PatchSync(
            client=Patchwork(_upstream(self.upstreams.patchwork_url)),
            patches=self.patches,
            series=self.series,
            threading=self.threading,
            work=self.patch_work,
            threads=self.thread_work,
            clock=utc_now,
        )

    def lore(self) -> Lore:
        return Lore(_upstream(self.upstreams.lore_url))

    def read_project(self, project: str, mode: str = RECENT) -> bool:
        with reading(f"patchwork:{project}", "patchwork", self.progress, self.caller(), utc_now) as current:
            return self.patch_sync().read(project, mode, current)

    def read_list(self, name: str, mode: str = RECENT) -> bool:
        sync = DiscussionSync(self.lore(), self.keeper(), self.discussion_work, self.thread_work, utc_now)
        with reading(f"lore:{name}", "lore", self.progress, self.caller(), utc_now) as current:
            return sync.read(name, mode, current)

    def read_everything(self, mode: str = RECENT) -> None:
        for project in PROJECTS:
            assert self.read_project(project, mode)
        for name in LISTS:
            assert self.read_list(name, mode)

    def count_weeks(self) -> None:
        counter = WeekCounter(self.patches, self.discussions, self.progress)
        for work in self.patch_work.sent:
            counter.count_patches(work["project"], work["weeks"])
        for work in self.discussion_work.sent:
            counter.count_mails(work["weeks"])

    def fetch_threads(self, *message_ids: str) -> None:
        fetch = ThreadFetch(self.lore(), self.keeper(), self.discussion_work, utc_now, LISTS)
        with reading("lore:threads", "lore", self.progress, self.caller(), utc_now) as current:
            current.begin(RECENT)
            assert fetch.fetch(message_ids, current) == []
            current.finish({}, complete=False)


def _upstream(url: str) -> Upstream:
    return Upstream("sample", url, user_agent="watchkeeper-tests (+tests@example.org)", pace=Pace(10_000))


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """Retries happen, their pauses do not."""
    with stamina.set_testing(True, attempts=5, cap=True):
        yield


@pytest.fixture(scope="module")
def loaded() -> Iterator[Kernel]:
    """Everything read once, for the tests of a module that only look."""
    with pytest.MonkeyPatch.context() as patch, empty_cloud(patch), Upstreams() as running, stamina.set_testing(True):
        kernel = Kernel(running, **repositories())
        kernel.read_everything()
        kernel.count_weeks()
        yield kernel


@pytest.fixture
def upstreams() -> Iterator[Upstreams]:
    with Upstreams() as running:
        yield running


@pytest.fixture
def kernel(upstreams: Upstreams, tables: None, bucket: str) -> Kernel:
    return Kernel(upstreams, **repositories())


@dataclass(frozen=True)
class Read:
    """What a first reading leaves: of a world that can be built again, since its mails are in no bucket."""

    now: datetime
    tables: Mapping[str, Any]
    works: Sequence[list[dict[str, Any]]]


@pytest.fixture(scope="session")
def first_reading() -> Read:
    """It takes a second, so it is done once for all tests of what comes after."""
    now = utc_now()
    with (
        pytest.MonkeyPatch.context() as patch,
        empty_cloud(patch),
        Upstreams(build_world(now=now)) as running,
        stamina.set_testing(True),
    ):
        kernel = Kernel(running, **repositories())
        kernel.read_everything()
        return Read(now, copy_of_tables(), [queue.sent for queue in kernel.queues])


@pytest.fixture
def caught_up(first_reading: Read, tables: None, bucket: str) -> Iterator[Kernel]:
    """It has read everything once, and been sent the work that follows from it."""
    with Upstreams(build_world(now=first_reading.now)) as running:
        put_tables(first_reading.tables)
        kernel = Kernel(running, **repositories(), calls=len(PROJECTS) + len(LISTS))
        for queue, sent in zip(kernel.queues, first_reading.works, strict=True):
            queue.sent = deepcopy(sent)
        yield kernel
