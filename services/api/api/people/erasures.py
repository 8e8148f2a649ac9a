"""Sending deletions to the worker ``erase``, before they are marked.

The message is sent first: a message without a mark does no harm, but a mark without a message would never be processed.
It is delayed for so long that the mark is there when it arrives. Anything written even later, by a request that began
before the mark, is found by the erasure's last query.
"""

from watchkeeper.queues import WorkQueue

HEAD_START_SECONDS = 20
"""More than the time-out of every function that writes what people own."""


def erase_batch(erasures: WorkQueue, user: str, batch: str) -> None:
    """Raises ``DatabaseError``; then nothing may be marked."""
    erasures.send({"task": "batch", "user": user, "batch": batch}, delay=HEAD_START_SECONDS)


def erase_person(erasures: WorkQueue, user: str) -> None:
    """Raises ``DatabaseError``; then nothing may be marked."""
    erasures.send({"task": "person", "user": user}, delay=HEAD_START_SECONDS)
