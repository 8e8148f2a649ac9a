"""Batches, their timelines and photos in the table of what people own (``watchkeeper.people.table``).

The repository reads; the functions below it create writes, which are committed together with others
(``Table.write``): a change to a batch also writes its timeline. A deleted batch is marked at once, and no longer found;
what belongs to it is removed later, and its own item last.
"""

from collections.abc import Iterator
from datetime import datetime

from watchkeeper import records
from watchkeeper.clock import from_iso, to_iso
from watchkeeper.dynamodb import Between, Check, Delete, Item, Put, Table, Update
from watchkeeper.errors import ItemNotFound
from watchkeeper.ferments.models import Batch, BatchStatus, Event, EventKind, Photo, Stage, Timing
from watchkeeper.people.table import EXISTS, INDEX, IS_NEW, STEP, beginning, partition, user_key

_AS_READ = "version = :was AND attribute_not_exists(deleted_at)"


_BATCHES_AT_ONCE = 102
"""The largest page of a list, the batch it continues after, and one more to know whether there are more."""


class FermentRepository:
    def __init__(self, table: Table) -> None:
        self._table = table

    def batch(self, user: str, batch: str) -> Batch:
        """Raises ``ItemNotFound``, also for a batch that is somebody else's, or deleted."""
        item = self._table.get(_batch_key(user, batch))
        if item is None or "deleted_at" in item:
            raise ItemNotFound("no such batch")
        return _batch(item)

    def batches(self, user: str, before: str | None = None) -> Iterator[Batch]:
        """Newest first; only those older than the batch of that id, if one is given."""
        end = f"BATCH#{before or beginning('').high}"
        sort = ("SK", Between("BATCH#", end))
        items = self._table.query(
            {"PK": user_key(user)}, sort=sort, descending=True, consistent=True, page_size=_BATCHES_AT_ONCE
        )
        return (_batch(item) for item in items if "deleted_at" not in item and item["SK"] != end)

    def is_deleted(self, user: str, batch: str) -> bool:
        """Whether it is marked as deleted, but not yet removed with all that belongs to it."""
        item = self._table.get(_batch_key(user, batch))
        return item is not None and "deleted_at" in item

    def public_batch(self, batch: str) -> Batch:
        """A batch of anybody. Raises ``ItemNotFound`` unless it is public now."""
        for found in self._table.query({"GSI1PK": f"PUBLIC#{batch}"}, index=INDEX):
            shared = self.batch(str(found["PK"]).removeprefix("USER#"), batch)
            if shared.public:
                return shared
        raise ItemNotFound("no such public batch")

    def event(self, user: str, batch: str, event: str) -> Event:
        """Raises ``ItemNotFound``."""
        item = self._table.get(_event_key(user, batch, event))
        if item is None:
            raise ItemNotFound("no such event")
        return _event(item)

    def events(
        self,
        user: str,
        batch: str,
        after: str | None = None,
        *,
        newest_first: bool = False,
        page_size: int | None = None,
    ) -> Iterator[Event]:
        """Oldest first, or newest; only those that come after the event of that id, if one is given. ``page_size`` as
        in ``Table.query``."""
        all_of_it = beginning(f"EVENT#{batch}#")
        here = f"EVENT#{batch}#{after}" if after else None
        rest = (
            Between(all_of_it.low, here or all_of_it.high)
            if newest_first
            else Between(here or all_of_it.low, all_of_it.high)
        )
        items = self._table.query(
            {"PK": user_key(user)},
            sort=("SK", rest),
            descending=newest_first,
            consistent=True,
            page_size=page_size,
        )
        return (_event(item) for item in items if item["SK"] != here)

    def all_events(self, user: str) -> Iterator[Event]:
        """Of all batches."""
        return map(_event, partition(self._table, user, "EVENT#"))

    def photo(self, user: str, batch: str, photo: str) -> Photo:
        """Raises ``ItemNotFound``."""
        item = self._table.get(_photo_key(user, batch, photo))
        if item is None:
            raise ItemNotFound("no such photo")
        return _photo(item)

    def photos(self, user: str, batch: str) -> Iterator[Photo]:
        return map(_photo, partition(self._table, user, f"PHOTO#{batch}#"))

    def children(self, user: str, batch: str) -> Iterator[Item]:
        """The items of its events and photos, read in pages of as many as are removed at a time."""
        for kind in ("EVENT", "PHOTO"):
            yield from partition(self._table, user, f"{kind}#{batch}#", page_size=STEP)

    def remove_deleted(self, user: str, batch: str) -> None:
        """Remove its own item. Raises ``ConditionFailed`` unless the batch was marked as deleted, or is gone."""
        gone_or_marked = f"{IS_NEW} OR attribute_exists(deleted_at)"
        self._table.delete(_batch_key(user, batch), condition=gone_or_marked)


