"""Rows of the read models, a page at a time, without the expired ones."""

from collections.abc import Callable, Iterator
from datetime import datetime

from api.observability.rows import ROWS_PER_READ
from api.web.paging import Slice, take
from watchkeeper.dynamodb import Between
from watchkeeper.errors import ItemNotFound
from watchkeeper.eventsourcing.read_models import StoredRow, View


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
        self,
        model: str,
        partition: str = "",
        *,
        between: Between | None = None,
        descending: bool = False,
        after: str | None = None,
        page_size: int | None = None,
    ) -> Iterator[StoredRow]:
        """The rows that have not expired; with ``after``, only those after that sort key."""
        bounds = _narrowed(between or Between(), after, descending=descending)
        found = self._view.rows(model, partition, between=bounds, descending=descending, page_size=page_size)
        return (kept for kept in found if kept.sort != after and not kept.is_over(self.now))

    def page(
        self,
        model: str,
        partition: str = "",
        *,
        matches: Callable[[StoredRow], bool] | None = None,
        limit: int,
        after: str | None,
        between: Between | None = None,
        descending: bool = False,
    ) -> Slice[StoredRow]:
        """The first ``limit`` rows that match."""
        size = ROWS_PER_READ if matches else limit + 2
        found = self.rows(model, partition, between=between, descending=descending, after=after, page_size=size)
        return take(((kept.sort, kept) for kept in found), matches or (lambda _: True), limit)


def _narrowed(between: Between, after: str | None, *, descending: bool) -> Between:
    """The bounds, narrowed to what follows the row of a cursor."""
    if after is None:
        return between
    return Between(between.low, after) if descending else Between(after, between.high)
