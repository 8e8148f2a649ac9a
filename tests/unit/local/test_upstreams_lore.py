"""The lore-like server against what is known of public-inbox."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from local.upstreams import HWMON, LEDS, World
from local.upstreams.oddities import FUTURE_ID, HUGE_ID, LATE_ID, REUSED_ID, SLASHED_ID
from tests.unit.local.upstream_clients import NOW, Client, post_mail, post_patch, split_mbox

EPOCH = int(NOW.timestamp())
ATOM = "{http://www.w3.org/2005/Atom}"


def entries(client: Client, target: str) -> list[str]:
    """The Message-IDs behind a feed's entries, in its order."""
    answer = client.ask(target)
    assert (answer.status, answer.content_type) == (200, "application/atom+xml")
    root = ElementTree.fromstring(answer.whole())
    links = (entry.find(f"{ATOM}link") for entry in root.iter(f"{ATOM}entry"))
    return [link.attrib["href"].rstrip("/").rsplit("/", 1)[1] for link in links if link is not None]


class TestMessages:
    def test_raw_starts_with_the_constant_from_line(self, world: World, lore: Client) -> None:
        post_mail(world, "one@x", "hello")
        answer = lore.ask(f"/{HWMON}/one@x/raw")
        assert answer.status == 200
        assert answer.content_type == "text/plain; charset=utf-8"
        assert answer.whole().startswith(b"From mboxrd@z Thu Jan  1 00:00:00 1970\nReturn-Path:")

    def test_raw_gives_all_mails_of_a_reused_id(self, sample_lore: Client) -> None:
        raw = sample_lore.ask(f"/{HWMON}/{REUSED_ID}/raw").whole()
        assert raw.count(b"From mboxrd@z ") == 2

    def test_lines_that_look_like_envelopes_are_escaped(self, world: World, lore: Client) -> None:
        post_mail(world, "one@x", body="From here\n>From there\n")
        raw = lore.ask(f"/{HWMON}/one@x/raw").whole()
        assert b"\n>From here\n>>From there\n" in raw

    def test_unknown_messages_answer_300_404_and_an_empty_404(self, lore: Client) -> None:
        page = lore.ask(f"/{HWMON}/none@x/")
        assert (page.status, page.content_type) == (300, "text/html; charset=UTF-8")
        assert lore.ask(f"/{HWMON}/none@x/raw").status == 404
        thread = lore.ask(f"/{HWMON}/none@x/t.mbox.gz")
        assert (thread.status, thread.whole()) == (404, b"")

    def test_a_slash_must_be_escaped(self, sample_lore: Client) -> None:
        assert sample_lore.ask(f"/{HWMON}/{quote(SLASHED_ID, safe='')}/raw").status == 200
        assert sample_lore.ask(f"/{HWMON}/{SLASHED_ID}/raw").status == 404

    def test_a_bare_id_on_the_root_leads_to_a_list_that_has_it(self, world: World, lore: Client) -> None:
        post_mail(world, "one@x", lists=[LEDS])
        answer = lore.ask("/one@x/")
        assert (answer.status, answer.headers["Location"]) == (302, f"http://lore.test/{LEDS}/one@x/")

    def test_unknown_lists_missing_slashes_and_methods(self, lore: Client) -> None:
        assert lore.ask("/nosuch/").status == 404
        assert lore.ask(f"/{HWMON}").status == 301
        assert lore.ask(f"/{HWMON}/one@x").status == 301
        assert lore.ask(f"/{HWMON}/", "DELETE").status == 405

    def test_nothing_is_conditional(self, sample_lore: Client) -> None:
        answer = sample_lore.ask(f"/{HWMON}/new.atom", If_Modified_Since="Thu, 01 Jan 2099 00:00:00 GMT")
        assert answer.status == 200
        assert not {"ETag", "Last-Modified"} & set(answer.headers)

    def test_text_is_packed_for_those_who_accept_it(self, world: World, lore: Client) -> None:
        post_mail(world, "one@x")
        plain = lore.ask(f"/{HWMON}/one@x/raw").whole()
        packed = lore.ask(f"/{HWMON}/one@x/raw", Accept_Encoding="gzip")
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.whole()) == plain


