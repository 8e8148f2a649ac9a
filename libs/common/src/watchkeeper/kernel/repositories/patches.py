"""Patches and series, as Patchwork has them.

| access pattern | key condition |
|---|---|
| a patch, some patches | table: `id` |
| a project's newest patches | `ProjectIndex`: `project_id = <project>`, `sort` descending |
| newest patches of a state | `StatusIndex`: `status_id = STATUS#<state>#<project>`, `sort` descending |
| newest patches of a submitter | `SubmitterIndex`: `submitter_id = <address>`, `sort` descending |
| the patches of a series | `SeriesIndex`: `series_id = <series>`, `sort` descending where paged |
| the patches of a mail, in every project | `MessageIdIndex`: `message_id = <Message-ID>` |
| a series | table `series`: `id` |

`sort` is the patch's date and id, `2026-07-01T13:39:18Z#0000009539`: unique, so that it can serve as a cursor. A state
is one partition per project, never one for all. The individual checks are stored only in the table, so that patches
read from an index have none (their ``check`` is the worst), and a new result does not rewrite five indexes. Neither
does the ``correlation_id`` of a row's writer, which is not part of the patch or series: see ``publish-changes``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from watchkeeper import correlation
from watchkeeper.clock import to_iso
from watchkeeper.dynamodb import Between, Item, Keys, Refused, Table
from watchkeeper.errors import ItemNotFound
from watchkeeper.kernel import records
from watchkeeper.kernel.models import Patch, Series

PATCH_KEYS = Keys(
    "id",
    index_partitions=("message_id", "project_id", "series_id", "status_id", "submitter_id"),
    index_sorts=("sort", "id"),
)
SERIES_KEYS = Keys("id")

_PATCH_ATTRIBUTES = frozenset({"id", "message_id", "series_id", "checks"})
_SERIES_ATTRIBUTES = frozenset({"id"})
_AFTER_ALL_SORTS = "~"


@dataclass(frozen=True, slots=True)
class PatchPage:
    """Patches in descending order and the `sort` they end with, ``None`` when there are no more."""

    patches: list[Patch]
    last_sort: str | None


class PatchRepository:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, patch_id: int) -> Patch:
        """Raises ``ItemNotFound``."""
        item = self._table.get({"id": str(patch_id)}, consistent=False)
        if item is None:
            raise ItemNotFound(f"no patch {patch_id}")
        return patch_from_item(item)

    def get_many(self, patch_ids: Iterable[int]) -> dict[int, Patch]:
        """Those of the patches that exist, read consistently."""
        items = self._table.batch_get({"id": str(patch_id)} for patch_id in patch_ids)
        return {patch.id: patch for patch in map(patch_from_item, items)}

    def put_many(self, patches: Iterable[Patch], *, now: datetime, refused: Refused | None = None) -> None:
        """Store patches, whatever was stored before; ``now`` limits dates that lie in the future, and ``refused`` is
        called with those that do not fit into an item."""
        items = (_patch_item(patch, now) | correlation.noted() for patch in patches)
        self._table.batch_put(items, keys=PATCH_KEYS, refused=refused)

    def of_message(self, message_id: str) -> list[Patch]:
        """Every project's record of one mail."""
        keys = self._table.query({"message_id": message_id}, index="MessageIdIndex")
        return sorted(self.get_many(int(str(key["id"])) for key in keys).values(), key=lambda patch: patch.id)

    def tracks(self, message_id: str) -> bool:
        """Whether any project has that mail as a patch."""
        return bool(self._table.query_page({"message_id": message_id}, index="MessageIdIndex", limit=1).items)

    def of_series(self, series_id: int) -> list[Patch]:
        """The patches of a series, by their number in it."""
        key = {"series_id": str(series_id)}
        items = (item | key for item in self._table.query(key, index="SeriesIndex"))
        return sorted(map(patch_from_item, items), key=lambda patch: (patch.number, patch.id))

    def of_project(
        self, project: str, between: Between, *, state: str | None = None, limit: int, before: str | None = None
    ) -> PatchPage:
        """Newest patches of a project, of one state if given; ``before`` is the `sort` the last page ended with."""
        if state is None:
            return self._page("ProjectIndex", {"project_id": project}, between, limit, before)
        return self._page("StatusIndex", {"status_id": status_id(state, project)}, between, limit, before)

    def newest_of_project(
        self, project: str, between: Between, *, state: str | None = None, before: str | None = None, page_size: int
    ) -> Iterator[tuple[str, Patch]]:
        """A project's patches, newest first, each with its `sort`; pages are read as they are needed."""
        if state is None:
            return self._newest("ProjectIndex", {"project_id": project}, between, before, page_size)
        return self._newest("StatusIndex", {"status_id": status_id(state, project)}, between, before, page_size)

    def newest_of_submitter(
        self, address: str, between: Between, *, before: str | None = None, page_size: int
    ) -> Iterator[tuple[str, Patch]]:
        return self._newest("SubmitterIndex", {"submitter_id": address.lower()}, between, before, page_size)

    def newest_of_series(
        self, series_id: int, between: Between, *, before: str | None = None, page_size: int
    ) -> Iterator[tuple[str, Patch]]:
        return self._newest("SeriesIndex", {"series_id": str(series_id)}, between, before, page_size)

    def _newest(
        self, index: str, key: Mapping[str, str], between: Between, before: str | None, page_size: int
    ) -> Iterator[tuple[str, Patch]]:
        more = True
        while more:
            bounds = Between(between.low, _below(before) if before else _through(between.high))
            page = self._table.query_page(key, index=index, sort=("sort", bounds), descending=True, limit=page_size)
            for item in page.items:
                yield str(item["sort"]), patch_from_item({**item, **key})
            more = page.last_key is not None and bool(page.items)
            before = str(page.items[-1]["sort"]) if more else None

    def _page(self, index: str, key: Mapping[str, str], between: Between, limit: int, before: str | None) -> PatchPage:
        bounds = Between(between.low, _below(before) if before else _through(between.high))
        page = self._table.query_page(key, index=index, sort=("sort", bounds), descending=True, limit=limit)
        last = str(page.items[-1]["sort"]) if page.last_key and page.items else None
        return PatchPage([patch_from_item(item) for item in page.items], last)


