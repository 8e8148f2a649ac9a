"""The Patchwork-like server against what is known of the real one."""

from __future__ import annotations

import json
import re
from datetime import timedelta, timezone
from typing import Any

import pytest

from local.upstreams import HWMON, LEDS, World
from local.upstreams.changes import apply_change
from local.upstreams.tracked import Patch
from tests.unit.local.upstream_clients import ARCHIVE_URL, NOW, Client, events, patchwork_for, post_mail, post_patch


def link(client: Client, target: str, relation: str) -> str | None:
    header = client.ask(target).headers["Link"]
    match = re.search(rf'<([^>]+)>; rel="{relation}"', header)
    return match[1] if match else None


def follow(client: Client, target: str) -> list[Any]:
    found: list[Any] = []
    while True:
        found += client.json(target)
        onward = link(client, target, "next")
        if onward is None:
            return found
        target = onward.removeprefix("http://patchwork.test")


class TestPaging:
    def test_a_page_holds_thirty_rows_unless_asked_otherwise(self, sample_patchwork: Client) -> None:
        assert len(sample_patchwork.json("/api/patches/")) == 30
        assert len(sample_patchwork.json("/api/patches/?per_page=0")) == 30
        assert len(sample_patchwork.json("/api/patches/?per_page=7")) == 7

    def test_a_page_never_holds_more_than_250_rows(self, sample_patchwork: Client) -> None:
        assert len(sample_patchwork.json("/api/events/?per_page=5000")) == 250

    def test_links_repeat_all_parameters_escaped_and_in_alphabetical_order(self, sample_patchwork: Client) -> None:
        target = "/api/patches/?since=2020-01-01T00:00:00&project=sample-hwmon&per_page=10&order=id"
        assert link(sample_patchwork, target, "next") == (
            "http://patchwork.test/api/patches/"
            "?order=id&page=2&per_page=10&project=sample-hwmon&since=2020-01-01T00%3A00%3A00"
        )

    def test_the_link_back_to_the_first_page_names_no_page(self, sample_patchwork: Client) -> None:
        assert link(sample_patchwork, "/api/patches/?page=2", "prev") == "http://patchwork.test/api/patches/"

    def test_a_single_page_has_only_first_and_last(self, sample_patchwork: Client) -> None:
        header = sample_patchwork.ask("/api/projects/").headers["Link"]
        assert re.findall(r'rel="(\w+)"', header) == ["first", "last"]

    def test_the_last_page_number_counts_the_rows(self, sample_world: World, sample_patchwork: Client) -> None:
        last = link(sample_patchwork, "/api/patches/?per_page=1", "last")
        assert last == f"http://patchwork.test/api/patches/?page={len(sample_world.tracker.patches)}&per_page=1"

    @pytest.mark.parametrize("page", ["0", "9999", "two"])
    def test_an_impossible_page_is_a_json_404(self, sample_patchwork: Client, page: str) -> None:
        answer = sample_patchwork.ask(f"/api/patches/?page={page}")
        assert (answer.status, answer.content_type) == (404, "application/json")
        assert json.loads(answer.whole()) == {"detail": "Invalid page."}

    def test_following_next_shows_every_row_once(self, sample_world: World, sample_patchwork: Client) -> None:
        rows = follow(sample_patchwork, "/api/patches/?order=id&per_page=40")
        assert [row["id"] for row in rows] == sorted(sample_world.tracker.patches)

    def test_an_unknown_order_is_ignored(self, sample_patchwork: Client) -> None:
        assert sample_patchwork.json("/api/patches/?order=colour") == sample_patchwork.json("/api/patches/")

    def test_a_minus_turns_the_order_round(self, sample_patchwork: Client) -> None:
        ids = [row["id"] for row in sample_patchwork.json("/api/patches/?order=-id")]
        assert ids == sorted(ids, reverse=True)


