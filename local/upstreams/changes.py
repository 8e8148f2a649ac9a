"""Changes to a world as plain data, so that they can be requested over HTTP, stored, and replayed."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

from local.upstreams.letters import Letter, Sender
from local.upstreams.live import Delivery, World
from local.upstreams.tracked import Comment, Cover, Patch, User

Json = dict[str, Any]

_SAMPLE_DIFF = """\
---
 drivers/hwmon/sample.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

diff --git a/drivers/hwmon/sample.c b/drivers/hwmon/sample.c
index 1111111..2222222 100644
--- a/drivers/hwmon/sample.c
+++ b/drivers/hwmon/sample.c
@@ -10,3 +10,3 @@ static int sample_probe(struct device *dev)
 {
-\treturn {old};
+\treturn {new};
 }
--\x20
2.47.0
"""


class UnknownThing(LookupError):
    """The change names a patch, user or list that does not exist."""


def apply_change(world: World, action: str, body: Json) -> Json:
    """Does one change and returns the result. The actions are those of the control requests."""
    with world.lock:
        if action in ("mails", "patches"):
            return _deliver(world, {"diff": True, **body} if action == "patches" else body)
        return _change_patch(world, action, body)


def _change_patch(world: World, action: str, body: Json) -> Json:
    patch = world.tracker.patches.get(body["patch"])
    if patch is None:
        raise UnknownThing(f"no patch {body['patch']}")
    tracker, actor = world.tracker, _user(world, body.get("user"))
    match action:
        case "state":
            tracker.set_state(patch, body["state"], actor)
        case "archived":
            tracker.set_archived(patch, bool(body.get("archived", True)))
        case "commit-ref":
            tracker.set_commit_ref(patch, body["commit_ref"])
        case "delegate":
            tracker.set_delegate(patch, _user(world, body["delegate"]), actor)
        case "checks":
            _add_check(world, patch, body)
        case _:
            raise UnknownThing(f"no change {action!r}")
    return {"id": patch.id, "state": patch.state, "archived": patch.archived, "check": patch.check}


def _add_check(world: World, patch: Patch, body: Json) -> None:
    user = _user(world, body.get("user", "ci-bot"))
    if user is None:
        raise UnknownThing("a check needs a user")
    details = (body.get("description"), body.get("target_url"))
    world.tracker.add_check(patch, user, body["state"], body.get("context", "build"), *details)


def _user(world: World, username: str | None) -> User | None:
    if username is None:
        return None
    if username not in world.tracker.users:
        raise UnknownThing(f"no user {username!r}")
    return world.tracker.users[username]


# Mails


def _deliver(world: World, body: Json) -> Json:
    lists = body["lists"] if "lists" in body else [body["list"]]
    for name in lists:
        if name not in world.archive.inboxes:
            raise UnknownThing(f"no list {name!r}")
    raw = _raw_mail(world, body)
    received = _moment(body.get("received"))
    deliveries = world.deliver(raw, lists, received=received, only=body.get("only"))
    return {"message_id": _message_id(deliveries), "deliveries": [_shown(one) for one in deliveries]}


def _raw_mail(world: World, body: Json) -> bytes:
    if "raw_base64" in body:
        return base64.b64decode(body["raw_base64"])
    if "raw" in body:
        return str(body["raw"]).encode()
    return _letter(world, body).as_bytes()


def _letter(world: World, body: Json) -> Letter:
    now, arrivals = world.now(), len(world.archive.everything.messages)
    parent = body.get("in_reply_to")
    references = body.get("references") or ([parent] if parent else [])
    diff = body.get("diff")
    if diff is True:
        diff = _sample_diff(body["subject"])
    text = body.get("body", "A mail sent by hand.\n")
    return Letter(
        sender=Sender(body.get("name", "Sample Sender"), body.get("from", "sender@sample.example")),
        subject=body["subject"],
        body=f"{text.rstrip()}\n{diff}" if diff else text,
        message_id=body.get("message_id") or f"{now:%Y%m%d%H%M%S}.{arrivals}.sample@sample.example",
        date=_moment(body.get("date")) or now,
        to=body.get("to", ()),
        cc=body.get("cc", ()),
        references=references,
    )


def _sample_diff(subject: str) -> str:
    """Another subject, another diff, and so another hash."""
    digest = hashlib.sha256(subject.encode()).hexdigest()
    return _SAMPLE_DIFF.replace("{old}", f"0x{digest[:4]}").replace("{new}", f"0x{digest[4:8]}")


def _moment(value: str | None) -> datetime | None:
    if not value:
        return None
    found = datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _message_id(deliveries: list[Delivery]) -> str | None:
    kept = (one.message.mail.message_id for one in deliveries if one.message)
    tracked = (one.tracked.mail.message_id for one in deliveries if one.tracked)
    return next(kept, None) or next(tracked, None)


def _shown(delivery: Delivery) -> Json:
    kinds = {Patch: "patch", Cover: "cover", Comment: "comment"}
    return {
        "list": delivery.list_name,
        "number": delivery.message.number if delivery.message else None,
        "kind": kinds[type(delivery.tracked)] if delivery.tracked else None,
        "id": delivery.tracked.id if delivery.tracked else None,
    }
