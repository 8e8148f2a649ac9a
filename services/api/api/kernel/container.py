"""Builds clients and repositories, once per execution environment. A caller is waiting, so everything has a
deadline."""

from dataclasses import dataclass
from functools import cache, partial

from api.kernel.facts import Facts
from api.kernel.settings import KernelSettings
from api.web.cursors import Cursors
from api.web.secrets import secret
from watchkeeper.aws import dynamodb_client, s3_client
from watchkeeper.budgets import Deadline
from watchkeeper.dynamodb import Table
from watchkeeper.kernel.repositories.discussions import BodyStore, DiscussionRepository
from watchkeeper.kernel.repositories.patches import PatchRepository, SeriesRepository
from watchkeeper.kernel.repositories.threading import ThreadingRepository
from watchkeeper.progress import ProgressRepository


@dataclass(frozen=True, slots=True)
class Container:
    settings: KernelSettings
    facts: Facts
    cursors: Cursors
    deadline: Deadline
    """The deadline of the current request."""

    def start_request(self) -> None:
        self.deadline.start(self.settings.budget.request_seconds)


@cache
def container() -> Container:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings, deadline = KernelSettings.from_environment(), Deadline()
    cursors = Cursors(partial(secret, settings.cursor_secret_arn, settings.budget, deadline))
    return Container(settings, _facts(settings, deadline), cursors, deadline)


def _facts(settings: KernelSettings, deadline: Deadline) -> Facts:
    table = partial(Table, dynamodb_client(settings.budget), budget=settings.budget, deadline=deadline)
    bodies = BodyStore(partial(s3_client, settings.budget), settings.bodies_bucket, deadline=deadline)
    return Facts(
        patches=PatchRepository(table(settings.patches_table)),
        series=SeriesRepository(table(settings.series_table)),
        discussions=DiscussionRepository(table(settings.discussions_table), bodies),
        threading=ThreadingRepository(table(settings.threading_table)),
        progress=ProgressRepository(table(settings.progress_table)),
    )
