"""Threads and links as a pure function of the mails: the same mails in any order give the same result.

Threads are strict, by References and In-Reply-To alone (never by subject): mails are in one thread when a chain of
references connects them, even through a missing mail, a ghost. A mail's parent comes from its own headers only,
In-Reply-To before the last of References (RFC 5322, 3.6.4); a ghost's parent is inferred from the order in which others
reference it, as in JWZ's algorithm. Links that would create a cycle are not made.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from watchkeeper.kernel.repositories.discussions import Placement


@dataclass(frozen=True, slots=True)
class Vertex:
    """A Message-ID with mail, as threading sees it."""

    id: str
    timestamp: str
    references: tuple[str, ...] = ()
    """Ancestors, oldest first."""
    in_reply_to: str | None = None
    aliases: tuple[str, ...] = ()
    starts_topic: bool = False
    """Whether replies belong to it: a patch or a cover letter."""


def place(vertices: Iterable[Vertex]) -> dict[str, Placement]:
    """The place of each mail, and of each ghost the mails mention.

    A thread is named after the root above its oldest mail.
    """
    mails = {vertex.id: vertex for vertex in sorted(vertices, key=lambda vertex: (vertex.timestamp, vertex.id))}
    parents = _parents(mails)
    threads = _thread_names(mails, parents)
    topics = _Topics(mails, parents)
    return {
        message_id: Placement(threads[message_id], parents.get(message_id), topics.of(message_id))
        for message_id in threads
    }


def mentioned(vertex: Vertex) -> tuple[str, ...]:
    """All other Message-IDs a mail names, oldest ancestor first, its parent last."""
    ancestors = [reference for reference in vertex.references if reference != vertex.in_reply_to]
    parent = [vertex.in_reply_to] if vertex.in_reply_to else []
    return tuple(name for name in (*vertex.aliases, *ancestors, *parent) if name != vertex.id)


def _ancestors(vertex: Vertex) -> list[str]:
    return [name for name in mentioned(vertex) if name not in vertex.aliases]


def _parents(mails: Mapping[str, Vertex]) -> dict[str, str]:
    parents: dict[str, str] = {}
    for vertex in mails.values():
        for alias in vertex.aliases:
            if alias not in mails and alias != vertex.id:
                _adopt(parents, alias, vertex.id)
    for vertex in mails.values():
        any(_adopt(parents, vertex.id, candidate) for candidate in reversed(_ancestors(vertex)))
    for vertex in mails.values():
        for older, newer in pairwise(vertex.references):
            if newer not in mails and newer not in parents:
                _adopt(parents, newer, older)
    return parents


def _adopt(parents: dict[str, str], child: str, parent: str) -> bool:
    """Link the two unless that creates a cycle; returns whether it did."""
    if child in _upwards(parents, parent):
        return False
    parents[child] = parent
    return True


def _upwards(parents: Mapping[str, str], start: str) -> Iterator[str]:
    """``start``, its parent, and so on to the root."""
    here: str | None = start
    while here is not None:
        yield here
        here = parents.get(here)


def _thread_names(mails: Mapping[str, Vertex], parents: Mapping[str, str]) -> dict[str, str]:
    groups = _Groups()
    for vertex in mails.values():
        groups.join(vertex.id, vertex.id)
        for name in mentioned(vertex):
            groups.join(vertex.id, name)
    names: dict[str, str] = {}
    for vertex in mails.values():  # oldest first, so that the oldest of a group names it
        *_, root = _upwards(parents, vertex.id)
        names.setdefault(groups.find(vertex.id), root)
    return {message_id: names[groups.find(message_id)] for message_id in groups.members()}


class _Groups:
    """Disjoint sets of Message-IDs (union-find with path halving)."""

    def __init__(self) -> None:
        self._up: dict[str, str] = {}

    def find(self, name: str) -> str:
        self._up.setdefault(name, name)
        while self._up[name] != name:
            self._up[name] = self._up[self._up[name]]
            name = self._up[name]
        return name

    def join(self, one: str, other: str) -> None:
        self._up[self.find(other)] = self.find(one)

    def members(self) -> Iterator[str]:
        return iter(list(self._up))


class _Topics:
    """Finds the nearest patch or cover letter at or above each Message-ID."""

    def __init__(self, mails: Mapping[str, Vertex], parents: Mapping[str, str]) -> None:
        self._mails = mails
        self._parents = parents
        self._known: dict[str, str | None] = {}

    def of(self, message_id: str) -> str | None:
        """Follows the parents first; if they lead to none, the mail's own references, nearest first."""
        if (topic := self._above(message_id)) is not None:
            return topic
        vertex = self._mails.get(message_id)
        references = reversed(_ancestors(vertex)) if vertex else ()
        return next((topic for name in references if (topic := self._above(name))), None)

    def _above(self, message_id: str) -> str | None:
        path: list[str] = []
        topic: str | None = None
        for name in _upwards(self._parents, message_id):
            if name in self._known:
                topic = self._known[name]
                break
            path.append(name)
            vertex = self._mails.get(name)
            if vertex and vertex.starts_topic:
                topic = name
                break
        self._known.update(dict.fromkeys(path, topic))
        return topic
