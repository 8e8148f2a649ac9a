"""Sends what is due with the deployed handler, and prints its answer: ``python -m benchmarks.reminders_worker``."""

import json

from scheduler.push.handlers.process_reminders import handler
from tests.lambdas import Context


def main() -> None:
    print(json.dumps(handler({}, Context(milliseconds=900_000))))


if __name__ == "__main__":
    main()