def new_batch(batch: Batch) -> Put:
    return Put(_batch_item(batch), IS_NEW)


def changed_batch(batch: Batch, *, was: int) -> Put:
    """Its condition fails unless the stored batch has the version ``was``."""
    return Put(_batch_item(batch), _AS_READ, {":was": was})


def unchanged_batch(batch: Batch) -> Check:
    """For transactions with other writes. Its condition fails unless the stored batch has this version."""
    return Check(_batch_key(batch.user, batch.id), _AS_READ, {":was": batch.version})


def deleted_batch(batch: Batch, now: datetime) -> Update:
    """Marks it as deleted: it is not found any more, neither by its maker nor on its public page. Its condition fails
    unless the stored batch has this version."""
    changes = {"deleted_at": to_iso(now), "GSI1PK": None, "GSI1SK": None}
    return Update(_batch_key(batch.user, batch.id), changes, condition=_AS_READ, values={":was": batch.version})


def new_event(event: Event) -> Put:
    return Put(
        {**_event_key(event.user, event.batch, event.id), "record": records.encode(event, without=_EVENT_KEYS)}, IS_NEW
    )


def removed_event(user: str, batch: str, event: str) -> Delete:
    """Its condition fails if there is no such event."""
    return Delete(_event_key(user, batch, event), EXISTS)


def new_photo(photo: Photo) -> Put:
    return Put(
        {**_photo_key(photo.user, photo.batch, photo.id), "record": records.encode(photo, without=_PHOTO_KEYS)}, IS_NEW
    )


def removed_photo(photo: Photo) -> Delete:
    return Delete(_photo_key(photo.user, photo.batch, photo.id), EXISTS)


_BATCH_KEYS = frozenset({"id", "user", "version"})
_EVENT_KEYS = frozenset({"id", "user", "batch"})
_PHOTO_KEYS = frozenset({"id", "user", "batch"})


def _batch_key(user: str, batch: str) -> dict[str, str]:
    return {"PK": user_key(user), "SK": f"BATCH#{batch}"}


def _event_key(user: str, batch: str, event: str) -> dict[str, str]:
    return {"PK": user_key(user), "SK": f"EVENT#{batch}#{event}"}


def _photo_key(user: str, batch: str, photo: str) -> dict[str, str]:
    return {"PK": user_key(user), "SK": f"PHOTO#{batch}#{photo}"}


def _batch_item(batch: Batch) -> Item:
    place = {"GSI1PK": f"PUBLIC#{batch.id}", "GSI1SK": "BATCH"} if batch.public else {}
    record = records.encode(batch, without=_BATCH_KEYS)
    return {**_batch_key(batch.user, batch.id), **place, "version": batch.version, "record": record}


def _batch(item: Item) -> Batch:
    record = records.loads(str(item["record"]))
    return Batch(
        id=str(item["SK"]).removeprefix("BATCH#"),
        user=_user(item),
        name=record.get("name", ""),
        created_at=from_iso(record["created_at"]),
        updated_at=from_iso(record["updated_at"]),
        stage=Stage(record["stage"]),
        status=BatchStatus(record["status"]),
        status_since=from_iso(since) if (since := record.get("status_since")) else None,
        stage1=_timing(record.get("stage1", {})),
        stage2=_timing(record.get("stage2", {})),
        water_ml=record.get("water_ml"),
        sugar_g=record.get("sugar_g"),
        fruits=tuple(record.get("fruits", ())),
        temperature_c=record.get("temperature_c"),
        bottle_count=record.get("bottle_count"),
        notes=record.get("notes", ""),
        public=record.get("public", False),
        public_note=record.get("public_note", ""),
        photos=tuple(record.get("photos", ())),
        version=int(item["version"]),
    )


def _timing(record: dict[str, str | float | None]) -> Timing:
    started, hours = record.get("started_at"), record.get("target_hours")
    return Timing(from_iso(str(started)) if started else None, float(hours) if hours is not None else None)


def _event(item: Item) -> Event:
    _, batch, event = str(item["SK"]).split("#")
    record = records.loads(str(item["record"]))
    known = {"kind": EventKind(record["kind"]), "at": from_iso(record["at"])}
    return Event(**{**record, **known}, id=event, batch=batch, user=_user(item))


def _photo(item: Item) -> Photo:
    _, batch, photo = str(item["SK"]).split("#")
    record = records.loads(str(item["record"]))
    created = from_iso(record["created_at"])
    return Photo(id=photo, batch=batch, user=_user(item), content_type=record["content_type"], created_at=created)


def _user(item: Item) -> str:
    return str(item["PK"]).removeprefix("USER#")
