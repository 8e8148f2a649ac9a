"""The sample world: the same each time, rich, and consistent with itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.upstreams import HWMON, LEDS, World, big_world, build_world
from local.upstreams.changes import UnknownThing, apply_change
from local.upstreams.journal import Journal
from local.upstreams.oddities import EARLY_PATCH_ID, EARLY_REPLY_ID, LONELY_COVER_ID, NAMELESS_SERIES_ID
from local.upstreams.subjects import parse_subject
from local.upstreams.tracked import Cover, Patch
from tests.unit.local.upstream_clients import NOW


def mails(world: World) -> list[bytes]:
    return [message.mail.raw for message in world.archive.everything.messages]


def test_a_day_and_a_seed_make_the_same_world(sample_world: World) -> None:
    evening = build_world(now=NOW.replace(hour=23))
    assert mails(evening) == mails(sample_world)
    assert evening.tracker.events != []
    assert [event.date for event in evening.tracker.events] == [event.date for event in sample_world.tracker.events]


def test_another_seed_makes_another_world(sample_world: World) -> None:
    assert mails(build_world(seed=7, now=NOW)) != mails(sample_world)


def test_nothing_happens_outside_its_span(sample_world: World) -> None:
    received = [message.received for message in sample_world.archive.everything.messages]
    midnight = NOW.replace(hour=0, minute=0)
    assert max(received) < midnight
    assert min(received) > midnight - timedelta(weeks=8)


def test_it_is_as_large_as_promised(sample_world: World) -> None:
    counts = sample_world.counts()
    assert 420 <= counts["mails"] <= 620
    assert 130 <= counts["patches"] <= 220
    assert 55 <= counts["series"] <= 130
    assert counts["people"] >= 30


def test_every_comment_has_its_mail_in_the_archive(sample_world: World) -> None:
    for patch in sample_world.tracker.patches.values():
        inbox = sample_world.archive.inboxes[patch.project.link_name]
        assert all(inbox.named(comment.mail.message_id) for comment in patch.comments)


def test_some_comments_come_weeks_after_their_patch(sample_world: World) -> None:
    ages = [comment.date - patch.date for patch in sample_world.tracker.patches.values() for comment in patch.comments]
    assert max(ages) > timedelta(days=14)


def test_a_comment_before_its_patch_is_only_in_the_archive(sample_world: World) -> None:
    patch = sample_world.tracker.find(HWMON, EARLY_PATCH_ID)
    assert isinstance(patch, Patch)
    assert patch.comments == []
    inbox = sample_world.archive.inboxes[HWMON]
    assert inbox.named(EARLY_REPLY_ID)[0].number < inbox.named(EARLY_PATCH_ID)[0].number


def test_there_are_series_without_name_without_patches_and_without_cover(sample_world: World) -> None:
    nameless = sample_world.tracker.find(HWMON, NAMELESS_SERIES_ID)
    lonely = sample_world.tracker.find(LEDS, LONELY_COVER_ID)
    assert isinstance(nameless, Patch)
    assert isinstance(lonely, Cover)
    assert nameless.series is not None
    assert lonely.series is not None
    assert nameless.series.name is None
    assert lonely.series.patches == []
    assert any(len(one.patches) > 1 and one.cover is None for one in sample_world.tracker.series.values())


def test_patches_are_posted_to_both_lists(sample_world: World) -> None:
    ids = [patch.mail.message_id for patch in sample_world.tracker.patches.values()]
    assert len(ids) - len(set(ids)) >= 4


def test_all_common_states_appear(sample_world: World) -> None:
    states = {patch.state for patch in sample_world.tracker.patches.values()}
    assert {"new", "under-review", "accepted", "rejected", "rfc", "changes-requested", "superseded"} <= states


@pytest.mark.parametrize(
    ("subject", "name", "version", "counter"),
    [
        ("[PATCH v3 2/7] a", "[v3,2/7] a", 3, (2, 7)),
        ("[PATCH][next] a", "[next] a", 1, (None, None)),
        ("[PATCH 1/2] [v3] a", "[1/2,v3] a", 3, (1, 2)),
        ("[PATCHv2 2/2] a", "[v2,2/2] a", 2, (2, 2)),
        ("[PATCH v5.1] a", "[v5.1] a", 1, (None, None)),
        ("[RFC,PATCH V2] a", "[RFC,V2] a", 2, (None, None)),
        ("a patch (v4)", "a patch (v4)", 4, (None, None)),
    ],
)
def test_subjects(subject: str, name: str, version: int, counter: tuple[int | None, int | None]) -> None:
    parsed = parse_subject(subject, HWMON)
    assert (parsed.name, parsed.version, (parsed.number, parsed.total)) == (name, version, counter)


def test_a_big_world_has_the_size_asked_for() -> None:
    counts = big_world(patches=200, mails=650, now=NOW).counts()
    assert (counts["mails"], counts["patches"], counts["comments"]) == (650, 200, 450)


class TestChanges:
    def test_a_service_can_lag_behind(self, world: World) -> None:
        body = {"list": HWMON, "subject": "[PATCH] one", "message_id": "one@x", "only": "lore"}
        apply_change(world, "patches", body)
        assert world.tracker.patches == {}
        assert len(world.archive.inboxes[HWMON].messages) == 1

    def test_unknown_things_are_named(self, world: World) -> None:
        with pytest.raises(UnknownThing, match="no patch 5"):
            apply_change(world, "state", {"patch": 5, "state": "new"})
        with pytest.raises(UnknownThing, match="no list 'other'"):
            apply_change(world, "mails", {"list": "other", "subject": "hello"})

    def test_raw_mails_keep_their_bytes(self, world: World) -> None:
        raw = "From: A <a@x>\nSubject: hi\nMessage-ID: <raw@x>\n\nText\n"
        result = apply_change(world, "mails", {"list": HWMON, "raw": raw})
        assert result["message_id"] == "raw@x"
        assert world.archive.inboxes[HWMON].messages[0].mail.raw.endswith(raw.encode())


class TestJournal:
    def test_a_restart_brings_the_same_world_back(self, tmp_path: Path) -> None:
        journal = Journal.open(tmp_path / "state" / "upstreams.json")
        world = journal.replay()
        at = datetime(2026, 7, 16, 9, tzinfo=UTC)
        body = {"list": HWMON, "subject": "[PATCH] one", "message_id": "kept@x"}
        with world.at(at):
            apply_change(world, "patches", body)
        journal.note("patches", body, at)

        again = Journal.open(tmp_path / "state" / "upstreams.json").replay()

        assert mails(again) == mails(world)
        assert again.tracker.events[-1].date == world.tracker.events[-1].date

    def test_forgotten_changes_stay_away(self, tmp_path: Path) -> None:
        journal = Journal.open(tmp_path / "upstreams.json")
        journal.note("mails", {"list": HWMON, "subject": "hi"}, NOW)
        journal.forget()
        assert Journal.open(tmp_path / "upstreams.json").changes == []
