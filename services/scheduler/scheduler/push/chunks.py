"""So many at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Nothing is taken from ``items`` before it is wanted."""
    waiting = iter(items)
    while chunk := list(islice(waiting, size)):
        yield chunk