class TestFilters:
    @pytest.mark.parametrize(
        "wrong", ["project=nosuch", "state=nosuch", "submitter=nobody@x", "since=yesterdayish", "msgid=<a@b>"]
    )
    def test_a_wrong_value_finds_nothing_without_an_error(self, sample_patchwork: Client, wrong: str) -> None:
        assert sample_patchwork.json(f"/api/patches/?{wrong}") == []

    def test_an_unknown_filter_is_ignored(self, sample_patchwork: Client) -> None:
        assert len(sample_patchwork.json("/api/patches/?colour=red")) == 30

    def test_projects_go_by_number_or_link_name(self, sample_patchwork: Client) -> None:
        by_name = sample_patchwork.json(f"/api/patches/?project={LEDS}")
        assert by_name == sample_patchwork.json("/api/patches/?project=3")
        assert {row["project"]["link_name"] for row in by_name} == {LEDS}

    @pytest.mark.parametrize("value", ["under-review", "Under Review", "2"])
    def test_states_go_by_slug_name_or_number(self, sample_patchwork: Client, value: str) -> None:
        rows = sample_patchwork.json(f"/api/patches/?state={value.replace(' ', '%20')}")
        assert {row["state"] for row in rows} == {"under-review"}

    def test_several_values_of_one_filter_are_alternatives(self, sample_patchwork: Client) -> None:
        rows = sample_patchwork.json("/api/patches/?state=new&state=rejected&per_page=250")
        assert {row["state"] for row in rows} == {"new", "rejected"}

    def test_archived_patches_are_shown_unless_filtered_out(self, sample_patchwork: Client) -> None:
        rows = sample_patchwork.json("/api/patches/?per_page=250")
        assert {row["archived"] for row in rows} == {True, False}
        rows = sample_patchwork.json("/api/patches/?archived=true&per_page=250")
        assert {row["archived"] for row in rows} == {True}

    def test_message_ids_are_given_without_brackets(self, world: World, patchwork: Client) -> None:
        post_patch(world, "one@x")
        assert [row["msgid"] for row in patchwork.json("/api/patches/?msgid=one@x")] == ["<one@x>"]

    def test_before_1_2_the_message_id_is_ignored_not_refused(self, world: World, patchwork: Client) -> None:
        post_patch(world, "one@x")
        post_patch(world, "two@x")
        assert len(patchwork.json("/api/1.1/patches/?msgid=one@x")) == 2

    def test_since_looks_at_the_date_header_not_at_arrival(self, world: World, patchwork: Client) -> None:
        post_patch(world, "late@x", date="2026-07-01T10:00:00Z")
        assert patchwork.json("/api/patches/?since=2026-07-15T00:00:00") == []

    def test_since_includes_its_moment_and_before_excludes_it(self, world: World, patchwork: Client) -> None:
        post_patch(world, "one@x", date="2026-07-01T10:00:00Z")
        assert len(patchwork.json("/api/patches/?since=2026-07-01T10:00:00Z")) == 1
        assert patchwork.json("/api/patches/?before=2026-07-01T10:00:00") == []

    def test_unchanged_patches_share_a_hash(self, sample_patchwork: Client) -> None:
        rows = sample_patchwork.json("/api/patches/?per_page=250")
        hashes = [row["hash"] for row in rows if row["hash"]]
        repeated = next(one for one in hashes if hashes.count(one) > 1)
        assert len(sample_patchwork.json(f"/api/patches/?hash={repeated}")) == hashes.count(repeated)

    def test_covers_cannot_be_found_by_series(self, sample_patchwork: Client) -> None:
        cover = sample_patchwork.json("/api/covers/?per_page=1")[0]
        assert sample_patchwork.json(f"/api/covers/?series={cover['series'][0]['id']}") == []

    def test_patches_are_found_by_series(self, sample_patchwork: Client) -> None:
        series = next(row for row in sample_patchwork.json("/api/series/?per_page=250") if row["received_total"] > 1)
        rows = sample_patchwork.json(f"/api/patches/?series={series['id']}")
        assert sorted(row["id"] for row in rows) == sorted(patch["id"] for patch in series["patches"])