class TestThreads:
    def test_a_thread_comes_in_order_of_arrival_from_any_of_its_mails(self, world: World, lore: Client) -> None:
        post_patch(world, "root@x")
        post_mail(world, "b@x", "Re: one", references=["root@x"])
        post_mail(world, "a@x", "Re: other", references=["root@x", "b@x"])
        for message_id in ("root@x", "b@x", "a@x"):
            assert lore.ids(f"/{HWMON}/{message_id}/t.mbox.gz") == ["root@x", "b@x", "a@x"]

    def test_a_missing_parent_still_joins_its_children(self, world: World, lore: Client) -> None:
        post_mail(world, "b@x", "Re: one", references=["ghost@x"])
        post_mail(world, "c@x", "Re: two", references=["ghost@x"])
        assert lore.ids(f"/{HWMON}/b@x/t.mbox.gz") == ["b@x", "c@x"]

    def test_a_thread_is_loose_and_holds_mails_of_the_same_subject(self, sample_lore: Client) -> None:
        assert len(sample_lore.ids(f"/{LEDS}/spam.0@bulk.example/t.mbox.gz")) == 4

    def test_prompt_answers_link_nothing(self, world: World, lore: Client) -> None:
        post_mail(world, "b@x", "one", references=["y"])
        post_mail(world, "c@x", "two", references=["y"])
        assert lore.ids(f"/{HWMON}/b@x/t.mbox.gz") == ["b@x"]

    def test_a_thread_feed_names_the_parent(self, world: World, lore: Client) -> None:
        post_patch(world, "root@x")
        post_mail(world, "b@x", in_reply_to="root@x")
        feed = lore.ask(f"/{HWMON}/b@x/t.atom").whole()
        assert b"thr:in-reply-to" in feed
        assert entries(lore, f"/{HWMON}/b@x/t.atom") == ["root@x", "b@x"]


class TestSearchResults:
    def test_post_gives_all_hits_and_get_a_form(self, world: World, lore: Client) -> None:
        post_mail(world, "one@x")
        target = f"/{HWMON}/?q=rt:{EPOCH - 60}..&x=m"
        assert lore.ids(target, "POST") == ["one@x"]
        page = lore.ask(target)
        assert (page.status, page.content_type) == (200, "text/html; charset=UTF-8")

    def test_the_newest_arrival_comes_first_whatever_it_says_of_its_reception(self, world: World, lore: Client) -> None:
        post_mail(world, "first@x")
        post_mail(world, "late@x", received=(NOW - timedelta(days=3)).isoformat())
        assert lore.ids(f"/{HWMON}/?q=rt:{EPOCH - 999999}..&x=m", "POST") == ["late@x", "first@x"]

    def test_atom_goes_by_reception_from_either_end(self, world: World, lore: Client) -> None:
        post_mail(world, "first@x")
        post_mail(world, "late@x", received=(NOW - timedelta(days=3)).isoformat())
        target = f"/{HWMON}/?q=rt:{EPOCH - 999999}..&x=A"
        assert entries(lore, target) == ["first@x", "late@x"]
        assert entries(lore, target + "&o=-1") == ["late@x", "first@x"]
        assert entries(lore, target + "&o=1") == ["late@x"]
        assert entries(lore, target + "&l=1") == ["first@x"]

    def test_atom_never_shows_more_than_200(self, sample_lore: Client) -> None:
        assert len(entries(sample_lore, f"/{HWMON}/?q=rt:100000..&x=A&l=500")) == 200

    def test_no_hits_are_a_404_in_the_way_it_was_asked(self, lore: Client) -> None:
        mbox = lore.ask(f"/{HWMON}/?q=rt:{EPOCH}..&x=m", "POST")
        assert (mbox.status, mbox.content_type, mbox.whole()) == (404, "text/plain", b"No results found\n")
        feed = lore.ask(f"/{HWMON}/?q=rt:{EPOCH}..&x=A")
        assert (feed.status, feed.content_type) == (404, "text/html; charset=UTF-8")

    @pytest.mark.parametrize("start", ["0", "1", "9999"])
    def test_a_short_epoch_means_now_and_finds_nothing(self, sample_lore: Client, start: str) -> None:
        assert sample_lore.ask(f"/{HWMON}/?q=rt:{start}..&x=m", "POST").status == 404

    def test_a_range_holds_both_its_ends(self, world: World, lore: Client) -> None:
        post_mail(world, "one@x")
        assert lore.ids(f"/{HWMON}/?q=rt:{EPOCH}..{EPOCH}&x=m", "POST") == ["one@x"]

    def test_a_query_may_be_escaped(self, world: World, lore: Client) -> None:
        post_mail(world, "one@x")
        assert lore.ids(f"/{HWMON}/?q=rt%3A{EPOCH}..&x=m", "POST") == ["one@x"]

    @pytest.mark.parametrize(("target", "body"), [("&t=1", b""), ("", b"x=m"), ("", b"x=full+threads")])
    def test_whole_threads_come_on_request(self, world: World, lore: Client, target: str, body: bytes) -> None:
        post_patch(world, "root@x", received=(NOW - timedelta(days=9)).isoformat())
        post_mail(world, "b@x", in_reply_to="root@x")
        query = f"/{HWMON}/?q=rt:{EPOCH - 60}..&x=m"
        assert lore.ids(query, "POST", b"z=results+only") == ["b@x"]
        assert lore.ids(query + target, "POST", body) == ["b@x", "root@x"]

    def test_a_search_within_an_unknown_thread_searches_everything(self, world: World, lore: Client) -> None:
        post_patch(world, "root@x")
        post_mail(world, "other@x", "unrelated")
        query = f"?q=rt:{EPOCH - 60}..&x=m"
        assert lore.ids(f"/{HWMON}/root@x/{query}", "POST") == ["root@x"]
        assert lore.ids(f"/{HWMON}/none@x/{query}", "POST") == ["other@x", "root@x"]

    def test_all_shows_a_cross_posted_mail_once(self, world: World, lore: Client) -> None:
        post_mail(world, "one@x", lists=[HWMON, LEDS])
        assert lore.ids(f"/all/?q=rt:{EPOCH - 60}..&x=m", "POST") == ["one@x"]
        assert lore.ask("/all/one@x/raw").status == 200

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("s:alarm", ["one@x"]),
            ("-s:alarm", ["two@x"]),
            ("NOT s:alarm", ["two@x"]),
            ("mid:two@x OR mid:one@x", ["two@x", "one@x"]),
            ("(mid:two@x OR mid:one@x) AND f:ann", ["one@x"]),
            ('nq:"change-id: 7"', ["two@x"]),
            ("f:ann@x.example s:alarm", ["one@x"]),
            ("d:20260714..20260715 s:alarm", ["one@x"]),
            ("dt:20260715123000..", ["two@x", "one@x"]),
        ],
    )
    def test_the_query_language(self, world: World, lore: Client, query: str, found: list[str]) -> None:
        post_mail(world, "one@x", "alarm bells", **{"from": "ann@x.example"})
        post_mail(world, "two@x", "lamps", body="change-id: 7\n")
        assert lore.ids(f"/{HWMON}/?q={quote(query)}&x=m", "POST") == found

    def test_an_open_bracket_is_a_bad_query(self, lore: Client) -> None:
        assert lore.ask(f"/{HWMON}/?q=(s:x&x=A").status == 400


