"""How patch series get onto the sample lists."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from local.upstreams.letters import Letter, Sender
from local.upstreams.live import LIST_DOMAIN
from local.upstreams.people import REVIEWERS
from local.upstreams.phrases import CHANGELOGS, COVER_TEXTS, REASONS
from local.upstreams.script import Script
from local.upstreams.sources import make_diff
from local.upstreams.topics import Topic

_TRANSIT = timedelta(seconds=41)


@dataclass(frozen=True, slots=True)
class Style:
    """How one author writes. `tag` stands before PATCH or, with `tag_last`, behind it."""

    b4: bool = False
    tag: str = ""
    tag_last: bool = False
    in_reply_to_older: bool = False
    shown_sender: Sender | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """One version of a series as it was sent."""

    topic: Topic
    author: Sender
    version: int
    at: datetime
    cover: Letter | None
    patches: tuple[Letter, ...]

    @property
    def top(self) -> Letter:
        return self.cover or self.patches[0]


@dataclass(frozen=True, slots=True)
class Submission:
    """A version about to be sent; `cover` decides whether there is a cover letter."""

    topic: Topic
    author: Sender
    version: int
    at: datetime
    cover: bool
    style: Style
    older: Sent | None = None

    def send(self, script: Script) -> Sent:
        ids = self._message_ids(script)
        total = len(self.topic.patches)
        cover = self._cover(script, ids[0], total) if self.cover else None
        parent = [*self._above(), ids[0]] if self.cover else self._above()
        patches: list[Letter] = []
        for number in range(1, total + 1):
            letter = self._patch(script, number, total, ids[number], parent)
            patches.append(letter)
            if not self.cover and number == 1 and total > 1:
                parent = [*parent, ids[1]]
        for offset, one in enumerate([cover, *patches] if cover else patches):
            script.send(self.at + _TRANSIT + timedelta(seconds=7 * offset), one, self.topic.lists)
        return Sent(self.topic, self.author, self.version, self.at, cover, tuple(patches))

    def _above(self) -> list[str]:
        older = self.older
        return [older.top.message_id] if older and self.style.in_reply_to_older else []

    def _message_ids(self, script: Script) -> list[str]:
        host = self.author.address.partition("@")[2]
        if self.style.b4:
            stem, token = f"{self.at:%Y%m%d}-{self.topic.slug}", script.token()
            return [f"{stem}-v{self.version}-{n}-{token}@{host}" for n in range(len(self.topic.patches) + 1)]
        run = script.rng.randrange(1000, 4_000_000)
        user = self.author.address.partition("@")[0]
        return [f"{self.at:%Y%m%d%H%M%S}.{run}-{n + 1}-{user}@{host}" for n in range(len(self.topic.patches) + 1)]

    def _cover(self, script: Script, message_id: str, total: int) -> Letter:
        text = script.rng.choice(COVER_TEXTS).format(device=self.topic.device)
        titles = "\n".join(f"  {title}" for title, _ in self.topic.patches)
        body = f"Hi,\n\n{text}\n\n{self._changelog(script)}{self.author.name} ({total}):\n{titles}\n"
        footer = f"\n---\nbase-commit: {script.token(40)}\n" + self._change_id() if self.style.b4 else ""
        return self._letter(f"[{self._tag(0, total)}] {self.topic.title}", body + footer, message_id, 0, self._above())

    def _patch(self, script: Script, number: int, total: int, message_id: str, references: Sequence[str]) -> Letter:
        title, path = self.topic.patches[number - 1]
        reason = _stable(self.topic.slug, title).choice(REASONS).format(device=self.topic.device)
        notes = self._changelog(script) if not self.cover else ""
        body = (
            f"{self._in_body_from()}{reason}\n\n{self._fixes(script)}Signed-off-by: {self.author.signature}\n---\n"
            f"{notes}{self._diff(number, title, path)}-- \n2.47.1\n"
        )
        return self._letter(f"[{self._tag(number, total)}] {title}", body, message_id, number, references)

    def _letter(self, subject: str, body: str, message_id: str, number: int, references: Sequence[str]) -> Letter:
        to = (str(REVIEWERS[0]), *(f"{name}@{LIST_DOMAIN}" for name in self.topic.lists))
        headers = dict(self.style.headers)
        if self.style.b4:
            headers |= {"X-Mailer": "b4 0.15-dev", "X-Change-ID": self._change_id().partition(" ")[2].strip()}
        else:
            headers["X-Mailer"] = "git-send-email 2.47.1"
        return Letter(
            sender=self.style.shown_sender or self.author,
            subject=subject,
            body=body,
            message_id=message_id,
            date=self.at + timedelta(seconds=number),
            to=to,
            cc=(str(self.author), str(REVIEWERS[2])),
            references=references,
            headers=headers,
        )

    def _tag(self, number: int, total: int) -> str:
        words = ["PATCH"]
        if self.style.tag:
            words.insert(1 if self.style.tag_last else 0, self.style.tag)
        if self.version > 1:
            words.append(f"v{self.version}")
        if total > 1 or self.cover:
            words.append(f"{number}/{total}")
        return " ".join(words)

    def _changelog(self, script: Script) -> str:
        if self.version == 1:
            return ""
        return f"Changes in v{self.version}:\n{script.rng.choice(CHANGELOGS)}\n\n"

    def _fixes(self, script: Script) -> str:
        if "Fix" not in self.topic.title:
            return ""
        return f'Fixes: {script.token(12)} ("{self.topic.patches[0][0].split(")")[0]}) Add driver")\n'

    def _in_body_from(self) -> str:
        return f"From: {self.author.signature}\n\n" if self.style.shown_sender else ""

    def _change_id(self) -> str:
        return f"change-id: 20260101-{self.topic.slug}-{_stable(self.topic.title).getrandbits(48):012x}\n"

    def _diff(self, number: int, title: str, path: str) -> str:
        """The first patch is reworked in each version; the others keep their diff, and so their hash."""
        revision = self.version if number == 1 else 1
        return make_diff(_stable(title, str(revision)), path, title, self.author.signature)


def _stable(*parts: str) -> random.Random:
    """Randomness that depends on nothing but these words."""
    return random.Random("|".join(parts))  # noqa: S311  (invents texts, guards nothing)
