from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.api.builders import ANN, RAY, a_mail, a_patch, reviewed_by
from tests.integration.api.conftest import Get, Reply, Store
from watchkeeper.kernel.models import Attachment, Kind
from watchkeeper.kernel.repositories.threading import Node

LEDS = {"project": "linux-leds"}


def shape(nodes: list[Any]) -> list[Any]:
    """A tree as nested pairs of name and replies; a missing mail has a question mark."""
    return [(f"{node['message_id']}{'?' if node['missing'] else ''}", shape(node["replies"])) for node in nodes]


def tree(reply: Reply) -> list[Any]:
    assert reply.status == 200, reply.text
    return shape(reply.json["discussions"])


def reply_to(parent: str, message_id: str, minute: int, **changes: Any) -> Any:
    return a_mail(
        message_id, minute, **{"parent_id": parent, "thread_id": "root", "patch_message_id": "root"} | changes
    )


@pytest.fixture
def thread(store: Store) -> None:
    """A patch in two projects, with four mails under it, of which one answers a mail that nobody has."""
    store.patches(a_patch(1, message_id="root"), a_patch(2, message_id="root", **LEDS))
    store.mails(
        a_mail(
            "root", 0, kind=Kind.PATCH, thread_id="root", patch_message_id="root", lists=("linux-hwmon", "linux-leds")
        ),
        reply_to("root", "a", 1, trailers=(reviewed_by(),)),
        reply_to("a", "b", 2),
        reply_to("lost", "c", 3),
        reply_to("root", "d", 4),
    )
    store.node(Node("lost", "root", parent_id="a"))


@pytest.mark.usefixtures("thread")
class TestDiscussionsOfAPatch:
    def test_they_are_a_tree_without_the_patch_itself(self, get: Get) -> None:
        assert tree(get("/patches/1/discussions")) == [("a", [("b", []), ("lost?", [("c", [])])]), ("d", [])]

    def test_they_are_the_same_in_every_project(self, get: Get) -> None:
        one, other = get("/patches/1/discussions").json, get("/patches/2/discussions").json

        assert one["discussions"] == other["discussions"]
        assert [patch["id"] for patch in one["discussions"][0]["patches"]] == [1, 2]

    def test_flat_they_are_in_the_order_of_time(self, get: Get) -> None:
        flat = get("/patches/1/discussions?view=flat").json

        assert [mail["message_id"] for mail in flat["discussions"]] == ["a", "b", "c", "d"]
        assert flat["mails"] == 4

    def test_another_view_is_refused(self, get: Get) -> None:
        assert get("/patches/1/discussions?view=heap").status == 422


def test_a_patch_nobody_answered_has_no_discussions(get: Get, store: Store) -> None:
    store.patches(a_patch(1))

    assert get("/patches/1/discussions").json["discussions"] == []