class TestFeeds:
    def test_new_holds_25_entries_and_pages_back(self, sample_lore: Client) -> None:
        newest = entries(sample_lore, f"/{HWMON}/new.atom")
        assert len(newest) == 25
        older = entries(sample_lore, f"/{HWMON}/new.atom?t=20260601000000")
        assert len(older) == 25
        assert not set(newest) & set(older)

    def test_the_feed_is_plain_ascii_and_dated_by_reception(self, world: World, lore: Client) -> None:
        post_mail(world, "one@x", "Größe", date="2020-01-01T00:00:00Z")
        feed = lore.ask(f"/{HWMON}/new.atom").whole()
        assert feed.isascii()
        assert "Größe" in "".join(ElementTree.fromstring(feed).itertext())
        assert b"<updated>2026-07-15T12:30:00Z</updated>" in feed


class TestManifest:
    def test_the_fingerprint_changes_with_each_mail_of_its_list_only(self, world: World, lore: Client) -> None:
        def fingerprints() -> tuple[str, str]:
            body = json.loads(gzip.decompress(lore.ask("/manifest.js.gz").whole()))
            return body[f"/{HWMON}/git/0.git"]["fingerprint"], body[f"/{LEDS}/git/0.git"]["fingerprint"]

        before = fingerprints()
        post_mail(world, "one@x")
        after = fingerprints()
        assert (before[0] != after[0], before[1] == after[1]) == (True, True)

    def test_a_list_has_its_own(self, sample_lore: Client) -> None:
        answer = sample_lore.ask(f"/{LEDS}/manifest.js.gz")
        assert answer.content_type == "application/gzip"
        assert list(json.loads(gzip.decompress(answer.whole()))) == [f"/{LEDS}/git/0.git"]


class TestSampleMails:
    def test_a_late_arrival_is_received_before_its_neighbours(self, sample_world: World) -> None:
        messages = sample_world.archive.inboxes[HWMON].messages
        late = next(message for message in messages if message.mail.message_id == LATE_ID)
        assert messages[late.number - 2].received - late.received > timedelta(days=3)

    def test_one_mail_is_larger_than_a_table_item(self, sample_world: World) -> None:
        (message,) = sample_world.archive.inboxes[HWMON].named(HUGE_ID)
        assert len(message.mail.raw) > 400 * 1024

    def test_one_mail_is_dated_2085(self, sample_world: World) -> None:
        (message,) = sample_world.archive.inboxes[HWMON].named(FUTURE_ID)
        assert message.mail.date is not None
        assert message.mail.date.year == 2085

    def test_all_encodings_decode(self, sample_world: World) -> None:
        inbox = sample_world.archive.inboxes[HWMON]
        texts = {name: inbox.named(name)[0].mail.plain_text() for name in ("enc.base64@atelier.example",)}
        assert texts["enc.base64@atelier.example"].startswith("Größe, naïve façade")
        assert "Проверил" in inbox.named("enc.koi8@pogoda.example")[0].mail.plain_text()
        assert "også" in inbox.named("enc.latin1@holm.example")[0].mail.plain_text()

    def test_an_archive_is_one_mbox(self, sample_world: World, sample_lore: Client) -> None:
        packed = sample_lore.ask(f"/{HWMON}/?q=rt:100000..&x=m", "POST").whole()
        assert len(split_mbox(packed)) == len(sample_world.archive.inboxes[HWMON].messages)
