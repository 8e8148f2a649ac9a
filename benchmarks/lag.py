"""How long after a command's answer people read what it did: from the event store to the row of a read model.

This is of the local cloud of this clone, with all that a value passes through there, and of no use without one: start
it with ``make up``. Single values of a fresh series are sent over HTTP, one after the other, and each is asked for
until it is there, so that a lag counts up to one question too much. The emulator sleeps before each execution of a
state machine, and a value is one execution; AWS does not. Run it with ``python -m benchmarks.lag``.
"""

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import requests

from benchmarks import REPOSITORY
from benchmarks.figures import Figure
from local import signin
from local.cloud import LocalCloud, last_port

STATE = REPOSITORY / ".local" / "state"
"""Of the cloud that ``make up`` starts."""
EMULATOR_MILLISECONDS = 150.0
"""What MiniStack sleeps before each execution."""
QUICK = {"values": 0}
"""Nobody's cloud is told anything only to see that everything runs."""

_EMAIL = "lag@watchkeeper.test"
_GROUP = "Developer"
_PATH = "/api/v1/observability/metrics"
_SECONDS = 30
"""For so long a value is waited for, and a request."""


@dataclass(frozen=True, slots=True)
class _Watch:
    """What a developer's system sends to and reads from."""

    url: str
    headers: Mapping[str, str]
    name: str

    def send(self, value: int) -> None:
        body = {"name": self.name, "value": value}
        requests.post(self.url, json=body, headers=self.headers, timeout=_SECONDS).raise_for_status()

    def newest(self) -> float | None:
        answer = requests.get(self.url, params={"name": self.name}, headers=self.headers, timeout=_SECONDS)
        answer.raise_for_status()
        found = answer.json()["items"]
        return float(found[0]["value"]) if found else None


def run(*, values: int = 30, state: Path = STATE) -> dict[str, Any]:
    """Milliseconds of so many values; of none where no local cloud runs."""
    return {"benchmark": "lag", "milliseconds": _measured(LocalCloud(state, last_port(state) or 0), values)}


def figures(result: Mapping[str, Any]) -> Iterator[Figure]:
    lags = sorted(result["milliseconds"])
    half, most = (round(median(lags), 1), lags[math.ceil(0.99 * len(lags)) - 1]) if lags else (None, None)
    title = "lag: from an answer to its row, on the local cloud"
    yield Figure(f"{title}, half of them within", half, "ms")
    yield Figure(f"{title}, 99 of 100 within", most, "ms")
    yield Figure(f"{title}, the emulator's own sleep in it", EMULATOR_MILLISECONDS if lags else None, "ms")


def lag(send: Callable[[], object], is_there: Callable[[], bool]) -> float:
    """Milliseconds from when it was sent and answered until it is there. Raises ``TimeoutError``."""
    send()
    answered = time.perf_counter()
    while not is_there():
        if time.perf_counter() - answered > _SECONDS:
            raise TimeoutError(f"what was sent was not there after {_SECONDS} s")
    return round((time.perf_counter() - answered) * 1000, 1)


def _measured(cloud: LocalCloud, values: int) -> list[float]:
    if not values:
        return []
    if not cloud.is_running:
        print("The lag is measured on the local cloud, which does not run: make up", file=sys.stderr)
        return []
    watch = _watch(cloud)
    watch.send(0)  # the functions start
    return [_lag_of(watch, value) for value in range(1, values + 1)]


def _lag_of(watch: _Watch, value: int) -> float:
    return lag(lambda: watch.send(value), lambda: watch.newest() == value)


def _watch(cloud: LocalCloud) -> _Watch:
    """Somebody's who may send; a first sign-in makes them, and a group is in the tokens after it was given."""
    signin.access_token(cloud, _EMAIL)
    signin.grant(cloud, _EMAIL, _GROUP)
    headers = {"Authorization": f"Bearer {signin.access_token(cloud, _EMAIL)}"}
    return _Watch(f"{cloud.api_url}{_PATH}", headers, f"benchmark.lag.{datetime.now(UTC):%Y%m%dT%H%M%S}")


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
