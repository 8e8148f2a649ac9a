"""A real public-inbox to read from, and the kernel watch on empty tables to read it with."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ingest.kernel.lore import Lore
from ingest.kernel.use_cases.keep_mails import MailKeeper
from ingest.kernel.use_cases.sync_discussions import DiscussionSync
from ingest.reading import RECENT, Caller, reading
from ingest.upstream import Pace, Upstream
from tests.integration.conftest import Repositories, repositories
from tests.integration.public_inbox.archive import PublicInbox, missing_programs
from tests.integration.public_inbox.letters import NOW, odd_mails, sample_mails
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.kernel.repositories.threading import Node
from watchkeeper.progress import Run

SAMPLE = "sample"
EMPTY = "empty"


@dataclass(frozen=True)
class Served:
    """The inboxes ``sample``, with ``arrived`` in that order, and ``empty``."""

    archive: PublicInbox
    lore: Lore
    arrived: list[bytes]


@dataclass
class Reader:
    """Reads inboxes as the function fetch-discussions does."""

    stores: Repositories
    calls: int = 0
    seconds_left: float = 900.0
    sent: list[dict[str, Any]] = field(default_factory=list)

    def send(self, work: Mapping[str, Any], *, delay: int = 0) -> None:
        self.sent.append(dict(work))

    def read(self, lore: Lore, name: str, mode: str = RECENT) -> Run:
        """One call's part of a run; what is left of it is for the next call."""
        self.calls += 1
        keeper = MailKeeper(self.stores["discussions"], self.stores["threading"], self.stores["patches"])
        sync = DiscussionSync(lore, keeper, self, self, lambda: NOW)
        caller = Caller(f"call-{self.calls}", lambda: self.seconds_left)
        with reading(f"lore:{name}", "lore", self.stores["progress"], caller, lambda: NOW) as current:
            sync.read(name, mode, current)
            return current.run

    def nodes(self) -> dict[str, Node]:
        """All there is of the reference graph."""
        return self.stores["threading"].get_many(_ids("threading"))

    def threads(self) -> set[frozenset[str]]:
        """The Message-IDs of each thread, ghosts included."""
        threads: dict[str, set[str]] = {}
        for node in self.nodes().values():
            threads.setdefault(node.thread_id, set()).add(node.id)
        return set(map(frozenset, threads.values()))

    def stored(self) -> Counter[str]:
        """How many mails are stored by Message-ID."""
        return Counter(_ids("discussions"))


def lore_at(url: str) -> Lore:
    return Lore(Upstream("sample", url, user_agent="watchkeeper-tests (+tests@example.org)", pace=Pace(10_000)))


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> PublicInbox:
    if missing := missing_programs():
        pytest.skip(f"public-inbox is not installed here: no {', '.join(missing)}")
    return PublicInbox(tmp_path_factory.mktemp("public-inbox"))


@pytest.fixture(scope="session")
def served(home: PublicInbox) -> Iterator[Served]:
    """For tests that only look."""
    mails = [*sample_mails(), *odd_mails()]
    random.Random(7).shuffle(mails)
    home.create(SAMPLE)
    home.create(EMPTY)
    home.deliver(SAMPLE, mails)
    with home.serving() as url:
        yield Served(home, lore_at(url), list(dict.fromkeys(mails)))


@pytest.fixture
def reader(tables: None, bucket: str) -> Reader:
    return Reader(repositories())


def _ids(table: str) -> list[str]:
    pages = aws.dynamodb_client().get_paginator("scan").paginate(TableName=table_name(table))
    return [item["id"]["S"] for page in pages for item in page["Items"]]
