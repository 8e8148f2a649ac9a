"""What sending many due reminders takes, by two processors at once, through an Expo that fails.

Two processes run the deployed handler at the same time, on a stand-in for DynamoDB that does one request after the
other, and against the sample Expo over HTTP, which answers a share of the requests with 429 and 5xx and knows a share
of the devices no more. Each reminder is counted at the sample Expo. Units are computed from the sizes of the items (see
``benchmarks.units``). Run it with ``python -m benchmarks.reminders``.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from benchmarks import SOURCES
from benchmarks.figures import Figure, Target
from benchmarks.functions import ENVIRONMENT
from benchmarks.stand_in import Store, served
from benchmarks.units import WireItem, meter
from local.upstreams import Upstreams, World
from local.upstreams.expo import Failing, Rule
from tests.integration.tables import table_name
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Item
from watchkeeper.people.devices import Device, Platform, registered
from watchkeeper.people.reminders import Reminder, scheduled

PROCESSORS = 2
FAILING = 0.05
REFUSED = 0.01
SEED = 11
QUICK = {"reminders": 120}

_GONE = Rule("DeviceNotRegistered", share=REFUSED)
_TABLE = table_name("people")
_TEXT = "Your kefir has fermented for two days at 21 °C. Taste it: it may be ready."


def run(*, reminders: int = 10_000) -> dict[str, Any]:
    """Each of a person with one phone, all due."""
    counting = meter()
    store = Store(counting)
    gone = _fill(store, reminders)
    counting.used = counting.new_account()
    with Upstreams(World()) as upstreams, served(store) as endpoint:
        upstreams.push.rules.append(_GONE)
        upstreams.push.fail(Failing(FAILING, seed=SEED))
        started = time.perf_counter()
        tallies = _work(upstreams.expo_url, endpoint)
        seconds = time.perf_counter() - started
        got = Counter(kept.message["collapseId"] for kept in upstreams.push.kept)
        answers = Counter(str(seen.status) for seen in upstreams.expo.log.all())
    return {
        "benchmark": "reminders",
        "reminders": reminders,
        "processors": PROCESSORS,
        "seconds": round(seconds, 1),
        **_ends(store, got, gone),
        "claimed_by_another": sum(tally["missed"] for tally in tallies),
        "expo_requests": dict(answers),
        "requests": {name: round(number / reminders, 3) for name, number in counting.used[_TABLE].requests.items()},
        "write_units_each": round(counting.used.write_units(_TABLE) / reminders, 3),
        "read_units_each": round(counting.used.read_units(_TABLE) / reminders, 3),
    }


def figures(result: Mapping[str, Any]) -> Iterator[Figure]:
    title = f"reminders: {result['reminders']:,}"
    yield Figure(f"{title}, sent once", result["sent_once"], "", Target("=", result["reminders"] - result["gone"]))
    yield Figure(f"{title}, to a device that is gone", result["refused"], "", Target("=", result["gone"]))
    yield Figure(f"{title}, sent twice", result["sent_twice"], "", Target("=", 0))
    yield Figure(f"{title}, lost", result["lost"], "", Target("=", 0))
    yield Figure(f"{title}, left for another run", result["left"], "", Target("=", 0))
    yield Figure(f"{title}, by two processors", result["seconds"], "s")
    requests, failed = sum(result["expo_requests"].values()), _failed(result)
    yield Figure(f"{title}, requests to Expo", requests)
    yield Figure(f"{title}, of them failed", failed)
    yield Figure("reminders: DynamoDB requests each", round(sum(result["requests"].values()), 2))
    yield Figure("reminders: write units each", result["write_units_each"])
    yield Figure("reminders: read units each", result["read_units_each"])


def _failed(result: Mapping[str, Any]) -> int:
    return sum(number for status, number in result["expo_requests"].items() if status != "200")


def _ends(store: Store, got: Mapping[str, int], gone: Set[str]) -> dict[str, int]:
    """What became of them: by what the table says, and by what the phones got. ``gone`` are those to devices that the
    sample Expo knows no more; all others have to arrive, whatever the table says of them."""
    said = {name: str(item["reminder_status"]["S"]) for name, item in _reminders(store)}
    statuses = Counter(said.values())
    return {
        "sent_once": sum(number == 1 for number in got.values()),
        "sent_twice": sum(number > 1 for number in got.values()),
        "gone": len(gone),
        "refused": statuses["failed"],
        "left": statuses["scheduled"] + statuses["sending"],
        "lost": len(said.keys() - got.keys() - gone),
    }


def _reminders(store: Store) -> Iterator[tuple[str, WireItem]]:
    for item in store.items(_TABLE):
        kind, _, name = item["SK"]["S"].partition("#")
        if kind == "REMINDER":
            yield name, item


def _fill(store: Store, number: int) -> set[str]:
    """The reminders to devices that are gone."""
    now, gone = utc_now(), set()
    for index in range(number):
        user, name = str(uuid5(NAMESPACE_OID, f"user-{index}")), f"01K{index:023}"
        device = Device(f"ExponentPushToken[phone-{index:016}]", user, Platform.IOS, "a phone", now)
        due = now - timedelta(seconds=1 + index % 300)
        batch, made = f"01J{index:023}", now - timedelta(days=2)
        reminder = Reminder(name, user, "Taste your kefir", _TEXT, due, made, batch, "taste")
        for put in (registered(device), scheduled(reminder)):
            store.answer("PutItem", {"TableName": _TABLE, "Item": _wire(put.item)})
        if _GONE.hits(device.token):
            gone.add(name)
    return gone


def _wire(item: Item) -> WireItem:
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": str(value)} for name, value in item.items()}


def _work(expo_url: str, endpoint: str) -> list[dict[str, Any]]:
    """What each of the processors answers; they begin together."""
    settings = {"EXPO_URL": expo_url, "PEOPLE_TABLE": _TABLE, "AWS_ENDPOINT_URL": endpoint, "LOG_LEVEL": "ERROR"}
    path = os.pathsep.join(map(str, SOURCES))
    environment = {**ENVIRONMENT, "PYTHONPATH": path, "PATH": os.environ.get("PATH", ""), **settings}
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.reminders_worker"]
    workers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSORS)]
    printed = [worker.communicate()[0] for worker in workers]
    if any(worker.returncode for worker in workers):
        raise AssertionError("a processor failed")
    return [json.loads(text.splitlines()[-1]) for text in printed]


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
