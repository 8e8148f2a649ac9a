"""The whole function on tables in memory."""

import base64
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import orjson
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from tests.integration.account import lay_bucket, lay_queue, lay_secret
from tests.integration.api.builders import NOON
from tests.integration.api.events import http_request
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.budgets import PEOPLE
from watchkeeper.kernel.models import Body, Discussion, Patch, Series
from watchkeeper.kernel.repositories.discussions import DiscussionRepository, pack
from watchkeeper.kernel.repositories.patches import PatchRepository, SeriesRepository
from watchkeeper.kernel.repositories.threading import KnownMail, Node, ThreadingRepository

PREFIX = "/api/v1/kernel"
PHOTOS = "watchkeeper-test-photos"


class Context(LambdaContext):
    def __init__(self) -> None:
        self._function_name = "kernel"
        self._memory_limit_in_mb = 512
        self._invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:kernel"
        self._aws_request_id = "52fdfc07-2182-154f-163f-5f0f9a621d72"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    octets: bytes
    """As they arrive, still compressed if they were."""

    @property
    def json(self) -> Any:
        return orjson.loads(self.text)

    @property
    def text(self) -> str:
        plain = gzip.decompress(self.octets) if self.headers.get("Content-Encoding") == "gzip" else self.octets
        return plain.decode()


class Get(Protocol):
    def __call__(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """``GET`` of a path below the kernel watch, or of a full path."""


@pytest.fixture
def api_environment(tables: None, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "CURSOR_SECRET_ARN": lay_secret("watchkeeper-test-cursor", "s" * 64),
        "PATCHWORK_URL": "https://patchwork.example",
        "LORE_URL": "https://lore.example/",
        "CORS_ORIGINS": "*",
        "AWS_BUDGET": "people",
        "PROJECTS": "linux-hwmon,linux-leds",
        "LISTS": "linux-hwmon,linux-leds",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def people_environment(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What people own, and all settings of the functions that keep it."""
    lay_bucket(PHOTOS)
    environment = {
        "PEOPLE_TABLE": table_name("people"),
        "SIGN_IN_TABLE": table_name("sign-in"),
        "PHOTOS_BUCKET": PHOTOS,
        "ERASURES_QUEUE_URL": lay_queue("watchkeeper-test-erasures"),
        "CURSOR_SECRET_ARN": lay_secret("watchkeeper-test-cursor", "s" * 64),
        "USER_POOL_ID": "us-east-1_test",
        "USER_POOL_CLIENT_ID": "client",
        "EVENT_BUS": "bus",
        "PUBLIC_URL": "https://api.example.org",
        "CORS_ORIGINS": "*",
        "AWS_BUDGET": "people",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


class Ask(Protocol):
    def __call__(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Any method on a path below the kernel watch, or on a full path."""


@pytest.fixture
def ask(api_environment: None) -> Iterator[Ask]:
    from api.documentation.handler import handler as documentation
    from api.kernel import container
    from api.kernel.handler import handler
    from api.web.secrets import secret

    container.container.cache_clear()
    secret.cache_clear()

    def send(method: str, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        url = path if path.startswith("/api/") else PREFIX + path
        answering = handler if url.startswith(PREFIX) else documentation
        return reply(answering(http_request(method, url, headers), Context()))

    yield send
    container.container.cache_clear()


@pytest.fixture
def get(ask: Ask) -> Get:
    return partial(ask, "GET")


def reply(answer: Mapping[str, Any]) -> Reply:
    body = answer["body"]
    octets = base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()
    return Reply(answer["statusCode"], answer["headers"], octets)


class Store:
    """Puts facts where ingest would."""

    def __init__(
        self,
        patches: PatchRepository,
        series: SeriesRepository,
        discussions: DiscussionRepository,
        threading_rows: ThreadingRepository,
    ) -> None:
        self._patches, self._series, self._discussions = patches, series, discussions
        self._threading = threading_rows

    def patches(self, *patches: Patch) -> None:
        self._patches.put_many(patches, now=NOON.replace(year=2027))

    def series(self, *series: Series) -> None:
        self._series.put_many(series)

    def mail(self, discussion: Discussion, text: str = "Hello.\n", **body: Any) -> None:
        self._discussions.put_many([(discussion, pack(Body(text, **body)))])
        known = KnownMail(discussion.timestamp.isoformat(), "digest", discussion.lists)
        self.node(
            Node(discussion.message_id, discussion.thread_id, (known,), discussion.parent_id),
        )

    def mails(self, *discussions: Discussion) -> None:
        for discussion in discussions:
            self.mail(discussion)

    def node(self, node: Node) -> None:
        self._threading.put_many([node])


@pytest.fixture
def store(
    patches: PatchRepository,
    series: SeriesRepository,
    discussions: DiscussionRepository,
    threading_rows: ThreadingRepository,
) -> Store:
    return Store(patches, series, discussions, threading_rows)


@pytest.fixture
def queries(get: Get) -> list[str]:
    """The names of the requests that went to the tables, as they go."""
    sent: list[str] = []

    def note(model: Any, **_: Any) -> None:
        sent.append(model.name)

    aws.dynamodb_client(PEOPLE).meta.events.register("before-call.dynamodb", note)
    return sent
