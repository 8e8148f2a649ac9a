"""Patches, series and mails, so that a test says only what matters to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from watchkeeper.kernel.models import (
    Cover,
    Discussion,
    Kind,
    Patch,
    Person,
    Sentiment,
    SentimentLabel,
    Series,
    Stance,
    Trailer,
)

NOON = datetime(2026, 7, 10, 12, tzinfo=UTC)
ANN = Person("Ann Author", "ann@example.com")
RAY = Person("Ray Reviewer", "ray@example.org")


def a_patch(patch_id: int, **changes: Any) -> Patch:
    fields: dict[str, Any] = {
        "id": patch_id,
        "project": "linux-hwmon",
        "message_id": f"patch-{patch_id}@example.com",
        "date": NOON + timedelta(minutes=patch_id),
        "name": f"hwmon: change {patch_id}",
        "state": "new",
        "archived": False,
        "submitter": ANN,
        "delegate": None,
        "series_id": None,
        "version": 1,
        "number": 1,
        "total": 1,
        "prefixes": (),
        "hash": None,
        "commit_ref": None,
        "pull_url": None,
        "check": "success",
    }
    return Patch(**fields | changes)


def a_series(series_id: int, **changes: Any) -> Series:
    fields: dict[str, Any] = {
        "id": series_id,
        "project": "linux-hwmon",
        "name": "hwmon: many changes",
        "date": NOON,
        "submitter": ANN,
        "version": 1,
        "total": 2,
        "received_total": 2,
        "received_all": True,
        "cover": Cover(900 + series_id, f"cover-{series_id}@example.com", NOON, "[0/2] hwmon: many changes"),
    }
    return Series(**fields | changes)


def a_mail(message_id: str, minute: int = 0, **changes: Any) -> Discussion:
    fields: dict[str, Any] = {
        "message_id": message_id,
        "timestamp": NOON + timedelta(minutes=minute),
        "received": NOON + timedelta(minutes=minute, seconds=5),
        "lists": ("linux-hwmon",),
        "subject": f"Re: {message_id}",
        "author": RAY,
        "kind": Kind.REVIEW,
        "thread_id": "root@example.com",
        "parent_id": None,
        "patch_message_id": None,
        "sentiment": Sentiment(0.25, SentimentLabel.POSITIVE),
        "stance": Stance.NONE,
    }
    return Discussion(**fields | changes)


def reviewed_by(person: Person = RAY, *, by_sender: bool = True, name: str = "Reviewed-by") -> Trailer:
    return Trailer(name, f"{person.name} <{person.address}>", person.address, by_sender)
