"""Asking the worker ``erase`` to remove what is deleted, ahead of marking it.

The message goes first: one about what was not marked in the end does no harm, but nobody would erase what is marked and
not told of. It is held back for so long that the mark is there when it arrives. What is written even then, by a request
that began before the mark, is found by the last look of the erasing.
"""

from watchkeeper.queues import WorkQueue

HEAD_START_SECONDS = 20
"""Above the time-out of every function that writes what people own."""


def erase_batch(erasures: WorkQueue, user: str, batch: str) -> None:
    """Raises ``DatabaseError``, upon which nothing may be marked."""
    erasures.send({"task": "batch", "user": user, "batch": batch}, delay=HEAD_START_SECONDS)


def erase_person(erasures: WorkQueue, user: str) -> None:
    """Raises ``DatabaseError``, upon which nothing may be marked."""
    erasures.send({"task": "person", "user": user}, delay=HEAD_START_SECONDS)
