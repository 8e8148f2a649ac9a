"""Rows that fit no item: counted and set aside, never fatal, and never in the way of others."""

from collections.abc import Mapping
from typing import Any

import pytest

from ingest.kernel.patchwork import Patchwork, RowPage
from ingest.reading import FULL
from local.upstreams import HWMON, Upstreams, World
from tests.integration.ingest.conftest import Kernel
from tests.integration.ingest.functions import small_world
from watchkeeper.progress import Source


@pytest.fixture
def upstreams() -> Any:
    with Upstreams(World()) as running:
        small_world(running)
        yield running


def spoil(monkeypatch: pytest.MonkeyPatch, resource: str, **spoilt: Any) -> None:
    """Patchwork says something endless of the first row of each page."""
    page = Patchwork.page

    def changed(self: Patchwork, path: str) -> RowPage:
        found = page(self, path)
        if f"/{resource}/" not in path or not found.rows:
            return found
        return RowPage([_merged(found.rows[0], spoilt), *found.rows[1:]], found.next, found.shrunk)

    monkeypatch.setattr(Patchwork, "page", changed)


def _merged(row: Mapping[str, Any], spoilt: Mapping[str, Any]) -> dict[str, Any]:
    inner = {name: {**row[name], **value} for name, value in spoilt.items() if isinstance(value, dict)}
    return {**row, **spoilt, **inner}


def source(kernel: Kernel, name: str) -> Source:
    return kernel.progress.source(name)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"name": "x" * 500_000},
        {"submitter": {"email": "x" * 3000}},
        {"state": "x" * 3000},
        {"project": {"link_name": "x" * 3000}},
        {"msgid": "<" + "x" * 3000 + ">"},
    ],
    ids=["item too large", "key too long", "state too long", "project too long", "Message-ID too long"],
)
def test_a_patch_that_fits_no_item_is_set_aside(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch, spoilt: dict[str, Any]
) -> None:
    tracked = sorted(kernel.upstreams.world.tracker.patches)
    with monkeypatch.context() as spoiling:
        spoil(spoiling, "patches", **spoilt)
        assert kernel.read_project(HWMON)

    assert sorted(kernel.patches.get_many(tracked)) == tracked[1:]
    told = source(kernel, f"patchwork:{HWMON}")
    assert told.run
    assert told.run.refused >= 1
    assert told.run.stored >= len(tracked) - 1
    assert any(refusal.subject == f"patch {tracked[0]}" for refusal in told.refusals)
    assert all(len(refusal.reason) <= 500 for refusal in told.refusals)

    assert kernel.read_project(HWMON, FULL)
    assert sorted(kernel.patches.get_many(tracked)) == tracked


def test_a_series_that_fits_no_item_is_set_aside(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    tracked = sorted(kernel.upstreams.world.tracker.series)
    spoil(monkeypatch, "series", name="x" * 500_000)

    assert kernel.read_project(HWMON)

    assert sorted(kernel.series.get_many(tracked)) == tracked[1:]
    assert source(kernel, f"patchwork:{HWMON}").refusals


def test_the_same_row_twice_on_a_page_is_stored_once(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Patchwork.page

    def doubled(self: Patchwork, path: str) -> RowPage:
        found = page(self, path)
        return RowPage([*found.rows, *found.rows], found.next, found.shrunk)

    monkeypatch.setattr(Patchwork, "page", doubled)

    assert kernel.read_project(HWMON)

    tracked = sorted(kernel.upstreams.world.tracker.patches)
    assert sorted(kernel.patches.get_many(tracked)) == tracked


def same_mail(number: int, aliases: int) -> dict[str, Any]:
    date = f"2026-10-06T{number // 60:02}:{number % 60:02}:00+00:00"
    others = "".join(f"Message-ID: <{number}-{one}-{'x' * 220}@x>\n" for one in range(aliases))
    head = f"From: A <a@x.example>\nSubject: Again\nDate: Tue, 6 Oct 2026 {date[11:19]} +0000\n"
    return {"list": HWMON, "raw": f"{head}Message-ID: <same@x>\n{others}\nText {number}.\n", "received": date}


def test_more_mails_with_one_id_than_fit_an_item_are_set_aside(kernel: Kernel) -> None:
    others = len(kernel.upstreams.world.archive.inboxes[HWMON].messages)
    for number in range(80):
        kernel.upstreams.change("mails", same_mail(number, aliases=31))

    assert kernel.read_list(HWMON)

    told = source(kernel, f"lore:{HWMON}")
    assert told.run
    assert told.run.refused > 0
    assert told.run.stored >= others
    assert any(refusal.subject == "mail same@x" for refusal in told.refusals)
    assert all(
        kernel.discussions.of_message(message.mail.message_id)
        for message in kernel.upstreams.world.archive.inboxes[HWMON].messages
        if message.mail.message_id != "same@x" and "@x" not in message.mail.message_id
    )


def test_comments_with_endless_ids_fit_their_messages(kernel: Kernel) -> None:
    ids = [f"{number}-{'x' * 1000}@x" for number in range(300)]

    kernel.patch_sync()._ask_for_comments(set(ids))

    sent = [work["message_ids"] for work in kernel.thread_work.sent]
    assert sorted(one for some in sent for one in some) == sorted(ids)
    assert max(map(len, sent)) <= 100
