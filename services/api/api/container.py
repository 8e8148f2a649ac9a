"""Builds the clients and repositories, once per execution environment."""

from dataclasses import dataclass
from functools import cache, partial

from api.kernel.facts import Facts
from api.settings import Settings
from api.web.cursors import Cursors
from watchkeeper.aws import dynamodb_client, s3_client, secrets_client
from watchkeeper.dynamodb import Table
from watchkeeper.kernel.repositories.discussions import BodyStore, DiscussionRepository
from watchkeeper.kernel.repositories.patches import PatchRepository, SeriesRepository
from watchkeeper.kernel.repositories.progress import ProgressRepository
from watchkeeper.kernel.repositories.threading import ThreadingRepository


@dataclass(frozen=True, slots=True)
class Container:
    settings: Settings
    facts: Facts
    cursors: Cursors


@cache
def container() -> Container:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings = Settings.from_environment()
    return Container(settings, _facts(settings), Cursors(partial(_secret, settings.cursor_secret_arn)))


def _facts(settings: Settings) -> Facts:
    table = partial(Table, dynamodb_client())
    bodies = BodyStore(s3_client, settings.bodies_bucket)
    return Facts(
        patches=PatchRepository(table(settings.patches_table)),
        series=SeriesRepository(table(settings.series_table)),
        discussions=DiscussionRepository(table(settings.discussions_table), bodies),
        threading=ThreadingRepository(table(settings.threading_table)),
        progress=ProgressRepository(table(settings.progress_table)),
    )


@cache
def _secret(arn: str) -> bytes:
    return secrets_client().get_secret_value(SecretId=arn)["SecretString"].encode()
