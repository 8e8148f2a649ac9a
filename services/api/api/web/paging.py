"""Pages out of rows that are read only as far as they are needed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from api.web.cursors import Cursors, Position, Query

MAX_ROWS = 2000
"""Rows one request looks at for those that match; after that it answers with what it has, and a cursor."""

RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class Slice(Generic[RowT]):
    items: list[RowT]
    position: Position | None
    """Where the next one starts; ``None`` when there are no more rows."""


def take(rows: Iterable[tuple[Position, RowT]], matches: Callable[[RowT], bool], limit: int) -> Slice[RowT]:
    """The first rows that match."""
    found: list[RowT] = []
    position: Position | None = None
    for looked_at, (here, row) in enumerate(rows):
        if len(found) == limit or looked_at == MAX_ROWS:
            return Slice(found, position)
        position = here
        if matches(row):
            found.append(row)
    return Slice(found, None)


def page(
    cursors: Cursors, query: Query, cursor: str | None, find: Callable[[Any], Slice[RowT]]
) -> tuple[list[RowT], str | None]:
    """The page a cursor names, or the first, and the next one's cursor. Raises ``InvalidCursor``.

    ``find`` is given the position that an earlier page of the same query ended with, or ``None``.
    """
    found = find(cursors.open(cursor, query) if cursor else None)
    return found.items, cursors.seal(found.position, query) if found.position else None
