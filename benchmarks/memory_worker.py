"""Reads a list with the deployed handler, and prints the most memory the process ever held, in megabytes.

Imports nothing a function does not: ``python -m benchmarks.memory_worker <list>``.
"""

import json
import sys

from benchmarks.peak import peak_megabytes
from ingest.kernel.handlers.fetch_discussions import handler
from tests.lambdas import sqs_record


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
    imported = peak_megabytes()
    answer = handler({"Records": [sqs_record("1", work)]}, _Context())
    if answer["batchItemFailures"]:
        raise SystemExit("the list could not be read")
    print(json.dumps({"imported_mb": imported, "peak_mb": peak_megabytes()}))


if __name__ == "__main__":
    main(sys.argv[1])
