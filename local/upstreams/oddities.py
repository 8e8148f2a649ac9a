"""The mails that break naive programs. Each is rare on real lists, but all of them occur."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from local.upstreams import people
from local.upstreams.letters import Letter, Sender, multipart
from local.upstreams.live import HWMON, LEDS, LISTS, USERS
from local.upstreams.people import AUTHORS, HWMON_MAINTAINER, LEDS_MAINTAINER, REVIEWERS
from local.upstreams.script import Script
from local.upstreams.sources import make_diff

HUGE_MAIL_BYTES = 450_000

REUSED_ID = "reused-id.0001@boardlab.example"
SLASHED_ID = "a/b/20260101+slash@oldmailer.example"
LATE_ID = "late.arrival.1@holm.example"
FUTURE_ID = "clock-of-2085@oldirons.example"
EARLY_REPLY_ID = "early.reply@balogun.example"
EARLY_PATCH_ID = "overtaken.patch@haddad.example"
HUGE_ID = "huge.log@cole.example"
PULL_REQUEST_ID = "pull.request@sensors.example"
LONELY_COVER_ID = "cover.without.patches@brightlab.example"
NAMELESS_SERIES_ID = "partial.3@automat.example"
GHOST_REPLY_ID = "reply.to.nobody@menon.example"


class _Desk:
    """Writes odd mails at days counted back from the end."""

    def __init__(self, script: Script) -> None:
        self.script = script

    def at(self, days_ago: float) -> datetime:
        return (self.script.end - timedelta(days=days_ago)).replace(microsecond=0)

    def letter(self, days_ago: float, sender: Sender, subject: str, body: str, message_id: str) -> Letter:
        return Letter(sender, subject, body, message_id, self.at(days_ago), to=(f"{HWMON}@lists.example.org",))

    def send(self, days_ago: float, letter: Letter, lists: Sequence[str] = (HWMON,)) -> Letter:
        return self.script.send(self.at(days_ago) + timedelta(seconds=33), letter, lists)

    def patch(self, days_ago: float, sender: Sender, subject: str, message_id: str) -> Letter:
        slug = message_id.partition("@")[0].replace(".", "-")
        diff = make_diff(self.script.rng, f"drivers/hwmon/{slug}.c", subject, sender.signature)
        body = f"Small change to the sample driver.\n\nSigned-off-by: {sender.signature}\n---\n{diff}-- \n2.47.1\n"
        return self.letter(days_ago, sender, subject, body, message_id)

    def reply(self, days_ago: float, sender: Sender, parent: Letter, text: str, message_id: str) -> Letter:
        subject = f"Re: {parent.subject.removeprefix('Re: ')}"
        letter = self.letter(days_ago, sender, subject, text, message_id)
        return letter.with_(references=(*parent.references, parent.message_id))


def write_oddities(script: Script) -> None:
    desk = _Desk(script)
    chapters: tuple[Callable[[_Desk], object], ...] = (
        *(_incomplete_series, _odd_subjects, _pull_request, _order_of_arrival, _ghosts),
        *(_encodings, _structures, _prompt_answers, _odd_dates, _odd_ids, _odd_references),
        *(_bots, _large_and_empty, _same_subjects, _plain_talk),
    )
    for chapter in chapters:
        chapter(desk)


def _incomplete_series(desk: _Desk) -> None:
    author = AUTHORS[5]
    for number in (3, 4):  # only these of the five went to this list, so the series never gets a name
        patch = desk.patch(
            20,
            author,
            f"[PATCH {number}/5] hwmon: (multi) Convert part {number}",
            f"partial.{number}@automat.example",
        )
        desk.send(20 - number / 1000, patch.with_(references=("partial.0@automat.example",)))
    cover = desk.letter(
        17,
        AUTHORS[3],
        "[PATCH v2 0/3] leds: Rework fading",
        "The patches follow.\n",
        "fade.0@brightlab.example",
    )
    desk.send(17, cover, (LEDS,))
    for number in (2, 1):  # out of order, and the third never comes
        patch = desk.patch(
            17,
            AUTHORS[3],
            f"[PATCH v2 {number}/3] leds: Fading step {number}",
            f"fade.{number}@brightlab.example",
        )
        desk.send(17 - (3 - number) / 500, patch.with_(references=(cover.message_id,)), (LEDS,))
    lonely = desk.letter(
        13, AUTHORS[3], "[PATCH 0/4] leds: Unify names", "Patches will come tomorrow.\n", LONELY_COVER_ID
    )
    desk.send(13, lonely, (LEDS,))


def _odd_subjects(desk: _Desk) -> None:
    subjects = (
        "[PATCH RESEND v2] hwmon: (odd1) Keep the alarm mask",
        "[RFC PATCH v2 1/1] hwmon: (odd2) Try another averaging window",
        "[PATCH V3] hwmon: (odd3) Drop a redundant check",
        "[PATCH][next] hwmon: (odd4) Fix a signedness warning",
        "[PATCH v5.1] hwmon: (odd5) Correct the scale again",
        "[hwmon-next PATCH] hwmon: (odd6) Sort the id table",
        "[PATCH 1/2] [v3] hwmon: (odd7) Two brackets",
        "[PATCHv2 2/2] hwmon: (odd8) Glued version",
        "[PATCH AUTOSEL 6.12] hwmon: (odd9) Backport of the reset fix",
        "hwmon: (odd10) A patch without the word (v4)",
    )
    for index, subject in enumerate(subjects):
        patch = desk.patch(40 - index * 2.3, AUTHORS[index], subject, f"odd.subject.{index}@odd.example")
        desk.send(40 - index * 2.3, patch)
    desk.script.set_state(desk.at(15), "odd.subject.1@odd.example", "rfc", USERS[0])
    desk.script.set_state(desk.at(15), "odd.subject.8@odd.example", "not-applicable", USERS[0])


def _pull_request(desk: _Desk) -> None:
    body = (
        "Hi,\n\nplease pull the fixes that collected during the last week.\n\n"
        f"The following changes since commit {desk.script.token(40)}:\n\n  Sample 6.99-rc3\n\n"
        "are available in the Git repository at:\n\n"
        "  git://git.example.org/hwmon.git tags/hwmon-fixes-6.99\n\n"
        f"for you to fetch changes up to {desk.script.token(40)}:\n\n  hwmon: fixes for 6.99\n\nThanks\n"
    ).replace("Git repository", "git repository")
    letter = desk.letter(8, HWMON_MAINTAINER, "[GIT PULL] hwmon fixes for 6.99-rc4", body, PULL_REQUEST_ID)
    desk.send(8, letter)
    desk.script.set_state(desk.at(6), PULL_REQUEST_ID, "accepted", USERS[0])


def _order_of_arrival(desk: _Desk) -> None:
    """A reply that overtakes its patch, and a mail that comes days after it was received elsewhere."""
    patch = desk.patch(11, AUTHORS[4], "[PATCH] hwmon: (slowpath) Patch on a slow road", EARLY_PATCH_ID)
    early = desk.reply(11, REVIEWERS[3], patch, "I saw this through my other address already. Good.\n", EARLY_REPLY_ID)
    desk.send(11, early)
    desk.send(10.9, patch)
    late = desk.letter(9, AUTHORS[2], "hwmon: thoughts about alarms", "Sent days ago, here only now.\n", LATE_ID)
    desk.script.send(desk.at(5), late, (HWMON,), received=desk.at(9))


def _ghosts(desk: _Desk) -> None:
    """Replies to mails that went to other lists only, and talk that belongs to no patch."""
    ghost = desk.letter(14, AUTHORS[8], "[PATCH 2/9] bus: Rework transfers", "", "elsewhere.2@boreal.example")
    answer = desk.reply(14, REVIEWERS[6], ghost, "Adding the sensor list, since it touches them.\n", GHOST_REPLY_ID)
    desk.send(14, answer)
    desk.send(13.5, desk.reply(13.5, AUTHORS[8], answer, "Thanks for the hint.\n", "ghost.thanks@boreal.example"))


def _encodings(desk: _Desk) -> None:
    base = desk.patch(30, AUTHORS[9], "[PATCH] hwmon: (charsets) Print units", "charsets@boardlab.example")
    desk.send(30, base)
    text = "Größe, naïve façade, 25 °C – всё хорошо.\n\nReviewed-by: {}\n"
    utf8 = text.format(REVIEWERS[5].signature)
    reply = desk.reply(29, REVIEWERS[5], base, utf8, "enc.base64@atelier.example")
    desk.send(29, reply.with_(encoding="base64"))
    desk.send(28.9, reply.with_(encoding="quoted-printable", message_id="enc.qp@atelier.example"))
    russian = desk.reply(
        28.8, people.CYRILLIC, base, "Проверил на своей плате, всё работает.\n", "enc.koi8@pogoda.example"
    )
    desk.send(28.8, russian.with_(charset="koi8-r", encoding="base64"))
    flowed = "This paragraph was written in a mail program that wraps \nits lines softly, so that it \nflows.\n"
    soft = desk.reply(28.7, REVIEWERS[4], base, flowed, "enc.flowed@sensors.example")
    desk.send(28.7, soft.with_(content_type='text/plain; charset="utf-8"; format=flowed; delsp=no'))
    latin = desk.reply(28.6, AUTHORS[2], base, "Virker også på mit kort.\n", "enc.latin1@holm.example")
    desk.send(28.6, latin.with_(charset="iso-8859-1"))
    unix = desk.reply(
        28.5,
        REVIEWERS[9],
        base,
        "Sent from a very old machine.\nAll lines end twice.\n",
        "enc.crlf@oldirons.example",
    )
    desk.send(28.5, unix.with_(crlf=True))
    subject = desk.letter(
        27,
        AUTHORS[5],
        "hwmon: pomiar żółci (prośba o pomoc)",
        "How do I scale this?\n",
        "enc.subject@automat.example",
    )
    desk.send(27, subject)


def _structures(desk: _Desk) -> None:
    base = desk.patch(26, AUTHORS[6], "[PATCH] hwmon: (parts) Simplify init", "parts@voltline.example")
    desk.send(26, base)
    html = "<html><body><p>I think this is <b>fine</b>, please merge it soon.</p></body></html>\n"
    page = desk.reply(25.9, Sender("Rolf Office", "rolf@webmail.example"), base, html, "only.html@webmail.example")
    desk.send(25.9, page.with_(content_type='text/html; charset="utf-8"'))
    kind, body = multipart(
        "signed",
        [
            (
                'Content-Type: text/plain; charset="utf-8"',
                "Signed and fine.\n\nAcked-by: Gwen Parry <gwen.parry@sensors.example>",
            ),
            (
                'Content-Type: application/pgp-signature; name="signature.asc"',
                "-----BEGIN PGP SIGNATURE-----\nsample\n-----END PGP SIGNATURE-----",
            ),
        ],
        "sig-boundary",
    )
    signed = desk.reply(25.8, REVIEWERS[4], base, body, "signed@sensors.example")
    desk.send(25.8, signed.with_(content_type=kind))
    diff = make_diff(desk.script.rng, "drivers/hwmon/attached.c", "attached", AUTHORS[6].signature)
    kind, body = multipart(
        "mixed",
        [
            (
                'Content-Type: text/plain; charset="us-ascii"',
                "Please see the attachment, my mailer breaks tabs.",
            ),
            (
                'Content-Type: text/x-patch; name="fix.patch"\nContent-Disposition: attachment; filename="fix.patch"',
                diff,
            ),
        ],
        "mix-boundary",
    )
    attached = desk.letter(
        24, AUTHORS[6], "[PATCH] hwmon: (attached) Fix sent as attachment", body, "attached@voltline.example"
    )
    desk.send(24, attached.with_(content_type=kind))


def _prompt_answers(desk: _Desk) -> None:
    """Somebody typed y at the questions of git send-email."""
    patch = desk.patch(23, AUTHORS[8], "[PATCH] hwmon: (prompt) Answered with y", "prompt.y@boreal.example")
    desk.send(
        23,
        patch.with_(content_type='text/plain; charset="y"', headers={"In-Reply-To": "<y>", "References": "<y>"}),
    )
    subject = desk.letter(
        22.9,
        AUTHORS[8],
        "Replaced below",
        "The question was about the encoding.\n",
        "prompt.subject@boreal.example",
    )
    desk.send(22.9, subject.with_(headers={"Subject": "=?y?q?hwmon:_which_encoding=3F?="}))


def _odd_dates(desk: _Desk) -> None:
    future = desk.letter(19, REVIEWERS[9], "hwmon: my clock battery is empty", "Is it only me?\n", FUTURE_ID)
    desk.send(19, future.with_(date="Sat, 03 Feb 2085 04:05:06 +0000"))
    unreadable = desk.letter(
        18.5, REVIEWERS[9], "hwmon: the date after the fix", "Better?\n", "no.date@oldirons.example"
    )
    desk.send(18.5, unreadable.with_(date="yesterday, shortly after lunch"))
    patch = desk.patch(18, REVIEWERS[9], "[PATCH] hwmon: (slow-clock) Sent late", "old.date@oldirons.example")
    desk.send(18, patch.with_(date=desk.at(31)))
    ahead = desk.patch(4, AUTHORS[0], "[PATCH] hwmon: (fast-clock) Sent early", "ahead@kestrel.example")
    desk.send(4, ahead.with_(date=desk.at(4) + timedelta(minutes=20)))


def _odd_ids(desk: _Desk) -> None:
    for days_ago, text in ((16, "The first mail with this id.\n"), (15.5, "The second mail with this id.\n")):
        desk.send(days_ago, desk.letter(days_ago, AUTHORS[9], "hwmon: lab report", text, REUSED_ID))
    slashed = desk.patch(15, REVIEWERS[9], "[PATCH] hwmon: (slash) Id with slashes", SLASHED_ID)
    desk.send(15, slashed)
    desk.send(
        14.9,
        desk.reply(14.9, HWMON_MAINTAINER, slashed, "Please update your mailer.\n", "slash.reply@sensors.example"),
    )


def _odd_references(desk: _Desk) -> None:
    base = desk.patch(12, AUTHORS[11], "[PATCH] hwmon: (links) Tidy up", "links@lindqvist.example")
    desk.send(12, base)
    reply = desk.reply(11.9, REVIEWERS[7], base, "Only In-Reply-To here.\n", "links.parent@hruska.example")
    desk.send(11.9, reply.with_(headers={"References": ""}))
    desk.send(
        11.8,
        reply.with_(
            message_id="links.chain@hruska.example",
            headers={"In-Reply-To": ""},
            body="Only References here.\n",
        ),
    )
    both = {"In-Reply-To": f"<{base.message_id}> <links.parent@hruska.example>"}
    desk.send(11.7, reply.with_(message_id="links.two@hruska.example", headers=both, body="Two parents.\n"))
    selfish = {"References": f"<{base.message_id}> <links.self@hruska.example>"}
    desk.send(
        11.6,
        reply.with_(message_id="links.self@hruska.example", headers=selfish, body="I refer to myself.\n"),
    )


def _bots(desk: _Desk) -> None:
    base = desk.patch(21, AUTHORS[0], "[PATCH] hwmon: (botted) Add a counter", "botted@kestrel.example")
    desk.send(21, base)
    report = (
        "Hi Mirela,\n\nkernel test robot noticed the following build warnings:\n\n"
        "[auto build test WARNING on hwmon/hwmon-next]\n\n"
        ">> drivers/hwmon/botted.c:42:6: warning: variable 'ret' set but not used\n\n"
        "Reported-by: kernel test robot <lkp@intel.com>\n"
    )
    desk.send(20.8, desk.reply(20.8, people.KERNEL_ROBOT, base, report, "202601010101.botted-lkp@intel.com"))
    review = "Thank you for your contribution! The review found 1 potential issue:\n- [Medium] The counter may wrap.\n"
    desk.send(20.9, desk.reply(20.9, people.REVIEW_BOT, base, review, "20260101.1F00A3A@smtp.kernel.org"))
    applied = (
        "Hello:\n\nThis patch was applied to hwmon/hwmon-next\nby Torunn Dahl <torunn.dahl@sensors.example>:\n\n"
        "Here is the summary with links:\n  - hwmon: (botted) Add a counter\n"
        f"    https://git.example.org/c/{desk.script.token()}\n\nYou are awesome, thank you!\n"
    )
    desk.send(3, desk.reply(3, people.PATCHWORK_BOT, base, applied, "17000.1.git-patchwork-notify@kernel.org"))
    desk.script.set_state(desk.at(3), base.message_id, "accepted", USERS[0])
    crash = (
        "Hello,\n\nsyzbot found the following issue on:\n\nHEAD commit: 0123456789ab\n\n"
        f"KASAN: slab-use-after-free Read in sample_update\n\nReported-by: {people.SYZBOT.address}\n"
    )
    desk.send(
        7,
        desk.letter(
            7,
            people.SYZBOT,
            "[syzbot] [hwmon?] KASAN: slab-use-after-free Read in sample_update",
            crash,
            "000000000000c0ffee@google.com",
        ),
    )
    nameless = desk.reply(
        20.5,
        people.NAMELESS,
        base,
        "Works here.\n\nTested-by: qa-desk@boardlab.example\n",
        "qa.1@boardlab.example",
    )
    desk.send(20.5, nameless)


def _large_and_empty(desk: _Desk) -> None:
    base = desk.patch(9, AUTHORS[10], "[PATCH] hwmon: (biglog) Trace everything", "biglog@gridsense.example")
    desk.send(9, base)
    line = "[ {stamp:12.6f}] sample 1-0050: register 0x{register:02x} reads 0x{value:04x}\n"
    rows = (line.format(stamp=n / 977, register=n % 256, value=n * 7 % 65536) for n in range(HUGE_MAIL_BYTES // 60 + 1))
    log = "Here is the whole log:\n\n" + "".join(rows)
    desk.send(8.9, desk.reply(8.9, REVIEWERS[10], base, log, HUGE_ID))
    desk.send(8.8, desk.reply(8.8, REVIEWERS[8], base, "", "empty.body@lights.example"))
    escaped = "From the logs I cannot tell which one fails.\n>From quoted lines neither.\nFrom here on it is fine.\n"
    desk.send(8.7, desk.reply(8.7, REVIEWERS[6], base, escaped, "from.lines@menon.example"))


def _same_subjects(desk: _Desk) -> None:
    """Unconnected mails that a loose thread puts together."""
    for index in range(4):
        letter = desk.letter(
            33 - index * 6,
            people.SPAMMER,
            "hello",
            "Dear friend, buy our lamps.\n",
            f"spam.{index}@bulk.example",
        )
        desk.send(33 - index * 6, letter, (LEDS,))


def _plain_talk(desk: _Desk) -> None:
    """Discussion without a patch: the archive has it, the tracker does not."""
    resume = "Since 6.98 the fans run at full speed after resume.\n\n#regzbot introduced: v6.97..v6.98"
    topics = (
        (AUTHORS[0], HWMON, "hwmon: how should stalled fans be reported?", "Zero or an error? Drivers do both."),
        (REVIEWERS[8], LEDS, "leds: naming of front panel functions", "The list grows. Shall we group it?"),
        (AUTHORS[7], HWMON, "Regression: fans at full speed after resume", resume),
    )
    for index, (sender, name, subject, text) in enumerate(topics):
        days_ago = 34 - 14 * index
        opening = desk.letter(days_ago, sender, subject, f"{text}\n", f"talk.{index}@talk.example")
        _talk_on(desk, days_ago, desk.send(days_ago, opening, (name,)), name)
    summit = "Please send topics by Friday.\n"
    call = desk.letter(2, HWMON_MAINTAINER, "Sample summit: call for topics", summit, "summit@sensors.example")
    desk.send(2, call, LISTS)


def _talk_on(desk: _Desk, days_ago: float, parent: Letter, name: str) -> None:
    texts = (
        "Good question, I have no strong opinion.\n",
        "I would keep it simple and return an error.\n",
        "That is what the other drivers do as well, so be it.\n",
    )
    stem = parent.message_id.partition("@")[0]
    for number, other in enumerate((HWMON_MAINTAINER, LEDS_MAINTAINER, REVIEWERS[3])):
        when = days_ago - 0.4 * (number + 1)
        reply = desk.reply(when, other, parent, texts[number], f"{stem}.{number}@talk.example")
        parent = desk.send(when, reply, (name,))
