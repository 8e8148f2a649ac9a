"""What ingest asks of the upstreams and of DynamoDB: for a first load, and for reading everything again unchanged.

The deployed handlers run on an emulated DynamoDB, against the sample upstreams over HTTP; queues hand their messages
on at once. Requests are counted; units are computed from the sizes of the items (see ``benchmarks.units``). All are the
same on every machine. Run it with ``python -m benchmarks.ingest``.
"""

import heapq
import json
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from moto import mock_aws

from benchmarks.figures import Figure, Target
from benchmarks.functions import ENVIRONMENT, Context, environment
from benchmarks.units import Account, UnitMeter, meter
from ingest.kernel.container import Container, container
from ingest.kernel.handlers import fetch_discussions, fetch_patches, fetch_threads
from ingest.reading import FULL, RECENT
from local.upstreams import LISTS, Upstreams, World, big_world
from tests.integration.tables import create_tables, table_name
from tests.lambdas import sqs_record
from watchkeeper import aws
from watchkeeper.logs import logger
from watchkeeper.queues import SqsWorkQueue

HANDLERS = {
    "patches": fetch_patches.handler,
    "discussions": fetch_discussions.handler,
    "threads": fetch_threads.handler,
}
FACTS = {
    "patches": (table_name("patches"), table_name("series")),
    "discussions": (table_name("discussions"),),
}
"""The tables each function is there to fill; the first one's items are what its figures are divided by."""
KINDS = {"patches": "patch", "discussions": "mail"}

MAX_UPSTREAM_REQUESTS = 0.05
"""For each patch, with the mails about it."""
MAX_UNITS_TO_FLOOR = 1.5
"""Write units, threading, cursors and statistics included, to those of the patches, series and mails written once."""
MAX_UNCHANGED_REQUESTS = 0.05
"""To DynamoDB, for each patch or mail that is read again."""
QUICK = {"patches": 30, "mails": 90, "new_patches": 3, "new_mails": 9}


def run(*, patches: int = 2_000, mails: int = 6_000, new_patches: int = 50, new_mails: int = 150) -> dict[str, Any]:
    """A first load; everything again, unchanged; and an hour in which so many patches and other mails are new."""
    with ingest(big_world(patches=patches, mails=mails)) as service:
        first = service.read(FULL)
        unchanged = service.read(FULL)
        post(service.upstreams, new_patches, new_mails)
        hour = service.read(RECENT)
    return {
        "benchmark": "ingest",
        "patches": patches,
        "mails": mails,
        "first_load": first | {"upstream_requests_per_patch": _for_each(first, "upstream_requests", patches)},
        "unchanged": unchanged | _repetition(unchanged, {"patches": patches, "discussions": mails}),
        "hour": hour | {"upstream_requests_per_new_patch": _for_each(hour, "upstream_requests", new_patches)},
    }


def _repetition(unchanged: Mapping[str, Any], stock: Mapping[str, int]) -> dict[str, Any]:
    """What it costs to be told what is known."""
    return {
        "upstream_requests_per_patch": _for_each(unchanged, "upstream_requests", stock["patches"]),
        "fact_write_units": sum(unchanged[kind]["fact_write_units"] for kind in FACTS),
        **{
            f"{figure}_per_{KINDS[kind]}": round(unchanged[kind][figure] / stock[kind], 4)
            for kind in FACTS
            for figure in ("dynamodb_requests", "write_units")
        },
    }


def figures(result: Mapping[str, Any]) -> Iterator[Figure]:
    upstream, units = Target("<", MAX_UPSTREAM_REQUESTS), Target("<", MAX_UNITS_TO_FLOOR)
    first, unchanged, hour = result["first_load"], result["unchanged"], result["hour"]
    yield Figure("first load: upstream requests a patch", first["upstream_requests_per_patch"], "", upstream)
    for title, readings in (("first load", first), ("new within the hour", hour)):
        for kind, noun in KINDS.items():
            yield Figure(f"{title}: DynamoDB requests a {noun}", readings[kind]["requests_per_new"])
            yield Figure(f"{title}: write units a {noun}", readings[kind]["write_units_per_new"])
            yield Figure(
                f"{title}: write units a {noun}, to the floor", readings[kind]["write_units_to_floor"], "times", units
            )
    yield Figure("new within the hour: upstream requests a patch", hour["upstream_requests_per_new_patch"])
    yield Figure("unchanged: upstream requests a patch", unchanged["upstream_requests_per_patch"], "", upstream)
    yield Figure(
        "unchanged: write units of patches, series and mails", unchanged["fact_write_units"], "", Target("=", 0)
    )
    requests = Target("<", MAX_UNCHANGED_REQUESTS)
    for noun in KINDS.values():
        yield Figure(f"unchanged: DynamoDB requests a {noun}", unchanged[f"dynamodb_requests_per_{noun}"], "", requests)
        yield Figure(f"unchanged: write units of cursors a {noun}", unchanged[f"write_units_per_{noun}"])


def _for_each(readings: Mapping[str, Any], figure: str, number: int) -> float:
    total: int = sum(readings[kind][figure] for kind in FACTS)
    return round(total / number, 4)


def post(upstreams: Upstreams, patches: int, mails: int) -> None:
    """New patches arrive, and replies: to them, and to what the lists hold already."""
    archive = upstreams.world.archive.inboxes[LISTS[0]]
    parents = [message.mail.message_id for message in archive.messages[-mails:]]
    for number in range(patches):
        subject = f"[PATCH] hwmon: (new{number}) Read the sensor before it is used"
        parents[number % len(parents)] = upstreams.change("patches", {"list": LISTS[0], "subject": subject})[
            "message_id"
        ]
    for number in range(mails):
        parent = parents[number % len(parents)]
        subject = f"Re: answer {number}"
        upstreams.change("mails", {"list": LISTS[0], "subject": subject, "in_reply_to": parent})


