"""Response models. Their docstrings are part of the API's documentation."""

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict

from watchkeeper.people.devices import Platform
from watchkeeper.people.reminders import ReminderStatus


class Leaving(TypedDict):
    """The progress of an account's deletion."""

    status: Literal["deleting", "deleted"]
    requested_at: datetime
    finished_at: datetime | None
    """When everything of the person had been removed; available for a week."""


class Me(TypedDict):
    id: str
    email: str | None
    """Null once the account is deleted, like `email_verified` and `created_at`."""
    email_verified: bool | None
    groups: list[str]
    """From the access token."""
    created_at: datetime | None
    deletion: Leaving | None
    """Null unless the account is being deleted. Meanwhile, and afterwards, all other requests are rejected."""


class DeviceDetail(TypedDict):
    """A device. The push token itself is never revealed."""

    id: str
    platform: Platform
    name: str
    registered_at: datetime
    """When its token was last sent here."""
    active: bool
    """Whether reminders are pushed to it."""
    off_reason: str | None
    """Why not: `DeviceNotRegistered`, when the app is gone from it. Register it again to switch it on."""


class DeviceList(TypedDict):
    items: list[DeviceDetail]
    """Oldest first. A device that was just registered may be missing."""


class ReminderDetail(TypedDict):
    id: str
    status: ReminderStatus
    """`sending` while it is on its way to the push service, `sent` once that has accepted it, `delivered` when Apple or
    Google have it for at least one device."""
    reason: str | None
    """Why it failed, was cancelled, or got no receipt."""
    kind: str
    """What it is about, such as `taste` or `bottle`."""
    batch: str | None
    title: str
    body: str
    due_at: datetime
    sent_at: datetime | None


class ReminderList(TypedDict):
    items: list[ReminderDetail]
    """Soonest due first. A page may hold fewer than `limit`, or none at all, and still have a cursor to the next."""
    cursor: str | None
    """Pass it to get the next page; null on the last one."""
