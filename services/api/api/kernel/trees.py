"""Mails as trees. Whatever their references say, each mail occurs exactly once, and there are no cycles."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from watchkeeper.kernel.models import Discussion

MAX_DEPTH = 100
"""Deeper replies become siblings at this depth: JSON parsers, including ours, fail on deep nesting."""


@dataclass(eq=False, slots=True)
class Node:
    """A mail with its replies, or the place of a missing mail."""

    message_id: str
    mail: Discussion | None = None
    replies: list["Node"] = field(default_factory=list)


def grow(
    mails: Sequence[Discussion],
    *,
    ghosts: Mapping[str, str | None] | None = None,
    top: str | None = None,
) -> list[Node]:
    """The trees of mails, which must be sorted oldest first; replies keep that order.

    A parent that is not among the mails becomes a node without one. ``ghosts`` maps such a parent to its own parent, if
    known. Replies to ``top`` become roots, and ``top`` itself is left out.
    """
    nodes = _nodes(mails, ghosts or {}, top)
    first: dict[str, Node] = {}
    for node in nodes:
        first.setdefault(node.message_id, node)
    parents = {node: first.get(_parent_id(node, ghosts or {}) or "") for node in nodes}
    _cut_circles(parents)
    for node, parent in parents.items():
        if parent:
            parent.replies.append(node)
    return [node for node, parent in parents.items() if parent is None]


def missing_parents(mails: Iterable[Discussion]) -> set[str]:
    """Message-IDs that mails reply to, but that are not among them."""
    mails = list(mails)
    return {mail.parent_id for mail in mails if mail.parent_id} - {mail.message_id for mail in mails}


def preorder(node: Node) -> Iterator[Node]:
    """The node and all below it, each before its replies."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.replies))


def shallow(node: Node, depth: int = 0) -> Node:
    """The same tree, no deeper than ``MAX_DEPTH``."""
    if depth == MAX_DEPTH - 1:
        below = [Node(reply.message_id, reply.mail) for reply in preorder(node) if reply is not node]
        return Node(node.message_id, node.mail, below)
    return Node(node.message_id, node.mail, [shallow(reply, depth + 1) for reply in node.replies])


def _nodes(mails: Sequence[Discussion], ghosts: Mapping[str, str | None], top: str | None) -> list[Node]:
    """One node per mail and per missing parent; a missing parent is right before the first mail that needs it."""
    known = {mail.message_id for mail in mails} | {top}
    nodes: list[Node] = []
    for mail in mails:
        missing = mail.parent_id
        while missing and missing not in known:
            known.add(missing)
            nodes.append(Node(missing))
            missing = ghosts.get(missing)
        nodes.append(Node(mail.message_id, mail))
    return nodes


def _parent_id(node: Node, ghosts: Mapping[str, str | None]) -> str | None:
    return node.mail.parent_id if node.mail else ghosts.get(node.message_id)


def _cut_circles(parents: dict[Node, Node | None]) -> None:
    """Make the first node of every cycle a root; each node is visited once."""
    settled: set[Node] = set()
    for start in parents:
        path: dict[Node, None] = {}
        node: Node | None = start
        while node and node not in settled and node not in path:
            path[node] = None
            node = parents[node]
        if node in path:
            parents[_first_of_circle(node, parents)] = None
        settled.update(path)


def _first_of_circle(node: Node, parents: Mapping[Node, Node | None]) -> Node:
    """The cycle's oldest mail; existing mails come before missing ones."""
    circle = [node]
    while (above := parents[circle[-1]]) is not None and above is not node:
        circle.append(above)
    return min(circle, key=_age)


def _age(node: Node) -> tuple[bool, str]:
    return (node.mail is None, node.mail.timestamp.isoformat() if node.mail else "")