class TestStatusCodes:
    @pytest.mark.parametrize(
        ("path", "kind"), [("patches", "Patch"), ("covers", "Cover"), ("series", "Series"), ("projects", "Project")]
    )
    def test_a_missing_object_is_a_json_404(self, patchwork: Client, path: str, kind: str) -> None:
        answer = patchwork.ask(f"/api/{path}/99999/")
        assert (answer.status, answer.content_type) == (404, "application/json")
        assert json.loads(answer.whole()) == {"detail": f"No {kind} matches the given query."}

    @pytest.mark.parametrize("path", ["/api/nosuch/", "/api/patches/abc/", "/api/1.7/patches/", "/nowhere/"])
    def test_what_has_no_page_is_an_html_404(self, patchwork: Client, path: str) -> None:
        answer = patchwork.ask(path)
        assert (answer.status, answer.content_type) == (404, "text/html; charset=utf-8")

    def test_a_missing_slash_is_a_redirect_that_keeps_the_query(self, patchwork: Client) -> None:
        answer = patchwork.ask("/api/patches?page=1")
        assert (answer.status, answer.headers["Location"]) == (301, "/api/patches/?page=1")

    def test_people_need_a_login(self, patchwork: Client) -> None:
        answer = patchwork.ask("/api/people/")
        assert answer.status == 403
        assert json.loads(answer.whole()) == {"detail": "Authentication credentials were not provided."}

    def test_a_bad_token_is_refused_even_for_public_reads(self, patchwork: Client) -> None:
        assert patchwork.ask("/api/patches/", Authorization="Token wrong").status == 403

    def test_lists_are_read_only(self, patchwork: Client) -> None:
        assert patchwork.ask("/api/patches/", "POST").status == 405

    def test_an_impossible_accept_is_406_and_html_gets_the_pages_for_people(self, patchwork: Client) -> None:
        assert patchwork.ask("/api/patches/", Accept="image/png").status == 406
        assert patchwork.ask("/api/patches/", Accept="text/html").content_type.startswith("text/html")

    def test_answers_are_neither_packed_nor_conditional(self, sample_patchwork: Client) -> None:
        answer = sample_patchwork.ask("/api/patches/", Accept_Encoding="gzip", If_None_Match="*")
        assert answer.status == 200
        assert not {"ETag", "Last-Modified", "Content-Encoding"} & set(answer.headers)


