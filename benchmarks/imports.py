"""What a cold start costs before the first event: the processor time of importing each deployed handler.

Measured in fresh interpreters with valid bytecode, the bare interpreter taken off, the least of several: whatever else
the machine does can only add to it. The measure is ``import boto3; boto3.client("dynamodb")``. Handlers that make their
clients at the first event are measured again with those. Run it with ``python -m benchmarks.imports``.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.figures import Figure, Target
from benchmarks.functions import handler_modules, run_fresh

MAX_RATIO = 1.5
QUICK = {"rounds": 0}

_BARE = ""
_BOTO3 = "import boto3; boto3.client('dynamodb')"
_READY = {
    "ingest/fetch-patches": "from ingest.kernel.container import container; container().patch_sync()",
    "ingest/fetch-discussions": "from ingest.kernel.container import container; container().discussion_sync()",
    "scheduler/check-freshness": "from watchkeeper.aws import dynamodb_client; dynamodb_client()",
}
"""What some do first at their first event, whatever it is."""


def run(*, rounds: int = 9) -> dict[str, Any]:
    """Milliseconds of each handler's import, and how often they hold the reference."""
    modules = handler_modules()
    imports = {name: f"import {module}" for name, module in modules.items()}
    ready = {name: f"import {modules[name]}; {code}" for name, code in _READY.items()}
    programs = {"bare": _BARE, "boto3": _BOTO3, **imports, **{f"{name} ready": code for name, code in ready.items()}}
    costs = _least(programs, rounds)
    reference = costs["boto3"] - costs["bare"]
    net = {name: round(cost - costs["bare"], 1) for name, cost in costs.items() if name != "bare"}
    return {
        "benchmark": "imports",
        "milliseconds": net,
        "ratio": {name: round(net[name] / reference, 2) for name in imports},
        "ready_ratio": {name: round(net[f"{name} ready"] / reference, 2) for name in ready},
    }


def figures(result: Mapping[str, Any]) -> Iterator[Figure]:
    for name, ratio in result["ratio"].items():
        yield Figure(f"import: {name}, to boto3 and a client", ratio, "times", Target("<", MAX_RATIO))
    for name, ratio in result["ready_ratio"].items():
        yield Figure(f"import: {name}, ready for work", ratio, "times")


def _least(programs: Mapping[str, str], rounds: int) -> dict[str, float]:
    """The programs take turns; the first turn, which may write bytecode, does not count unless it is the only one."""
    costs: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(rounds + 1):
        for name, program in programs.items():
            cost = processor_time(program)
            if turn or not rounds:
                costs[name].append(cost)
    return {name: min(measured) for name, measured in costs.items()}


def processor_time(program: str) -> float:
    """Milliseconds a fresh interpreter takes to start and run this."""
    printed = run_fresh("-c", f"{program}\nimport time; print(time.process_time() * 1000)")
    return float(printed.splitlines()[-1])


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
