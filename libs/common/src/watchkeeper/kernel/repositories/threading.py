"""The reference graph: one small row per Message-ID that was seen or only referenced.

Threads are computed from these rows alone. A row is written after the mails it names, so a mail is known to be
stored, with its links, if and only if its row says so: that makes ingest safe to stop anywhere.

| access pattern | key condition |
|---|---|
| what is known about some Message-IDs | table: `id`, in batches, consistently |
"""

from collections.abc import Iterable
from dataclasses import dataclass

from watchkeeper.dynamodb import Item, Keys, Table
from watchkeeper.kernel import records

KEYS = Keys("id")


@dataclass(frozen=True, slots=True)
class KnownMail:
    """A stored mail, as far as threading and the question "did it change" need it."""

    timestamp: str
    """Sort key of the discussion."""
    digest: str
    """Of everything that is stored of it, except its lists and its place."""
    lists: tuple[str, ...]
    references: tuple[str, ...] = ()
    in_reply_to: str | None = None
    aliases: tuple[str, ...] = ()
    """Further Message-IDs of the same mail."""
    starts_topic: bool = False
    """Whether it is a patch or cover letter, which replies are linked to."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Message-ID in the graph; one without mails is a ghost: referenced, never seen."""

    id: str
    thread_id: str
    mails: tuple[KnownMail, ...] = ()
    parent_id: str | None = None
    patch_message_id: str | None = None
    tracked: bool = False
    """Whether Patchwork tracks a mail with this id as a patch although it does not look like one."""


class ThreadingRepository:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get_many(self, message_ids: Iterable[str]) -> dict[str, Node]:
        """What is known about these Message-IDs."""
        items = self._table.batch_get({"id": message_id} for message_id in message_ids)
        return {node.id: node for node in map(_node, items)}

    def missing(self, message_ids: Iterable[str]) -> list[str]:
        """Those Message-IDs of which no mail is stored, each once, in their order."""
        wanted = list(dict.fromkeys(message_ids))
        nodes = self.get_many(wanted)
        return [one for one in wanted if one not in nodes or not nodes[one].mails]

    def put_many(self, nodes: Iterable[Node]) -> None:
        self._table.batch_put(map(_item, nodes), keys=KEYS)

    def check(self, node: Node) -> None:
        """Raises ``LimitExceeded`` for a node whose row would not fit into an item."""
        self._table.check(_item(node), KEYS)


def _item(node: Node) -> Item:
    mails = [records.loads(records.encode(mail)) for mail in node.mails]
    rest = records.loads(records.encode(node, without=frozenset({"id", "mails"})))
    return {"id": node.id, "record": records.dumps(rest | {"mails": mails})}


def _node(item: Item) -> Node:
    record = records.loads(str(item["record"]))
    mails = tuple(_known_mail(mail) for mail in record.get("mails", ()))
    return Node(
        id=str(item["id"]),
        thread_id=record["thread_id"],
        mails=mails,
        parent_id=record.get("parent_id"),
        patch_message_id=record.get("patch_message_id"),
        tracked=record.get("tracked", False),
    )


def _known_mail(record: records.Record) -> KnownMail:
    return KnownMail(
        timestamp=record["timestamp"],
        digest=record["digest"],
        lists=tuple(record["lists"]),
        references=tuple(record.get("references", ())),
        in_reply_to=record.get("in_reply_to"),
        aliases=tuple(record.get("aliases", ())),
        starts_topic=record.get("starts_topic", False),
    )
