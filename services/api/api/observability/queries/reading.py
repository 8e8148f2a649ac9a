"""Rows of the read models, a page at a time, without the expired ones.

A list omits a row that cannot be read, so that one malformed row does not break it; the row is logged.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import TypeVar

from api.observability.rows import ROWS_PER_READ
from api.web.paging import Slice, take
from watchkeeper.dynamodb import Between
from watchkeeper.errors import ItemNotFound
from watchkeeper.eventsourcing.read_models import StoredRow, View
from watchkeeper.logs import logger

T = TypeVar("T")

_UNREADABLE = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError)
"""What reading a malformed row raises."""


class Reading:
    """The read models as one request sees them, at one moment."""

    def __init__(self, view: View, now: datetime) -> None:
        self._view = view
        self.now = now

    def get(self, model: str, sort: str, partition: str = "") -> StoredRow:
        """Raises ``ItemNotFound``."""
        kept = self._view.get(model, sort, partition)
        if kept.is_over(self.now):
            raise ItemNotFound(f"the time of {sort} in {model} is over")
        return kept

    def rows(
        self, model: str, read: Callable[[StoredRow], T], partition: str = "", *, between: Between | None = None
    ) -> Iterator[T]:
        """All rows, as ``read`` returns them."""
        for kept in self._rows(model, partition, between=between):
            if (one := _read(model, kept, read)) is not None:
                yield one

    def page(
        self,
        model: str,
        read: Callable[[StoredRow], T],
        partitions: Iterable[str] = ("",),
        *,
        matches: Callable[[T], bool] | None = None,
        limit: int,
        after: str | None,
        between: Between | None = None,
        descending: bool = False,
    ) -> Slice[T]:
        """The first ``limit`` rows that match, of one partition after the other; with ``after``, only rows after that
        sort key. ``read`` turns a row into what ``matches`` is given, and what is returned."""
        size = ROWS_PER_READ if matches else limit + 2
        kept = chain.from_iterable(
            self._rows(model, one, between=between, descending=descending, after=after, page_size=size)
            for one in partitions
        )
        rows = ((row.sort, _read(model, row, read)) for row in kept)
        found = take(rows, lambda one: one is not None and (matches is None or matches(one)), limit)
        return Slice([one for one in found.items if one is not None], found.position)

    def _rows(
        self,
        model: str,
        partition: str,
        *,
        between: Between | None,
        descending: bool = False,
        after: str | None = None,
        page_size: int | None = None,
    ) -> Iterator[StoredRow]:
        bounds = _narrowed(between or Between(), after, descending=descending)
        found = self._view.rows(model, partition, between=bounds, descending=descending, page_size=page_size)
        return (kept for kept in found if kept.sort != after and not kept.is_over(self.now))


def _read(model: str, kept: StoredRow, read: Callable[[StoredRow], T]) -> T | None:
    """``None`` for a row that cannot be read."""
    try:
        return read(kept)
    except _UNREADABLE as error:
        logger.error("a row of a read model cannot be read", model=model, row=kept.sort, reason=type(error).__name__)
        return None


def _narrowed(between: Between, after: str | None, *, descending: bool) -> Between:
    """The bounds, narrowed to what follows the row of a cursor."""
    if after is None:
        return between
    return Between(between.low, after) if descending else Between(after, between.high)
