import base64
import quopri

import pytest

from ingest.kernel.mail import Mail, flags, parse
from ingest.kernel.mail.bodies import MAX_DEPTH, MAX_PARTS, file_name
from tests.unit.kernel.mail.builders import DIFF, NOW, PATCH_BODY, mail, multipart
from watchkeeper.kernel.models import Attachment, Kind


def read(raw: bytes) -> Mail:
    return parse(raw, now=NOW)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("8bit", "Grüße\n".encode()),
        ("base64", base64.encodebytes("Grüße\n".encode())),
        ("BASE64 ", base64.encodebytes("Grüße\n".encode())),
        ("quoted-printable", quopri.encodestring("Grüße\n".encode())),
        ("rot26", "Grüße\n".encode()),
    ],
)
def test_transfer_encodings_are_undone(encoding: str, body: bytes) -> None:
    raw = mail(body, content_type="text/plain; charset=utf-8", content_transfer_encoding=encoding)

    assert read(raw).text == "Grüße"


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
        ("gbk", "你好".encode("gbk"), "你好"),
        ("big5", "你好".encode("big5"), "你好"),
        ("iso-2022-jp", "日本".encode("iso-2022-jp"), "日本"),
        ('"UTF-8"', "Grüße".encode(), "Grüße"),
        ("utf-8", b"Gr\xfc\xdfe", "Gr\ufffd\ufffde"),
        ("us-ascii", "Grüße".encode(), "Grüße"),
        ("us-ascii", b"Gr\xfc\xdfe", "Grüße"),
        ("iso-8859-1", b"Gr\xfc\xdfe", "Grüße"),
        ("iso-8859-1", b"don\x92t \x96 really", "don’t – really"),
        ("iso-8859-1", "“quoted”".encode(), "“quoted”"),
    ],
)
def test_charsets_are_read_as_meant(charset: str, octets: bytes, text: str) -> None:
    found = read(mail(octets, content_type=f"text/plain; charset={charset}"))

    assert found.text == text
    assert found.flags == ()


@pytest.mark.parametrize("charset", ["y", "unknown-8bit", "x-nonsense", "zip", "rot13", "idna", "punycode", "y" * 90])
def test_unknown_charsets_are_guessed_and_told(charset: str) -> None:
    found = read(mail("Grüße".encode(), content_type=f"text/plain; charset={charset}"))

    assert found.text == "Grüße"
    assert found.flags == (flags.CHARSET_UNKNOWN,)


def test_eight_bit_text_without_charset_is_utf_8_or_windows_1252() -> None:
    assert read(mail("Grüße".encode())).text == "Grüße"
    assert read(mail(b"Gr\xfc\xdfe \x80")).text == "Grüße €"


def test_broken_base64_costs_no_more_than_its_end() -> None:
    found = read(mail(base64.b64encode(b"Hello, world") + b"Q", content_transfer_encoding="base64"))

    assert found.text == "Hello, world"
    assert found.flags == (flags.BASE64_BROKEN,)


def test_list_footer_below_base64_stays_text() -> None:
    body = base64.encodebytes(b"Hello.\n") + b"____________\nlist mailing list\nhttps://example.com/list\n"

    found = read(mail(body, content_transfer_encoding="base64"))

    assert found.text.splitlines()[0] == "Hello."
    assert found.text.endswith("https://example.com/list")


def test_text_is_without_carriage_returns_and_nul() -> None:
    assert read(mail(b"a\r\nb\0c\r\n")).text == "a\nbc"


def test_flowed_paragraphs_are_joined() -> None:
    body = "A long \nparagraph.\n stuffed\n> quoted \n> text\n>> deeper\n-- \nBob\n"

    found = read(mail(body, content_type="text/plain; format=flowed"))

    assert found.text == "A long paragraph.\nstuffed\n> quoted text\n>> deeper\n-- \nBob"


def test_flowed_text_with_delsp_loses_the_spaces() -> None:
    found = read(mail("super \nlong\n", content_type='text/plain; format="flowed"; delsp=yes'))

    assert found.text == "superlong"


def test_quoted_diff_in_a_flowed_mail_is_left_alone() -> None:
    body = "> +\tint ret; \n>  \n> -\treturn; \n"

    assert read(mail(body, content_type="text/plain; format=flowed")).text == body.strip("\n")


def test_patch_in_a_flowed_mail_is_still_a_patch() -> None:
    found = read(mail(PATCH_BODY, content_type="text/plain; format=flowed"))

    assert found.diff == read(mail(PATCH_BODY)).diff


def test_plain_alternative_is_preferred() -> None:
    raw = multipart(
        b"Content-Type: text/plain\n\nplain\n", b"Content-Type: text/html\n\n<p>html</p>\n", kind="alternative"
    )

    assert (read(raw).text, read(raw).flags, read(raw).attachments) == ("plain", (), ())


