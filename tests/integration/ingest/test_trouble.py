"""Upstreams that fail, lie or refuse, cursors somebody edited, and workers that die anywhere."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from ingest.errors import UnknownSource, UpstreamBlocked, UpstreamError, UpstreamGarbled, UpstreamUnavailable
from ingest.kernel.reading import FULL, LEASE_SECONDS, Caller, reading
from ingest.kernel.use_cases import sync_discussions
from local.upstreams import HWMON, LEDS
from local.upstreams.faults import FaultKind
from tests.integration.ingest.conftest import Kernel
from tests.integration.ingest.test_first_load import stored_items
from tests.integration.tables import recreate_tables
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.errors import LeaseTaken
from watchkeeper.kernel.repositories.progress import Source

PATCHWORK_SOURCE = f"patchwork:{HWMON}"
LORE_SOURCE = f"lore:{HWMON}"


def source_of(kernel: Kernel, name: str) -> Source:
    return kernel.progress.source(name)


def test_an_unknown_project_is_an_error_not_an_empty_list(kernel: Kernel) -> None:
    with pytest.raises(UnknownSource, match="no project 'nope'"):
        kernel.read_project("nope")

    source = source_of(kernel, "patchwork:nope")
    assert source.error
    assert source.failing_since
    assert source.last_success is None


def test_an_unknown_list_is_an_error_not_an_empty_list(kernel: Kernel) -> None:
    with pytest.raises(UnknownSource, match="no list 'nope'"):
        kernel.read_list("nope")

    assert source_of(kernel, "lore:nope").error


@pytest.mark.parametrize("kind", ["rate-limited", "unavailable", "dropped"])
def test_passing_trouble_is_waited_out(kernel: Kernel, kind: FaultKind) -> None:
    kernel.upstreams.patchwork.faults.add(kind, times=3)
    kernel.upstreams.lore.faults.add(kind, times=3)

    kernel.read_everything()

    assert all(source.error is None for source in kernel.progress.sources())


def test_a_dead_upstream_is_noted_and_what_is_stored_stays(kernel: Kernel) -> None:
    kernel.read_everything()
    before = stored_items()
    kernel.upstreams.patchwork.faults.add("unavailable", times=1000)

    with pytest.raises(UpstreamUnavailable):
        kernel.read_project(HWMON, FULL)

    assert stored_items() == before
    source = source_of(kernel, PATCHWORK_SOURCE)
    assert source.failing_since
    assert source.blocked_since is None


@pytest.mark.parametrize("status", [200, 403])
def test_a_challenge_page_stops_the_run_at_once_and_says_blocked(kernel: Kernel, status: int) -> None:
    kernel.read_everything()
    cursor = source_of(kernel, LORE_SOURCE).cursor
    kernel.upstreams.lore.log.clear()
    kernel.upstreams.lore.faults.add("challenge", times=1000, status=status)

    with pytest.raises(UpstreamBlocked):
        kernel.read_list(HWMON)

    source = source_of(kernel, LORE_SOURCE)
    assert source.blocked_since
    assert source.cursor == cursor
    assert len(kernel.upstreams.lore.log.all()) == 1


def test_recovery_clears_the_error(kernel: Kernel) -> None:
    kernel.upstreams.lore.faults.add("challenge", times=1)
    with pytest.raises(UpstreamBlocked):
        kernel.read_list(HWMON)

    assert kernel.read_list(HWMON)

    source = source_of(kernel, LORE_SOURCE)
    assert (source.error, source.blocked_since, source.failing_since) == (None, None, None)


def test_a_truncated_mailbox_is_an_error_and_loses_nothing(kernel: Kernel) -> None:
    kernel.upstreams.lore.faults.add("truncated", times=1, path="x=m")
    with pytest.raises(UpstreamError):
        kernel.read_list(HWMON)

    assert kernel.read_list(HWMON)

    world = kernel.upstreams.world.archive.inboxes[HWMON]
    assert all(kernel.discussions.of_message(message.mail.message_id) for message in world.messages)


def test_garbage_for_json_is_an_error(kernel: Kernel) -> None:
    kernel.upstreams.patchwork.faults.add("garbage", times=1)

    with pytest.raises(UpstreamGarbled):
        kernel.read_project(HWMON)


def test_a_list_that_shrinks_while_it_is_walked_is_walked_again(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.kernel.patchwork.PAGE_SIZE", 30)
    kernel.upstreams.patchwork.faults.add("shrinking", times=1, path="patches/.*[?&]page=3")

    assert kernel.read_project(HWMON)

    tracked = [one.id for one in kernel.upstreams.world.tracker.patches.values() if one.project.link_name == HWMON]
    assert len(kernel.patches.get_many(tracked)) == len(tracked)


@pytest.mark.parametrize(
    "cursor",
    [
        {"walks": [["patches", "http://169.254.169.254/latest"]]},
        {"since": "yesterday"},
        {"walks": 7},
        {"unknown": 1},
        {"seen": ["x"]},
    ],
)
def test_an_edited_patch_cursor_is_noticed_and_everything_is_read_again(kernel: Kernel, cursor: dict[str, Any]) -> None:
    kernel.progress.save(Source(PATCHWORK_SOURCE, cursor=cursor))

    assert kernel.read_project(HWMON)

    assert any("cursor" in gap.reason for gap in source_of(kernel, PATCHWORK_SOURCE).gaps)
    tracked = [one.id for one in kernel.upstreams.world.tracker.patches.values() if one.project.link_name == HWMON]
    assert len(kernel.patches.get_many(tracked)) == len(tracked)


@pytest.mark.parametrize("cursor", [{"window": -5}, {"span": 0}, {"window": "x"}, {"nonsense": True}])
def test_an_edited_list_cursor_is_noticed_and_everything_is_read_again(kernel: Kernel, cursor: dict[str, Any]) -> None:
    kernel.progress.save(Source(LORE_SOURCE, cursor=cursor))

    assert kernel.read_list(HWMON)

    assert any("cursor" in gap.reason for gap in source_of(kernel, LORE_SOURCE).gaps)
    world = kernel.upstreams.world.archive.inboxes[HWMON]
    assert all(kernel.discussions.of_message(message.mail.message_id) for message in world.messages)


def test_an_event_feed_that_lost_our_place_makes_the_list_be_read_again(kernel: Kernel) -> None:
    kernel.read_everything()
    kernel.upstreams.world.tracker.events.clear()
    patch = next(iter(kernel.upstreams.world.tracker.patches.values()))
    patch.archived = True

    kernel.read_everything()

    assert kernel.patches.get(patch.id).archived
    assert any("feed" in gap.reason for gap in source_of(kernel, f"patchwork:{patch.project.link_name}").gaps)


def test_a_second_worker_leaves_the_upstream_to_the_first(kernel: Kernel) -> None:
    with (
        reading(LORE_SOURCE, "lore", kernel.progress, kernel.caller(), utc_now),
        pytest.raises(LeaseTaken),
    ):
        kernel.read_list(LEDS)


def test_a_dead_workers_lease_runs_out(kernel: Kernel) -> None:
    now = utc_now()
    kernel.progress.take_lease("lore", "dead", now=now, seconds=-1)

    assert kernel.read_list(HWMON)


def test_a_worker_that_lost_its_lease_writes_nothing(kernel: Kernel) -> None:
    slow = Caller("slow", lambda: 900.0)
    sync = sync_discussions.DiscussionSync(
        kernel.lore(), kernel.keeper(), kernel.discussion_work, kernel.thread_work, utc_now
    )
    with reading(LORE_SOURCE, "lore", kernel.progress, slow, utc_now) as current:
        kernel.progress.end_lease("lore", "slow")
        kernel.progress.take_lease("lore", "other", now=utc_now() + timedelta(seconds=1), seconds=LEASE_SECONDS)
        with pytest.raises(LeaseTaken):
            sync.read(HWMON, FULL, current)

    assert stored_items()["discussions"] == []


def test_a_run_short_of_time_goes_on_where_it_stopped(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.kernel.patchwork.PAGE_SIZE", 30)
    monkeypatch.setattr(sync_discussions, "_FIRST_SPAN", 7 * 86_400)
    kernel.seconds_left = 1.0
    calls = 0
    for read in (kernel.read_project, kernel.read_list):
        while not read(HWMON):
            calls += 1
            assert calls < 100
    assert calls > 5
    handed_on = stored_items()
    kernel.seconds_left = 900.0

    assert kernel.read_project(HWMON, FULL)
    assert kernel.read_list(HWMON, FULL)

    assert stored_items() == handed_on


class Killed(BaseException):
    """Like kill -9: nothing may catch it and clean up."""


@contextmanager
def killed_at_write(number: int) -> Iterator[None]:
    """The process dies as it sends the given write to DynamoDB."""
    sent = 0

    def count(**_: Any) -> None:
        nonlocal sent
        sent += 1
        if sent > number:
            raise Killed

    events = aws.dynamodb_client().meta.events
    writes = [f"before-sign.dynamodb.{name}" for name in ("BatchWriteItem", "UpdateItem", "PutItem")]
    for name in writes:
        events.register_first(name, count)
    try:
        yield
    except Killed:
        pass
    finally:
        for name in writes:
            events.unregister(name, count)


def test_workers_killed_at_random_moments_leave_no_difference_in_the_end(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.read_everything()
    undisturbed = stored_items()
    recreate_tables(aws.dynamodb_client())
    monkeypatch.setattr(sync_discussions, "_FIRST_SPAN", 10 * 86_400)
    chance = random.Random(7)

    for _ in range(8):
        with killed_at_write(chance.randrange(1, 60)):
            kernel.read_everything()
        for upstream in ("patchwork", "lore"):  # the dead worker's lease runs out
            kernel.progress.end_lease(upstream, f"call-{kernel.calls}")
    kernel.read_everything()

    assert stored_items() == undisturbed
