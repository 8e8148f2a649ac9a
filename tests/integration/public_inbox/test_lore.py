"""The client against public-inbox 1.9 itself: each fact it relies on is one the real program shows here."""

import re

import pytest

from ingest.errors import UnknownSource
from ingest.kernel.lore import FIRST_SECOND, Lore
from ingest.kernel.mail import parse
from tests.integration.public_inbox.conftest import EMPTY, SAMPLE, Served
from tests.integration.public_inbox.letters import FIRST, NOW, SLASHED_ID

_GIVEN_ID = re.compile(rb"^Message-ID: <\d{14}\.[\w-]+@z>\n", re.MULTILINE)
"""What the archive adds to a mail without an id, and to one whose id another mail has."""
_DROPPED = re.compile(rb"^(?:Lines|Content-Length|X-Status|Delivered-To): .*\n", re.MULTILINE | re.IGNORECASE)
"""What it leaves out, some more that only mail stores and list software write among it."""


def ids(lore: Lore, since: int, until: int | None = None, name: str = SAMPLE) -> list[str]:
    with lore.received(name, since, until) as mails:
        return [parse(raw, now=NOW).message_id for raw in mails]


def thread(lore: Lore, message_id: str, name: str = SAMPLE) -> set[str]:
    with lore.thread(name, message_id) as mails:
        return {parse(raw, now=NOW).message_id for raw in mails}


def test_a_list_there_is(served: Served) -> None:
    served.lore.require_list(SAMPLE)
    served.lore.require_list(EMPTY)


def test_a_list_there_is_not(served: Served) -> None:
    with pytest.raises(UnknownSource):
        served.lore.require_list("linux-nothing")


def test_every_mail_comes_as_it_arrived_newest_arrival_first(served: Served) -> None:
    with served.lore.received(SAMPLE, FIRST_SECOND) as mails:
        got = [_GIVEN_ID.sub(b"", raw) for raw in mails]

    assert got == [_DROPPED.sub(b"", raw) for raw in reversed(served.arrived)]


def test_order_of_arrival_is_no_order_of_time(served: Served) -> None:
    received = [parse(raw, now=NOW).received for raw in served.arrived]
    assert received != sorted(received)


def test_both_ends_of_a_window_belong_to_it(served: Served) -> None:
    first = int(FIRST.timestamp())
    second, fourth = first + 2 * 60, first + 4 * 60

    assert set(ids(served.lore, second, fourth)) == {f"{name}@prompt.example" for name in ("yes-2", "no-1", "no-2")}
    assert ids(served.lore, second + 1, fourth - 1) == ["no-1@prompt.example"]
    assert ids(served.lore, second, second) == ["yes-2@prompt.example"]


def test_an_empty_window_has_no_mails(served: Served) -> None:
    assert ids(served.lore, 1_000_000_000, 1_000_000_001) == []


def test_the_first_seconds_of_the_epoch_are_taken_for_what_they_are(served: Served) -> None:
    assert ids(served.lore, 0, 1) == ["epoch@date.example"]
    assert ids(served.lore, 1, 946_684_800) == ["before-the-archive@date.example"]


def test_the_oldest_mail_is_the_one_received_first(served: Served) -> None:
    oldest = served.lore.oldest(SAMPLE)

    assert oldest is not None
    assert oldest.timestamp() == 0


def test_a_list_without_mails_has_no_oldest_one(served: Served) -> None:
    assert served.lore.oldest(EMPTY) is None
    assert ids(served.lore, FIRST_SECOND, name=EMPTY) == []
    assert thread(served.lore, "root@order.example", EMPTY) == set()


def test_a_mailbox_can_be_left_after_its_first_mail(served: Served) -> None:
    with served.lore.received(SAMPLE, FIRST_SECOND) as mails:
        newest = next(iter(mails))

    assert newest == served.arrived[-1]


def test_a_thread_is_there_from_any_of_its_mails(served: Served) -> None:
    whole = {"left-1@ghost.example", "left-2@ghost.example", "bridge@ghost.example", "right-2@ghost.example"}
    assert thread(served.lore, "right-1@ghost.example") >= whole
    assert thread(served.lore, "left-2@ghost.example") >= whole


@pytest.mark.parametrize(
    "message_id", [SLASHED_ID, "quo\"te'$&@spelling.example", "with space@spelling.example", "no-at"]
)
def test_ids_are_escaped_as_the_archive_wants_them(served: Served, message_id: str) -> None:
    assert message_id in thread(served.lore, message_id)


@pytest.mark.parametrize("message_id", ["never@seen.example", "g2@ghost.example", "ROOT@order.example", "x/../y"])
def test_the_thread_of_a_mail_the_list_has_not_is_empty(served: Served, message_id: str) -> None:
    assert thread(served.lore, message_id) == set()


def test_all_mails_of_a_reused_id_come_with_its_thread(served: Served) -> None:
    with served.lore.thread(SAMPLE, "again@reused.example") as mails:
        found = [parse(raw, now=NOW) for raw in mails]

    reused = [mail for mail in found if mail.message_id == "again@reused.example"]
    assert len(reused) == 3
    assert len({mail.other_ids for mail in reused}) == 3
