"""What an hourly run picks up after the first load, and what it leaves alone."""

from datetime import UTC, datetime, timedelta

import pytest

from ingest.kernel.use_cases import sync_discussions, sync_patches
from ingest.reading import FULL, REFRESH
from local.upstreams import HWMON, LEDS
from tests.integration.ingest.conftest import Kernel
from tests.integration.ingest.test_first_load import stored_items
from watchkeeper.correlation import following
from watchkeeper.dynamodb import Between

LONG_AGO = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)


def add_mail(kernel: Kernel, **fields: object) -> str:
    answer = kernel.upstreams.change("mails", {"list": HWMON, "body": "Looks good to me.\n", **fields})
    return str(answer["message_id"])


def requests_since(kernel: Kernel) -> list[str]:
    logs = (kernel.upstreams.patchwork.log.all(), kernel.upstreams.lore.log.all())
    return [request.target for log in logs for request in log]


def forget_requests(kernel: Kernel) -> None:
    kernel.upstreams.patchwork.log.clear()
    kernel.upstreams.lore.log.clear()


def a_patch(kernel: Kernel) -> int:
    tracked = kernel.upstreams.world.tracker.patches.values()
    return next(patch.id for patch in tracked if patch.state == "new" and patch.project.link_name == HWMON)


def test_a_quiet_hour_writes_nothing_and_asks_little(caught_up: Kernel) -> None:
    before = stored_items()
    forget_requests(caught_up)

    with following("another-run"):
        caught_up.read_everything()

    assert stored_items() == before
    assert len(requests_since(caught_up)) <= 8


def test_a_state_change_needs_no_request_for_the_patch(caught_up: Kernel) -> None:
    patch_id = a_patch(caught_up)
    caught_up.upstreams.change("state", {"patch": patch_id, "state": "accepted", "user": "tdahl"})
    forget_requests(caught_up)

    caught_up.read_everything()

    assert caught_up.patches.get(patch_id).state == "accepted"
    assert not [target for target in requests_since(caught_up) if "/patches/" in target]


def test_a_delegate_and_a_check_come_with_their_events(caught_up: Kernel) -> None:
    patch_id = a_patch(caught_up)
    caught_up.upstreams.change("delegate", {"patch": patch_id, "delegate": "mokafor", "user": "tdahl"})
    check = {
        "patch": patch_id,
        "state": "fail",
        "context": "build-arm64",
        "description": "",
        "target_url": "",
        "user": "ci-bot",
    }
    caught_up.upstreams.change("checks", check)

    caught_up.read_everything()

    patch = caught_up.patches.get(patch_id)
    assert patch.delegate == "mokafor"
    assert patch.check == "fail"
    assert "build-arm64" in {one.context for one in patch.checks}


def test_a_flag_without_an_event_comes_with_the_daily_walk(caught_up: Kernel) -> None:
    patch_id = a_patch(caught_up)
    caught_up.upstreams.change("archived", {"patch": patch_id, "archived": True})

    caught_up.read_everything()
    assert not caught_up.patches.get(patch_id).archived
    caught_up.read_everything(FULL)
    assert caught_up.patches.get(patch_id).archived


def test_a_new_patch_comes_with_its_series_and_its_mail(caught_up: Kernel) -> None:
    answer = caught_up.upstreams.change("patches", {"list": HWMON, "subject": "[PATCH v2 1/1] hwmon: (new) Add driver"})
    patch_id = answer["deliveries"][0]["id"]

    caught_up.read_everything()

    patch = caught_up.patches.get(patch_id)
    assert (patch.version, patch.number, patch.total) == (2, 1, 1)
    assert patch.series_id is not None
    assert caught_up.series.get(patch.series_id).received_all
    [(mail, _)] = caught_up.discussions.of_message(answer["message_id"])
    assert mail.patch_message_id == patch.message_id


