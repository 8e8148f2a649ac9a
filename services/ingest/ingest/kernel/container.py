"""Builds the use cases of the kernel watch from the settings, once per execution environment."""

from functools import cache
from urllib.parse import urlsplit

from ingest.kernel.lore import Lore
from ingest.kernel.patchwork import Patchwork
from ingest.kernel.use_cases.count_weeks import WeekCounter
from ingest.kernel.use_cases.fetch_threads import ThreadFetch
from ingest.kernel.use_cases.keep_mails import MailKeeper
from ingest.kernel.use_cases.refresh_discussions import DiscussionRefresh
from ingest.kernel.use_cases.sync_discussions import DiscussionSync
from ingest.kernel.use_cases.sync_patches import PatchSync
from ingest.settings import KernelSettings, kernel_settings
from ingest.upstream import Pace, Upstream, breaker
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.kernel.repositories.discussions import BodyStore, DiscussionRepository
from watchkeeper.kernel.repositories.patches import PatchRepository, SeriesRepository
from watchkeeper.kernel.repositories.threading import ThreadingRepository
from watchkeeper.progress import ProgressRepository
from watchkeeper.queues import SqsWorkQueue

PATCHWORK = "patchwork"
LORE = "lore"


class Container:
    def __init__(self, settings: KernelSettings) -> None:
        self.settings = settings
        tables = settings.tables
        self.patches = PatchRepository(_table(tables.patches))
        self.series = SeriesRepository(_table(tables.series))
        self.threading = ThreadingRepository(_table(tables.threading))
        self.progress = ProgressRepository(_table(tables.progress))
        bodies = BodyStore(aws.s3_client, settings.bodies_bucket)
        self.discussions = DiscussionRepository(_table(tables.discussions), bodies)
        self.patches_queue = SqsWorkQueue(aws.sqs_client, settings.queues.patches)
        self.discussions_queue = SqsWorkQueue(aws.sqs_client, settings.queues.discussions)
        self.threads_queue = SqsWorkQueue(aws.sqs_client, settings.queues.threads)

    def patch_sync(self) -> PatchSync:
        return PatchSync(
            client=Patchwork(self._upstream(PATCHWORK, self.settings.patchwork_url)),
            patches=self.patches,
            series=self.series,
            threading=self.threading,
            work=self.patches_queue,
            threads=self.threads_queue,
            clock=utc_now,
        )

    def discussion_sync(self) -> DiscussionSync:
        return DiscussionSync(
            client=self._lore(),
            keeper=self._keeper(),
            work=self.discussions_queue,
            threads=self.threads_queue,
            clock=utc_now,
        )

    def thread_fetch(self) -> ThreadFetch:
        return ThreadFetch(
            client=self._lore(),
            keeper=self._keeper(),
            statistics=self.discussions_queue,
            clock=utc_now,
            lists=self.settings.lists,
        )

    def discussion_refresh(self) -> DiscussionRefresh:
        return DiscussionRefresh(
            patches=self.patches,
            threading=self.threading,
            work=self.discussions_queue,
            threads=self.threads_queue,
            clock=utc_now,
            projects=self.settings.projects,
            lists=self.settings.lists,
        )

    def week_counter(self) -> WeekCounter:
        return WeekCounter(self.patches, self.discussions, self.progress)

    def _lore(self) -> Lore:
        return Lore(self._upstream(LORE, self.settings.lore_url))

    def _keeper(self) -> MailKeeper:
        return MailKeeper(self.discussions, self.threading, self.patches)

    def _upstream(self, name: str, url: str) -> Upstream:
        return Upstream(
            name,
            url,
            user_agent=self.settings.user_agent,
            pace=Pace(self.settings.requests_per_second),
            guard=breaker(name, urlsplit(url).netloc, self.settings.tables.breakers, aws.dynamodb_client()),
        )


@cache
def container() -> Container:
    return Container(kernel_settings())


def _table(name: str) -> Table:
    return Table(aws.dynamodb_client(), name)
