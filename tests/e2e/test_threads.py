"""Threads that are read as a whole: those of mails whose parent is missing, and those that are refreshed."""

import base64
import random
from datetime import UTC, datetime

import pytest

from local.upstreams import HWMON
from tests.e2e.api import segment
from tests.e2e.system import LORE, System

SOURCE = f"lore:{HWMON}"
LONG_AGO = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
"""Longer than what the weekly look reads of every list."""
LARGE = 640_000
"""Bytes of text that cannot be compressed much: more than an item of a table holds."""


def send(system: System, message_id: str, answered: str | None = None, body: str = "Please read this.\n") -> str:
    mail = {"list": HWMON, "subject": f"About {message_id}", "message_id": message_id, "body": body}
    system.upstreams.change("mails", {**mail, **({"in_reply_to": answered} if answered else {})})
    return message_id


def read_list(system: System) -> None:
    with system.awaited(SOURCE):
        system.hand_out([SOURCE], "recent")
    system.settle()


def ask_for(system: System, message_id: str) -> None:
    system.cloud.invoke("fetch-threads", {"message_ids": [message_id]})


def test_the_thread_of_a_reply_to_a_mail_nobody_has_is_asked_for(system: System) -> None:
    system.queues.purge("threads")
    reply = send(system, "reply-to-nothing@example.org", "never-sent@example.org")

    read_list(system)

    assert system.api.mails(reply)
    assert system.queues.depth("threads").delayed == 1


def test_a_comment_that_patchwork_shows_first_is_looked_for(system: System) -> None:
    system.queues.purge("threads")
    tracked = system.upstreams.world.tracker.patches.values()
    patch = next(one for one in tracked if one.project.link_name == HWMON and one.state == "new")
    comment = send(system, "patchwork-first@example.org", patch.mail.message_id)

    with system.awaited(f"patchwork:{HWMON}"):
        system.hand_out([f"patchwork:{HWMON}"], "recent")

    assert system.queues.depth("threads").delayed == 1
    read_list(system)
    answer = system.api.read(f"patches/{patch.id}/discussions", view="flat")
    assert comment in {mail["message_id"] for mail in answer["discussions"]}


@pytest.mark.parametrize("brought", ["by asking for it", "with the list"])
def test_replies_move_to_the_thread_that_comes_later(system: System, brought: str) -> None:
    place = f"{brought.replace(' ', '-')}.example.org"
    reply = send(system, f"early-reply@{place}", f"late-parent@{place}")
    read_list(system)
    root = send(system, f"late-root@{place}")
    parent = send(system, f"late-parent@{place}", root)

    if brought == "with the list":
        read_list(system)
    else:
        ask_for(system, parent)

    thread = system.api.read(f"threads/{segment(root)}", view="flat")
    assert {mail["message_id"] for mail in thread["discussions"]} == {root, parent, reply}


def large_text() -> str:
    octets = random.Random(1).randbytes(LARGE)
    return base64.encodebytes(octets).decode()


def test_a_mail_of_a_list_that_is_too_large_for_a_table_is_served_whole(system: System) -> None:
    message_id = send(system, "large-on-list@example.org", body=large_text())

    read_list(system)

    assert_served_whole(system, message_id)


def test_a_mail_somebody_asks_for_that_is_too_large_for_a_table_is_served_whole(system: System) -> None:
    message_id = send(system, "large-on-demand@example.org", body=large_text())

    ask_for(system, message_id)

    assert_served_whole(system, message_id)


def assert_served_whole(system: System, message_id: str) -> None:
    [mail] = system.api.mails(message_id)
    assert not mail["truncated"]
    assert mail["text"].strip() == large_text().strip()


def test_the_weekly_look_reads_the_lists_again_and_asks_for_quiet_threads(system: System) -> None:
    then = LONG_AGO.isoformat()
    patch = {"list": HWMON, "subject": "[PATCH] hwmon: (quiet) Wait for an answer", "date": then, "received": then}
    system.upstreams.change("patches", {**patch, "message_id": "quiet@example.org"})
    with system.awaited(f"patchwork:{HWMON}"):
        system.hand_out([f"patchwork:{HWMON}"], "full")
    system.settle()

    with system.awaited(*LORE):
        answer = system.cloud.invoke("refresh-discussions", {})
    system.settle()

    assert answer["threads"] >= 1
    assert system.api.mails("quiet@example.org")
    assert {system.api.sources()[name]["run"]["mode"] for name in LORE} == {"refresh"}
