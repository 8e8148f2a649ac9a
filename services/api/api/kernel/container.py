"""Builds the clients and repositories, once per execution environment; somebody waits for all they do."""

from dataclasses import dataclass
from functools import cache, partial

from api.kernel.facts import Facts
from api.settings import Settings
from api.web.cursors import Cursors
from watchkeeper.aws import dynamodb_client, s3_client, secrets_client
from watchkeeper.budgets import Budget, Deadline, budget_named
from watchkeeper.dynamodb import Table
from watchkeeper.kernel.repositories.discussions import BodyStore, DiscussionRepository
from watchkeeper.kernel.repositories.patches import PatchRepository, SeriesRepository
from watchkeeper.kernel.repositories.progress import ProgressRepository
from watchkeeper.kernel.repositories.threading import ThreadingRepository
from watchkeeper.translation import translated, understood


@dataclass(frozen=True, slots=True)
class Container:
    settings: Settings
    facts: Facts
    cursors: Cursors
    deadline: Deadline
    """Of the request that is being answered."""

    def start_request(self) -> None:
        self.deadline.start(budget_named(self.settings.aws_budget).request_seconds)


@cache
def container() -> Container:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings, deadline = Settings.from_environment(), Deadline()
    budget = budget_named(settings.aws_budget)
    cursors = Cursors(partial(_secret, settings.cursor_secret_arn, budget, deadline))
    return Container(settings, _facts(settings, budget, deadline), cursors, deadline)


def _facts(settings: Settings, budget: Budget, deadline: Deadline) -> Facts:
    table = partial(Table, dynamodb_client(budget), budget=budget, deadline=deadline)
    bodies = BodyStore(partial(s3_client, budget), settings.bodies_bucket, deadline=deadline)
    return Facts(
        patches=PatchRepository(table(settings.patches_table)),
        series=SeriesRepository(table(settings.series_table)),
        discussions=DiscussionRepository(table(settings.discussions_table), bodies),
        threading=ThreadingRepository(table(settings.threading_table)),
        progress=ProgressRepository(table(settings.progress_table)),
    )


@cache
def _secret(arn: str, budget: Budget, deadline: Deadline) -> bytes:
    failed = "the cursors' secret cannot be read"
    deadline.check()
    with translated(failed):
        answer = secrets_client(budget).get_secret_value(SecretId=arn)
    with understood(failed):
        return answer["SecretString"].encode()