def test_a_late_mail_is_found_whatever_its_headers_claim(caught_up: Kernel) -> None:
    message_id = add_mail(caught_up, subject="An old thought", date=LONG_AGO.isoformat(), received=LONG_AGO.isoformat())

    caught_up.read_everything()

    [(mail, _)] = caught_up.discussions.of_message(message_id)
    assert mail.timestamp == LONG_AGO


def test_a_comment_on_an_old_patch_is_linked_to_it(kernel: Kernel) -> None:
    old = kernel.upstreams.change(
        "patches",
        {
            "list": HWMON,
            "subject": "[PATCH] hwmon: old",
            "date": LONG_AGO.isoformat(),
            "received": LONG_AGO.isoformat(),
        },
    )
    kernel.read_everything()
    reply = add_mail(kernel, subject="Re: [PATCH] hwmon: old", in_reply_to=old["message_id"])

    kernel.read_everything()

    assert reply in {mail.message_id for mail in kernel.discussions.of_patch(old["message_id"])}


def test_a_missing_parent_that_comes_late_joins_the_threads_of_its_children(caught_up: Kernel) -> None:
    ghost = "missing-parent@example.org"
    first = add_mail(caught_up, subject="Re: x", message_id="first-child@example.org", in_reply_to=ghost)
    second = add_mail(caught_up, subject="Re: y", message_id="second-child@example.org", in_reply_to=ghost)
    caught_up.read_everything()
    root = add_mail(caught_up, subject="An unrelated start", message_id="the-root@example.org")
    add_mail(caught_up, subject="Re: z", message_id=ghost, in_reply_to=root)

    caught_up.read_everything()

    threads = {caught_up.discussions.of_message(one)[0][0].thread_id for one in (first, second, ghost, root)}
    assert threads == {root}
    assert caught_up.discussions.of_message(first)[0][0].parent_id == ghost


def test_a_new_mail_with_an_unknown_parent_has_its_thread_asked_for(caught_up: Kernel) -> None:
    message_id = add_mail(caught_up, subject="Re: x", in_reply_to="nobody-has-this@example.org")

    caught_up.read_everything()

    assert [message_id] in [work["message_ids"] for work in caught_up.thread_work.sent]


def test_a_comment_the_archive_has_not_shown_yet_is_asked_for_later(caught_up: Kernel) -> None:
    parent = caught_up.patches.get(a_patch(caught_up)).message_id
    message_id = add_mail(caught_up, subject="Re: x", in_reply_to=parent, only="patchwork")

    caught_up.read_everything()

    asked = [work for work in caught_up.thread_work.sent if message_id in work["message_ids"]]
    assert [work["delay"] for work in asked] == [600]


def test_a_mail_cross_posted_later_keeps_one_place_and_names_both_lists(caught_up: Kernel) -> None:
    message_id = add_mail(caught_up, subject="For both", message_id="both@example.org")
    caught_up.read_everything()
    raw = next(
        message.mail.raw
        for message in caught_up.upstreams.world.archive.inboxes[HWMON].messages
        if message.mail.message_id == message_id
    )
    caught_up.upstreams.world.deliver(raw, [LEDS])

    caught_up.read_everything()

    [(mail, _)] = caught_up.discussions.of_message(message_id)
    assert mail.lists == (HWMON, LEDS)


def test_a_thread_can_be_fetched_on_demand(kernel: Kernel) -> None:
    message_id = kernel.upstreams.world.archive.inboxes[HWMON].messages[0].mail.message_id

    kernel.fetch_threads(message_id)

    assert kernel.discussions.of_message(message_id)


def test_a_refresh_reads_the_last_sixty_days_again(caught_up: Kernel) -> None:
    before = stored_items()

    with following("another-run"):
        for name in (HWMON, LEDS):
            assert caught_up.read_list(name, REFRESH)

    assert stored_items() == before
    runs = [source.run for source in caught_up.progress.sources() if source.name.startswith("lore:")]
    assert all(run and run.mode == REFRESH and run.fetched > 100 for run in runs)


