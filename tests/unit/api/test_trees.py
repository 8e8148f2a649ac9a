from collections import Counter
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from api.kernel.trees import MAX_DEPTH, Node, grow, missing_parents, preorder, shallow
from tests.integration.api.builders import a_mail
from watchkeeper.kernel.models import Discussion

NAMES = st.sampled_from("abcdefghij")
MAILS = st.lists(st.tuples(NAMES, st.none() | NAMES), max_size=30).map(
    lambda pairs: [a_mail(name, minute, parent_id=parent) for minute, (name, parent) in enumerate(pairs)]
)
GHOSTS = st.dictionaries(NAMES, st.none() | NAMES)


def all_nodes(roots: list[Node]) -> list[Node]:
    return list(chain.from_iterable(map(preorder, roots)))


@given(MAILS, GHOSTS, st.none() | NAMES)
def test_every_mail_is_there_once_whatever_the_references_say(
    mails: list[Discussion], ghosts: dict[str, str | None], top: str | None
) -> None:
    nodes = all_nodes(grow(mails, ghosts=ghosts, top=top))

    assert Counter(id(node.mail) for node in nodes if node.mail) == Counter(map(id, mails))
    assert len(set(map(id, nodes))) == len(nodes)


@given(MAILS, GHOSTS)
def test_a_missing_mail_is_there_once_and_has_replies(mails: list[Discussion], ghosts: dict[str, str | None]) -> None:
    nodes = all_nodes(grow(mails, ghosts=ghosts))
    missing = [node for node in nodes if node.mail is None]

    assert {node.message_id for node in missing} >= missing_parents(mails)
    assert len({node.message_id for node in missing}) == len(missing)


@given(MAILS, GHOSTS)
def test_replies_hang_below_the_mail_they_name_unless_a_circle_was_cut(
    mails: list[Discussion], ghosts: dict[str, str | None]
) -> None:
    for node in all_nodes(grow(mails, ghosts=ghosts)):
        for reply in node.replies:
            named = reply.mail.parent_id if reply.mail else ghosts.get(reply.message_id)
            assert named == node.message_id


def test_replies_keep_the_order_of_the_mails() -> None:
    mails = [a_mail("root"), a_mail("b", 1, parent_id="root"), a_mail("a", 2, parent_id="root")]

    (root,) = grow(mails)

    assert [reply.message_id for reply in root.replies] == ["b", "a"]


def test_of_two_mails_that_answer_each_other_the_older_comes_first() -> None:
    mails = [a_mail("older", 0, parent_id="newer"), a_mail("newer", 1, parent_id="older")]

    (root,) = grow(mails)

    assert [node.message_id for node in preorder(root)] == ["older", "newer"]


def test_a_missing_parent_takes_its_known_place() -> None:
    mails = [a_mail("root"), a_mail("reply", 1, parent_id="lost")]

    (root,) = grow(mails, ghosts={"lost": "root"})

    assert [(node.message_id, node.mail is None) for node in preorder(root)] == [
        ("root", False),
        ("lost", True),
        ("reply", False),
    ]


def test_what_replies_to_the_top_stands_at_the_top() -> None:
    roots = grow([a_mail("reply", parent_id="patch"), a_mail("lone", 1, parent_id="lost")], top="patch")

    assert [(root.message_id, root.mail is None) for root in roots] == [("reply", False), ("lost", True)]


def test_a_chain_of_thousands_becomes_shallow_and_loses_nothing() -> None:
    mails = [a_mail(str(number), number, parent_id=str(number - 1) if number else None) for number in range(3000)]
    (root,) = grow(mails)

    flat = shallow(root)

    assert [node.message_id for node in preorder(flat)] == [mail.message_id for mail in mails]
    assert depth(flat) <= MAX_DEPTH + 1


def depth(node: Node) -> int:
    levels, row = 0, [node]
    while row:
        levels, row = levels + 1, [reply for one in row for reply in one.replies]
    return levels