def test_too_many_mails_are_cut_and_the_answer_says_so(
    get: Get, store: Store, thread: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.kernel.reading.MAX_MAILS", 2)

    under_patch, in_thread = get("/patches/1/discussions").json, get("/threads/a").json

    assert (under_patch["mails"], under_patch["truncated"]) == (4, True)
    assert (in_thread["mails"], in_thread["truncated"]) == (2, True)


class TestThread:
    @pytest.mark.parametrize("name", ["root", "b", "lost", "%3Cd%3E"])
    def test_it_is_found_by_any_of_its_mails_even_a_missing_one(self, get: Get, thread: None, name: str) -> None:
        assert tree(get(f"/threads/{name}")) == [("root", [("a", [("b", []), ("lost?", [("c", [])])]), ("d", [])])]

    def test_it_says_when_and_about_what(self, get: Get, thread: None) -> None:
        answer = get("/threads/d").json

        assert (answer["thread_id"], answer["subject"], answer["mails"]) == ("root", "Re: root", 5)
        assert (answer["started"], answer["last"]) == ("2026-07-10T12:00:00Z", "2026-07-10T12:04:00Z")

    def test_flat_it_has_the_mails_alone(self, get: Get, thread: None) -> None:
        assert [mail["message_id"] for mail in get("/threads/a?view=flat").json["discussions"]] == ["root", *"abcd"]

    def test_a_thread_whose_first_mail_nobody_has_starts_with_its_place(self, get: Get, store: Store) -> None:
        store.mails(
            a_mail("x", 0, thread_id="gone", parent_id="gone"), a_mail("y", 1, thread_id="gone", parent_id="gone")
        )

        assert tree(get("/threads/gone")) == [("gone?", [("x", []), ("y", [])])]

    def test_mails_that_answer_each_other_are_each_there_once(self, get: Get, store: Store) -> None:
        store.mails(
            a_mail("x", 0, thread_id="x", parent_id="z"),
            a_mail("y", 1, thread_id="x", parent_id="x"),
            a_mail("z", 2, thread_id="x", parent_id="y"),
        )

        assert tree(get("/threads/z")) == [("x", [("y", [("z", [])])])]

    def test_a_used_again_message_id_is_two_mails(self, get: Get, store: Store) -> None:
        store.mails(
            a_mail("x", 0, thread_id="x"), a_mail("x", 5, thread_id="x"), a_mail("y", 6, thread_id="x", parent_id="x")
        )

        assert tree(get("/threads/x")) == [("x", [("y", [])]), ("x", [])]

    def test_a_very_deep_thread_is_sent_in_full(self, get: Get, store: Store) -> None:
        names = [f"m{number}" for number in range(300)]
        store.mails(
            *(a_mail(name, n, thread_id="m0", parent_id=names[n - 1] if n else None) for n, name in enumerate(names))
        )

        (root,) = tree(get("/threads/m0"))

        assert str(root).count("'m") == 300

    def test_every_mail_tells_its_patch_in_every_project_for_few_reads(
        self, get: Get, store: Store, queries: list[str]
    ) -> None:
        lists = ("linux-hwmon", "linux-leds")
        for number in range(1, 11):
            patch = {"message_id": f"p{number}", "number": number, "total": 10}
            store.patches(a_patch(number, series_id=5, **patch), a_patch(100 + number, series_id=6, **patch, **LEDS))
            own = {"thread_id": "p0", "parent_id": "p0", "patch_message_id": f"p{number}", "lists": lists}
            store.mails(a_mail(f"p{number}", number, kind=Kind.PATCH, **own))
            store.mails(a_mail(f"r{number}", 20 + number, **own | {"parent_id": f"p{number}"}))
        store.mails(a_mail("p0", 0, kind=Kind.COVER, thread_id="p0", patch_message_id="p0", lists=lists))
        queries.clear()

        (cover,) = get("/threads/r7").json["discussions"]

        assert [[patch["id"] for patch in mail["patches"]] for mail in cover["replies"]] == [
            [number, 100 + number] for number in range(1, 11)
        ]
        assert [mail["replies"][0]["patches"][1]["id"] for mail in cover["replies"]] == list(range(101, 111))
        assert sorted(queries) == ["BatchGetItem", "BatchGetItem", "Query", "Query", "Query", "Query"]

    def test_an_unknown_one_is_not_found(self, get: Get) -> None:
        assert get("/threads/nobody@x").status == 404


class TestMail:
    @pytest.mark.parametrize("message_id", ["a/b@x", "a+b@x", "100%@x", "a%2Fb@x", 'a"b@x'])
    def test_it_is_shown_in_full(self, get: Get, store: Store, message_id: str) -> None:
        store.mail(
            a_mail(message_id, author=ANN, trailers=(reviewed_by(),), flags=("date-in-future",)),
            text="On Friday Ray wrote:\n> why\n",
            references=("root@example.com",),
            attachments=(Attachment("x.txt", "text/plain", 1),),
        )

        answer = get(f"/discussions/{quote(message_id, safe='')}").json
        (mail,) = answer["items"]

        assert answer["message_id"] == mail["message_id"] == message_id
        assert mail["text"] == "On Friday Ray wrote:\n> why\n"
        assert (mail["diff"], mail["references"], mail["flags"]) == (None, ["root@example.com"], ["date-in-future"])
        assert mail["author"] == {"name": "Ann Author", "address": "ann@example.com"}
        assert mail["sentiment"] == {"score": 0.25, "label": "positive"}

    def test_of_a_used_again_message_id_all_mails_are_shown(self, get: Get, store: Store) -> None:
        store.mail(a_mail("m@x", 5), text="second")
        store.mail(a_mail("m@x", 0), text="first")

        assert [mail["text"] for mail in get("/discussions/m@x").json["items"]] == ["first", "second"]

    def test_one_too_large_for_the_table_comes_out_of_the_bucket(self, get: Get, store: Store) -> None:
        from random import Random

        text = Random(1).randbytes(400_000).hex()
        store.mail(a_mail("m@x"), text=text)

        assert get("/discussions/m@x").json["items"][0]["text"] == text

    def test_an_unknown_one_is_not_found(self, get: Get) -> None:
        assert get("/discussions/nobody@x").status == 404


class TestPerson:
    @pytest.fixture(autouse=True)
    def _people(self, store: Store) -> None:
        store.patches(*(a_patch(number, message_id=f"p{number}") for number in range(1, 6)))
        store.mails(*(a_mail(f"r{number}", 60 + number, patch_message_id="p1") for number in range(5)))
        store.mails(*(a_mail(f"s{number}", 80 + number, kind=Kind.REPLY) for number in range(3)))

    def test_an_author_is_shown_with_their_patches(self, get: Get) -> None:
        person = get("/people/ANN@example.com?limit=2").json

        assert (person["name"], person["last_seen"]) == ("Ann Author", "2026-07-10T12:05:00Z")
        assert [patch["id"] for patch in person["patches"]["items"]] == [5, 4]
        assert person["reviews"] == {"items": [], "cursor": None}

    def test_nobody_was_seen_in_the_future(self, get: Get, store: Store) -> None:
        begin = datetime.now(UTC).replace(microsecond=0)
        store.patches(a_patch(9, date=datetime(2106, 2, 7, tzinfo=UTC)))

        seen = datetime.fromisoformat(get("/people/ann@example.com").json["last_seen"])

        assert begin <= seen <= datetime.now(UTC)

    def test_the_rest_of_the_patches_follows(self, get: Get) -> None:
        cursor = get("/people/ann@example.com?limit=2").json["patches"]["cursor"]
        following = get(f"/people/ann@example.com/patches?limit=2&cursor={cursor}").json

        assert [patch["id"] for patch in following["items"]] == [3, 2]
        assert get(f"/people/ray@example.org/patches?cursor={cursor}").status == 400

    def test_a_reviewer_is_shown_with_their_reviews(self, get: Get) -> None:
        person = get("/people/%3Cray@example.org%3E?limit=2").json

        assert (person["address"], person["name"]) == (RAY.address, RAY.name)
        assert person["last_seen"] == "2026-07-10T13:22:00Z"
        assert [mail["message_id"] for mail in person["reviews"]["items"]] == ["r4", "r3"]
        assert person["reviews"]["items"][0]["patches"] == [{"id": 1, "project": "linux-hwmon", "state": "new"}]

    def test_the_rest_of_the_reviews_follows_page_by_page(self, get: Get) -> None:
        cursor = get("/people/ray@example.org?limit=2").json["reviews"]["cursor"]
        second = get(f"/people/ray@example.org/reviews?limit=2&cursor={cursor}").json
        third = get(f"/people/ray@example.org/reviews?limit=2&cursor={second['cursor']}").json

        assert [mail["message_id"] for mail in second["items"]] == ["r2", "r1"]
        assert [mail["message_id"] for mail in third["items"]] == ["r0"]
        assert third["cursor"] is None

    @pytest.mark.parametrize("address", ["nobody@example.com", "a/b@example.com", "reviews", "a%0d%0ab@example.com"])
    def test_who_never_wrote_is_not_found(self, get: Get, address: str) -> None:
        assert get(f"/people/{address}").status == 404
