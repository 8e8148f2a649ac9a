"""Runs a deployed handler for each event that comes in, a line each, as one execution environment would.

For each it prints what the handler answered, the seconds it took, those of the processor, and the most memory the
process held until then. Imports nothing a function does not: ``python -m benchmarks.markets_worker <module>``.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from benchmarks.peak import peak_megabytes
from tests.lambdas import Context


def main(module: str) -> None:
    told, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: PTH123, SIM115 -- open as long as the process
    handler = import_module(module).handler
    for line in sys.stdin:
        print(json.dumps(_called(handler, json.loads(line))), file=told, flush=True)


def _called(handler: Any, event: Mapping[str, Any]) -> dict[str, Any]:
    context = Context(milliseconds=900_000, aws_request_id=str(time.monotonic_ns()))
    started, worked = time.perf_counter(), time.process_time()
    answer = handler(event, context)
    seconds, processor = time.perf_counter() - started, time.process_time() - worked
    return {"answer": answer, "seconds": seconds, "processor_seconds": processor, "peak_mb": peak_megabytes()}


if __name__ == "__main__":
    main(sys.argv[1])
