"""Store mails and link them: to their thread, their parent and the patch they are about.

Everything that decides a mail's place is computed from the reference graph of its whole thread
(``ingest.kernel.threading``), so mails may come in any order, twice, or long after their replies. The order of writes
makes it safe to stop anywhere: mails first, then the graph's rows; a mail counts as known only once it has its row.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count

from ingest.errors import RowRefused
from ingest.kernel import sentiment
from ingest.kernel.mail import Mail
from ingest.kernel.stance import stance_of
from ingest.kernel.threading import Vertex, mentioned, place
from ingest.reading import Reading
from watchkeeper.clock import from_iso, iso_week, to_iso
from watchkeeper.errors import LimitExceeded
from watchkeeper.kernel import records
from watchkeeper.kernel.models import Body, Discussion, Kind
from watchkeeper.kernel.repositories.discussions import DiscussionRepository, Placement, pack
from watchkeeper.kernel.repositories.patches import PatchRepository
from watchkeeper.kernel.repositories.threading import KnownMail, Node, ThreadingRepository

DIGEST_VERSION = 1
"""Part of every digest: raise it when parsing or scoring changes what is stored; mails that are read again are then
stored again."""

MAX_REFERENCES = 1000
"""For all mails with one Message-ID together; at 244 bytes each they fit into an item."""

_UNDATED = frozenset({"date-in-future", "date-missing", "date-unparsable", "date-too-old"})

Weeks = frozenset[tuple[str, str]]
"""(list, ISO week) pairs."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The outcome for some mails."""

    fetched: int
    stored: int
    unchanged: int
    orphaned: tuple[str, ...] = ()
    """New mails whose parent is missing."""
    refused: tuple[RowRefused, ...] = ()
    """Mails that could not be stored because the row of their Message-ID would not fit into an item."""

    def count_in(self, reading: Reading) -> None:
        reading.count(fetched=self.fetched, stored=self.stored, unchanged=self.unchanged)
        for mail in self.refused:
            reading.refuse(mail)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A mail with its row in the graph, and how it differs from what is stored."""

    mail: Mail
    known: KnownMail
    rewrite: bool
    """Whether its text is to be stored; otherwise only its lists are."""


@dataclass(frozen=True, slots=True)
class MailKeeper:
    discussions: DiscussionRepository
    threading: ThreadingRepository
    patches: PatchRepository
    recent: dict[str, set[str]] = field(default_factory=dict)
    """Message-IDs this keeper placed, by thread: an index follows its table with a delay."""

    def is_known(self, mails: Sequence[Mail], list_name: str) -> list[bool]:
        """For each mail, whether it is already stored and linked, unchanged, as a mail of this list."""
        nodes = self.threading.get_many(mail.message_id for mail in mails)
        known = {node.id: node.mails for node in nodes.values()}
        return [_arrival(mail, list_name, known.get(mail.message_id, ())) is None for mail in mails]

    def keep(self, mails: Sequence[Mail], list_name: str, *, before_write: Callable[[Weeks], None]) -> Kept:
        """Store what is new or changed among mails of a list, and update the place of everything affected.

        ``before_write`` is called with the weeks whose figures will change, and may raise to prevent all writing.
        """
        graph = _Graph(self.threading, self.discussions, self.recent)
        graph.load(name for mail in mails for name in _names(mail))
        arrivals = _arrivals(mails, list_name, graph.nodes)
        kept = Kept(fetched=len(mails), stored=len(arrivals), unchanged=len(mails) - len(arrivals))
        if not arrivals:
            return kept
        threads = graph.threads_of(name for arrival in arrivals for name in _names(arrival.mail))
        updated = _placed(threads | _with_arrivals(graph.nodes, arrivals, self._tracked(arrivals)))
        if refused := self._refused(arrivals, updated):
            rest = [mail for mail in mails if mail.message_id not in refused]
            kept = self.keep(rest, list_name, before_write=before_write)
            return replace(kept, fetched=len(mails), refused=(*refused.values(), *kept.refused))
        before_write(_weeks(arrivals, graph.nodes))
        self._write_mails(arrivals, updated)
        written = {arrival.mail.message_id for arrival in arrivals if arrival.rewrite}
        self._write_places(graph.nodes, updated, written, {arrival.mail.message_id for arrival in arrivals})
        return replace(kept, orphaned=tuple(_orphaned(arrivals, graph.nodes, updated)))

    def link_tracked(self, message_ids: Iterable[str], *, before_write: Callable[[Weeks], None]) -> None:
        """Patchwork tracks these mails as patches although they do not look like it: replies now belong to them."""
        graph = _Graph(self.threading, self.discussions, self.recent)
        graph.load(message_ids)
        tracked = {node.id: replace(node, tracked=True) for node in graph.nodes.values() if node.mails}
        updated = _placed(graph.threads_of(tracked) | tracked)
        before_write(frozenset())
        self._write_places(graph.nodes, updated, written=set(), arrived=set(tracked))

    def _refused(self, arrivals: Sequence[_Arrival], nodes: Mapping[str, Node]) -> dict[str, RowRefused]:
        """By Message-ID, those of which there are too many to distinguish."""
        refused: dict[str, RowRefused] = {}
        for message_id in {arrival.mail.message_id for arrival in arrivals}:
            try:
                self.threading.check(nodes[message_id])
            except LimitExceeded as error:
                refused[message_id] = RowRefused(f"mail {message_id}", str(error))
        return refused

    def _tracked(self, arrivals: Sequence[_Arrival]) -> set[str]:
        """Mails that do not look like patches although Patchwork tracks them as such; a reply never is one."""
        plain = (
            arrival.mail.message_id
            for arrival in arrivals
            if not arrival.known.starts_topic and not arrival.mail.parts.is_reply
        )
        return {message_id for message_id in plain if self.patches.tracks(message_id)}

    def _write_mails(self, arrivals: Sequence[_Arrival], nodes: Mapping[str, Node]) -> None:
        self.discussions.put_many(
            _discussion(arrival, nodes[arrival.mail.message_id]) for arrival in arrivals if arrival.rewrite
        )
        for arrival in arrivals:
            if not arrival.rewrite:
                known = arrival.known
                self.discussions.set_lists(arrival.mail.message_id, known.timestamp, known.lists)

    def _write_places(
        self, before: Mapping[str, Node], after: Mapping[str, Node], written: set[str], arrived: set[str]
    ) -> None:
        """Move stored mails whose place has changed; then write the graph's rows, those of the arrivals last: as long
        as one is missing, its mail counts as new and all of this is repeated."""
        for node in after.values():
            if node.id in written and len(node.mails) == 1:
                continue
            old = before.get(node.id)
            if old and _placement(old) != _placement(node):
                for mail in old.mails:
                    self.discussions.move(node.id, mail.timestamp, _placement(node))
        changed = [node for node in after.values() if node != before.get(node.id)]
        self.threading.put_many(node for node in changed if node.id not in arrived)
        self.threading.put_many(node for node in changed if node.id in arrived)
        for node in changed:
            self.recent.setdefault(node.thread_id, set()).add(node.id)


class _Graph:
    """The part of the reference graph that some mails affect."""

    def __init__(
        self,
        threading: ThreadingRepository,
        discussions: DiscussionRepository,
        recent: Mapping[str, Collection[str]],
    ) -> None:
        self._threading = threading
        self._discussions = discussions
        self._recent = recent
        self.nodes: dict[str, Node] = {}
        self._asked: set[str] = set()

    def load(self, message_ids: Iterable[str]) -> None:
        wanted = dict.fromkeys(name for name in message_ids if name not in self._asked)
        self._asked.update(wanted)
        self.nodes.update(self._threading.get_many(wanted))

    def threads_of(self, message_ids: Iterable[str]) -> dict[str, Node]:
        """Every node, ghosts included, of the threads these Message-IDs are in.

        If the work was interrupted while two threads were merged, their mails may still name either; then both are
        loaded. A mail without its row was interrupted before it was known, and will be read again.
        """
        threads: set[str] = set()
        found = {self.nodes[name].thread_id for name in message_ids if name in self.nodes}
        while new := found - threads:
            threads |= new
            members = {member for name in new for member in self._members(name)}
            self.load(members)
            known = [self.nodes[member] for member in members if member in self.nodes]
            self.load(name for node in known if node.mails for name in mentioned(_vertex(node)))
            found = {node.thread_id for node in known}
        self.load(threads)
        return {name: node for name, node in self.nodes.items() if node.thread_id in threads}

    def _members(self, thread_id: str) -> set[str]:
        return {*self._discussions.ids_of_thread(thread_id), *self._recent.get(thread_id, ())}


def _arrivals(mails: Sequence[Mail], list_name: str, nodes: Mapping[str, Node]) -> list[_Arrival]:
    """The mails that are new or changed, each once."""
    known = {node.id: list(node.mails) for node in nodes.values()}
    arrivals: list[_Arrival] = []
    for mail in mails:
        same_id = known.setdefault(mail.message_id, [])
        if arrival := _arrival(mail, list_name, same_id):
            arrivals.append(arrival)
            same_id[:] = [one for one in same_id if one.timestamp != arrival.known.timestamp] + [arrival.known]
    return arrivals


def _arrival(mail: Mail, list_name: str, same_id: Sequence[KnownMail]) -> _Arrival | None:
    """``None`` for a mail that is already stored unchanged.

    Of copies from several lists, the one from the list that sorts first is kept.
    """
    known = _known_mail(mail, list_name)
    stored = _stored_copy(mail, list_name, same_id)
    if stored is None:
        return _Arrival(mail, replace(known, timestamp=_free_time(mail.timestamp, same_id)), rewrite=True)
    known = replace(known, timestamp=stored.timestamp, lists=tuple(sorted({*stored.lists, list_name})))
    owner = stored.lists[0]
    if list_name < owner or (list_name == owner and known.digest != stored.digest):
        return _Arrival(mail, known, rewrite=True)
    if list_name in stored.lists:
        return None
    return _Arrival(mail, replace(stored, lists=known.lists), rewrite=False)


def _stored_copy(mail: Mail, list_name: str, same_id: Sequence[KnownMail]) -> KnownMail | None:
    """This very mail as it is stored, among those with its Message-ID.

    An archive that receives another mail with an existing id gives it a second id: within a list, such ids distinguish
    mails. Copies in other lists are recognised by their time; a mail without a time of its own, by the id alone.
    """
    timestamp = to_iso(mail.timestamp)
    undated = not _UNDATED.isdisjoint(mail.flags)
    for known in same_id:
        same_time = undated or known.timestamp == timestamp
        if list_name in known.lists:
            if known.aliases == mail.other_ids and (same_time or mail.other_ids):
                return known
        elif same_time:
            return known
    return None


def _free_time(moment: datetime, same_id: Sequence[KnownMail]) -> str:
    """The sort key of another mail with that id: its time, or the next second that none of the others has."""
    taken = {known.timestamp for known in same_id}
    return next(time for step in count() if (time := to_iso(moment + timedelta(seconds=step))) not in taken)


def _known_mail(mail: Mail, list_name: str) -> KnownMail:
    return KnownMail(
        timestamp=to_iso(mail.timestamp),
        digest=digest(mail),
        lists=(list_name,),
        references=mail.references,
        in_reply_to=mail.in_reply_to,
        aliases=mail.other_ids,
        starts_topic=mail.kind in (Kind.PATCH, Kind.COVER),
    )


def digest(mail: Mail) -> str:
    """A digest of everything stored of a mail, except the time of receipt, which differs from list to list."""
    parts = (
        DIGEST_VERSION, mail.references, mail.in_reply_to, mail.other_ids, mail.subject, mail.author, mail.sender,
        mail.sent, mail.text, mail.diff, mail.trailers, mail.kind, mail.attachments, mail.flags,
    )  # fmt: skip
    return sha256(records.dumps(parts).encode()).hexdigest()[:24]


def _names(mail: Mail) -> tuple[str, ...]:
    """The Message-IDs a mail connects, its own first."""
    vertex = Vertex(mail.message_id, "", mail.references, mail.in_reply_to, mail.other_ids)
    return (mail.message_id, *mentioned(vertex))


def _with_arrivals(nodes: Mapping[str, Node], arrivals: Sequence[_Arrival], tracked: set[str]) -> dict[str, Node]:
    """The nodes of the arrivals, each with its mails oldest first."""
    changed: dict[str, Node] = {}
    for arrival in arrivals:
        name = arrival.mail.message_id
        node = changed.get(name) or nodes.get(name) or Node(name, name)
        others = [mail for mail in node.mails if mail.timestamp != arrival.known.timestamp]
        mails = _bounded(tuple(sorted((*others, arrival.known), key=lambda mail: mail.timestamp)))
        changed[name] = replace(node, mails=mails, tracked=node.tracked or name in tracked)
    return changed


def _bounded(mails: tuple[KnownMail, ...]) -> tuple[KnownMail, ...]:
    """A row must fit into an item, however many mails with long references share its id: the nearest ones are kept."""
    if sum(len(mail.references) for mail in mails) <= MAX_REFERENCES:
        return mails
    each = max(1, MAX_REFERENCES // len(mails))
    return tuple(replace(mail, references=mail.references[-each:]) for mail in mails)


def _placed(nodes: Mapping[str, Node]) -> dict[str, Node]:
    """All nodes in their place, ghosts included. A ghost that no mail mentions any more becomes a thread of its own
    again, without mails."""
    places = place(_vertex(node) for node in nodes.values() if node.mails)
    forgotten = {name: Node(name, name) for name in nodes if name not in places}
    return forgotten | {
        name: replace(
            nodes.get(name) or Node(name, name),
            thread_id=where.thread_id,
            parent_id=where.parent_id,
            patch_message_id=where.patch_message_id,
        )
        for name, where in places.items()
    }


def _vertex(node: Node) -> Vertex:
    """A reused Message-ID is one vertex: replies cannot specify which of its mails they mean."""
    oldest = node.mails[0]
    references = tuple(dict.fromkeys(name for mail in node.mails for name in mail.references))
    return Vertex(
        id=node.id,
        timestamp=oldest.timestamp,
        references=references,
        in_reply_to=oldest.in_reply_to,
        aliases=tuple(dict.fromkeys(name for mail in node.mails for name in mail.aliases)),
        starts_topic=node.tracked or any(mail.starts_topic for mail in node.mails),
    )


def _placement(node: Node) -> Placement:
    return Placement(node.thread_id, node.parent_id, node.patch_message_id)


def _orphaned(arrivals: Iterable[_Arrival], before: Mapping[str, Node], after: Mapping[str, Node]) -> Iterable[str]:
    for arrival in arrivals:
        parent = after[arrival.mail.message_id].parent_id
        if arrival.mail.message_id not in before and parent and not after[parent].mails:
            yield arrival.mail.message_id


def _weeks(arrivals: Sequence[_Arrival], before: Mapping[str, Node]) -> Weeks:
    """The weeks in which these mails are counted now, and those in which they were counted before: a mail moves to
    another list's figures when a copy arrives from a list that sorts before its previous ones."""
    ids = [arrival.mail.message_id for arrival in arrivals]
    stored = (mail for name in ids if name in before for mail in before[name].mails)
    return frozenset(map(_week, (*stored, *(arrival.known for arrival in arrivals))))


def _week(known: KnownMail) -> tuple[str, str]:
    return known.lists[0], iso_week(from_iso(known.timestamp))


def _discussion(arrival: _Arrival, node: Node) -> tuple[Discussion, bytes]:
    mail = arrival.mail
    oldest = node.mails[0].timestamp == arrival.known.timestamp
    discussion = Discussion(
        message_id=mail.message_id,
        timestamp=from_iso(arrival.known.timestamp),
        received=_whole_seconds(mail.received),
        lists=arrival.known.lists,
        subject=mail.subject,
        author=mail.author,
        kind=mail.kind,
        thread_id=node.thread_id,
        parent_id=node.parent_id,
        patch_message_id=node.patch_message_id,
        sentiment=sentiment.score(mail.own_text),
        stance=stance_of(mail),
        trailers=mail.trailers,
        flags=mail.flags if oldest else tuple(sorted({*mail.flags, "reused-message-id"})),
        version=mail.parts.version,
        number=mail.parts.number,
        total=mail.parts.total,
    )
    return discussion, pack(Body(mail.text, mail.diff, mail.attachments, mail.references))


def _whole_seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
