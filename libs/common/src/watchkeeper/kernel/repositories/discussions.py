"""Mails of the lists, linked to threads and patches.

| access pattern | key condition |
|---|---|
| the mails with a Message-ID (one, unless it was reused) | table: `id` |
| the discussion of a patch or cover letter | `PatchIndex`: `patch_id = <Message-ID of the patch>`, `timestamp` |
| a thread | `ThreadIndex`: `thread_id = <Message-ID of the root>`, `timestamp` |
| what a person wrote | `AuthorIndex`: `author_id = <address>`, `timestamp` descending |
| a list's mails of a week | `WeekIndex`: `week_id = <list>#<ISO week>`, `timestamp` |

A patch is identified by the Message-ID of its mail, not by a Patchwork number: so a mail is linked to its patch in all
projects at once, even before Patchwork has it. The text is stored compressed next to the summary, outside every index;
one that would not fit into an item goes to the bucket. A row's ``correlation_id``, which is that of its last writer, is
not part of the mail: see ``publish-changes``.
"""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from watchkeeper import correlation
from watchkeeper.budgets import Deadline
from watchkeeper.clock import iso_week, to_iso
from watchkeeper.dynamodb import Between, Item, Keys, Table, item_size
from watchkeeper.errors import DatabaseError, ItemNotFound
from watchkeeper.kernel import records
from watchkeeper.kernel.models import Body, Discussion
from watchkeeper.translation import asking

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_BODY_BYTES = 350 * 1024
"""A compressed body above this goes to the bucket: DynamoDB accepts items of 400 KB, including the rest of the item."""

MAX_SUMMARY_BYTES = 24 * 1024
"""A summary above this loses its last trailers, which the text still has: it is copied into four indexes."""

KEYS = Keys(
    "id",
    "timestamp",
    index_partitions=("author_id", "patch_id", "thread_id", "week_id"),
    index_sorts=("timestamp",),
)

_ATTRIBUTES = frozenset({"message_id", "timestamp", "lists", "thread_id", "parent_id", "patch_message_id"})
_COMPRESSION = 6


