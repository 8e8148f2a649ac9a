"""Many plain mails, generated as cheaply as possible."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime

from local.upstreams.live import LISTS, World

_YEAR = timedelta(days=365)
_WORDS = (
    "fan",
    "sensor",
    "lamp",
    "strip",
    "panel",
    "driver",
    "alarm",
    "limit",
    "fade",
    "probe",
    "clock",
    "rail",
)
_VERDICTS = (
    "Looks good to me.\n\nReviewed-by: {name} <{address}>",
    "This breaks on big endian machines, please fix it.",
    "Why is this needed? The core does it already.",
    "Works on my board.\n\nTested-by: {name} <{address}>",
)
_HEAD = """\
From: {name} <{address}>
To: maintainer@sensors.example
Subject: {subject}
Date: {date}
Message-ID: <{message_id}>
{references}MIME-Version: 1.0
Content-Type: text/plain; charset="utf-8"

"""
_PATCH = """\
The {word} of part {serial} reports old values. Read it again before use.

Signed-off-by: {name} <{address}>
---
 drivers/hwmon/part{serial}.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

diff --git a/drivers/hwmon/part{serial}.c b/drivers/hwmon/part{serial}.c
index 1111111..2222222 100644
--- a/drivers/hwmon/part{serial}.c
+++ b/drivers/hwmon/part{serial}.c
@@ -10,3 +10,3 @@ static int part_read(struct device *dev)
 {{
-\treturn {old};
+\treturn {new};
 }}
--\x20
2.47.1
"""

_Posting = tuple[datetime, str, str]


def fill_big_world(world: World, patches: int, mails: int, seed: int, end: datetime) -> World:
    """Each patch gets its share of replies; what is left over is filled up with more of them."""
    writer = _Writer(random.Random(seed), patches, max(0, mails - patches), end)  # noqa: S311
    for at, list_name, text in sorted(writer.postings(), key=lambda posting: posting[0]):
        with world.at(at):
            world.deliver(text.encode(), (list_name,))
    return world


class _Writer:
    def __init__(self, rng: random.Random, patches: int, replies: int, end: datetime) -> None:
        self._rng = rng
        self._patches = patches
        self._replies = replies
        self._end = end

    def postings(self) -> Iterator[_Posting]:
        """Series of one to six patches without covers, evenly over a year."""
        serial = 0
        while serial < self._patches:
            size = min(self._rng.randint(1, 6), self._patches - serial)
            start = self._end - _YEAR + _YEAR * 0.99 * serial / self._patches
            start = start.replace(microsecond=0)
            yield from self._series(serial, size, start)
            serial += size

    def _series(self, serial: int, size: int, start: datetime) -> Iterator[_Posting]:
        list_name = LISTS[serial % 2]
        name, address = self._person(serial)
        word = _WORDS[serial % len(_WORDS)]
        first = f"{serial}.1.big@big.example"
        for number in range(1, size + 1):
            part = serial + number - 1
            message_id = f"{serial}.{number}.big@big.example"
            subject = f"[PATCH {number}/{size}] hwmon: (part{part}) Refresh the {word}"
            body = _PATCH.format(word=word, serial=part, name=name, address=address, old=part, new=part + 7)
            parents = [first] if number > 1 else []
            at = start + timedelta(seconds=number)
            yield at, list_name, _mail(name, address, subject, at, message_id, parents, body)
            yield from self._answers(part, list_name, subject, at, [*parents, message_id])

    def _answers(
        self, part: int, list_name: str, subject: str, at: datetime, references: list[str]
    ) -> Iterator[_Posting]:
        before = part * self._replies // self._patches
        after = (part + 1) * self._replies // self._patches
        for number in range(before, after):
            name, address = self._person(number * 7 + 3)
            when = min(at + timedelta(minutes=self._rng.randint(5, 4000)), self._end - timedelta(seconds=1))
            text = _VERDICTS[number % len(_VERDICTS)].format(name=name, address=address)
            message_id = f"reply.{number}.big@big.example"
            yield (
                when,
                list_name,
                _mail(name, address, f"Re: {subject}", when, message_id, references, f"{text}\n"),
            )

    def _person(self, number: int) -> tuple[str, str]:
        return f"Person {number % 211}", f"person{number % 211}@big.example"


def _mail(
    name: str, address: str, subject: str, at: datetime, message_id: str, references: list[str], body: str
) -> str:
    links = ""
    if references:
        chain = " ".join(f"<{reference}>" for reference in references)
        links = f"In-Reply-To: <{references[-1]}>\nReferences: {chain}\n"
    date = format_datetime(at)
    head = _HEAD.format(name=name, address=address, subject=subject, date=date, message_id=message_id, references=links)
    return head + body
