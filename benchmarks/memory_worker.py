"""Reads a list with the deployed handler, and prints the most memory the process ever held, in megabytes.

Imports nothing a function does not: ``python -m benchmarks.memory_worker <list>``.
"""

import json
import resource
import sys
from pathlib import Path

from ingest.kernel.handlers.fetch_discussions import handler
from tests.lambdas import sqs_record

_STATUS = Path("/proc/self/status")


class _Context:
    function_name = "fetch-discussions"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:fetch-discussions"
    aws_request_id = "one-call"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 900_000


def main(list_name: str) -> None:
    work = json.dumps({"task": "discussions", "list": list_name, "mode": "full"})
    imported = _peak_megabytes()
    answer = handler({"Records": [sqs_record("1", work)]}, _Context())
    if answer["batchItemFailures"]:
        raise SystemExit("the list could not be read")
    print(json.dumps({"imported_mb": imported, "peak_mb": _peak_megabytes()}))


def _peak_megabytes() -> float:
    """Where the kernel tells of this program alone: ``ru_maxrss`` begins with the peak of whoever started it."""
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return round(int(line.split()[1]) / 1024, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024, 1)  # octets on macOS


if __name__ == "__main__":
    main(sys.argv[1])
