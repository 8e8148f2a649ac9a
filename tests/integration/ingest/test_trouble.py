"""Upstreams that fail, lie or refuse, manually edited cursors, and workers that die at any point."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.errors import UnknownSource, UpstreamBlocked, UpstreamError, UpstreamGarbled, UpstreamUnavailable
from ingest.kernel.use_cases import sync_discussions
from ingest.reading import FULL, LEASE_SECONDS, Caller, reading
from local.upstreams import HWMON, LEDS, World
from local.upstreams.faults import FaultKind
from tests.integration.account import lay_tables
from tests.integration.ingest.conftest import Kernel
from tests.integration.ingest.functions import small_world
from tests.integration.ingest.test_first_load import stored_items
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.errors import LeaseTaken
from watchkeeper.progress import Source

STALLED = timedelta(seconds=LEASE_SECONDS + 1)
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


def test_a_dead_upstream_is_noted_and_what_is_stored_stays(caught_up: Kernel) -> None:
    before = stored_items()
    caught_up.upstreams.patchwork.faults.add("unavailable", times=1000)

    with pytest.raises(UpstreamUnavailable):
        caught_up.read_project(HWMON, FULL)

    assert stored_items() == before
    source = source_of(caught_up, PATCHWORK_SOURCE)
    assert source.failing_since
    assert source.blocked_since is None


@pytest.mark.parametrize("status", [200, 403])
def test_a_challenge_page_stops_the_run_at_once_and_says_blocked(caught_up: Kernel, status: int) -> None:
    cursor = source_of(caught_up, LORE_SOURCE).cursor
    caught_up.upstreams.lore.log.clear()
    caught_up.upstreams.lore.faults.add("challenge", times=1000, status=status)

    with pytest.raises(UpstreamBlocked):
        caught_up.read_list(HWMON)

    source = source_of(caught_up, LORE_SOURCE)
    assert source.blocked_since
    assert source.cursor == cursor
    assert len(caught_up.upstreams.lore.log.all()) == 1


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
        {"weeks": [1]},
    ],
)
def test_an_edited_patch_cursor_is_noticed_and_everything_is_read_again(kernel: Kernel, cursor: dict[str, Any]) -> None:
    small_world(kernel.upstreams)
    kernel.progress.save(Source(PATCHWORK_SOURCE, cursor=cursor))

    assert kernel.read_project(HWMON)

    assert any("cursor" in gap.reason for gap in source_of(kernel, PATCHWORK_SOURCE).gaps)
    tracked = [one.id for one in kernel.upstreams.world.tracker.patches.values() if one.project.link_name == HWMON]
    assert len(kernel.patches.get_many(tracked)) == len(tracked)


@pytest.mark.parametrize("cursor", [{"window": -5}, {"span": 0}, {"window": "x"}, {"nonsense": True}, {"weeks": 7}])
def test_an_edited_list_cursor_is_noticed_and_everything_is_read_again(kernel: Kernel, cursor: dict[str, Any]) -> None:
    small_world(kernel.upstreams)
    kernel.progress.save(Source(LORE_SOURCE, cursor=cursor))

    assert kernel.read_list(HWMON)

    assert any("cursor" in gap.reason for gap in source_of(kernel, LORE_SOURCE).gaps)
    world = kernel.upstreams.world.archive.inboxes[HWMON]
    assert all(kernel.discussions.of_message(message.mail.message_id) for message in world.messages)


def test_an_event_feed_that_lost_our_place_makes_the_list_be_read_again(caught_up: Kernel) -> None:
    caught_up.upstreams.world.tracker.events.clear()
    patch = next(iter(caught_up.upstreams.world.tracker.patches.values()))
    patch.archived = True

    caught_up.read_everything()

    assert caught_up.patches.get(patch.id).archived
    assert any("feed" in gap.reason for gap in source_of(caught_up, f"patchwork:{patch.project.link_name}").gaps)


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
    now = utc_now()
    times = iter([now, now])
    with reading(LORE_SOURCE, "lore", kernel.progress, slow, lambda: next(times, now + STALLED)) as current:
        kernel.progress.end_lease("lore", "slow")
        kernel.progress.take_lease("lore", "other", now=now + STALLED, seconds=LEASE_SECONDS)
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
    caught_up: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = stored_items()
    lay_tables()
    monkeypatch.setattr(sync_discussions, "_FIRST_SPAN", 10 * 86_400)
    chance = random.Random(7)

    for _ in range(8):
        with killed_at_write(chance.randrange(1, 60)):
            caught_up.read_everything()
        for upstream in ("patchwork", "lore"):  # the dead worker's lease runs out
            caught_up.progress.end_lease(upstream, f"call-{caught_up.calls}")
    caught_up.read_everything()

    assert stored_items() == undisturbed


def kill_everywhere(kernel: Kernel, act: Callable[[], object]) -> None:
    """Let ``act`` die at its first write, its second, and so on, until it comes through."""
    for number in range(1000):
        done: list[object] = []
        with killed_at_write(number):
            done.append(act())
        if done:
            return
        for upstream in ("patchwork", "lore"):
            kernel.progress.end_lease(upstream, f"call-{kernel.calls}")
    raise AssertionError("it never came through")


def add(kernel: Kernel, message_id: str, *references: str, list_name: str = HWMON) -> None:
    """A mail dated by how many there were before it, so that the same story gives the same mails."""
    before = len(kernel.upstreams.world.archive.everything.messages)
    date = (datetime(2026, 6, 1, tzinfo=UTC) + timedelta(minutes=before)).isoformat()
    letter = {"list": list_name, "subject": f"About {message_id}", "message_id": message_id, "body": "Text.\n"}
    kernel.upstreams.change("mails", {**letter, "date": date, "received": date, "references": list(references)})


def a_root_that_comes_late(kernel: Kernel) -> Iterator[None]:
    add(kernel, "child@x", "ghost@x")
    yield
    add(kernel, "ghost@x", "top@x")
    yield


def a_mail_that_joins_two_threads(kernel: Kernel) -> Iterator[None]:
    for root in ("a@x", "b@x"):
        add(kernel, root)
        add(kernel, f"reply-to-{root}", root)
    yield
    add(kernel, "joint@x", "a@x", "b@x")
    yield


def a_parent_that_comes_by_another_list(kernel: Kernel) -> Iterator[None]:
    add(kernel, "child@x", "parent@x")
    yield
    add(kernel, "parent@x", "root@x", list_name=LEDS)
    add(kernel, "root@x", list_name=LEDS)
    yield


@pytest.mark.parametrize(
    "story", [a_root_that_comes_late, a_mail_that_joins_two_threads, a_parent_that_comes_by_another_list]
)
def test_a_reading_killed_at_any_write_is_made_good_by_the_next(
    kernel: Kernel, story: Callable[[Kernel], Iterator[None]]
) -> None:
    kernel.upstreams.world = World()

    def read_lists() -> None:
        for name in (HWMON, LEDS):
            kernel.read_list(name)

    for _ in story(kernel):
        read_lists()
    undisturbed = stored_items()
    lay_tables()
    kernel.upstreams.world = World()
    for _ in story(kernel):
        kill_everywhere(kernel, read_lists)
    read_lists()

    assert stored_items() == undisturbed


def test_mail_below_a_long_stretch_of_known_mail_is_read(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a whole thread was fetched by itself before the list's own reading came to what arrived before it."""
    monkeypatch.setattr(sync_discussions, "KNOWN_STRETCH", 5)
    kernel.read_everything()
    for number in range(3):
        add(kernel, f"below-{number}@x")
    add(kernel, "series-0@x")
    for number in range(1, 30):
        add(kernel, f"series-{number}@x", "series-0@x")
    kernel.fetch_threads("series-0@x")

    kernel.read_everything()

    assert all(kernel.discussions.of_message(f"below-{number}@x") for number in range(3))


