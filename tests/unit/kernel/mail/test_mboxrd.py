import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.kernel.mail import mboxrd
from ingest.kernel.mail.mboxrd import SEPARATOR, split


def written(*mails: bytes) -> bytes:
    """As public-inbox writes them: one newline behind each mail."""
    return b"".join(SEPARATOR + b"\n" + escaped(mail) + b"\n" for mail in mails)


def escaped(mail: bytes) -> bytes:
    lines = mail.split(b"\n")
    return b"\n".join(b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in lines)


def test_mails_come_in_the_order_of_the_stream() -> None:
    stream = io.BytesIO(written(b"Subject: a\n\none\n", b"Subject: b\n\ntwo\n"))

    assert list(split(stream)) == [b"Subject: a\n\none\n", b"Subject: b\n\ntwo\n"]


def test_one_level_of_escaping_is_undone() -> None:
    mail = b"Subject: a\n\nFrom me\n>From you\n>>From us\n> From no one\n"

    assert list(split(io.BytesIO(written(mail)))) == [mail]


def test_mail_without_final_newline_does_not_swallow_the_next() -> None:
    assert list(split([written(b"Subject: a\n\none", b"Subject: b\n\ntwo")])) == [
        b"Subject: a\n\none",
        b"Subject: b\n\ntwo",
    ]


def test_crlf_separators_are_separators() -> None:
    stream = SEPARATOR + b"\r\nSubject: a\r\n\r\none\r\n\r\n" + SEPARATOR + b"\r\nSubject: b\r\n\r\ntwo\r\n\r\n"

    assert next(split([stream])) == b"Subject: a\r\n\r\none\r\n"
    assert len(list(split([stream]))) == 2


def test_other_from_lines_are_text() -> None:
    mail = b"Subject: a\n\nFrom ada@example.org Tue Jul 14 08:21:25 2026\n"

    assert list(split([SEPARATOR + b"\n" + mail + b"\n"])) == [mail]


@pytest.mark.parametrize("stream", [b"", b"\n", b"<html>Making sure you're not a bot!</html>", SEPARATOR])
def test_what_is_no_mboxrd_holds_no_mail(stream: bytes) -> None:
    assert list(split([stream])) == []


def test_mail_over_the_limit_is_cut_and_the_next_one_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mboxrd, "MAX_MAIL_BYTES", 100)
    stream = written(b"Subject: a\n\n" + b"x" * 1_000_000, b"Subject: b\n\ntwo\n")

    first, second = split([stream[at : at + 999] for at in range(0, len(stream), 999)])

    assert len(first) == 100
    assert second == b"Subject: b\n\ntwo\n"


def test_stream_is_read_only_as_far_as_it_is_asked_for() -> None:
    asked = 0

    def chunks() -> Iterator[bytes]:
        nonlocal asked
        for number in range(1000):
            asked += 1
            yield written(b"Subject: %d\n\nx\n" % number)

    next(split(chunks()))

    assert asked <= 2


@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([b"From x\n", b"\nFrom \n", SEPARATOR, b"a\n" + SEPARATOR + b"\n"])
    ),
    st.integers(1, 70),
)
def test_whatever_is_written_is_read_again_in_chunks_of_any_size(mails: list[bytes], size: int) -> None:
    mails = [b"Subject: a\n\n" + mail.replace(b"\r", b"") for mail in mails]
    stream = written(*mails)

    assert list(split(stream[at : at + size] for at in range(0, len(stream), size))) == mails
