"""Builds the clients and repositories, once per execution environment; somebody waits for all they do."""

from dataclasses import dataclass
from functools import cache, partial

from api.kernel.facts import Facts
from api.settings import Settings
from api.web.cursors import Cursors
from watchkeeper.aws import dynamodb_client, s3_client, secrets_client
from watchkeeper.budgets import PEOPLE, Deadline
from watchkeeper.dynamodb import Table
from watchkeeper.kernel.repositories.discussions import BodyStore, DiscussionRepository
from watchkeeper.kernel.repositories.patches import PatchRepository, SeriesRepository
from watchkeeper.kernel.repositories.progress import ProgressRepository
from watchkeeper.kernel.repositories.threading import ThreadingRepository
from watchkeeper.translation import translated


@dataclass(frozen=True, slots=True)
class Container:
    settings: Settings
    facts: Facts
    cursors: Cursors
    deadline: Deadline
    """Of the request that is being answered."""


@cache
def container() -> Container:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings, deadline = Settings.from_environment(), Deadline()
    cursors = Cursors(partial(_secret, settings.cursor_secret_arn))
    return Container(settings, _facts(settings, deadline), cursors, deadline)


def _facts(settings: Settings, deadline: Deadline) -> Facts:
    table = partial(Table, dynamodb_client(PEOPLE), budget=PEOPLE, deadline=deadline)
    bodies = BodyStore(partial(s3_client, PEOPLE), settings.bodies_bucket, deadline=deadline)
    return Facts(
        patches=PatchRepository(table(settings.patches_table)),
        series=SeriesRepository(table(settings.series_table)),
        discussions=DiscussionRepository(table(settings.discussions_table), bodies),
        threading=ThreadingRepository(table(settings.threading_table)),
        progress=ProgressRepository(table(settings.progress_table)),
    )


@cache
def _secret(arn: str) -> bytes:
    with translated("the cursors' secret cannot be read"):
        return secrets_client(PEOPLE).get_secret_value(SecretId=arn)["SecretString"].encode()
