"""Any bytes are a mail: nothing raises, nothing takes long, and every result can be stored."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.kernel.mail import Mail, flags, parse
from ingest.kernel.mail import flags as flag_names
from ingest.kernel.mail.parser import MAX_OCTETS
from ingest.kernel.stance import stance_of
from tests.unit.kernel.mail.builders import HEADERS, NOW, REPLY_BODY, mail, patch, reply
from watchkeeper.kernel.models import Kind, Person

FLAGS = {value for name, value in vars(flag_names).items() if name.isupper()}
SECONDS = 0.1
"""What a mail may take."""


def test_patch_is_read_whole() -> None:
    found = parse(patch(), now=NOW)

    assert found.message_id == "20260714082125.1-ada@example.org"
    assert found.subject == "[PATCH v2 1/3] hwmon: (tmp999) Read the whole register"
    assert (found.parts.version, found.parts.number, found.parts.total) == (2, 1, 3)
    assert found.author == found.sender == Person("Ada Example", "ada@example.org")
    assert found.sent == found.timestamp == datetime(2026, 7, 14, 8, 21, 25, tzinfo=UTC)
    assert found.received == datetime(2026, 7, 14, 8, 22, tzinfo=UTC)
    assert found.kind is Kind.PATCH
    assert (found.diff or "").startswith("diff --git")
    assert "diff --git" not in found.text
    assert found.list_ids == ("linux-hwmon.vger.kernel.org",)
    assert found.flags == ()


def test_reply_keeps_its_quotes_and_signature() -> None:
    found = parse(reply("Why?"), now=NOW)

    assert found.text == REPLY_BODY.format(words="Why?").strip()
    assert found.references == ("cover@example.org", "20260714082125.1-ada@example.org")
    assert found.in_reply_to == "20260714082125.1-ada@example.org"


def test_separator_of_an_mbox_is_no_part_of_the_mail() -> None:
    assert parse(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + patch(), now=NOW) == parse(patch(), now=NOW)


def test_crlf_mail_reads_like_any_other() -> None:
    assert parse(patch().replace(b"\n", b"\r\n"), now=NOW) == parse(patch(), now=NOW)


def test_empty_mail_says_what_it_lacks() -> None:
    found = parse(b"", now=NOW)

    assert found.flags == (
        flags.DATE_MISSING,
        flags.FROM_MISSING,
        flags.MESSAGE_ID_MISSING,
        flags.SUBJECT_MISSING,
    )
    assert (found.kind, found.text, found.received) == (Kind.REPLY, "", NOW)


def test_mail_over_the_limit_is_cut_and_told() -> None:
    found = parse(mail(b"word " * (MAX_OCTETS // 4)), now=NOW)

    assert flags.TRUNCATED in found.flags
    assert found.text.startswith("word word")


@pytest.mark.parametrize("subject", [None, "", "   "])
def test_missing_subject_is_told(subject: str | None) -> None:
    raw = mail(subject=None) if subject is None else mail(subject=subject)

    assert parse(raw, now=NOW).flags == (flags.SUBJECT_MISSING,)


HEADER_LINES = st.sampled_from([f"{name}: {value}\n".encode() for name, value in HEADERS.items()]) | st.builds(
    lambda name, value: name + b": " + value + b"\n",
    st.sampled_from(
        [
            b"From",
            b"To",
            b"Cc",
            b"Reply-To",
            b"Subject",
            b"Date",
            b"Received",
            b"Message-ID",
            b"References",
            b"In-Reply-To",
            b"Content-Type",
            b"Content-Transfer-Encoding",
            b"Content-Disposition",
            b"List-Id",
        ]
    ),
    st.binary(max_size=60)
    | st.sampled_from(
        [
            b"text/plain; charset=y",
            b"text/plain; charset=utf-7; format=flowed",
            b"text/html; charset=utf-16",
            b"multipart/mixed; boundary=b",
            b"message/rfc822",
            b"base64",
            b"quoted-printable",
            b"attachment; filename*0*=x'y'%zz",
            b"=?utf-7?q?+2AA-?= <a@b>",
            b"A via B <devnull+a.b@kernel.org>",
        ]
    ),
)
BODIES = st.binary(max_size=300) | st.builds(
    b"".join,
    st.lists(
        st.sampled_from(
            [
                b"--b\n",
                b"--b--\n",
                b"\n",
                b"Content-Type: text/html\n",
                b"Content-Type: message/rfc822\n",
                b"<p>&#xD800;</p>",
                b"> quoted \n",
                b"-- \n",
                b"--- a/x\n",
                b"+++ b/x\n",
                b"@@ -1 +1 @@\n",
                b"Acked-by: A <a@b.c>\n",
                b"A wrote:\n",
                b"+2AA-",
                b"\0",
                b"=\xe9",
                b"are available in the git repository at:\n",
            ]
        ),
        max_size=20,
    ),
)


def check(found: Mail) -> None:
    """What the stores and their readers rely on."""
    written = json.dumps(asdict(found), default=str, ensure_ascii=False)
    written.encode()
    assert "\\u0000" not in written
    assert found.message_id.strip()
    assert found.message_id not in found.references
    assert found.in_reply_to is None or found.in_reply_to in found.references
    assert found.timestamp.tzinfo is UTC
    assert found.timestamp.microsecond == 0
    assert set(found.flags) <= FLAGS
    assert list(found.flags) == sorted(set(found.flags))
    stance_of(found)


@settings(max_examples=300, deadline=None)
@given(st.lists(HEADER_LINES, max_size=8), BODIES)
def test_any_mail_can_be_read_and_stored(lines: list[bytes], body: bytes) -> None:
    raw = b"".join(lines) + b"\n" + body

    found = parse(raw, now=NOW)

    check(found)
    assert parse(raw, now=NOW) == found


@given(st.binary(max_size=500))
def test_any_octets_can_be_read_and_stored(raw: bytes) -> None:
    check(parse(raw, now=NOW))


def test_nul_in_any_header_is_dropped() -> None:
    raw = mail(
        message_id="<a\0@b>",
        references="<c\0@d>",
        list_id="<x\0.example.org>",
        from_="A\0da <ada\0@example.org>",
        content_type='text/plain; name="a\0b"',
    )

    found = parse(raw, now=NOW)

    check(found)
    assert (found.message_id, found.references, found.list_ids) == ("a@b", ("c@d",), ("x.example.org",))


def test_mail_can_be_hashed_and_holds_nothing_mutable() -> None:
    found = parse(patch(), now=NOW)

    assert hash(found) == hash(parse(patch(), now=NOW))
    assert all(not isinstance(getattr(found, field.name), list) for field in fields(found))


def bombs() -> Iterator[tuple[str, bytes]]:
    yield "comments in From", mail(from_="(" * 50_000 + ")" * 50_000 + " a@b.c")
    yield "comments in To", mail(to="(" * 50_000, in_reply_to="<x@y>")
    yield "encoded words", mail(subject="=?utf-8?q?a?= " * 20_000)
    yield "encoded words of many charsets", mail(subject=" ".join(f"=?x{n}?b?YWFh?=" for n in range(8_000)))
    yield "parameters", mail(content_type="text/plain" + "; a=b" * 40_000)
    yield "parameters with quotes", mail(content_type="text/plain" + '; a="' * 40_000)
    yield "file name in pieces", mail(content_disposition="attachment" + "; filename*0*=a" * 20_000)
    yield "parts", mail(b"--b\n\nx\n" * 100_000, content_type="multipart/mixed; boundary=b")
    yield "parts within parts", b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 20_000
    yield "mails within mails", b"Content-Type: message/rfc822\n\n" * 50_000
    yield "headers", b"".join(b"X-%d: y\n" % n for n in range(100_000)) + b"\nx"
    yield "headers of one name", b"Received: y\n" * 100_000 + b"\nx"
    yield "references", mail(references=" ".join(f"<{n}@x>" for n in range(100_000)))
    yield "references without end", mail(references="<" * 200_000)
    yield (
        "references that are addresses",
        mail(to=", ".join(f"{n}@b" for n in range(4_000)), references=" ".join(f"<{n}@b>" for n in range(4_000))),
    )
    yield "digits for a date", mail(date="1" * 200_000, received="1 " * 20_000)
    yield "brackets", mail(subject="[" * 100_000)
    yield "lines", mail(b"\n" * 2_000_000)
    yield "blanks", mail(b" " * 2_000_000)
    yield "quotes", mail(b">" * 2_000_000)
    yield "attributions", mail(b"x wrote:\n>\n" * 150_000)
    yield "diff headers", mail(b"diff \n" * 300_000)
    yield "endless hunk", mail(b"--- a\n+++ b\n@@ -1,999999999 +1,9 @@\n" + b"+\n" * 700_000)
    yield "trailers", mail(b"".join(b"Acked-by: A <a%d@b.c>\n" % n for n in range(60_000)))
    yield "broken trailers", mail((b"Fixes: abcdef (" + b"a" * 50 + b"\n") * 30_000)
    yield "open comments in HTML", mail(b"<!--" * 500_000, content_type="text/html")
    yield "open tags in HTML", mail(b"<div " * 300_000, content_type="text/html")
    yield "open quotes in HTML", mail(b"<a a='" * 300_000, content_type="text/html")
    yield "base64 line by line", mail(b"Y\n" * 800_000, content_transfer_encoding="base64")
    yield "flowed lines", mail(b"a \n" * 600_000, content_type="text/plain; format=flowed")
    yield "slow charset", mail(b"+2AA-\x80" * 300_000, content_type="text/plain; charset=utf-7")
    yield "mistaken boundaries", mail(b"\n--bb" * 400_000, content_type="multipart/mixed; boundary=b")


BOMBS = dict(bombs())


@pytest.mark.parametrize("raw", BOMBS.values(), ids=BOMBS.keys())
def test_mail_bombs_are_defused(raw: bytes) -> None:
    check(parse(raw, now=NOW))

    assert fastest(lambda: parse(raw, now=NOW)) < SECONDS


def fastest(call: Callable[[], object], rounds: int = 3) -> float:
    """CPU time, and the best of several, so that a busy machine does not fail the build."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)
