"""How fast mails of kernel lists are read, beside what others do with them.

``python -m benchmarks.mail`` prints a JSON object. Mails a second are CPU time of one process, best of the rounds;
the mails are made here, 7 to 8 KB on average as on the lists, 60 % of them patches.
"""

import argparse
import base64
import email
import io
import json
import logging
import quopri
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.figures import Figure, Target
from ingest.kernel.mail import parse, split
from ingest.kernel.mail.mboxrd import SEPARATOR

NOW = datetime(2026, 7, 20, tzinfo=UTC)
SEED = 20_261_120
WANTED_RATIO = 3.0
"""Over mail-parser, for the whole of ``parse``."""
WANTED_SLOWEST_MS = 100.0
QUICK = {"count": 20, "rounds": 1}

_TEXT = (
    "the driver reads a register of this chip before it has been enabled and so the first value is stale after every "
    "resume fix that by waiting for one conversion please check whether other users of regmap need it too thanks"
)
_WORDS = _TEXT.split()
_PEOPLE = (
    ("Ada Example", "ada@example.org"),
    ("Bob Builder", "bob@example.com"),
    ("Jürgen Müller", "juergen@example.net"),
    ("Łukasz Żółw", "lukasz@example.pl"),
)


def make_mails(count: int = 2_000) -> list[bytes]:
    """Patches, replies and reports in the encodings and in about the proportions of real lists; always the same."""
    dice = random.Random(SEED)
    return [_mail(dice, number) for number in range(count)]


def _mail(dice: random.Random, number: int) -> bytes:
    is_patch = dice.random() < 0.6
    name, address = dice.choice(_PEOPLE)
    sent = NOW - timedelta(minutes=number)
    subject = f"[PATCH v{dice.randint(1, 9)} {dice.randint(1, 9)}/9] hwmon: (tmp{number}) {_prose(dice, 6)}"
    body = _patch_body(dice, name, address) if is_patch else _reply_body(dice, name, address)
    content, octets = _encoded(dice, body)
    head = [
        f"Return-Path: <linux-hwmon+bounces-{number}@vger.kernel.org>",
        *_received(dice, sent),
        f"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=k1;\n\tbh={_noise(dice, 44)};\n\tb={_noise(dice, 340)}",
        f"ARC-Seal: i=1; a=rsa-sha256; d=subspace.kernel.org; s=arc-20240116;\n\tcv=none; b={_noise(dice, 340)}",
        f"From: {_encoded_name(name)} <{address}>",
        "To: linux-hwmon@vger.kernel.org, linux-kernel@vger.kernel.org",
        "Cc: " + ",\n\t".join(f"Person {n} <person{n}@example.com>" for n in range(dice.randint(1, 12))),
        f"Subject: {subject}" if is_patch else f"Subject: Re: {subject}",
        f"Date: {sent:%a, %d %b %Y %H:%M:%S} +0000",
        f"Message-ID: <{number}.{_noise(dice, 12)}@example.org>",
        f"In-Reply-To: <{number - 1}.x@example.org>",
        "References: " + "\n ".join(f"<{number - n}.x@example.org>" for n in range(dice.randint(1, 6), 0, -1)),
        "List-Id: <linux-hwmon.vger.kernel.org>",
        "MIME-Version: 1.0",
        *content,
    ]
    return ("\n".join(head) + "\n\n").encode() + octets


def _received(dice: random.Random, sent: datetime) -> Iterator[str]:
    for hop in range(6, 0, -1):
        at = sent + timedelta(seconds=hop)
        yield (
            f"Received: from host{hop}.example.org (host{hop}.example.org [192.0.2.{hop}])\n"
            f"\t(using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits))\n"
            f"\tby mx{hop}.example.com (Postfix) with ESMTPS id {_noise(dice, 12)}\n"
            f"\tfor <linux-hwmon@vger.kernel.org>; {at:%a, %d %b %Y %H:%M:%S} +0000 (UTC)"
        )


