"""Chunks of a limited size."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lazy: nothing is read from ``items`` before it is needed."""
    waiting = iter(items)
    while chunk := list(islice(waiting, size)):
        yield chunk