def test_more_new_mail_than_fits_is_read_as_history(caught_up: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    for number in range(12):
        received = (now - timedelta(minutes=number)).isoformat()
        add_mail(caught_up, subject=f"Mail {number}", message_id=f"burst-{number}@example.org", received=received)
    monkeypatch.setattr(sync_discussions, "MAX_BACKLOG", 5)

    assert caught_up.read_list(HWMON)

    assert all(caught_up.discussions.of_message(f"burst-{number}@example.org") for number in range(12))


def test_a_mail_counts_once_whichever_of_its_lists_is_read_first(kernel: Kernel) -> None:
    for name in (LEDS, HWMON):
        assert kernel.read_list(name)
        kernel.count_weeks()
        kernel.discussion_work.sent.clear()

    weeks = (kernel.progress.weeks(f"mail#{name}", Between()) for name in (LEDS, HWMON))
    assert sum(week["mails"] for of_list in weeks for week in of_list.values()) == len(stored_items()["discussions"])


def test_a_cover_letter_that_comes_late_names_its_series(kernel: Kernel) -> None:
    first = kernel.upstreams.change("patches", {"list": HWMON, "subject": "[PATCH 1/1] hwmon: (late) Add driver"})
    kernel.read_everything()
    series_id = kernel.patches.get(first["deliveries"][0]["id"]).series_id
    assert series_id is not None
    cover = kernel.upstreams.change(
        "mails", {"list": HWMON, "subject": "[PATCH 0/1] hwmon: Late cover", "references": [first["message_id"]]}
    )

    kernel.read_everything()

    kept = kernel.series.get(series_id).cover
    tracked = kernel.upstreams.world.tracker.series[series_id].cover
    assert (kept and kept.message_id) == (tracked and tracked.mail.message_id) == cover["message_id"]


def test_two_people_may_judge_a_patch_in_one_context(caught_up: Kernel) -> None:
    patch_id = a_patch(caught_up)
    for user, state in (("tdahl", "success"), ("ci-bot", "warning")):
        caught_up.upstreams.change("checks", {"patch": patch_id, "state": state, "context": "boot", "user": user})

    caught_up.read_everything()

    verdicts = {(one.user, one.state) for one in caught_up.patches.get(patch_id).checks if one.context == "boot"}
    assert verdicts == {("tdahl", "success"), ("ci-bot", "warning")}


def test_a_state_changed_twice_just_before_the_first_load_is_the_last_one(kernel: Kernel) -> None:
    patch_id = a_patch(kernel)
    for state in ("under-review", "accepted"):
        kernel.upstreams.change("state", {"patch": patch_id, "state": state, "user": "tdahl"})

    kernel.read_everything()
    kernel.read_everything()

    assert kernel.patches.get(patch_id).state == "accepted"


def test_a_bulk_of_events_in_one_minute_leaves_the_last_states(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_patches, "_KEPT_SEEN", 20)
    kernel.read_everything()
    mine = [one.id for one in kernel.upstreams.world.tracker.patches.values() if one.project.link_name == HWMON]
    for state in ("rejected", "deferred"):
        for patch_id in mine:
            kernel.upstreams.change("state", {"patch": patch_id, "state": state, "user": "tdahl"})

    for _ in range(3):
        kernel.read_everything()

    assert {patch.state for patch in kernel.patches.get_many(mine).values()} == {"deferred"}


def test_a_check_dated_before_ones_already_seen_comes_with_the_daily_walk(caught_up: Kernel) -> None:
    """As in the hour in which the server's clock is set back."""
    patch_id = a_patch(caught_up)
    with caught_up.upstreams.world.at(datetime.now(UTC) - timedelta(minutes=50)):
        caught_up.upstreams.change("checks", {"patch": patch_id, "state": "fail", "context": "lost", "user": "ci-bot"})

    caught_up.read_everything()
    caught_up.read_everything(FULL)

    assert "lost" in {one.context for one in caught_up.patches.get(patch_id).checks}