def _patch_body(dice: random.Random, name: str, address: str) -> str:
    hunks = "".join(
        f"@@ -{at * 10},6 +{at * 10},7 @@ static int tmp_read(struct device *dev)\n"
        + "".join(f" \t{_prose(dice, 4)};\n" for _ in range(3))
        + f"+\t{_prose(dice, 5)};\n"
        + "".join(f" \t{_prose(dice, 4)};\n" for _ in range(3))
        for at in range(1, dice.randint(2, 30))
    )
    return (
        f'{_paragraphs(dice, 2)}\n\nFixes: {_noise(dice, 12).lower().translate(_HEX)} ("hwmon: x")\n'
        f"Signed-off-by: {name} <{address}>\n---\n"
        " drivers/hwmon/tmp.c | 9 +++++++++\n 1 file changed, 9 insertions(+)\n\n"
        f"diff --git a/drivers/hwmon/tmp.c b/drivers/hwmon/tmp.c\nindex 1111111..2222222 100644\n"
        f"--- a/drivers/hwmon/tmp.c\n+++ b/drivers/hwmon/tmp.c\n{hunks}-- \n2.43.0\n\n"
    )


def _reply_body(dice: random.Random, name: str, address: str) -> str:
    quoted = "".join(f"> {line}\n" for line in _patch_body(dice, name, address).splitlines()[:60])
    tag = f"\nReviewed-by: {name} <{address}>\n" if dice.random() < 0.3 else ""
    attribution = "On Mon, Jul 13, 2026 at 10:00:00AM +0200, Ada Example wrote:"
    return f"{attribution}\n{quoted}\n{_paragraphs(dice, 1)}\n{tag}\n{name}\n"


def _encoded(dice: random.Random, body: str) -> tuple[list[str], bytes]:
    """Content headers and body: mostly plain, some quoted-printable, base64, Latin-1, flowed and multipart."""
    octets = body.encode()
    chance = dice.random()
    if chance < 0.13:
        head = ["Content-Type: text/plain; charset=UTF-8", "Content-Transfer-Encoding: quoted-printable"]
        return head, quopri.encodestring(octets)
    if chance < 0.15:
        head = ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64"]
        return head, base64.encodebytes(octets)
    if chance < 0.18:
        return ["Content-Type: text/plain; charset=iso-8859-1"], body.encode("latin-1", "replace")
    if chance < 0.25:
        return ["Content-Type: text/plain; charset=UTF-8; format=flowed", "Content-Transfer-Encoding: 8bit"], octets
    if chance < 0.29:
        parts = (
            b"--=-b\nContent-Type: text/plain; charset=utf-8\n\n" + octets + b"\n--=-b\n"
            b'Content-Type: application/pgp-signature; name="signature.asc"\n\n' + b"iQIz" * 120 + b"\n--=-b--\n"
        )
        return ['Content-Type: multipart/signed; micalg=pgp-sha512; boundary="=-b"'], parts
    if chance < 0.6:
        return ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"], octets
    return [], octets


_HEX = str.maketrans({chr(code): "0123456789abcdef"[code % 16] for code in range(ord("a"), ord("z") + 1)})


def _encoded_name(name: str) -> str:
    return name if name.isascii() else f"=?UTF-8?B?{base64.b64encode(name.encode()).decode()}?="


def _noise(dice: random.Random, length: int) -> str:
    return "".join(dice.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=length))


def _prose(dice: random.Random, length: int) -> str:
    return " ".join(dice.choices(_WORDS, k=length))


def _paragraphs(dice: random.Random, count: int) -> str:
    return "\n\n".join("\n".join(_prose(dice, 11) for _ in range(dice.randint(2, 6))) for _ in range(count))


