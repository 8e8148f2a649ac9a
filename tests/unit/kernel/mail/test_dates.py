from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.kernel.mail import flags, parse
from ingest.kernel.mail.dates import parse_date
from tests.unit.kernel.mail.builders import NOW, mail

NOON = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "Tue, 14 Jul 2026 12:00:00 +0000",
        "Tue, 14 Jul 2026 14:00:00 +0200 (CEST)",
        "14 Jul 26 12:00:00 GMT",
        "14 Jul 126 12:00:00 GMT",
        "Tue 14 July 2026 12:00 UT",
        "Tue, 14 Jul 2026 08:00:00 EDT",
        "Tue, 14 Jul 2026 07:30:00 -0430",
        "Tue, 14 Jul 2026 07:00:00 --500",
        "Tue, 14 Jul 2026 12.00.00 +0000",
        "Tue, 14 Jul 2026 12:00:00 +9900",
        "Tue, 14 Jul 2026 12:00:00",
        "Tue Jul 14 12:00:00 2026",
    ],
)
def test_dates_are_read_in_the_forms_people_send(value: str) -> None:
    assert parse_date(value) == NOON


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "Tue, 32 Jul 2026 12:00:00 +0000",
        "Tue, 14 Juli 2026 12:00:00 +0000",
        "Wed, 4 Jun 207777777777777777777714 17:50:46 0",
        "Fri, 11 Sep 2016 23:22:904070804030804 +0100",
    ],
)
def test_what_is_no_date_is_none(value: str) -> None:
    assert parse_date(value) is None


def test_leap_second_is_a_second() -> None:
    assert parse_date("Sat, 31 Dec 2016 23:59:60 +0000") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_receipt_is_the_topmost_received_header_that_has_a_date() -> None:
    found = parse(
        mail(
            received=[
                "by nowhere without a date",
                "from a by b; Tue, 14 Jul 2026 12:00:00 +0000",
                "from c by a; Tue, 14 Jul 2026 11:59:00 +0000",
            ]
        ),
        now=NOW,
    )

    assert found.received == NOON


def test_folded_received_header_is_read() -> None:
    found = parse(
        mail(received="from a by b\n\twith ESMTP id 12;\n\tTue, 14 Jul\n\t2026 12:00:00 +0000 (UTC)"), now=NOW
    )

    assert found.received == NOON


def test_without_received_header_the_date_header_dates_the_receipt() -> None:
    found = parse(mail(received=None), now=NOW)

    assert found.received == found.sent == datetime(2026, 7, 14, 8, 21, 25, tzinfo=UTC)


def test_mail_without_any_date_arrived_now() -> None:
    found = parse(mail(received=None, date=None), now=NOW)

    assert (found.sent, found.received, found.timestamp) == (None, NOW, NOW)
    assert found.flags == (flags.DATE_MISSING,)


@pytest.mark.parametrize(
    ("date", "flag"),
    [
        ("Wed, 01 Aug 2085 12:00:00 +0000", flags.DATE_IN_FUTURE),
        ("Thu, 01 Jan 1970 00:00:00 +0000", flags.DATE_TOO_OLD),
        ("who knows", flags.DATE_UNPARSABLE),
    ],
)
def test_date_that_cannot_be_true_gives_way_to_the_receipt(date: str, flag: str) -> None:
    found = parse(mail(date=date), now=NOW)

    assert found.timestamp == found.received
    assert found.flags == (flag,)


def test_date_a_little_ahead_of_the_receipt_is_believed() -> None:
    found = parse(mail(date="Wed, 15 Jul 2026 08:00:00 +0000"), now=NOW)

    assert found.timestamp == found.sent
    assert found.flags == ()


def test_date_of_2085_without_received_header_does_not_become_the_receipt() -> None:
    found = parse(mail(date="Wed, 01 Aug 2085 12:00:00 +0000", received=None), now=NOW)

    assert found.received == found.timestamp == NOW


@given(st.text(max_size=80) | st.from_regex(r"[0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,5} [0-9:.]{1,9} [+-]*[0-9A-Z]{1,8}"))
def test_any_date_header_can_be_read(value: str) -> None:
    found = parse_date(value)

    assert found is None or found.tzinfo is UTC
