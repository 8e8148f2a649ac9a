"""The shapes of the answers. Their docstrings are the API's documentation."""

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict

from watchkeeper.people.devices import Platform
from watchkeeper.people.reminders import ReminderStatus


class Leaving(TypedDict):
    """How far an account's deletion is."""

    status: Literal["deleting", "deleted"]
    requested_at: datetime
    finished_at: datetime | None
    """From then on nothing of the person is left; this can be asked for a week."""


class Me(TypedDict):
    id: str
    email: str | None
    """Null once the account is deleted, as are the next and the last but one."""
    email_verified: bool | None
    groups: list[str]
    """As the access token has them."""
    created_at: datetime | None
    deletion: Leaving | None
    """Null unless the account is being deleted. Until it is done, and after it, nothing else is answered."""


class DeviceDetail(TypedDict):
    """The push token itself is told nobody."""

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
    """Oldest first. What was registered a moment ago may be missing."""


class ReminderDetail(TypedDict):
    id: str
    status: ReminderStatus
    """`sending` while it is on its way to the push service, `sent` once that has taken it, `delivered` when Apple or
    Google have it for at least one device."""
    reason: str | None
    """Why it failed, was cancelled, or was never heard of again."""
    kind: str
    """What it reminds of, such as `taste` or `bottle`."""
    batch: str | None
    title: str
    body: str
    due_at: datetime
    sent_at: datetime | None


class ReminderList(TypedDict):
    items: list[ReminderDetail]
    """Soonest due first. There may be fewer than asked for, even none, and still more to come: the cursor says so."""
    cursor: str | None
    """Ask again with it for what follows; null at the end."""