def hostile_mails() -> dict[str, bytes]:
    """Mails made to take long, by what they have too much of."""
    plain = b"From: a <a@b.c>\nSubject: x\nContent-Type: text/plain"
    return {
        "comments": b"From: " + b"(" * 50_000 + b")" * 50_000 + b" a@b.c\n\nx",
        "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\n\nx",
        "parameters": plain + b'; a="' * 40_000 + b"\n\nx",
        "parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000,
        "nested parts": b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 20_000,
        "headers": b"".join(b"X-%d: y\n" % n for n in range(100_000)) + b"\nx",
        "references": b"References: " + b" ".join(b"<%d@x>" % n for n in range(100_000)) + b"\n\nx",
        "open HTML tags": b"Content-Type: text/html\n\n" + b"<div " * 300_000,
        "lines": plain + b"\n\n" + b"x\n" * 1_000_000,
        "trailers": plain + b"\n\n" + b"".join(b"Acked-by: A <a%d@b.c>\n" % n for n in range(60_000)),
        "diff headers": plain + b"\n\n" + b"diff \n" * 300_000,
        "one line": plain + b"\n\n" + b"x " * 2_000_000,
    }


def run(*, count: int = 2_000, rounds: int = 3) -> dict[str, Any]:
    """Mails a second of each parser, our ratio to the others, and the slowest single mails."""
    import mailparser  # only the benchmark needs it

    logging.getLogger("mailparser").setLevel(logging.CRITICAL)
    mails = make_mails(count)
    speeds = {
        "email_compat32_bare": _speed(email.message_from_bytes, mails, rounds),
        "watchkeeper": _speed(_parse, mails, rounds),
        "mail_parser": _speed(mailparser.parse_from_bytes, mails, 1),
    }
    hostile = {name: _milliseconds(raw) for name, raw in hostile_mails().items()}
    ratio = speeds["watchkeeper"] / speeds["mail_parser"]
    slowest = max(*hostile.values(), *map(_milliseconds, mails))
    return {
        "benchmark": "mail",
        "mails": count,
        "mean_octets": round(sum(map(len, mails)) / count),
        "mails_per_second": {name: round(speed) for name, speed in speeds.items()},
        "ratio_to_mail_parser": round(ratio, 2),
        "ratio_to_email_bare": round(speeds["watchkeeper"] / speeds["email_compat32_bare"], 2),
        "split_mails_per_second": round(_split_speed(mails, rounds)),
        "slowest_ms": round(slowest, 1),
        "hostile_ms": {name: round(took, 1) for name, took in hostile.items()},
        "passed": ratio > WANTED_RATIO and slowest < WANTED_SLOWEST_MS,
    }


def figures(result: Mapping[str, Any]) -> Iterator[Figure]:
    speeds = result["mails_per_second"]
    yield Figure("mail: parsed, all of it", speeds["watchkeeper"], "a second")
    yield Figure("mail: to mail-parser", result["ratio_to_mail_parser"], "times", Target(">", WANTED_RATIO))
    yield Figure("mail: to the standard library's bare parse", result["ratio_to_email_bare"], "times")
    yield Figure("mail: slowest single one", result["slowest_ms"], "ms", Target("<", WANTED_SLOWEST_MS))


def _parse(raw: bytes) -> object:
    return parse(raw, now=NOW)


def _speed(read: Callable[[bytes], object], mails: Sequence[bytes], rounds: int) -> float:
    return len(mails) / min(_cpu_time(lambda: _read_all(read, mails)) for _ in range(rounds))


def _read_all(read: Callable[[bytes], object], mails: Sequence[bytes]) -> None:
    for raw in mails:
        read(raw)


def _split_speed(mails: Sequence[bytes], rounds: int) -> float:
    mbox = b"".join(SEPARATOR + b"\n" + raw.replace(b"\nFrom ", b"\n>From ") + b"\n" for raw in mails)
    return len(mails) / min(_cpu_time(lambda: sum(1 for _ in split(io.BytesIO(mbox)))) for _ in range(rounds))


def _milliseconds(raw: bytes) -> float:
    return 1_000 * min(_cpu_time(lambda: _parse(raw)) for _ in range(2))


def _cpu_time(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    result = run(count=arguments.count, rounds=arguments.rounds)
    print(json.dumps(result, indent=2))
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
