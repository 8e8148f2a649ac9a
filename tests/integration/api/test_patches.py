from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urljoin

import pytest

from tests.integration.api.builders import ANN, NOON, a_mail, a_patch, a_series, reviewed_by
from tests.integration.api.conftest import Get, Store
from watchkeeper.kernel.models import Attachment, Kind, Patch

LEDS = {"project": "linux-leds"}


def ids(reply: Any) -> list[int]:
    assert reply.status == 200, reply.text
    return [item["id"] for item in reply.json["items"]]


def all_pages(get: Get, path: str) -> list[list[int]]:
    pages: list[list[int]] = []
    cursor: str | None = ""
    while cursor is not None:
        reply = get(f"{path}{'&cursor=' + cursor if cursor else ''}")
        pages.append(ids(reply))
        cursor = reply.json["cursor"]
    return pages


@pytest.fixture
def seven(store: Store) -> list[Patch]:
    """Odd ones in hwmon, even ones in leds, the later ones accepted."""
    patches = [
        a_patch(
            number, project="linux-hwmon" if number % 2 else "linux-leds", state="accepted" if number > 4 else "new"
        )
        for number in range(1, 8)
    ]
    store.patches(*patches)
    return patches


@pytest.mark.usefixtures("seven")
class TestListing:
    def test_projects_are_merged_newest_first(self, get: Get) -> None:
        assert ids(get("/patches")) == [7, 6, 5, 4, 3, 2, 1]

    def test_pages_follow_each_other_without_a_gap_or_a_repetition(self, get: Get) -> None:
        assert all_pages(get, "/patches?limit=3") == [[7, 6, 5], [4, 3, 2], [1]]

    def test_the_last_page_says_so_even_if_it_is_full(self, get: Get) -> None:
        assert all_pages(get, "/patches?limit=7") == [[7, 6, 5, 4, 3, 2, 1]]

    def test_a_patch_that_comes_in_between_pages_shifts_nothing(self, get: Get, store: Store) -> None:
        first = get("/patches?limit=3").json
        store.patches(a_patch(8), a_patch(9, project="linux-leds"))

        assert ids(get(f"/patches?limit=3&cursor={first['cursor']}")) == [4, 3, 2]

    def test_a_link_leads_to_the_next_page(self, get: Get) -> None:
        link = get("/patches?limit=3&state=new&cursor=").headers["Link"]
        reference = link.removeprefix("<").removesuffix('>; rel="next"')

        assert ids(get(f"/patches{reference}")) == [1]

    @pytest.mark.parametrize("base", ["https://api.example", "http://localhost:4566/_aws/execute-api/0a1b2c3d"])
    def test_the_link_is_good_whatever_stands_before_the_path(self, get: Get, base: str) -> None:
        asked = "/api/v1/kernel/patches?limit=3"
        reference = get(asked).headers["Link"].removeprefix("<").removesuffix('>; rel="next"')

        following = urljoin(base + asked, reference)

        assert following.startswith(f"{base}/api/v1/kernel/patches?limit=3&cursor=")
        assert ids(get(following.removeprefix(base))) == [4, 3, 2]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("project=linux-leds", [6, 4, 2]),
            ("project=linux-leds&project=linux-hwmon&limit=2", [7, 6]),
            ("state=new", [4, 3, 2, 1]),
            ("state=new&project=linux-hwmon", [3, 1]),
            ("state=new,accepted&limit=100", [7, 6, 5, 4, 3, 2, 1]),
            ("state=new&state=accepted&project=linux-leds", [6, 4, 2]),
            ("state=superseded", []),
            ("submitter=Ann@Example.com", [7, 6, 5, 4, 3, 2, 1]),
            ("submitter=ann@example.com&state=new&project=linux-leds", [4, 2]),
            ("submitter=nobody@example.com", []),
            ("since=2026-07-10T12:06:00Z", [7, 6]),
            ("since=2026-07-10T12:02:00Z&until=2026-07-10T12:03:00Z", [3, 2]),
            ("until=2026-07-10", [7, 6, 5, 4, 3, 2, 1]),
            ("until=2026-07-09", []),
            ("since=&until=", [7, 6, 5, 4, 3, 2, 1]),
            ("since=0900-01-01", [7, 6, 5, 4, 3, 2, 1]),
            ("until=0900-01-01", []),
            ("text=CHANGE+7", [7]),
            ("text=a,b", []),
            ("message_id=%3Cpatch-3@example.com%3E", [3]),
            ("message_id=patch-3@example.com&project=linux-leds", []),
            ("message_id=patch-3@example.com&since=2026-07-11", []),
        ],
    )
    def test_filters(self, get: Get, query: str, found: list[int]) -> None:
        assert ids(get(f"/patches?{query}")) == found

    @pytest.mark.parametrize("query", ["state=new&limit=1", "submitter=ann@example.com&limit=2", "text=hwmon&limit=2"])
    def test_filtered_pages_add_up_to_the_whole(self, get: Get, query: str) -> None:
        paged = [found for page in all_pages(get, f"/patches?{query}") for found in page]

        assert paged == ids(get(f"/patches?{query.rpartition('&')[0]}"))

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=many", "limit"),
            ("project=linux-hwmom", "project"),
            ("state=%0d%0aX", "state"),
            ("since=yesterday", "since"),
            ("since=2026-07-02&until=2026-07-01", "until"),
            ("archived=perhaps", "archived"),
            ("series=-1", "series"),
            ("text=", "text"),
            ("message_id=%3C%3E", "message_id"),
        ],
    )
    def test_a_senseless_filter_is_refused_by_name(self, get: Get, query: str, parameter: str) -> None:
        reply = get(f"/patches?{query}")

        assert reply.status == 422
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert [error["parameter"] for error in reply.json["errors"]] == [parameter]

    def test_a_cursor_of_another_query_is_refused(self, get: Get) -> None:
        cursor = get("/patches?limit=2").json["cursor"]

        for query in ("state=new", "project=linux-hwmon", "text=x", "since=2026-01-01"):
            assert get(f"/patches?{query}&cursor={cursor}").status == 400

    def test_a_changed_cursor_is_refused(self, get: Get) -> None:
        cursor = get("/patches?limit=2").json["cursor"]
        replies = [get("/patches?" + urlencode({"cursor": wrong})) for wrong in (cursor[:-1], "A" + cursor[1:], "é")]

        assert [reply.status for reply in replies] == [400, 400, 400]
        assert replies[0].json["type"] == "urn:watchkeeper:problem:invalid-cursor"

    def test_another_page_size_may_be_asked_for_on_the_way(self, get: Get) -> None:
        cursor = get("/patches?limit=2").json["cursor"]

        assert ids(get(f"/patches?limit=100&cursor={cursor}")) == [5, 4, 3, 2, 1]


