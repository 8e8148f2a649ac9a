"""Threading as a pure function of the mails."""

import random
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from ingest.kernel.threading import Vertex, mentioned, place

NAMES = [f"{letter}@x" for letter in "abcdefgh"]


@st.composite
def mailboxes(draw: st.DrawFn) -> list[Vertex]:
    """Mails that cite each other and missing ones in any way at all, loops included."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    cited = st.sampled_from([*NAMES, "ghost-1@x", "ghost-2@x", "ghost-3@x"])
    return [
        Vertex(
            id=name,
            timestamp=f"2026-01-0{draw(st.integers(1, 9))}T00:00:00Z",
            references=tuple(dict.fromkeys(draw(st.lists(cited, max_size=4)))),
            in_reply_to=draw(st.none() | cited),
            aliases=tuple(draw(st.lists(st.sampled_from(["alias-1@z", "alias-2@z"]), max_size=1))),
            starts_topic=draw(st.booleans()),
        )
        for name in names
    ]


def connected(mails: Iterable[Vertex]) -> set[frozenset[str]]:
    """The threads by another road: grow each group until nothing is added."""
    groups: list[set[str]] = []
    for mail in mails:
        group = {mail.id, *mentioned(mail)}
        joined = [other for other in groups if other & group]
        groups = [other for other in groups if not other & group] + [group.union(*joined)]
    return {frozenset(group) for group in groups}


@given(mailboxes(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_makes_no_difference(mails: list[Vertex], chance: random.Random) -> None:
    shuffled = list(mails)
    chance.shuffle(shuffled)

    assert place(shuffled) == place(mails)


@given(mailboxes())
def test_threads_are_what_references_connect(mails: list[Vertex]) -> None:
    places = place(mails)

    threads: dict[str, set[str]] = {}
    for name, where in places.items():
        threads.setdefault(where.thread_id, set()).add(name)
    assert {frozenset(thread) for thread in threads.values()} == connected(mails)


@given(mailboxes())
def test_parents_never_close_a_loop_and_stay_within_the_thread(mails: list[Vertex]) -> None:
    places = place(mails)

    for name, where in places.items():
        seen = {name}
        here = where.parent_id
        while here is not None:
            assert here not in seen
            assert places[here].thread_id == where.thread_id
            seen.add(here)
            here = places[here].parent_id


@given(mailboxes())
def test_a_thread_is_named_after_one_of_its_roots(mails: list[Vertex]) -> None:
    places = place(mails)

    assert all(places[where.thread_id].parent_id is None for where in places.values())


@given(mailboxes())
def test_a_patch_is_its_own_topic_and_topics_are_patches(mails: list[Vertex]) -> None:
    places = place(mails)

    topics = {mail.id for mail in mails if mail.starts_topic}
    assert all(places[topic].patch_message_id == topic for topic in topics)
    assert {where.patch_message_id for where in places.values()} <= {*topics, None}


def test_a_reply_belongs_to_the_nearest_patch_above_it() -> None:
    cover = Vertex("cover@x", "1", starts_topic=True)
    patch = Vertex("patch@x", "2", ("cover@x",), "cover@x", starts_topic=True)
    review = Vertex("review@x", "3", ("cover@x", "patch@x"), "patch@x")
    answer = Vertex("answer@x", "4", ("cover@x", "patch@x", "review@x"), "review@x")
    to_cover = Vertex("thanks@x", "5", ("cover@x",), "cover@x")

    places = place([answer, to_cover, review, patch, cover])

    assert places["answer@x"].patch_message_id == "patch@x"
    assert places["thanks@x"].patch_message_id == "cover@x"
    assert {where.thread_id for where in places.values()} == {"cover@x"}


def test_a_reply_is_linked_through_a_mail_nobody_has() -> None:
    patch = Vertex("patch@x", "1", starts_topic=True)
    reply = Vertex("reply@x", "3", ("patch@x", "lost@x"), "lost@x")

    places = place([reply, patch])

    assert places["reply@x"].parent_id == "lost@x"
    assert places["lost@x"].parent_id == "patch@x"
    assert places["reply@x"].patch_message_id == "patch@x"


def test_two_answers_to_a_mail_nobody_has_are_one_thread() -> None:
    places = place([Vertex("a@x", "1", ("lost@x",)), Vertex("b@x", "2", (), "lost@x")])

    assert places["a@x"].thread_id == places["b@x"].thread_id == "lost@x"


def test_in_reply_to_is_the_parent_even_if_references_end_otherwise() -> None:
    mails = [Vertex("a@x", "1"), Vertex("b@x", "2", ("a@x",)), Vertex("c@x", "3", ("a@x", "b@x"), "a@x")]

    assert place(mails)["c@x"].parent_id == "a@x"


def test_mails_that_answer_each_other_are_a_thread_with_one_root() -> None:
    places = place([Vertex("a@x", "1", (), "b@x"), Vertex("b@x", "2", (), "a@x")])

    assert sorted(where.parent_id or "" for where in places.values()) == ["", "b@x"]


def test_an_answer_to_a_mails_second_id_is_an_answer_to_the_mail() -> None:
    mail = Vertex("a@x", "1", aliases=("generated@z",), starts_topic=True)
    reply = Vertex("b@x", "2", (), "generated@z")

    places = place([mail, reply])

    assert places["b@x"].thread_id == "a@x"
    assert places["b@x"].patch_message_id == "a@x"