def test_html_only_mail_becomes_text() -> None:
    html = (
        "<!doctype html><html><head><style>p {color: red}</style></head><body><!-- hidden -->"
        "<p class='a'>One &amp; two</p><div>three<br>four</div><script>alert(1)</script></body></html>"
    )

    found = read(mail(html, content_type="text/html"))

    assert found.text.split() == ["One", "&", "two", "three", "four"]
    assert found.flags == (flags.HTML_ONLY,)


def test_attachments_are_listed_with_their_decoded_size() -> None:
    raw = multipart(
        b"Content-Type: text/plain\n\nhello\n",
        b'Content-Type: application/gzip; name="config.gz"\nContent-Transfer-Encoding: base64\n\nAAAA\n',
        b"Content-Type: application/pgp-signature\nContent-Disposition: attachment; filename=signature.asc\n\nsig",
        b'Content-Type: text/plain\nContent-Disposition: attachment; filename="dmesg.txt"\n\n[    0.0] boot\n',
    )

    assert read(raw).attachments == (
        Attachment("config.gz", "application/gzip", 3),
        Attachment("signature.asc", "application/pgp-signature", 3),
        Attachment("dmesg.txt", "text/plain", 15),
    )


def test_attached_text_is_text_but_not_the_authors_words() -> None:
    raw = multipart(
        b"Content-Type: text/plain\n\nSee the log.\n",
        b'Content-Type: text/plain\nContent-Disposition: attachment; filename="dmesg.txt"\n\nboot\n',
    )

    assert read(raw).text == "See the log.\nboot"
    assert read(raw).own_text == "See the log."


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ('attachment; filename="a b.patch"', "a b.patch"),
        ("attachment; filename=a.patch; size=3", "a.patch"),
        ("attachment; filename*=utf-8''caf%C3%A9.txt", "café.txt"),
        ('attachment; filename*0="long-"; filename*1="name.txt"', "long-name.txt"),
        ("attachment; filename*0*=utf-8''caf%C3; filename*1*=%A9.txt", "café.txt"),
        ('attachment; filename="=?utf-8?q?caf=C3=A9?="', "café"),
        ('attachment; filename="a\x07b"', "ab"),
        ("attachment", ""),
    ],
)
def test_file_names_are_read_in_all_their_forms(value: str, name: str) -> None:
    assert file_name(value, "filename") == name


@pytest.mark.parametrize("kind", ["x-patch", "x-diff"])
def test_attached_patch_is_the_diff(kind: str) -> None:
    raw = multipart(
        b"Content-Type: text/plain\n\nPlease apply.\n",
        f"Content-Type: text/{kind}; name=a.patch\n\n{DIFF}".encode(),
    )

    assert read(raw).kind is Kind.PATCH
    assert (read(raw).diff or "").startswith("diff --git")
    assert read(raw).text == "Please apply."


def test_patch_in_another_type_of_attachment_is_none_as_for_patchwork() -> None:
    raw = multipart(
        b"Content-Type: text/plain\n\nPlease apply.\n",
        f"Content-Type: application/octet-stream; name=a.patch\n\n{DIFF}".encode(),
    )

    assert read(raw).diff is None


def test_attached_mail_is_opened() -> None:
    inner = mail("inner\n", subject="other")

    assert read(multipart(b"\nouter\n", b"Content-Type: message/rfc822\n\n" + inner)).text == "outer\ninner"


def test_missing_last_boundary_costs_nothing() -> None:
    raw = mail("--b\n\none\n--b\n\ntwo\n", content_type="multipart/mixed; boundary=b")

    assert read(raw).text == "one\ntwo"


def test_nested_boundaries_that_begin_alike_are_told_apart() -> None:
    inner = b"Content-Type: multipart/alternative; boundary=bb\n\n--bb\n\none\n--bb--\n"

    assert (
        read(mail(b"--b\n" + inner + b"--b\n\ntwo\n--b--\n", content_type="multipart/mixed; boundary=b")).text
        == "one\ntwo"
    )


def test_more_parts_than_anyone_sends_are_left_out() -> None:
    found = read(multipart(*[b"\nx\n"] * (MAX_PARTS + 10)))

    assert found.text.count("x") == MAX_PARTS
    assert found.flags == (flags.TOO_MANY_PARTS,)


def test_deeper_nesting_than_anyone_sends_is_left_out() -> None:
    part = b"\ndeep\n"
    for _ in range(MAX_DEPTH + 1):
        part = b"Content-Type: message/rfc822\n\n" + part

    assert read(multipart(part)).flags == (flags.TOO_MANY_PARTS,)