@dataclass(frozen=True, slots=True)
class DiscussionPage:
    """Discussions in the order asked for, and the (Message-ID, timestamp) they end with if there are more."""

    discussions: list[Discussion]
    last: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a mail belongs, which depends on the whole thread."""

    thread_id: str
    parent_id: str | None
    patch_message_id: str | None


class BodyStore:
    """A private bucket for bodies too large for an item."""

    def __init__(self, client: "Callable[[], S3Client]", bucket: str, *, deadline: Deadline | None = None) -> None:
        """The client is created with the first large body: few functions ever need it."""
        self._client = client
        self._bucket = bucket
        self._deadline = deadline

    def put(self, key: str, content: bytes) -> None:
        """Raises ``DatabaseError`` when the object cannot be stored."""
        failed = f"the body {key} cannot be stored"
        with asking(failed, self._deadline):
            stored = self._client().put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType="application/gzip"
            )
        if not stored.get("ETag"):
            raise DatabaseError(f"{failed}: nothing says that it was")

    def get(self, key: str) -> bytes:
        """Raises ``DatabaseError`` when the object cannot be read."""
        failed = f"the body {key} cannot be read"
        with asking(failed, self._deadline):
            content = self._client().get_object(Bucket=self._bucket, Key=key)["Body"]
        with asking(failed, self._deadline):  # reading can time out as well
            return content.read()


class DiscussionRepository:
    def __init__(self, table: Table, bodies: BodyStore) -> None:
        self._table = table
        self._bodies = bodies

    def put_many(self, mails: Iterable[tuple[Discussion, bytes]]) -> None:
        """Store mails with their packed bodies (see ``pack``), whatever was stored before."""
        items = (self._item(discussion, body) | correlation.noted() for discussion, body in mails)
        self._table.batch_put(items, keys=KEYS)

    def move(self, message_id: str, timestamp: str, placement: Placement) -> None:
        """Give a stored mail another place. Raises ``ConditionFailed`` when it is not stored."""
        place = {
            "thread_id": placement.thread_id,
            "parent_id": placement.parent_id,
            "patch_id": placement.patch_message_id,
        }
        self._update(message_id, timestamp, place)

    def set_lists(self, message_id: str, timestamp: str, lists: Iterable[str]) -> None:
        """Note that a stored mail arrived on further lists, none of which sorts before its first."""
        self._update(message_id, timestamp, {"lists": ",".join(lists)})

    def _update(self, message_id: str, timestamp: str, changes: Mapping[str, str | None]) -> None:
        self._table.update(
            {"id": message_id, "timestamp": timestamp},
            {correlation.ATTRIBUTE: None, **changes, **correlation.noted()},
            keys=KEYS,
            condition="attribute_exists(id)",
        )

    def ids_of_thread(self, thread_id: str) -> list[str]:
        """Message-IDs of a thread's mails, as far as its index has caught up; a reused one comes twice."""
        return [str(item["id"]) for item in self._table.query({"thread_id": thread_id}, index="ThreadIndex")]

    def of_message(self, message_id: str) -> list[tuple[Discussion, Body]]:
        """The mails with that Message-ID, oldest first. Raises ``ItemNotFound`` when there is none."""
        items = list(self._table.query({"id": message_id}))
        if not items:
            raise ItemNotFound(f"no mail {message_id}")
        return [(discussion_from_item(item), self._body(item)) for item in items]

    def of_patch(self, patch_message_id: str) -> Iterator[Discussion]:
        """All mails linked to a patch or cover letter, its own included, oldest first."""
        key = {"patch_id": patch_message_id}
        return (discussion_from_item(item | key) for item in self._table.query(key, index="PatchIndex"))

    def of_thread(self, thread_id: str) -> Iterator[Discussion]:
        """All mails of a thread, oldest first."""
        return map(discussion_from_item, self._table.query({"thread_id": thread_id}, index="ThreadIndex"))

    def of_week(self, list_name: str, week: str) -> Iterator[Discussion]:
        """All mails of an ISO week of which ``list_name`` is the first list, oldest first."""
        return map(discussion_from_item, self._table.query({"week_id": week_id(list_name, week)}, index="WeekIndex"))

    def of_author(
        self, address: str, between: Between, *, limit: int, after: tuple[str, str] | None = None
    ) -> DiscussionPage:
        """A person's newest mails; ``after`` is the ``last`` of the page before."""
        author = address.lower()
        start: Item | None = after and {"author_id": author, "id": after[0], "timestamp": after[1]}
        page = self._table.query_page(
            {"author_id": author},
            index="AuthorIndex",
            sort=("timestamp", between),
            descending=True,
            limit=limit,
            start=start,
        )
        last = page.last_key and (str(page.last_key["id"]), str(page.last_key["timestamp"]))
        return DiscussionPage([discussion_from_item(item) for item in page.items], last or None)

    def _item(self, discussion: Discussion, body: bytes) -> Item:
        item: Item = {
            "id": discussion.message_id,
            "timestamp": to_iso(discussion.timestamp),
            "thread_id": discussion.thread_id,
            "week_id": week_id(discussion.lists[0], iso_week(discussion.timestamp)),
            "lists": ",".join(discussion.lists),
            "summary": _summary(discussion),
        }
        if discussion.parent_id:
            item["parent_id"] = discussion.parent_id
        if discussion.patch_message_id:
            item["patch_id"] = discussion.patch_message_id
        if discussion.author.address:
            item["author_id"] = discussion.author.address
        return self._with_body(item, body)

    def _with_body(self, item: Item, body: bytes) -> Item:
        if len(body) <= MAX_BODY_BYTES and len(body) + item_size(item) <= MAX_BODY_BYTES + MAX_SUMMARY_BYTES:
            return {**item, "body": body}
        key = body_key(str(item["id"]), str(item["timestamp"]))
        self._bodies.put(key, body)
        return {**item, "body_key": key}

    def _body(self, item: Item) -> Body:
        if "body_key" in item:
            return _unpacked(self._bodies.get(str(item["body_key"])), str(item["body_key"]))
        packed = item["body"]
        return unpack(packed) if isinstance(packed, bytes) else Body("")


def pack(body: Body) -> bytes:
    """A body as it is stored: its record, gzipped without a timestamp so that equal bodies give equal bytes."""
    return gzip.compress(records.encode(body).encode(), compresslevel=_COMPRESSION, mtime=0)


def unpack(packed: bytes) -> Body:
    return records.body(records.loads(gzip.decompress(packed)))


def _unpacked(packed: bytes, key: str) -> Body:
    try:
        return unpack(packed)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DatabaseError(f"the body {key} is garbage") from error


def body_key(message_id: str, timestamp: str) -> str:
    """The object that holds a large body; hashed, since Message-IDs hold slashes and worse."""
    return f"bodies/{sha256(f'{message_id} {timestamp}'.encode()).hexdigest()}.json.gz"


def week_id(list_name: str, week: str) -> str:
    """Partition key of ``WeekIndex``."""
    return f"{list_name}#{week}"


def discussion_from_item(item: Item) -> Discussion:
    """The discussion an item of the table, of an index or of the stream holds."""
    return records.discussion(
        {
            **records.loads(str(item["summary"])),
            "message_id": item["id"],
            "timestamp": item["timestamp"],
            "lists": str(item["lists"]).split(","),
            "thread_id": item["thread_id"],
            "parent_id": item.get("parent_id"),
            "patch_message_id": item.get("patch_id"),
        }
    )


def _summary(discussion: Discussion) -> str:
    summary = records.encode(discussion, without=_ATTRIBUTES)
    if len(summary.encode()) <= MAX_SUMMARY_BYTES or not discussion.trailers:
        return summary
    half = discussion.trailers[: len(discussion.trailers) // 2]
    return _summary(replace(discussion, trailers=half, flags=tuple(sorted({*discussion.flags, "trailers-cut"}))))
