"""The functions of ingest as Lambda runs them, over a small world, until nothing is left to do."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import botocore.session
import orjson
import pytest

from ingest.kernel import container as module
from ingest.kernel.handlers import fetch_discussions, fetch_patches, fetch_threads, publish_changes, refresh_discussions
from local.upstreams import HWMON, LEDS, Upstreams, World
from tests.integration.account import REGION, lay_tables
from tests.integration.tables import table_name
from tests.lambdas import Context, sqs_record
from watchkeeper.correlation import ATTRIBUTE

Handler = Callable[[Any, Any], dict[str, Any]]
Rows = dict[str, list[dict[str, Any]]]

QUEUES: dict[str, Handler] = {
    "patches": fetch_patches.handler,
    "discussions": fetch_discussions.handler,
    "threads": fetch_threads.handler,
}
SCHEDULED: dict[str, Handler] = {
    "fetch-patches": fetch_patches.handler,
    "fetch-discussions": fetch_discussions.handler,
    "refresh-discussions": refresh_discussions.handler,
    "publish-changes": publish_changes.handler,
}
TABLES = ("patches", "series", "discussions", "threading")
ROOT = "series@sample.example"
QUIET = "quiet@sample.example"
LARGE = "large@sample.example"
_MOST_CALLS = 60


@cache
def untroubled(service: str) -> Any:
    """A client of the tests' own, which no fault reaches."""
    return botocore.session.get_session().create_client(service, region_name=REGION)


def small_world(upstreams: Upstreams) -> None:
    """A series with its talk, an old open patch, and in the other list a mail whose text is hard to compress."""
    upstreams.world = World()
    for number in range(3):
        head = f"[PATCH {number}/2] hwmon: sample" if number else "[PATCH 0/2] hwmon: a series"
        letter = {"message_id": ROOT if number == 0 else f"patch-{number}@sample.example", "diff": number > 0}
        _change(upstreams, "mails", head, minute=number, references=[ROOT] if number else [], **letter)
    for number in range(1, 4):
        mail = {"message_id": f"reply-{number}@sample.example", "references": [ROOT, "patch-1@sample.example"]}
        _change(upstreams, "mails", "Re: [PATCH 1/2] hwmon: sample", minute=10 + number, **mail)
    _change(upstreams, "mails", "Re: not here", minute=20, message_id="orphan@x", references=["nobody@x"])
    old = {"date": "2026-01-05T00:00:00+00:00", "received": "2026-01-05T00:00:00+00:00"}
    upstreams.change("patches", {"list": HWMON, "subject": "[PATCH] hwmon: quiet", "message_id": QUIET, **old})
    text = Random(1).randbytes(12_000).hex()
    lines = "\n".join(text[start : start + 200] for start in range(0, len(text), 200))
    _change(upstreams, "mails", "A register dump", minute=30, list=LEDS, message_id=LARGE, body=f"{lines}\n")


def _change(upstreams: Upstreams, action: str, subject: str, *, minute: int, **letter: Any) -> None:
    date = f"2026-10-05T12:{minute:02}:00+00:00"
    letter = {"list": HWMON, "subject": subject, "body": "Some text.\n", "date": date, "received": date, **letter}
    upstreams.change(action, letter)


@dataclass
class Functions:
    """Queues, handlers, and what Lambda does between them: it delivers again what failed."""

    queues: dict[str, str]
    failures: int = 0
    calls: int = 0
    left: deque[tuple[Handler, dict[str, Any]]] = field(default_factory=deque)

    def send(self, queue: str, work: Mapping[str, Any]) -> None:
        untroubled("sqs").send_message(QueueUrl=self.queues[queue], MessageBody=orjson.dumps(work).decode())

    def invoke(self, name: str, event: Mapping[str, Any]) -> None:
        self.left.append((SCHEDULED[name], dict(event)))

    def work(self) -> None:
        """Call functions until nothing is left. What fails comes again, as from an asynchronous invocation, a queue or
        a stream, and the lease of a call that could not give it back has run out by then."""
        for _ in range(_MOST_CALLS):
            if not self.left:
                self.left.extend(self._delivered())
            if not self.left:
                return
            self.call()
        raise AssertionError("it never came to an end")

    def call(self) -> None:
        """One call of a function, with what has waited the longest."""
        if not self.left:
            self.left.extend(self._delivered())
        handler, event = self.left.popleft()
        self.calls += 1
        try:
            failed = handler(event, Context(f"request-{self.calls}", milliseconds=300_000)).get("batchItemFailures", [])
        except Exception:
            failed = [event]
        if failed:
            self.failures += 1
            self.left.append((handler, event))
        expire_leases()

    @property
    def waiting(self) -> bool:
        """Whether anything is left to do."""
        self.left.extend(self._delivered())
        return bool(self.left)

    def _delivered(self) -> Iterator[tuple[Handler, dict[str, Any]]]:
        for name, handler in QUEUES.items():
            for message in self._received(name):
                yield handler, {"Records": [sqs_record(message["MessageId"], message["Body"], queue=name)]}

    def _received(self, name: str) -> Iterator[dict[str, Any]]:
        url, sqs = self.queues[name], untroubled("sqs")
        asked = {"QueueUrl": url, "MaxNumberOfMessages": 10}
        while messages := sqs.receive_message(**asked).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                yield message


def make_functions(upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch) -> Functions:
    """In the current cloud."""
    queues = {name: untroubled("sqs").create_queue(QueueName=name)["QueueUrl"] for name in QUEUES}
    settings = {
        **{f"{name.upper()}_QUEUE_URL": url for name, url in queues.items()},
        "PATCHWORK_URL": upstreams.patchwork_url,
        "LORE_URL": upstreams.lore_url,
        "PROJECTS": HWMON,
        "LISTS": f"{HWMON},{LEDS}",
        "CONTACT": "tests@example.org",
        "REQUESTS_PER_SECOND": "10000",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("watchkeeper.queues.MAX_DELAY_SECONDS", 0)
    module.container.cache_clear()
    return Functions(queues)


def expire_leases() -> None:
    client = untroubled("dynamodb")
    for upstream in ("patchwork", "lore"):
        client.delete_item(TableName=table_name("progress"), Key={"pk": {"S": "LEASE"}, "sk": {"S": upstream}})


def stored() -> Rows:
    """All facts and figures, in a comparable order, but not which call stored them."""
    rows = {name: _scan(name) for name in TABLES}
    figures = [item for item in _scan("progress") if item["pk"]["S"].startswith("STATS#")]
    return {**rows, "figures": figures}


def restore(rows: Rows) -> None:
    """Start again from what was stored once."""
    lay_tables()
    for name, items in rows.items():
        table = table_name("progress" if name == "figures" else name)
        _write(table, [{"PutRequest": {"Item": item}} for item in items])


def _write(table: str, writes: list[Any]) -> None:
    for start in range(0, len(writes), 25):
        untroubled("dynamodb").batch_write_item(RequestItems={table: writes[start : start + 25]})


def _scan(name: str) -> list[dict[str, Any]]:
    pages = untroubled("dynamodb").get_paginator("scan").paginate(TableName=table_name(name))
    items = (item for page in pages for item in page["Items"])
    facts = ({name: value for name, value in item.items() if name != ATTRIBUTE} for item in items)
    return sorted(facts, key=repr)
