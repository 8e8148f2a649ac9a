"""What commands on event-sourced aggregates take, loading them, and making read models of all their events.

A process of its own does it, on a stand-in for DynamoDB in this one, so that its processor's time is its own; seconds
include the waits for the stand-in. The events are those of metrics. Beside it, in the same run, the package
``eventsourcing`` with as many of the same events, all in memory. Run it with ``python -m benchmarks.histories``.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from benchmarks.deployed import Environment, answers, started
from benchmarks.figures import Figure, Target
from benchmarks.functions import run_fresh
from benchmarks.stand_in import Store, served
from benchmarks.units import UnitMeter, meter
from watchkeeper.observability.projections import LATEST_METRICS, METRIC_SERIES

MAX_GROWTH = 2.0
"""Times: what loading with a hundred times the events may take."""
MIN_REBUILT_PER_SECOND = 100_000
QUICK = {"commands": 4, "events": (3, 101, 199), "unabridged": 5, "rebuilt": 40, "series": 2, "loads": 1}

_AT_ONCE = 50
"""Events of an append while a history is made: half of what there is from one snapshot to the next."""
_MODELS = ((LATEST_METRICS,), (METRIC_SERIES,), (LATEST_METRICS, METRIC_SERIES))
_SECONDS_BETWEEN_VALUES = 10


@dataclass(slots=True)
class _Bench:
    """A process that works with the store, and what the store was asked for."""

    worker: Environment
    counting: UnitMeter

    def taken(self, route: str, events: int, *, snapshots: bool = True) -> None:
        """A history of so many events."""
        told = {"route": route, "snapshots": snapshots}
        self.worker.call({"take": _AT_ONCE, "times": events // _AT_ONCE, **told})
        self.worker.call({"take": 1, "times": events % _AT_ONCE, **told})


def run(
    *,
    commands: int = 1_000,
    events: Sequence[int] = (10, 999, 99_999),
    unabridged: int = 999,
    rebuilt: int = 50_000,
    series: int = 50,
    loads: int = 50,
) -> dict[str, Any]:
    """So many commands; histories of so many events, each just before its next snapshot, loaded so often; so many
    events made into read models."""
    return {
        "benchmark": "histories",
        "rebuilding": _rebuilding(rebuilt, series),
        **_on_a_store(commands, events, unabridged, loads),
    }


def figures(result: Mapping[str, Any]) -> Iterator[Figure]:
    yield from _of_commands(result["commands"])
    yield from _of_loads(result["loads"])
    yield from _of_rebuilding(result["rebuilding"])


def _of_commands(commands: Mapping[str, Any]) -> Iterator[Figure]:
    yield Figure("histories: a command, half of them within", commands["p50_milliseconds"], "ms")
    yield Figure("histories: a command, 99 of 100 within", commands["p99_milliseconds"], "ms")
    yield Figure("histories: a command, processor time", commands["processor_milliseconds"], "ms")
    yield Figure("histories: appends a second, one after the other", commands["a_second"])


def _of_loads(loads: Mapping[str, Any]) -> Iterator[Figure]:
    *_, (_, before), (_, last) = [one for one in loads.items() if one[1]["snapshots"]]
    for name, load in loads.items():
        yield Figure(f"histories: load {name}, processor time", load["processor_milliseconds"], "ms")
        yield Figure(f"histories: load {name}, read units", load["read_units"])
    growth = last["processor_milliseconds"] / before["processor_milliseconds"]
    title = f"histories: loading {last['events']:,} events, to {before['events']:,}"
    yield Figure(title, round(growth, 2), "times", Target("<=", MAX_GROWTH))


def _of_rebuilding(rebuilding: Mapping[str, Any]) -> Iterator[Figure]:
    events, peer = rebuilding["events"], rebuilding["peer"]
    target = Target(">", MIN_REBUILT_PER_SECOND)
    for models, pace in rebuilding["a_second"].items():
        yield Figure(f"histories: {events:,} events into {models}, a second of the processor", pace, "", target)
    yield Figure("histories: the same into both, by eventsourcing, from memory", peer["projected_a_second"])
    yield Figure("histories: the same into aggregates, by eventsourcing, from memory", peer["loaded_a_second"])


def _on_a_store(commands: int, events: Sequence[int], unabridged: int, loads: int) -> dict[str, Any]:
    counting = meter()
    store = Store(counting)
    with ExitStack() as stack:
        endpoint = stack.enter_context(served(store, answers(Counter(), {})))
        worker = started("benchmarks.histories_worker", "", stack, AWS_ENDPOINT_URL=endpoint, LOG_LEVEL="ERROR")
        bench = _Bench(worker, counting)
        return {"commands": _commands(worker, commands), "loads": dict(_loads(bench, events, unabridged, loads))}


def _commands(worker: Environment, number: int) -> dict[str, Any]:
    """Each takes one value of a metric that has some already."""
    worker.call({"take": _AT_ONCE, "route": "commands", "times": 1})
    taken = worker.call({"take": 1, "route": "commands", "times": number})
    seconds = taken["seconds"]
    return {
        "commands": number,
        "p50_milliseconds": round(1000 * median(seconds), 2),
        "p99_milliseconds": round(1000 * quantiles(seconds, n=100)[-1], 2),
        "processor_milliseconds": round(1000 * taken["processor_seconds"] / number, 2),
        "a_second": round(number / sum(seconds)),
    }


def _loads(bench: _Bench, events: Sequence[int], unabridged: int, times: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for number in events:
        bench.taken(f"history-{number}", number)
        yield f"{number:,} events", _load(bench, f"history-{number}", times) | {"snapshots": True}
    bench.taken("unabridged", unabridged, snapshots=False)
    yield f"{unabridged:,} events without snapshots", _load(bench, "unabridged", times) | {"snapshots": False}


def _load(bench: _Bench, route: str, times: int) -> dict[str, Any]:
    """The processor's time is the least of three: whatever else the machine does can only add to it."""
    bench.counting.used = bench.counting.new_account()
    loaded = [bench.worker.call({"load": route, "times": times}) for _ in range(3)]
    requests = bench.counting.used.requests()
    each = requests // (3 * (times + 1))
    return {
        "events": loaded[0]["version"],
        "processor_milliseconds": round(1000 * min(one["processor_seconds"] for one in loaded) / times, 2),
        "requests": each,
        "read_units": bench.counting.used.read_units() * each / requests,
    }


def _rebuilding(events: int, series: int) -> dict[str, Any]:
    with ExitStack() as stack:
        worker = started("benchmarks.histories_worker", "", stack)
        told = {"rebuild": _MODELS, "events": events, "series": series, "every": _SECONDS_BETWEEN_VALUES}
        rebuilt = worker.call(told)["rebuilt"]
    peer = json.loads(
        run_fresh("-m", "benchmarks.histories_peer", *map(str, (events, series, _SECONDS_BETWEEN_VALUES)))
    )
    return {
        "events": events,
        "series": series,
        "seconds_between_values": _SECONDS_BETWEEN_VALUES,
        "a_second": {" and ".join(one["models"]): round(events / one["processor_seconds"]) for one in rebuilt},
        "rows": {" and ".join(one["models"]): one["rows"] for one in rebuilt},
        "peer": {
            "rows": peer["rows"],
            "loaded_a_second": round(events / peer["load_seconds"]),
            "projected_a_second": round(events / peer["project_seconds"]),
        },
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
