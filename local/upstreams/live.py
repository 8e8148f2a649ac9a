"""The world both servers show: one stream of mails, seen by an archive and by a patch tracker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from email.utils import format_datetime
from typing import Literal

from local.upstreams.archive import Archive, Message
from local.upstreams.mail import Mail
from local.upstreams.tracked import Comment, Cover, Patch, Project, User
from local.upstreams.tracker import Tracker

HWMON = "sample-hwmon"
LEDS = "sample-leds"
LISTS = (HWMON, LEDS)
LIST_DOMAIN = "lists.example.org"

Service = Literal["lore", "patchwork"]

USERS = (
    User(1, "tdahl", "Torunn", "Dahl", "torunn.dahl@sensors.example"),
    User(2, "mokafor", "Maduka", "Okafor", "maduka@lights.example"),
    User(3, "ci-bot", "CI", "Bot", "ci@example.org"),
)
PROJECTS = (
    Project(
        2,
        "Sample Hardware Monitoring",
        HWMON,
        f"{HWMON}.{LIST_DOMAIN}",
        f"{HWMON}@{LIST_DOMAIN}",
        (USERS[0], USERS[2]),
        "git://git.example.org/hwmon.git",
        "https://git.example.org/hwmon.git",
        "https://git.example.org/hwmon.git/commit/?id={}",
    ),
    Project(3, "Sample LED subsystem", LEDS, f"{LEDS}.{LIST_DOMAIN}", f"{LEDS}@{LIST_DOMAIN}", USERS[1:]),
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The result of one list's copy of a mail; None where a service was left out or ignored it."""

    list_name: str
    message: Message | None
    tracked: Patch | Cover | Comment | None


class World:
    """Hold `lock` while reading from or writing to several places."""

    def __init__(self, clock: Callable[[], datetime] | None = None, server_zone: tzinfo = UTC) -> None:
        self.lock = threading.RLock()
        self.archive = Archive({project.link_name: project.list_email for project in PROJECTS})
        self.tracker = Tracker(PROJECTS, USERS, self.now, server_zone)
        self._clock = clock or (lambda: datetime.now(UTC))
        self._pretended: datetime | None = None

    def now(self) -> datetime:
        return self._pretended or self._clock()

    @contextmanager
    def at(self, moment: datetime) -> Iterator[World]:
        """Everything within happens at that time."""
        with self.lock:
            before, self._pretended = self._pretended, moment
            try:
                yield self
            finally:
                self._pretended = before

    def deliver(
        self,
        raw: bytes,
        lists: Sequence[str],
        *,
        received: datetime | None = None,
        only: Service | None = None,
    ) -> list[Delivery]:
        """A mail, as its sender wrote it, arrives on the lists now; its Received headers have `received`."""
        with self.lock:
            stamped = received or self.now()
            return [self._file(name, _as_received(raw, name, stamped), stamped, only) for name in lists]

    def _file(self, name: str, raw: bytes, received: datetime, only: Service | None) -> Delivery:
        mail = Mail.parse(raw)
        message = None if only == "patchwork" else self.archive.add(name, mail, mail.received or received)
        tracked = None if only == "lore" else self.tracker.ingest(name, mail)
        return Delivery(name, message, tracked)

    def counts(self) -> dict[str, int]:
        tracker = self.tracker
        return {
            "mails": len(self.archive.everything.messages),
            **{f"mails on {name}": len(inbox.messages) for name, inbox in self.archive.inboxes.items()},
            "patches": len(tracker.patches),
            "covers": len(tracker.covers),
            "series": len(tracker.series),
            "comments": len(tracker.comments),
            "checks": len(tracker.checks),
            "events": len(tracker.events),
            "people": len(tracker.people),
        }


def _as_received(raw: bytes, list_name: str, received: datetime) -> bytes:
    address = f"{list_name}@{LIST_DOMAIN}"
    stamp = format_datetime(received.astimezone(UTC))
    head = (
        f"Return-Path: <{list_name}+bounces@{LIST_DOMAIN}>\n"
        f"Received: from out.{LIST_DOMAIN} (out.{LIST_DOMAIN} [192.0.2.25])\n"
        f"\tby archive.example.org (Postfix) with ESMTPS\n\tfor <{address}>; {stamp}\n"
        f"Received: from sender.example (sender.example [198.51.100.7])\n"
        f"\tby in.{LIST_DOMAIN} (Postfix) with ESMTPS; {stamp}\n"
        f"Precedence: bulk\nX-Mailing-List: {address}\nList-Id: <{list_name}.{LIST_DOMAIN}>\n"
    )
    return head.encode() + raw