class TestShapes:
    """Field names and their order are those of a real server's answers."""

    def test_patch(self, sample_patchwork: Client) -> None:
        listed = sample_patchwork.json("/api/patches/?per_page=1")[0]
        detail = sample_patchwork.json(f"/api/patches/{listed['id']}/")
        names = (
            "id url web_url project msgid list_archive_url date name commit_ref pull_url state archived hash "
            "submitter delegate mbox series comments check checks tags related"
        )
        assert " ".join(listed) == names
        assert " ".join(detail) == f"{names} headers content diff prefixes"

    def test_series_and_cover(self, sample_patchwork: Client) -> None:
        series = next(row for row in sample_patchwork.json("/api/series/?per_page=250") if row["cover_letter"])
        cover = sample_patchwork.json(f"/api/covers/{series['cover_letter']['id']}/")
        assert " ".join(series) == (
            "id url web_url project name date submitter version total received_total received_all mbox "
            "cover_letter patches"
        )
        assert " ".join(cover) == (
            "id url web_url project msgid list_archive_url date name submitter mbox series comments headers content"
        )

    def test_comment_and_check(self, sample_patchwork: Client) -> None:
        event = sample_patchwork.json("/api/events/?category=patch-comment-created&per_page=1")[0]
        comment = sample_patchwork.json(f"/api/patches/{event['payload']['patch']['id']}/comments/")[0]
        event = sample_patchwork.json("/api/events/?category=check-created&per_page=1")[0]
        check = sample_patchwork.json(f"/api/patches/{event['payload']['patch']['id']}/checks/")[0]
        assert " ".join(comment) == (
            "id url web_url msgid list_archive_url date subject submitter content headers addressed"
        )
        assert " ".join(check) == "id url user date state target_url context description"

    def test_projects_show_maintainers_only_on_their_own(self, sample_patchwork: Client) -> None:
        project = sample_patchwork.json(f"/api/projects/{HWMON}/")
        assert [user["username"] for user in project["maintainers"]] == ["tdahl", "ci-bot"]
        assert project["list_archive_url_format"] == f"{ARCHIVE_URL}/{HWMON}/{{}}/"
        assert "maintainers" not in sample_patchwork.json("/api/patches/?per_page=1")[0]["project"]

    def test_urls_follow_the_host_and_the_pinned_version(self, world: World, patchwork: Client) -> None:
        post_patch(world, "one@x")
        assert patchwork.json("/api/patches/1/")["url"] == "http://patchwork.test/api/patches/1/"
        assert patchwork.json("/api/1.3/patches/1/")["url"] == "http://patchwork.test/api/1.3/patches/1/"

    def test_older_versions_lack_the_newer_fields(self, world: World, patchwork: Client) -> None:
        post_patch(world, "one@x")
        post_mail(world, "two@x", in_reply_to="one@x")
        assert "list_archive_url" not in patchwork.json("/api/1.1/patches/1/")
        assert "web_url" not in patchwork.json("/api/1.0/patches/1/")
        assert "addressed" not in patchwork.json("/api/1.2/patches/1/comments/")[0]
        assert {event["category"] for event in patchwork.json("/api/1.2/events/")} == {
            *("patch-created", "series-created", "patch-completed", "series-completed")
        }

    def test_repeated_headers_are_lists(self, world: World, patchwork: Client) -> None:
        post_patch(world, "one@x")
        headers = patchwork.json("/api/patches/1/")["headers"]
        assert len(headers["Received"]) == 2
        assert headers["Subject"] == "[PATCH] hwmon: one"

    def test_dates_have_no_zone_and_no_fraction_where_they_come_from_a_header(self, sample_patchwork: Client) -> None:
        for row in sample_patchwork.json("/api/patches/?per_page=250"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", row["date"])

    def test_a_slash_is_escaped_in_own_urls_but_not_in_the_archive_url(self, world: World, patchwork: Client) -> None:
        post_patch(world, "a/b@x")
        patch = patchwork.json("/api/patches/1/")
        assert patch["web_url"].endswith("/patch/a%2Fb@x/")
        assert patch["list_archive_url"] == f"{ARCHIVE_URL}/{HWMON}/a/b@x/"

    def test_a_pull_request_has_a_url_but_neither_diff_nor_hash(self, sample_patchwork: Client) -> None:
        rows = sample_patchwork.json("/api/patches/?per_page=250")
        request = next(row for row in rows if row["pull_url"])
        assert request["pull_url"] == "git://git.example.org/hwmon.git tags/hwmon-fixes-6.99"
        assert request["hash"] is None
        assert sample_patchwork.json(f"/api/patches/{request['id']}/")["diff"] is None

    def test_content_has_neither_diff_nor_signature(self, world: World, patchwork: Client) -> None:
        post_patch(world, "one@x", body="Why it is done.")
        patch = patchwork.json("/api/patches/1/")
        assert patch["content"].startswith("Why it is done.\n---\n drivers/hwmon/sample.c | 2 +-")
        assert patch["diff"].startswith("diff --git a/drivers/hwmon/sample.c")
        assert "2.47.0" not in patch["content"] + patch["diff"]


class TestFiling:
    """What becomes of a mail."""

    def test_the_name_loses_patch_and_the_lists_name(self, world: World, patchwork: Client) -> None:
        post_patch(world, "one@x", f"[PATCH {HWMON} v3 2/7] hwmon: one")
        patch = patchwork.json("/api/patches/1/")
        assert (patch["name"], patch["prefixes"]) == ("[v3,2/7] hwmon: one", ["v3", "2/7"])
        assert patch["series"][0]["version"] == 3

    def test_a_reply_is_never_a_patch_even_with_a_diff(self, world: World) -> None:
        assert post_patch(world, "one@x", "Re: [PATCH] hwmon: one")["deliveries"][0]["kind"] is None

    def test_a_reply_to_something_unknown_leaves_no_trace(self, world: World) -> None:
        post_mail(world, "two@x", in_reply_to="nobody@x")
        assert world.tracker.comments == {}

    def test_a_comment_goes_to_the_nearest_known_ancestor(self, world: World, patchwork: Client) -> None:
        post_mail(world, "c@x", "[PATCH 0/1] cover")
        post_patch(world, "p@x", "[PATCH 1/1] hwmon: one", in_reply_to="c@x")
        post_mail(world, "far@x", references=["c@x", "p@x", "missing@x"])
        assert [one["msgid"] for one in patchwork.json("/api/patches/1/comments/")] == ["<far@x>"]
        assert patchwork.json("/api/covers/1/comments/") == []

    def test_a_cross_posted_patch_is_one_patch_in_each_project(self, world: World, patchwork: Client) -> None:
        post_patch(world, "one@x", lists=[HWMON, LEDS])
        rows = patchwork.json("/api/patches/?msgid=one@x")
        assert [row["project"]["link_name"] for row in rows] == [HWMON, LEDS]
        assert len({row["series"][0]["id"] for row in rows}) == 2

    def test_a_known_cover_sent_as_a_reply_is_lost_to_the_second_list(self, world: World) -> None:
        post_patch(world, "old@x", lists=[HWMON, LEDS])
        result = post_mail(world, "c@x", "[PATCH v2 0/2] cover", lists=[HWMON, LEDS], in_reply_to="old@x")
        assert [one["kind"] for one in result["deliveries"]] == ["cover", "comment"]

    def test_a_series_has_no_name_until_its_first_patch_arrives(self, world: World, patchwork: Client) -> None:
        post_patch(world, "2@x", "[PATCH 2/2] hwmon: two", references=["1@x"])
        assert patchwork.json("/api/series/1/")["name"] is None
        post_patch(world, "1@x", "[PATCH 1/2] hwmon: one")
        series = patchwork.json("/api/series/1/")
        assert (series["name"], series["received_all"]) == ("[1/2] hwmon: one", True)

    def test_a_cover_names_its_series_even_when_it_comes_second(self, world: World, patchwork: Client) -> None:
        post_patch(world, "1@x", "[PATCH 1/2] hwmon: one", references=["0@x"])
        post_mail(world, "0@x", "[PATCH 0/2] Make it better")
        series = patchwork.json("/api/series/1/")
        assert (series["name"], series["cover_letter"]["msgid"]) == ("Make it better", "<0@x>")

    def test_patches_sent_apart_are_joined_by_sender_version_total_and_time(
        self, world: World, patchwork: Client
    ) -> None:
        post_patch(world, "1@x", "[PATCH 1/2] hwmon: one", date="2026-07-15T10:00:00Z")
        post_patch(world, "2@x", "[PATCH 2/2] hwmon: two", date="2026-07-15T10:15:00Z")
        post_patch(world, "3@x", "[PATCH 2/2] hwmon: three", date="2026-07-15T11:00:00Z")
        assert [len(row["patches"]) for row in patchwork.json("/api/series/")] == [2, 1]

    def test_a_new_version_in_reply_to_the_old_is_a_series_of_its_own(self, world: World, patchwork: Client) -> None:
        post_patch(world, "1@x")
        post_patch(world, "2@x", "[PATCH v2] hwmon: one", in_reply_to="1@x")
        assert [row["version"] for row in patchwork.json("/api/series/")] == [1, 2]

    def test_a_list_in_from_is_undone_only_when_the_address_is_the_lists_own(self, sample_world: World) -> None:
        submitters = {patch.submitter.email for patch in sample_world.tracker.patches.values()}
        assert "yusuf@strictmail.example" in submitters
        assert not any(address.startswith("sample-") for address in submitters)
        assert "devnull+priya.ramanathan.gridsense.example@kernel.org" in submitters

    def test_a_repeated_message_id_is_filed_once(self, world: World) -> None:
        post_patch(world, "one@x")
        assert post_patch(world, "one@x")["deliveries"][0]["kind"] is None


class TestEvents:
    def test_a_patch_brings_its_events_in_order(self, world: World) -> None:
        post_patch(world, "one@x")
        assert events(world) == ["patch-created", "series-created", "patch-completed", "series-completed"]

    def test_a_cover_is_announced_after_its_series(self, world: World) -> None:
        post_mail(world, "c@x", "[PATCH 0/1] cover")
        assert events(world) == ["series-created", "cover-created"]

    def test_a_patch_is_complete_when_all_earlier_ones_are_there(self, world: World) -> None:
        post_patch(world, "2@x", "[PATCH 2/2] hwmon: two", references=["1@x"])
        assert "patch-completed" not in events(world)
        post_patch(world, "1@x", "[PATCH 1/2] hwmon: one")
        assert events(world)[-3:] == ["patch-completed", "patch-completed", "series-completed"]

    def test_newest_first_unless_asked_otherwise_and_ids_rise(self, sample_patchwork: Client) -> None:
        rising = [event["id"] for event in sample_patchwork.json("/api/events/?order=date&per_page=250")]
        assert rising == list(range(1, 251))
        newest = sample_patchwork.json("/api/events/")
        assert newest[0]["date"] >= newest[-1]["date"]

    def test_every_category_appears(self, sample_world: World) -> None:
        assert set(events(sample_world)) == {
            *("cover-created", "patch-created", "patch-completed", "patch-state-changed", "patch-delegated"),
            *("patch-relation-changed", "check-created", "series-created", "series-completed"),
            *("cover-comment-created", "patch-comment-created"),
        }

    def test_a_state_change_shows_both_states_and_its_actor(self, world: World, patchwork: Client) -> None:
        post_patch(world, "one@x")
        apply_change(world, "state", {"patch": 1, "state": "accepted", "user": "tdahl"})
        event = patchwork.json("/api/events/?category=patch-state-changed")[0]
        assert event["actor"]["username"] == "tdahl"
        assert list(event["payload"].items())[1:] == [("previous_state", "new"), ("current_state", "accepted")]

    def test_archiving_and_commit_refs_leave_no_event(self, world: World, patchwork: Client) -> None:
        post_patch(world, "one@x")
        before = len(world.tracker.events)
        apply_change(world, "archived", {"patch": 1})
        apply_change(world, "commit-ref", {"patch": 1, "commit_ref": "c0ffee"})
        patch = patchwork.json("/api/patches/1/")
        assert (patch["archived"], patch["commit_ref"]) == (True, "c0ffee")
        assert len(world.tracker.events) == before

    def test_relations_are_always_null(self, sample_patchwork: Client) -> None:
        event = sample_patchwork.json("/api/events/?category=patch-relation-changed&per_page=1")[0]
        assert (event["payload"]["previous_relation"], event["payload"]["current_relation"]) == (None, None)

    def test_comments_come_without_text(self, sample_patchwork: Client) -> None:
        event = sample_patchwork.json("/api/events/?category=patch-comment-created&per_page=1")[0]
        assert " ".join(event["payload"]["comment"]) == "id url web_url msgid list_archive_url date"

    def test_they_carry_the_servers_local_time(self) -> None:
        world = World(lambda: NOW, timezone(timedelta(hours=10)))
        post_patch(world, "one@x")
        event = patchwork_for(world).json("/api/events/")[0]
        assert event["date"] == "2026-07-15T22:30:00"

    def test_categories_and_projects_filter(self, sample_patchwork: Client) -> None:
        rows = sample_patchwork.json(
            f"/api/events/?category=cover-created&category=series-completed&project={LEDS}&per_page=250"
        )
        assert {row["category"] for row in rows} == {"cover-created", "series-completed"}
        assert {row["project"]["link_name"] for row in rows} == {LEDS}


class TestChecks:
    @pytest.mark.parametrize(
        ("results", "verdict"),
        [
            ([], "pending"),
            ([("a", "success")], "success"),
            ([("a", "pending"), ("a", "success")], "success"),
            ([("a", "success"), ("b", "pending")], "pending"),
            ([("a", "pending"), ("b", "warning")], "warning"),
            ([("a", "fail"), ("b", "warning")], "fail"),
        ],
    )
    def test_the_worst_of_the_newest_counts(self, world: World, results: list[tuple[str, str]], verdict: str) -> None:
        post_patch(world, "one@x")
        for context, state in results:
            apply_change(world, "checks", {"patch": 1, "context": context, "state": state})
        assert world.tracker.patches[1].check == verdict


def test_downloads_exist_for_patches_and_series(world: World, patchwork: Client) -> None:
    post_patch(world, "a/b@x")
    patch = world.tracker.find(HWMON, "a/b@x")
    assert isinstance(patch, Patch)
    assert patchwork.ask(f"/project/{HWMON}/patch/a%2Fb@x/raw/").whole().decode() == patch.diff
    assert b"a/b@x" in patchwork.ask("/series/1/mbox/").whole()
    assert patchwork.ask(f"/project/{HWMON}/patch/none@x/mbox/").status == 404