@dataclass(slots=True)
class Messages:
    """All queues at once: messages in the order they are due, without the waiting."""

    now: int = 0
    due: list[tuple[int, int, str, str]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def add(self, function: str, work: Mapping[str, Any], delay: int) -> None:
        heapq.heappush(self.due, (self.now + delay, next(self._order), function, json.dumps(work)))

    def take(self) -> tuple[str, str]:
        self.now, _, function, body = heapq.heappop(self.due)
        return function, body


class _Queue(SqsWorkQueue):
    def __init__(self, messages: Messages, function: str) -> None:
        self._messages = messages
        self._function = function

    def send(self, work: Mapping[str, Any], *, delay: int = 0) -> None:
        self._messages.add(self._function, work, delay)


@dataclass(frozen=True, slots=True)
class Ingest:
    """The ingest service with its surroundings."""

    upstreams: Upstreams
    messages: Messages
    meter: UnitMeter
    accounts: dict[str, Account] = field(default_factory=dict)

    def read(self, mode: str) -> dict[str, Any]:
        """Let both schedules come, and all that follows from them; what each kind of source asked for."""
        before = {kind: self._stock(kind) for kind in FACTS}
        self._open_accounts()
        started = time.perf_counter()
        for kind in FACTS:
            self._call(kind, {"mode": mode}, f"{kind}-{mode}")
        calls = self._deliver()
        seconds = {"function_calls": calls, "seconds": round(time.perf_counter() - started, 1)}
        return {kind: self._figures(kind, *before[kind]) for kind in FACTS} | seconds

    def _stock(self, kind: str) -> tuple[int, int]:
        """How many patches or mails there are, and the least their tables' items can have cost."""
        return len(self.meter.items(FACTS[kind][0])), self.meter.floor(*FACTS[kind])

    def _open_accounts(self) -> None:
        self.accounts.update({kind: self.meter.new_account() for kind in FACTS})
        self.upstreams.patchwork.log.clear()
        self.upstreams.lore.log.clear()

    def _call(self, function: str, event: Mapping[str, Any], request_id: str) -> dict[str, Any]:
        """Threads are fetched for their mails. The request's id is as long as Lambda's: rows carry it."""
        self.meter.used = self.accounts["patches" if function == "patches" else "discussions"]
        answer: dict[str, Any] = HANDLERS[function](event, Context(str(uuid5(NAMESPACE_OID, request_id))))
        return answer

    def _figures(self, kind: str, known: int, floor: int) -> dict[str, Any]:
        account = self.accounts[kind]
        stock, least = self._stock(kind)
        upstream = self.upstreams.patchwork if kind == "patches" else self.upstreams.lore
        figures = {
            "new": stock - known,
            "upstream_requests": len(upstream.log.all()),
            "dynamodb_requests": account.requests(),
            "write_units": account.write_units(),
            "fact_write_units": account.write_units(*FACTS[kind]),
            "floor": least - floor,
            "read_units": account.read_units(),
        }
        by_table = {name: usage.as_dict() for name, usage in account.items() if usage.requests}
        return figures | _shares(figures) | {"by_table": by_table}

    def _deliver(self) -> int:
        calls = 0
        while self.messages.due:
            function, body = self.messages.take()
            calls += 1
            event = {"Records": [sqs_record(str(calls), body)]}
            answer = self._call(function, event, f"{function}-{calls}")
            if answer["batchItemFailures"]:
                raise AssertionError(f"{function} failed to do {body}")
        return calls


def _shares(figures: Mapping[str, Any]) -> dict[str, float]:
    """For each new patch or mail, if there are any."""
    if not figures["new"]:
        return {}
    return {
        "requests_per_new": round(figures["dynamodb_requests"] / figures["new"], 3),
        "write_units_per_new": round(figures["write_units"] / figures["new"], 2),
        "write_units_to_floor": round(figures["write_units"] / figures["floor"], 3),
    }


@contextmanager
def ingest(world: World) -> Iterator[Ingest]:
    """Empty tables, and upstreams that show this world."""
    with (
        Upstreams(world) as upstreams,
        environment(**_settings(upstreams)),
        mock_aws(),
        quiet(),
    ):
        aws.forget_clients()
        container.cache_clear()
        create_tables(aws.dynamodb_client())
        aws.s3_client().create_bucket(Bucket=ENVIRONMENT["BODIES_BUCKET"])
        messages = Messages()
        _connect(container(), messages)
        with meter().watching(aws.dynamodb_client()) as counting:
            yield Ingest(upstreams, messages, counting)
    aws.forget_clients()
    container.cache_clear()


def _settings(upstreams: Upstreams) -> dict[str, str]:
    names = ",".join(LISTS)
    return {
        "PATCHWORK_URL": upstreams.patchwork_url,
        "LORE_URL": upstreams.lore_url,
        "PROJECTS": names,
        "LISTS": names,
    }


def _connect(kernel: Container, messages: Messages) -> None:
    kernel.patches_queue = _Queue(messages, "patches")
    kernel.discussions_queue = _Queue(messages, "discussions")
    kernel.threads_queue = _Queue(messages, "threads")


@contextmanager
def quiet() -> Iterator[None]:
    """Without the functions' log lines and metrics."""
    level = logger.log_level
    logger.setLevel("CRITICAL")
    try:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), warnings.catch_warnings():  # noqa: PTH123
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