def test_archived_patches_are_told_apart(get: Get, store: Store) -> None:
    store.patches(a_patch(1), a_patch(2, archived=True))

    assert ids(get("/patches?archived=true")) == [2]
    assert ids(get("/patches?archived=false")) == [1]
    assert ids(get("/patches")) == [2, 1]


def test_patches_of_a_series_are_listed_with_its_filter(get: Get, store: Store) -> None:
    store.patches(a_patch(1, series_id=5), a_patch(2, series_id=5, state="accepted"), a_patch(3, series_id=6))

    assert ids(get("/patches?series=5")) == [2, 1]
    assert ids(get("/patches?series=5&state=accepted")) == [2]


def test_an_empty_table_is_an_empty_page(get: Get) -> None:
    assert get("/patches").json == {"items": [], "cursor": None}


def test_only_so_many_rows_are_looked_at_for_one_answer(
    get: Get, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.web.paging.MAX_ROWS", 3)
    store.patches(*(a_patch(number, archived=number == 1) for number in range(1, 8)))

    assert all_pages(get, "/patches?archived=true") == [[], [], [1]]


class TestOneMailInSeveralProjects:
    @pytest.mark.parametrize(
        "message_id", ["a/b@x", "a+b@x", "100%@x", "a%2Fb@x", "a//..//b@x", "é@x", "a b@x", "a,b@x"]
    )
    def test_it_is_found_by_any_message_id(self, get: Get, store: Store, message_id: str) -> None:
        store.patches(a_patch(1, message_id=message_id), a_patch(2, message_id=message_id, **LEDS), a_patch(3))
        quoted = urlencode({"": message_id}).removeprefix("=").replace("+", "%20")

        assert ids(get(f"/patches/by-message-id/{quoted}")) == [1, 2]
        assert ids(get(f"/patches/by-message-id/%3C{quoted}%3E")) == [1, 2]

    @pytest.mark.parametrize("message_id", ["a/b@x", "a+b@x", "100%@x", "a%2Fb@x", "a?b#c@x"])
    def test_it_is_found_by_query(self, get: Get, store: Store, message_id: str) -> None:
        store.patches(a_patch(1, message_id=message_id), a_patch(2, message_id=message_id, **LEDS))

        assert ids(get("/patches?" + urlencode({"message_id": message_id}))) == [1, 2]
        assert ids(get("/patches?" + urlencode({"message_id": f"<{message_id}>"}))) == [1, 2]

    def test_an_unknown_one_is_not_found(self, get: Get) -> None:
        assert get("/patches/by-message-id/nobody@x").status == 404
        assert ids(get("/patches?message_id=nobody@x")) == []

    @pytest.mark.parametrize("path", ["", "%3C%3E", "%20", "x" * 3000, "..%2f..%2fetc%2fpasswd", "a%0d%0aX-Evil:%201"])
    def test_a_hostile_one_is_no_more_than_unknown(self, get: Get, path: str) -> None:
        reply = get(f"/patches/by-message-id/{path}")

        assert reply.status in (404, 422)
        assert not any("\n" in text or "\r" in text for text in reply.headers.values())

    @pytest.mark.parametrize("message_id", ["a/b@x", "100%@x", "a%2Fb@x", "discussions/b@x", "a b@x"])
    def test_its_message_id_may_stand_for_the_lowest_number(self, get: Get, store: Store, message_id: str) -> None:
        store.patches(a_patch(10, message_id=message_id, **LEDS), a_patch(9, message_id=message_id), a_patch(1))
        store.mail(a_mail("r@x", patch_message_id=message_id))
        quoted = urlencode({"": message_id}).removeprefix("=").replace("+", "%20")

        for written in (quoted, f"%3C{quoted}%3E"):
            patch, discussions = get(f"/patches/{written}"), get(f"/patches/{written}/discussions?view=flat").json
            assert patch.json == get("/patches/9").json
            assert [other["id"] for other in patch.json["also"]] == [10]
            assert (discussions["patch_id"], discussions["mails"]) == (9, 1)

    def test_each_names_the_others(self, get: Get, store: Store) -> None:
        store.patches(a_patch(1, message_id="m@x"), a_patch(2, message_id="m@x", state="accepted", **LEDS))

        assert get("/patches/1").json["also"] == [{"id": 2, "project": "linux-leds", "state": "accepted"}]


class TestOnePatch:
    def test_it_comes_with_its_mail_and_the_tags_it_was_given(self, get: Get, store: Store) -> None:
        own: dict[str, Any] = {"thread_id": "m@x", "patch_message_id": "m@x"}
        store.patches(a_patch(1, message_id="m@x", series_id=5, commit_ref="abc", related=(7,)))
        store.series(a_series(5))
        store.mail(
            a_mail("m@x", kind=Kind.PATCH, author=ANN, trailers=(reviewed_by(ANN, name="Signed-off-by"),), **own),
            text="Why.\n",
            diff="--- a\n+++ b\n",
            attachments=(Attachment("a.txt", "text/plain", 3),),
        )
        store.mail(a_mail("r@x", 1, trailers=(reviewed_by(),), parent_id="m@x", **own))
        store.mail(
            a_mail("c@x", 2, trailers=(reviewed_by(name="Acked-by"),), patch_message_id="cover-5@example.com"),
        )

        patch = get("/patches/1").json

        assert (patch["text"], patch["diff"], patch["truncated"]) == ("Why.\n", "--- a\n+++ b\n", False)
        assert [trailer["name"] for trailer in patch["trailers"]] == ["Signed-off-by"]
        assert [(tag["name"], tag["message_id"], tag["on"]) for tag in patch["tags"]] == [
            ("Reviewed-by", "r@x", "m@x"),
            ("Acked-by", "c@x", "cover-5@example.com"),
        ]
        assert (patch["discussions"], patch["commit_ref"], patch["related"]) == (1, "abc", [7])
        assert patch["patchwork_url"] == "https://patchwork.example/project/linux-hwmon/patch/m@x/"
        assert patch["lore_url"] == "https://lore.example/m@x/"
        assert patch["attachments"] == [{"name": "a.txt", "content_type": "text/plain", "size": 3}]

    def test_a_patch_whose_mail_is_not_here_yet_says_so(self, get: Get, store: Store) -> None:
        store.patches(a_patch(1))

        patch = get("/patches/1").json

        assert (patch["mail_known"], patch["text"], patch["diff"], patch["tags"]) == (False, None, None, [])

    def test_of_a_reused_message_id_the_mail_of_its_own_list_is_shown(self, get: Get, store: Store) -> None:
        store.patches(a_patch(1, message_id="m@x", **LEDS))
        store.mail(a_mail("m@x", 0, lists=("linux-hwmon",)), text="other")
        store.mail(a_mail("m@x", 1, lists=("linux-leds",)), text="own")

        assert get("/patches/1").json["text"] == "own"

    def test_a_huge_diff_is_cut_and_the_answer_says_so(self, get: Get, store: Store) -> None:
        store.patches(a_patch(1, message_id="m@x"))
        store.mail(a_mail("m@x"), text="short", diff='+\t"\\\n' * 1_000_000)

        patch = get("/patches/1").json

        assert patch["truncated"]
        assert patch["text"] == "short"
        assert patch["diff"].startswith('+\t"\\\n')

    @pytest.mark.parametrize(
        "path", ["/patches/2", "/series/2", "/patches/2/discussions", "/patches/no@x", "/patches/a/b@x/discussions"]
    )
    def test_what_is_unknown_is_not_found(self, get: Get, path: str) -> None:
        reply = get(path)

        assert (reply.status, reply.json["title"]) == (404, "Not Found")

    @pytest.mark.parametrize("number", ["abc", "0", "-1", "1.5", "9" * 30, "1%00", "%31%0a"])
    def test_what_is_no_number_is_refused(self, get: Get, number: str) -> None:
        assert get(f"/patches/{number}").status in (404, 422)
        assert get(f"/series/{number}").status in (404, 422)


class TestSeries:
    def test_it_shows_its_patches_in_order_with_their_tags(self, get: Get, store: Store) -> None:
        store.series(a_series(5, total=3, received_total=2, received_all=False))
        store.patches(
            a_patch(2, message_id="p2@x", series_id=5, number=2, total=3, date=NOON, state="accepted"),
            a_patch(9, message_id="p1@x", series_id=5, number=1, total=3, date=NOON + timedelta(hours=1)),
        )
        cover = "cover-5@example.com"
        in_thread: dict[str, Any] = {"thread_id": cover}
        store.mails(
            a_mail(cover, 0, kind=Kind.COVER, patch_message_id=cover, **in_thread),
            a_mail("p1@x", 1, kind=Kind.PATCH, patch_message_id="p1@x", **in_thread),
            a_mail("p2@x", 2, kind=Kind.PATCH, patch_message_id="p2@x", trailers=(reviewed_by(ANN),), **in_thread),
            a_mail("r1@x", 3, patch_message_id="p1@x", trailers=(reviewed_by(),), **in_thread),
            a_mail("rc@x", 4, patch_message_id=cover, trailers=(reviewed_by(name="Acked-by"),), **in_thread),
            a_mail("r2@x", 5, patch_message_id="p2@x", trailers=(reviewed_by(by_sender=False),), **in_thread),
        )

        series = get("/series/5").json
        first, second = series["patches"]

        assert (series["state"], series["states"], series["missing"]) == ("mixed", {"new": 1, "accepted": 1}, [3])
        assert (series["cover"]["message_id"], series["cover"]["discussions"]) == (cover, 1)
        assert [first["id"], second["id"]] == [9, 2]
        assert [(tag["name"], tag["by_sender"], tag["on"]) for tag in first["tags"]] == [
            ("Reviewed-by", True, "p1@x"),
            ("Acked-by", True, cover),
        ]
        assert [(tag["name"], tag["by_sender"]) for tag in second["tags"]] == [
            ("Acked-by", True),
            ("Reviewed-by", False),
        ]
        assert [trailer["address"] for trailer in second["trailers"]] == [ANN.address]
        assert (first["discussions"], second["discussions"]) == (1, 1)
        assert series["patchwork_url"] == "https://patchwork.example/project/linux-hwmon/list/?series=5"

    def test_a_series_without_cover_name_or_mails_is_shown_as_it_is(self, get: Get, store: Store) -> None:
        store.series(a_series(5, name=None, cover=None))
        store.patches(a_patch(1, series_id=5, state="rfc"), a_patch(2, series_id=5, number=2, state="rfc"))

        series = get("/series/5").json

        assert (series["name"], series["cover"], series["state"]) == (None, None, "rfc")
        assert [patch["tags"] for patch in series["patches"]] == [[], []]

    def test_a_series_without_patches_is_empty(self, get: Get, store: Store) -> None:
        store.series(a_series(5, total=2))

        assert (get("/series/5").json["state"], get("/series/5").json["missing"]) == ("empty", [1, 2])
