"""Reading the reminders' index across all its shards."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime

from scheduler.push.chunks import chunks
from watchkeeper.people.reminders import SHARDS, ReminderKey

Look = Callable[[int, datetime], Iterator[ReminderKey]]
"""The keys in one shard that are due by a moment."""


def counted(look: Look, now: datetime) -> int:
    return sum(1 for shard in range(SHARDS) for _ in look(shard, now))


def in_chunks(look: Look, now: datetime, size: int) -> Iterator[list[ReminderKey]]:
    """Chunks of that size, shard by shard, in random order, so that concurrent runs mostly work on different shards."""
    for shard in random.sample(range(SHARDS), SHARDS):
        yield from chunks(look(shard, now), size)
