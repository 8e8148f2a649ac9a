"""The whole way of a list's mails, from a real archive into the tables."""

from collections import Counter

import pytest

from ingest.kernel.lore import FIRST_SECOND
from ingest.kernel.mail import parse
from ingest.kernel.use_cases import sync_discussions
from ingest.reading import FULL
from tests.integration.public_inbox.archive import PublicInbox
from tests.integration.public_inbox.conftest import SAMPLE, Reader, Served, lore_at
from tests.integration.public_inbox.letters import NOW, letter

LONG_AGO = "by mx.example.org; Mon, 05 Mar 2018 10:00:00 +0000"


def archived(served: Served) -> Counter[str]:
    with served.lore.received(SAMPLE, FIRST_SECOND) as mails:
        return Counter(parse(raw, now=NOW).message_id for raw in mails)


def test_the_first_load_stores_each_mail_once_and_threads_it_as_the_archive_does(
    served: Served, reader: Reader
) -> None:
    run = reader.read(served.lore, SAMPLE)

    assert run.stored == len(served.arrived)
    assert reader.stored() == archived(served)
    assert reader.threads() == served.archive.threads(SAMPLE)


def test_reading_again_stores_nothing(served: Served, reader: Reader) -> None:
    reader.read(served.lore, SAMPLE)
    before = reader.nodes()

    assert reader.read(served.lore, SAMPLE).stored == 0
    full = reader.read(served.lore, SAMPLE, FULL)
    assert (full.stored, full.unchanged) == (0, len(served.arrived))
    assert reader.nodes() == before


def test_small_windows_and_many_calls_lead_to_the_same(
    served: Served, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_discussions, "WINDOW_MAILS", 60)
    monkeypatch.setattr(sync_discussions, "MAX_WINDOW_MAILS", 90)
    reader.seconds_left = 0

    while reader.read(served.lore, SAMPLE).unfinished:
        assert reader.calls < 100

    assert reader.calls > 5
    assert reader.stored() == archived(served)
    assert reader.threads() == served.archive.threads(SAMPLE)


def test_a_late_mail_is_found_whatever_its_headers_claim(
    home: PublicInbox, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_discussions, "KNOWN_STRETCH", 5)
    home.create("late")
    home.deliver("late", [letter(f"{number}@known.example", number) for number in range(30)])
    with home.serving() as url:
        assert reader.read(lore_at(url), "late").stored == 30

    parent = letter("parent@known.example", received=LONG_AGO, date="Mon, 05 Mar 2018 09:59:00 +0000")
    home.deliver("late", [letter("reply@known.example", 31, in_reply_to="<parent@known.example>"), parent])
    with home.serving() as url:
        run = reader.read(lore_at(url), "late")

    assert (run.fetched, run.stored) == (2, 2)
    assert reader.nodes()["reply@known.example"].thread_id == "parent@known.example"


def test_more_new_mails_than_one_reading_takes_are_read_as_history(
    home: PublicInbox, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_discussions, "MAX_BACKLOG", 10)
    monkeypatch.setattr(sync_discussions, "_SLICE", 5)
    home.create("backlog")
    home.deliver("backlog", [letter("first@backlog.example")])
    with home.serving() as url:
        reader.read(lore_at(url), "backlog")

    new = [letter(f"{number}@backlog.example", number * 1440) for number in range(-40, 0)]
    home.deliver("backlog", new)
    with home.serving() as url:
        assert reader.read(lore_at(url), "backlog").stored == len(new)

    assert set(reader.stored()) == {"first@backlog.example"} | {f"{n}@backlog.example" for n in range(-40, 0)}


def test_what_only_a_replaced_copy_mentioned_can_be_mentioned_again(home: PublicInbox, reader: Reader) -> None:
    """The copy of the list that sorts first is the one that is kept."""
    for name, parent in (("copies-a", "new"), ("copies-b", "old")):
        home.create(name)
        home.deliver(name, [letter("self@copies.example", references=f"<{parent}@copies.example>")])
    with home.serving() as url:
        reader.read(lore_at(url), "copies-b")
        reader.read(lore_at(url), "copies-a")
    assert reader.threads() == {
        frozenset({"self@copies.example", "new@copies.example"}),
        frozenset({"old@copies.example"}),
    }

    home.deliver("copies-b", [letter("other@copies.example", 2, references="<old@copies.example>")])
    with home.serving() as url:
        reader.read(lore_at(url), "copies-b")

    assert frozenset({"other@copies.example", "old@copies.example"}) in reader.threads()
