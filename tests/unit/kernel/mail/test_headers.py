import email

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.kernel.mail import flags
from ingest.kernel.mail.headers import MAX_LINES, decoded, from_base64, split_head

LINES = st.lists(
    st.sampled_from(
        [
            b"Subject: a",
            b"X-Y:b",
            b"References: <a@b>",
            b"\t<c@d>",
            b" more",
            b"Empty:",
            b"no header",
            b"Spaced : x",
            b"8bit: \xe9",
            b"Two: words: here ",
        ]
    ),
    max_size=8,
)


@given(LINES, st.sampled_from([b"\n", b"\r\n"]))
def test_fields_and_body_are_those_of_the_standard_library(lines: list[bytes], end: bytes) -> None:
    raw = end.join([b"First: 1", *lines, b"Last: 2", b"", b"body", b""])
    theirs = email.message_from_bytes(raw)
    headers, body, _ = split_head(raw)

    for name in {name.lower() for name in theirs}:
        expected = [value.replace("\r\n", "\n").strip() for key, value in theirs.raw_items() if key.lower() == name]
        assert [value.encode("ascii", "replace") for value in map(str.strip, headers.all(name))] == [
            value.encode("ascii", "surrogateescape").decode("latin-1").encode("ascii", "replace") for value in expected
        ]
    payload = theirs.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert body.split() == payload.split()


def test_mail_without_header_is_all_body() -> None:
    headers, body, _ = split_head(b"\nhello\n")

    assert headers.first("subject") is None
    assert body == b"hello\n"


def test_too_many_header_lines_are_left_out_and_told() -> None:
    headers, body, odd = split_head(b"Subject: a\n" + b"X: y\n" * (MAX_LINES + 5) + b"Late: z\n\nbody")

    assert odd == {flags.TOO_MANY_HEADERS}
    assert headers.first("subject") == "a"
    assert headers.first("late") is None
    assert body == b"body"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?caf=C3=A9?=", "café"),
        ("=?UTF-8?B?Y2Fmw6k=?=", "café"),
        ("=?utf-8?q?caf=C3?= =?utf-8?q?=A9?=", "café"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a_b?= c =?utf-8?q?d?=", "a b c d"),
        ("=?koi8-r?b?8NLJ18XU?=", "Привет"),
        ("=?gbk?b?xOO6ww==?=", "你好"),
        ("=?big5?b?p0Gmbg==?=", "你好"),
        ("=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"),
        ("=?y?q?caf=C3=A9?=", "café"),
        ("=?unknown-8bit?q?caf=E9?=", "café"),
        ("=?iso-8859-1?q?don=92t?=", "don’t"),
        ("=?utf-8*en?q?a?=", "a"),
        ("=?utf-8?b?YWI?=", "ab"),
        ("=?utf-8?b?Y?=", ""),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("a\n b\t c", "a b c"),
        ("a\0b", "ab"),
    ],
)
def test_encoded_words_are_read_leniently(value: str, text: str) -> None:
    assert decoded(value) == text


def test_raw_octets_in_a_header_are_text() -> None:
    headers, _, _ = split_head("Subject: café\nX-Name: ".encode() + "café".encode("latin-1") + b"\n\n")

    assert (headers.first("subject"), headers.first("x-name")) == ("café", "café")


@given(st.binary(max_size=60))
def test_any_base64_is_decoded_as_far_as_it_goes(encoded: bytes) -> None:
    octets, sound = from_base64(encoded)

    assert len(octets) <= len(encoded)
    assert sound or isinstance(octets, bytes)
