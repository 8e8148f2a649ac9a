"""Mails that are hard to thread, or hard to keep, each named for what is odd about it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from local.upstreams import HWMON, build_world
from tests.unit.kernel.mail.builders import Field, mail

SLASHED_ID = "a/b/with+plus%2F@spelling.example"

NOW = datetime(2026, 7, 15, 12, 30, tzinfo=UTC)
"""After every mail of the sample world but those that lie about their dates."""

FIRST = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def letter(name: str, minute: int = 0, body: str = "Words.\n", /, **headers: Field) -> bytes:
    """A mail received at that minute after ``FIRST``, and sent a minute before."""
    received = FIRST + timedelta(minutes=minute)
    usual: dict[str, Field] = {
        "received": f"from mx.example.org by lists.example.org; {format_datetime(received)}",
        "date": format_datetime(received - timedelta(minutes=1)),
        "message_id": f"<{name}>",
        "subject": f"About {name.encode('ascii', 'replace').decode()}",
    }
    return mail(body, **{**usual, **headers})


def sample_mails() -> list[bytes]:
    """What the larger list of the sample world got over eight weeks."""
    return [message.mail.raw for message in build_world(now=NOW).archive.inboxes[HWMON].messages]


def odd_mails() -> list[bytes]:
    return [
        *_prompt_answers(),
        *_addresses_as_ids(),
        *_ghosts(),
        *_loops(),
        *_disordered_headers(),
        *_spellings(),
        *_several_ids(),
        *_reused_ids(),
        *_dates(),
        *_octets(),
    ]


def _prompt_answers() -> list[bytes]:
    """Old git send-email asked for an In-Reply-To, and people answered."""
    return [
        letter("yes-1@prompt.example", 1, in_reply_to="<y>"),
        letter("yes-2@prompt.example", 2, in_reply_to="<y>", references="<y>"),
        letter("no-1@prompt.example", 3, in_reply_to="<n>"),
        letter("no-2@prompt.example", 4, in_reply_to="n"),
        letter("capital-1@prompt.example", 5, in_reply_to="<Y>"),
        letter("capital-2@prompt.example", 6, in_reply_to="<Y>"),
    ]


def _addresses_as_ids() -> list[bytes]:
    """An address of To, From or Cc is no mail; one that is in none of them may be."""
    listed = "<list@lists.example.org>"
    return [
        letter("to-1@address.example", 10, to=f"A list {listed}", in_reply_to=listed),
        letter("to-2@address.example", 11, to="list@lists.example.org, other@example.org", in_reply_to=listed),
        letter("cc-1@address.example", 12, cc=f'"Surname, Given" {listed}', references=listed),
        letter(
            "cc-2@address.example", 13, cc=["other@example.org", "list@lists.example.org (a list)"], in_reply_to=listed
        ),
        letter("from-1@address.example", 14, from_=f"Somebody {listed}", in_reply_to=listed),
        letter("from-2@address.example", 15, from_="list@lists.example.org", references=f"{listed} <y>"),
        letter("none-1@address.example", 16, in_reply_to="<nobody@lists.example.org>"),
        letter("none-2@address.example", 17, in_reply_to="<nobody@lists.example.org>", to="nobody@lists.example.orgs"),
        letter("case-1@address.example", 18, in_reply_to="<LIST@lists.example.org>", to=f"A list {listed}"),
        letter("case-2@address.example", 19, in_reply_to="<LIST@lists.example.org>", to=f"A list {listed}"),
        letter("sender-1@address.example", 20, sender="list@lists.example.org", in_reply_to=listed),
        letter("sender-2@address.example", 21, reply_to="list@lists.example.org", in_reply_to=listed),
    ]


def _ghosts() -> list[bytes]:
    """Two chains of mails nobody has, which the last of these, and no other, connects."""
    return [
        letter("left-1@ghost.example", 30, references="<g1@ghost.example> <g2@ghost.example>"),
        letter("left-2@ghost.example", 31, references="<g2@ghost.example> <g3@ghost.example>"),
        letter("right-1@ghost.example", 32, references="<h1@ghost.example> <h2@ghost.example>"),
        letter("right-2@ghost.example", 33, in_reply_to="<h2@ghost.example>"),
        letter("bridge@ghost.example", 34, references="<g3@ghost.example> <h1@ghost.example>"),
        letter("orphan@ghost.example", 35, in_reply_to="<never-seen@ghost.example>"),
        letter("other-orphan@ghost.example", 36, in_reply_to="<never-seen-either@ghost.example>"),
    ]


def _loops() -> list[bytes]:
    return [
        letter("self@loop.example", 40, in_reply_to="<self@loop.example>", references="<self@loop.example>"),
        letter("one@loop.example", 41, in_reply_to="<two@loop.example>"),
        letter("two@loop.example", 42, in_reply_to="<one@loop.example>"),
        letter("a@loop.example", 43, references="<b@loop.example>"),
        letter("b@loop.example", 44, references="<c@loop.example>"),
        letter("c@loop.example", 45, references="<a@loop.example> <d@loop.example>"),
        letter("d@loop.example", 46, references="<c@loop.example> <b@loop.example> <a@loop.example>"),
    ]


def _disordered_headers() -> list[bytes]:
    return [
        letter("root@order.example", 50),
        letter("reply@order.example", 51, references="<root@order.example>"),
        letter("backwards@order.example", 52, references="<reply@order.example> <root@order.example>"),
        letter("only-parent@order.example", 53, in_reply_to="<reply@order.example>"),
        letter("only-references@order.example", 54, references="<root@order.example>\n\t<reply@order.example>"),
        letter("twice@order.example", 55, references=["<root@order.example>", "<other-root@order.example>"]),
        letter("two-parents@order.example", 56, in_reply_to="<reply@order.example> <else@order.example>"),
        letter("two-fields@order.example", 57, in_reply_to=["<else@order.example>", "<more@order.example>"]),
        letter("worded@order.example", 58, in_reply_to='"Root\'s message of today" <root@order.example>'),
        letter("unbracketed@order.example", 59, in_reply_to="root@order.example"),
        letter("unclosed@order.example", 60, references="<root@order.example"),
        letter("glued@order.example", 61, references="<third@order.example><fourth@order.example>"),
        letter("nested@order.example", 62, references="<<third@order.example>>"),
        letter("empty@order.example", 63, references="<> <", in_reply_to="<>"),
        letter("strangers@order.example", 64, in_reply_to="<reply@order.example>", references="<x@strange.example>"),
        letter("deep@order.example", 65, references=" ".join(f"<deep-{n}@order.example>" for n in range(120))),
    ]


def _spellings() -> list[bytes]:
    return [
        letter(SLASHED_ID, 70),
        letter("slashed-reply@spelling.example", 71, in_reply_to=f"<{SLASHED_ID}>"),
        letter("Case@spelling.example", 72),
        letter("case@spelling.example", 73),
        letter("with space@spelling.example", 74),
        letter("spaced-reply@spelling.example", 75, in_reply_to="<with space@spelling.example>"),
        letter("quo\"te'$&@spelling.example", 76),
        letter("folded@spelling.example", 77, references="<quo\"te\n '$&@spelling.example>"),
        letter("tabbed@spelling.example", 78, references="<quo\"te\n\t'$&@spelling.example>"),
        letter(f"{'long-' * 60}@spelling.example", 79),
        letter("long-reply@spelling.example", 80, in_reply_to=f"<{'long-' * 60}@spelling.example>"),
        letter("bare", 81, message_id="bare@spelling.example"),
        letter("bare-reply@spelling.example", 82, in_reply_to="<bare@spelling.example>"),
        letter("no-at", 83),
        letter("no-at-reply@spelling.example", 84, in_reply_to="<no-at>"),
    ]


def _several_ids() -> list[bytes]:
    return [
        letter("several", 90, message_id=["<first@several.example>", "<second@several.example>"]),
        letter("to-second@several.example", 91, in_reply_to="<second@several.example>"),
        letter("alternative@several.example", 92, x_alt_message_id="<usenet@several.example>"),
        letter("to-usenet@several.example", 93, in_reply_to="<usenet@several.example>"),
        letter("one-field", 94, message_id="<third@several.example> <fourth@several.example>"),
        letter("to-fourth@several.example", 95, references="<fourth@several.example>"),
        letter("nameless", 96, message_id=None, subject="without an id"),
    ]


def _reused_ids() -> list[bytes]:
    """The last is the first once more, which the archive leaves out."""
    first = letter("again@reused.example", 100, "One text.\n", references="<here@reused.example>")
    return [
        first,
        letter("again@reused.example", 101, "Another text.\n", references="<there@reused.example>"),
        letter("again@reused.example", 100, "One text.\n-- \nThe list's footer\n"),
        letter("to-again@reused.example", 102, in_reply_to="<again@reused.example>"),
        first,
    ]


def _dates() -> list[bytes]:
    old = "from mx.example.org by lists.example.org; Mon, 03 Mar 1997 10:00:00 +0000"
    return [
        letter("undated@date.example", 110, received=None, date=None),
        letter("unreadable@date.example", 111, received=None, date="yesterday, I think"),
        letter("future@date.example", 112, date="Sat, 14 Jul 2085 12:00:00 +0000"),
        letter("received-in-future@date.example", 113, received="by x; Sat, 14 Jul 2085 12:00:00 +0000"),
        letter("before-the-archive@date.example", 114, received=old, date="Mon, 03 Mar 1997 09:59:00 +0000"),
        letter("epoch@date.example", 115, received=None, date="Thu, 01 Jan 1970 00:00:00 +0000"),
    ]


def _octets() -> list[bytes]:
    """What an mbox has to escape, and line ends that are none."""
    unix = letter("crlf@octets.example", 122, "Two\nlines.\n")
    return [
        letter("from@octets.example", 120, "From here on,\n>From there\n>>From the start\n From\n"),
        letter("unended@octets.example", 121, "no line end"),
        unix.replace(b"\n", b"\r\n"),
        letter("empty@octets.example", 123, ""),
        letter("latin@octets.example", 124, subject=b"Gr\xfc\xdfe", in_reply_to="<grüße@octets.example>"),
        letter("blanks@octets.example", 125, "Text.\n\n\n"),
        letter(
            "lines@octets.example", 126, lines="17", content_length="99", x_status="A", delivered_to="us@example.org"
        ),
    ]
