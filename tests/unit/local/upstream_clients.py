"""Clients that call an upstream's application without sockets, and ways to fill its world."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.upstreams import HWMON, World
from local.upstreams.changes import apply_change
from local.upstreams.http import Answer, Request
from local.upstreams.lore import LoreApplication
from local.upstreams.patchwork import PatchworkApplication

NOW = datetime(2026, 7, 15, 12, 30, tzinfo=UTC)
ARCHIVE_URL = "http://lore.test"


@dataclass
class Client:
    """Asks one application, as a client named `host` would see it."""

    application: Callable[[Request], Answer]
    host: str

    def ask(self, target: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        return self.application(Request(method, target, named, body, self.host))

    def json(self, target: str, **headers: str) -> Any:
        answer = self.ask(target, "GET", b"", **headers)
        assert answer.status == 200, answer
        return json.loads(answer.whole())

    def ids(self, target: str, method: str = "GET", body: bytes = b"") -> list[str]:
        answer = self.ask(target, method, body)
        assert answer.status == 200, answer
        mails = split_mbox(answer.whole())
        return [mail.lower().split("\nmessage-id: <", 1)[1].split(">", 1)[0] for mail in mails]


def split_mbox(packed: bytes) -> list[str]:
    text = gzip.decompress(packed).decode("utf-8", "replace")
    return text.split("From mboxrd@z Thu Jan  1 00:00:00 1970\n")[1:]


def patchwork_for(world: World) -> Client:
    return Client(PatchworkApplication(lambda: world, lambda: ARCHIVE_URL), "patchwork.test")


def lore_for(world: World) -> Client:
    return Client(LoreApplication(lambda: world), "lore.test")


def post_patch(world: World, message_id: str, subject: str = "[PATCH] hwmon: one", **fields: Any) -> dict[str, Any]:
    return _post(world, "patches", message_id, subject, fields)


def post_mail(world: World, message_id: str, subject: str = "Re: one", **fields: Any) -> dict[str, Any]:
    return _post(world, "mails", message_id, subject, fields)


def _post(world: World, action: str, message_id: str, subject: str, fields: dict[str, Any]) -> dict[str, Any]:
    body = {"lists": [HWMON], "message_id": message_id, "subject": subject, **fields}
    return apply_change(world, action, body)


def events(world: World) -> list[str]:
    return [event.category for event in world.tracker.events]