class SeriesRepository:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, series_id: int) -> Series:
        """Raises ``ItemNotFound``."""
        item = self._table.get({"id": str(series_id)}, consistent=False)
        if item is None:
            raise ItemNotFound(f"no series {series_id}")
        return series_from_item(item)

    def get_many(self, series_ids: Iterable[int]) -> dict[int, Series]:
        """Those of the series that exist, read consistently."""
        items = self._table.batch_get({"id": str(series_id)} for series_id in series_ids)
        return {series.id: series for series in map(series_from_item, items)}

    def put_many(self, series: Iterable[Series], *, refused: Refused | None = None) -> None:
        """Store series; ``refused`` is called with those that do not fit into an item."""
        items: Iterator[Item] = (
            {"id": str(one.id), "record": records.encode(one, without=_SERIES_ATTRIBUTES), **correlation.noted()}
            for one in series
        )
        self._table.batch_put(items, keys=SERIES_KEYS, refused=refused)


def status_id(state: str, project: str) -> str:
    """Partition key of ``StatusIndex``."""
    return f"STATUS#{state}#{project}"


def sort_date(patch: Patch, now: datetime) -> datetime:
    """The date a patch is listed under; one in the future counts as the end of today."""
    return min(patch.date, datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1))


def sort_key(patch: Patch, now: datetime) -> str:
    """Order of patches in every index."""
    return f"{to_iso(sort_date(patch, now))}#{patch.id:010d}"


def _patch_item(patch: Patch, now: datetime) -> Item:
    item: Item = {
        "id": str(patch.id),
        "message_id": patch.message_id,
        "sort": sort_key(patch, now),
        "project_id": patch.project,
        "status_id": status_id(patch.state, patch.project),
        "record": records.encode(patch, without=_PATCH_ATTRIBUTES),
    }
    if patch.submitter.address:
        item["submitter_id"] = patch.submitter.address
    if patch.series_id is not None:
        item["series_id"] = str(patch.series_id)
    if patch.checks:
        item["checks"] = records.dumps(patch.checks)
    return item


def patch_from_item(item: Item) -> Patch:
    """The patch an item of the table, or of its stream, holds."""
    series_id = item.get("series_id")
    return records.patch(
        {
            **records.loads(str(item["record"])),
            "id": int(str(item["id"])),
            "message_id": item["message_id"],
            "series_id": int(str(series_id)) if series_id else None,
            "checks": records.loads(str(item.get("checks", "[]"))),
        }
    )


def series_from_item(item: Item) -> Series:
    """The series an item of the table, or of its stream, holds."""
    return records.series({**records.loads(str(item["record"])), "id": int(str(item["id"]))})


def _below(sort: str) -> str:
    """The greatest bound under ``sort``: its id is zero-padded, so one less in the id is the neighbour below."""
    date, _, number = sort.rpartition("#")
    return f"{date}#{int(number) - 1:010d}"


def _through(high: str | None) -> str | None:
    return high and high + _AFTER_ALL_SORTS