def test_many_mails_with_one_id_and_endless_references_fit_the_graph(kernel: Kernel) -> None:
    for number in range(8):
        date = f"2026-01-0{number + 1}T00:00:00+00:00"
        references = [f"{number}-{one}-{'x' * 200}@x" for one in range(400)]
        letter = {"list": HWMON, "subject": "Again", "message_id": "same@x", "date": date, "received": date}
        kernel.upstreams.change("mails", {**letter, "references": references})

    kernel.read_everything()

    assert len(kernel.discussions.of_message("same@x")) == 8


def test_a_page_of_events_too_many_to_ask_for_one_by_one_is_a_walk(
    caught_up: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.kernel.use_cases.sync_patches.MAX_SINGLE_ROWS", 3)
    monkeypatch.setattr("ingest.kernel.use_cases.sync_patches._NEWEST_PAGES", 0)
    patches = [caught_up.upstreams.change("patches", {"list": HWMON, "subject": f"[PATCH] n{one}"}) for one in range(6)]
    caught_up.upstreams.patchwork.log.clear()

    caught_up.read_everything()

    assert len(caught_up.patches.get_many(one["deliveries"][0]["id"] for one in patches)) == 6
    assert len(caught_up.upstreams.patchwork.log.all()) < 20


def test_a_full_reading_short_of_time_comes_to_an_end(caught_up: Kernel) -> None:
    caught_up.seconds_left = 1.0
    mode = FULL
    for _ in range(20):
        if caught_up.read_project(HWMON, mode):
            break
    else:
        raise AssertionError("it started over and over")


def test_another_calls_progress_survives_a_failing_one(caught_up: Kernel) -> None:
    moved = replace(source_of(caught_up, PATCHWORK_SOURCE), cursor={"begun": True, "weeks": ["2026-W01"]})

    def overtaken() -> None:
        with reading(PATCHWORK_SOURCE, "patchwork", caught_up.progress, caught_up.caller(), utc_now):
            caught_up.progress.save(moved)
            raise UpstreamUnavailable("down")

    with pytest.raises(UpstreamUnavailable):
        overtaken()

    assert source_of(caught_up, PATCHWORK_SOURCE).cursor == moved.cursor
    assert source_of(caught_up, PATCHWORK_SOURCE).error == "down"
