"""What is mended in the emulator, in an interpreter of its own."""

import subprocess

from local.workspace import REPOSITORY

MOVED = """
import sys
sys.path.insert(0, "local")
import emulator
from ministack.services import sqs

made = sqs._act_create_queue({"QueueName": "work"}, "")["QueueUrl"]
sqs.DEFAULT_PORT = "6450"
emulator.find_queues_by_name()
assert sqs._queue_url("work") == made, sqs._queue_url("work")
assert ":6450/" in sqs._queue_url("other")
"""


def test_a_queue_is_found_when_the_state_was_taken_to_another_port() -> None:
    python = REPOSITORY / ".local" / "ministack" / "bin" / "python"

    done = subprocess.run([python, "-c", MOVED], cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
