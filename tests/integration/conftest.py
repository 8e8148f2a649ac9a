"""AWS in memory (moto), with the tables of production; every test starts with empty ones."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypedDict

import pytest
from moto import mock_aws
from moto.dynamodb.responses import DynamoHandler

from tests.integration.account import REGION, lay_bucket, lay_tables
from tests.integration.faults import Clock, Faults, forget_clients, stop_the_clock
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Table
from watchkeeper.kernel.repositories.discussions import BodyStore, DiscussionRepository
from watchkeeper.kernel.repositories.patches import PatchRepository, SeriesRepository
from watchkeeper.kernel.repositories.threading import ThreadingRepository
from watchkeeper.progress import ProgressRepository

BUCKET = "watchkeeper-test-bodies-123456789012"

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "STAGE": "test",
    "POWERTOOLS_SERVICE_NAME": "test",
    "PATCHES_TABLE": table_name("patches"),
    "SERIES_TABLE": table_name("series"),
    "DISCUSSIONS_TABLE": table_name("discussions"),
    "THREADING_TABLE": table_name("threading"),
    "PROGRESS_TABLE": table_name("progress"),
    "BREAKERS_TABLE": table_name("breakers"),
    "BODIES_BUCKET": BUCKET,
    "DEAD_LETTERS_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters",
    "MAX_RECEIVES": "5",
}


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    _set_environment(monkeypatch)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that passes only when somebody waits; to be asked for before anything that makes clients."""
    return stop_the_clock(monkeypatch)


@pytest.fixture
def faults(clock: Clock) -> Faults:
    return Faults(clock)


@pytest.fixture
def cloud(aws_environment: None) -> Iterator[None]:
    """An account of its own, with clients made inside it."""
    with mock_aws():
        forget_clients()
        yield
    forget_clients()


@contextmanager
def empty_cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same with the empty tables and the bucket, for fixtures that outlive a test."""
    _set_environment(monkeypatch)
    with mock_aws():
        forget_clients()
        lay_tables()
        lay_bucket(BUCKET)
        yield
    forget_clients()


def _set_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in _ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def tables(cloud: None) -> None:
    lay_tables()


@pytest.fixture
def bucket(cloud: None) -> str:
    lay_bucket(BUCKET)
    return BUCKET


@pytest.fixture
def atomic_tables(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request at a time: moto's conditional writes are not atomic, DynamoDB's are."""
    lock, call_action = threading.RLock(), DynamoHandler.call_action

    def locked(handler: Any) -> Any:
        with lock:
            return call_action(handler)

    monkeypatch.setattr(DynamoHandler, "call_action", locked)


class Repositories(TypedDict):
    patches: PatchRepository
    series: SeriesRepository
    discussions: DiscussionRepository
    threading: ThreadingRepository
    progress: ProgressRepository


def repositories() -> Repositories:
    """The kernel watch's repositories on the tables of the current cloud."""
    return {
        "patches": PatchRepository(_table("patches")),
        "series": SeriesRepository(_table("series")),
        "discussions": DiscussionRepository(_table("discussions"), BodyStore(aws.s3_client, BUCKET)),
        "threading": ThreadingRepository(_table("threading")),
        "progress": ProgressRepository(_table("progress")),
    }


def _table(name: str) -> Table:
    return Table(aws.dynamodb_client(), table_name(name))


@pytest.fixture
def patches(tables: None) -> PatchRepository:
    return PatchRepository(_table("patches"))


@pytest.fixture
def series(tables: None) -> SeriesRepository:
    return SeriesRepository(_table("series"))


@pytest.fixture
def discussions(tables: None, bucket: str) -> DiscussionRepository:
    return DiscussionRepository(_table("discussions"), BodyStore(aws.s3_client, bucket))


@pytest.fixture
def threading_rows(tables: None) -> ThreadingRepository:
    return ThreadingRepository(_table("threading"))


@pytest.fixture
def progress(tables: None) -> ProgressRepository:
    return ProgressRepository(_table("progress"))
