"""What the index holds for the functions that look into it, over all its shards."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime

from scheduler.push.chunks import chunks
from watchkeeper.people.reminders import SHARDS, ReminderKey

Look = Callable[[int, datetime], Iterator[ReminderKey]]
"""What one shard holds by that moment."""


def counted(look: Look, now: datetime) -> int:
    return sum(1 for shard in range(SHARDS) for _ in look(shard, now))


def in_chunks(look: Look, now: datetime, size: int) -> Iterator[list[ReminderKey]]:
    """So many at a time, shard after shard, which two runs at once begin at different ends of."""
    for shard in random.sample(range(SHARDS), SHARDS):
        yield from chunks(look(shard, now), size)
