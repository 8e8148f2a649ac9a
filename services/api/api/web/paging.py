"""Pages of rows, which are read only as far as needed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from api.web.cursors import Cursors, Position, Query

MAX_ROWS = 2000
"""How many rows one request examines for matches; then it answers with the matches so far, and a cursor."""

RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class Slice(Generic[RowT]):
    items: list[RowT]
    position: Position | None
    """Where the next slice starts; ``None`` when there are no more rows."""


def take(rows: Iterable[tuple[Position, RowT]], matches: Callable[[RowT], bool], limit: int) -> Slice[RowT]:
    """The first ``limit`` rows that match."""
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
    """The page at the cursor, or the first page, and the cursor of the next one. Raises ``InvalidCursor``.

    ``find`` gets the position where the previous page of the same query ended, or ``None``.
    """
    found = find(cursors.open(cursor, query) if cursor else None)
    return found.items, cursors.seal(found.position, query) if found.position else None
