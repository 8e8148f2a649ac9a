"""The first reading of projects and lists, and the second, which finds nothing new."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from ingest.reading import FULL
from local.upstreams import oddities
from tests.integration.ingest.conftest import LISTS, PROJECTS, Kernel
from watchkeeper import aws
from watchkeeper.dynamodb import Between
from watchkeeper.kernel.models import Body, Discussion, Kind
from watchkeeper.progress import LIVE

Stored = Callable[[str], list[tuple[Discussion, Body]]]
TABLES = ("patches", "series", "discussions", "threading")


def stored_items() -> dict[str, list[dict[str, Any]]]:
    """Everything in the fact tables, in a comparable order."""
    client = aws.dynamodb_client()
    pages = {name: client.get_paginator("scan").paginate(TableName=f"watchkeeper-test-{name}") for name in TABLES}
    return {name: sorted((item for page in pages[name] for item in page["Items"]), key=repr) for name in TABLES}


@pytest.fixture(scope="module")
def of_message(loaded: Kernel) -> Stored:
    """The mails of a Message-ID that are stored, each read once."""
    return cache(loaded.discussions.of_message)


def test_the_first_load_needs_few_requests(loaded: Kernel) -> None:
    requests = len(loaded.upstreams.patchwork.log.all()) + len(loaded.upstreams.lore.log.all())
    assert requests < 40


def test_every_patch_of_every_project_is_stored_as_patchwork_has_it(loaded: Kernel) -> None:
    tracked = loaded.upstreams.world.tracker.patches
    stored = loaded.patches.get_many(tracked)
    assert stored.keys() == tracked.keys()
    for patch_id, patch in tracked.items():
        assert stored[patch_id].state == patch.state
        assert stored[patch_id].message_id == patch.mail.message_id
        assert stored[patch_id].series_id == (patch.series.id if patch.series else None)
        assert (stored[patch_id].number, stored[patch_id].version) == (patch.number, patch.subject.version)


def test_every_series_is_stored_with_its_cover(loaded: Kernel) -> None:
    tracked = loaded.upstreams.world.tracker.series
    stored = loaded.series.get_many(tracked)
    assert stored.keys() == tracked.keys()
    for series_id, series in tracked.items():
        cover = stored[series_id].cover
        assert (cover.message_id if cover else None) == (series.cover.mail.message_id if series.cover else None)


def test_single_checks_come_with_the_first_load(loaded: Kernel) -> None:
    tracked = loaded.upstreams.world.tracker.patches.values()
    expected = {patch.id: {check.context for check in patch.checks} for patch in tracked if patch.checks}
    stored = loaded.patches.get_many(expected)
    assert {patch_id: {check.context for check in patch.checks} for patch_id, patch in stored.items()} == expected


def test_every_mail_of_every_list_is_stored(loaded: Kernel, of_message: Stored) -> None:
    for name in LISTS:
        for message in loaded.upstreams.world.archive.inboxes[name].messages:
            mails = of_message(message.mail.message_id)
            assert any(name in discussion.lists for discussion, _ in mails)


def test_every_comment_is_under_the_patch_patchwork_puts_it_under(loaded: Kernel, of_message: Stored) -> None:
    tracker = loaded.upstreams.world.tracker
    for submission in (*tracker.patches.values(), *tracker.covers.values()):
        for comment in submission.comments:
            [(discussion, _), *_] = of_message(comment.mail.message_id)
            assert discussion.patch_message_id == submission.mail.message_id


def test_a_comment_that_came_before_its_patch_is_linked_to_it(loaded: Kernel) -> None:
    [(reply, _)] = loaded.discussions.of_message(oddities.EARLY_REPLY_ID)
    assert reply.patch_message_id == oddities.EARLY_PATCH_ID


def test_threads_are_those_of_the_archive(loaded: Kernel, of_message: Stored) -> None:
    everything = loaded.upstreams.world.archive.everything
    ids_of_thread = cache(lambda thread: set(loaded.discussions.ids_of_thread(thread)))
    for message in everything.messages:
        [(discussion, _), *_] = of_message(message.mail.message_id)
        linked = {other.mail.message_id for other in everything.linked(message.mail.message_id)}
        assert ids_of_thread(discussion.thread_id) == linked


def test_a_huge_mail_is_kept_whole(loaded: Kernel) -> None:
    [(_, body)] = loaded.discussions.of_message(oddities.HUGE_ID)
    assert len(body.text) + len(body.diff or "") > 400_000


def test_weekly_figures_count_every_patch_and_every_mail_once(loaded: Kernel) -> None:
    world = loaded.upstreams.world
    patches = [
        sum(sum(week["states"].values()) for week in loaded.progress.weeks(f"patches#{project}", Between()).values())
        for project in PROJECTS
    ]
    mails = sum(week["mails"] for name in LISTS for week in loaded.progress.weeks(f"mail#{name}", Between()).values())
    assert sum(patches) == len(world.tracker.patches)
    assert mails == len(stored_items()["discussions"])


def test_kinds_are_told_apart(loaded: Kernel, of_message: Stored) -> None:
    kinds = {
        discussion.kind
        for message in loaded.upstreams.world.archive.everything.messages
        for discussion, _ in of_message(message.mail.message_id)
    }
    assert kinds == set(Kind)


def test_a_second_full_reading_writes_nothing(loaded: Kernel) -> None:
    before = stored_items()
    loaded.read_everything(FULL)

    assert stored_items() == before
    for source in loaded.progress.sources():
        assert source.phase == LIVE
        assert source.run
        assert source.run.stored == 0
        assert source.run.unchanged == source.run.fetched > 0
