"""Functions as they are deployed: each in a process of its own, which does nothing else.

Their AWS is in this process: a stand-in for DynamoDB; and so are the sample upstreams of the markets watch.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

from benchmarks import SOURCES
from benchmarks.functions import ENVIRONMENT, handler_modules, memory_of
from benchmarks.stand_in import Answers, Store, served
from benchmarks.units import UnitMeter, meter
from local.upstreams import ALPACA_KEY_ID, ALPACA_SECRET_KEY, ALPHAVANTAGE_API_KEY, Markets, Upstreams

CALENDAR = "calendar"
"""The secret with the address of the AlphaVantage that has the calendar."""

_SETTINGS = {
    "ALPACA_SECRET_ARN": "alpaca",
    "ALPHAVANTAGE_SECRET_ARN": "alphavantage",
    "CURSOR_SECRET_ARN": "cursor",
    "POLLENATION_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/pollenation",
    "ALPACA_PER_MINUTE": "180",
    "ALPHAVANTAGE_PER_SECOND": "1000",
    "ALPHAVANTAGE_PER_MINUTE": "75",
    "ALPHAVANTAGE_PER_DAY": "50000",
    "ALPHAVANTAGE_NEWS_PER_DAY": "2400",
    "MAINTENANCE_DAYS": "",
    "AWS_BUDGET": "workers",
    "LOG_LEVEL": "ERROR",
}
"""As prod has them, but that nobody waits for the moments of AlphaVantage's calls: five would take five seconds."""

_ELSEWHERE = ("GetSecretValue", "PutEvents", "GetQueueAttributes", "SendMessage")


@dataclass(slots=True)
class Environment:
    """A function with its process."""

    process: "subprocess.Popen[str]"

    def call(self, event: Mapping[str, Any]) -> dict[str, Any]:
        if self.process.stdin is None or self.process.stdout is None:
            raise AssertionError("a process is talked with through pipes")
        print(json.dumps(event), file=self.process.stdin, flush=True)
        answered: dict[str, Any] = json.loads(self.process.stdout.readline() or "null")
        if answered is None:
            raise AssertionError("the function failed")
        return answered


@dataclass(slots=True, kw_only=True)
class Functions:
    """Functions with their surroundings."""

    store: Store
    meter: UnitMeter
    elsewhere: Counter[str]
    """Requests to other services than DynamoDB, by operation."""
    settings: Mapping[str, str]
    stack: ExitStack
    running: dict[str, Environment] = field(default_factory=dict)

    def function(self, name: str, **settings: str) -> Environment:
        """Started when it is first asked for."""
        if name not in self.running:
            module, told = handler_modules()[name], {**self.settings, **settings}
            self.running[name] = started("benchmarks.markets_worker", module, self.stack, **told)
        return self.running[name]

    def clear(self) -> None:
        self.meter.used = self.meter.new_account()
        self.elsewhere.clear()

    def used(self) -> dict[str, float]:
        used = self.meter.used
        requests = used.requests() + self.elsewhere.total()
        return {"requests": requests, "write_units": used.write_units(), "read_units": used.read_units()}


def started(worker: str, argument: str, stack: ExitStack, **settings: str) -> Environment:
    """A process that answers for as long as the stack is open."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", worker, argument],
        env={**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(map(str, SOURCES)), **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stack.callback(_ended, process)
    return Environment(process)


@dataclass(slots=True, kw_only=True)
class Deployed(Functions):
    """The functions of the markets watch."""

    world: Markets
    upstreams: tuple[Upstreams, Upstreams]
    """With all assets; and with the calendar."""

    def measured(self, name: str, event: Mapping[str, Any], facts: str, *, unchanged: bool = False) -> dict[str, Any]:
        """One call; ``facts`` is the table it is there to fill."""
        self.clear()
        environment = self.function(name)
        called = environment.call(event)
        answer = called.pop("answer")
        if answer.get("batchItemFailures"):
            raise AssertionError(f"{name} failed to do {event}")
        return {
            **{key: round(value, 3) for key, value in called.items()},
            "answer": answer,
            "memory": memory_of(name),
            "upstream_requests": self._asked_upstreams(),
            **self.used(),
            "fact_write_units": self.meter.used.write_units(facts),
            "octets": self.meter.octets(facts),
            "index_octets": self.meter.index_octets(facts),
            "by_table": {table: usage.as_dict() for table, usage in self.meter.used.items() if usage.requests},
            "unchanged": unchanged,
        }

    def asked(self, environment: Environment, event: Mapping[str, Any], calls: int) -> dict[str, Any]:
        """A request to the API, made so often."""
        environment.call(event)
        self.clear()
        called = [environment.call(event) for _ in range(calls)]
        if failed := [one["answer"] for one in called if one["answer"]["statusCode"] >= 300]:
            raise AssertionError(failed[0]["body"])
        used = {name: number / calls for name, number in self.used().items()}
        milliseconds = 1000 * median(one["processor_seconds"] for one in called)
        return {"processor_milliseconds": round(milliseconds, 2), **used}

    def clear(self) -> None:
        Functions.clear(self)
        for upstreams in self.upstreams:
            upstreams.alpaca.log.clear()
            upstreams.alphavantage.log.clear()

    def _asked_upstreams(self) -> int:
        servers = (server for one in self.upstreams for server in (one.alpaca, one.alphavantage))
        return sum(len(server.log.all()) for server in servers)


def _ended(process: "subprocess.Popen[str]") -> None:
    if process.stdin:
        process.stdin.close()
    process.wait()
    if process.stdout:
        process.stdout.close()


@contextmanager
def deployed(world: Markets, calendar: Markets) -> Iterator[Deployed]:
    """On empty tables."""
    counting, calls = meter(), Counter[str]()
    store = Store(counting)
    with (
        Upstreams(markets=world, alpaca_port=0, alphavantage_port=0) as upstreams,
        Upstreams(markets=calendar, alpaca_port=0, alphavantage_port=0) as others,
        served(store, answers(calls, _secrets(upstreams, others))) as endpoint,
        ExitStack() as stack,
    ):
        settings = {**_SETTINGS, "AWS_ENDPOINT_URL": endpoint}
        yield Deployed(
            store=store,
            meter=counting,
            elsewhere=calls,
            settings=settings,
            stack=stack,
            world=world,
            upstreams=(upstreams, others),
        )


def _secrets(upstreams: Upstreams, others: Upstreams) -> Mapping[str, str]:
    hosts = {"trading_url": upstreams.alpaca_url, "data_url": upstreams.alpaca_url}
    return {
        "alpaca": json.dumps({"key_id": ALPACA_KEY_ID, "secret_key": ALPACA_SECRET_KEY, **hosts}),
        "alphavantage": json.dumps({"api_key": ALPHAVANTAGE_API_KEY, "url": upstreams.alphavantage_url}),
        CALENDAR: json.dumps({"api_key": ALPHAVANTAGE_API_KEY, "url": others.alphavantage_url}),
        "cursor": "s" * 64,
    }


def answers(calls: Counter[str], secrets: Mapping[str, str]) -> Answers:
    """Of the other services, as little as the functions look at; each is counted."""

    def answer(operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        calls[operation] += 1
        match operation:
            case "GetSecretValue":
                return {"Name": request["SecretId"], "SecretString": secrets[request["SecretId"]]}
            case "PutEvents":
                return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in request["Entries"]]}
            case "GetQueueAttributes":
                return {"Attributes": dict.fromkeys(request["AttributeNames"], "0")}
        return {"MessageId": "1"}

    return {operation: partial(answer, operation) for operation in _ELSEWHERE}
