"""A person for trying out Watchkeeper, with two batches, their timelines, reminders and a device.

The ids are always the same for each person: what exists is left unchanged, and what is missing is added. A batch's
timeline starts when the batch was first made.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError
from ulid import ULID

from local.signin import pool_of
from local.stages import LOCAL, Stage, asking
from watchkeeper.dynamodb import Put, Table
from watchkeeper.errors import ConditionFailed, ItemNotFound
from watchkeeper.ferments.models import Batch, BatchStatus, Event, EventKind, Timing
from watchkeeper.ferments.models import Stage as BatchStage
from watchkeeper.ferments.repository import FermentRepository, new_batch, new_event
from watchkeeper.people.devices import Device, DeviceRepository, Platform, registered
from watchkeeper.people.reminders import Reminder, scheduled
from watchkeeper.people.table import KEYS

EMAIL = "kefir@watchkeeper.test"
SEEDED = ("local", "dev")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OPEN_HOURS = 48.0
BOTTLED_HOURS = 36.0

_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
"""The time in the ids of sample data, so that what people make themselves sorts after it."""


class SeedRefused(Exception):
    """This stage is not for sample data."""


@dataclass(frozen=True)
class Seed:
    email: str
    user: str
    added: tuple[str, ...]
    """Descriptions of what was missing."""
    batches: tuple[Batch, ...]


def refuse_stages_of_people(stage: str) -> None:
    """Raises `SeedRefused`."""
    if stage not in SEEDED:
        raise SeedRefused(f"{stage} is for people, not for made-up data. Fill one of {', '.join(SEEDED)} instead.")


def seed(stage: Stage, email: str, now: datetime) -> Seed:
    """Raises `SeedRefused` and `StageRefused`."""
    refuse_stages_of_people(stage.stage)
    with asking(stage):
        user, is_new = _user(stage, email.strip().lower())
        table = Table(stage.client("dynamodb"), stage.name("people"))
        sown = _Sowing(table, user, now.replace(microsecond=0))
        added = [*(["a user"] if is_new else []), *sown.sow()]
    return Seed(email.strip().lower(), user, tuple(added), tuple(FermentRepository(table).batches(user)))


def told(stage: str, seeded: Seed) -> Iterator[str]:
    """What there is, and how to continue, line by line."""
    yield f"{seeded.email} on {stage}: " + (f"added {', '.join(seeded.added)}." if seeded.added else "nothing new.")
    for batch in seeded.batches:
        yield f"  {batch.id}  {batch.name} ({batch.status}, stage {int(batch.stage)})"
    if stage == LOCAL:
        yield f"Sign in: make login EMAIL={seeded.email}"
    else:
        yield "Sign in by POST /api/v1/auth/login, if you can read that mail; EMAIL= fills another's account."


class _Sowing:
    def __init__(self, table: Table, user: str, now: datetime) -> None:
        self._table = table
        self._user = user
        self._now = now
        self._ferments = FermentRepository(table)

    def sow(self) -> Iterator[str]:
        """Adds what is missing, and reports it."""
        yield from self._told("a batch on the counter", self._active())
        yield from self._told("a batch in the fridge", self._in_fridge())
        yield from self._device()

    def _told(self, name: str, puts: Iterator[tuple[str, Put]]) -> Iterator[str]:
        counts: dict[str, int] = {}
        for kind, put in puts:
            if self._is_new(put):
                counts[kind] = counts.get(kind, 0) + 1
        if "batch" in counts:
            yield name
        yield from (f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items() if kind != "batch")

    def _is_new(self, put: Put) -> bool:
        try:
            self._table.write([put], keys=KEYS)
        except ConditionFailed:
            return False
        return True

    def _active(self) -> Iterator[tuple[str, Put]]:
        made = self._made_at("active")
        started = made - 30 * HOUR
        batch = Batch(
            id=self._id("active"),
            user=self._user,
            name="Ginger and lemon",
            created_at=made,
            updated_at=made,
            stage1=Timing(started, OPEN_HOURS),
            stage2=Timing(None, BOTTLED_HOURS),
            water_ml=2000,
            sugar_g=120,
            fruits=("ginger", "lemon"),
            temperature_c=23.5,
            notes="The jar by the window.",
        )
        yield "batch", new_batch(batch)
        yield from self._events(
            batch,
            (started, EventKind.FEED, {"sugar_g": 120.0, "text": "Fresh sugar water"}),
            (started + 12 * HOUR, EventKind.MEASUREMENT, {"ph": 5.1, "temperature_c": 23.0}),
            (started + 24 * HOUR, EventKind.TASTE, {"rating": 3, "text": "Still sweet"}),
            (started + 29 * HOUR, EventKind.NOTE, {"text": "First bubbles on the lemon"}),
        )
        yield from self._reminders(
            batch,
            ("taste", "Taste Ginger and lemon", made + HOUR / 4),
            ("bottle", "Bottle Ginger and lemon", started + timedelta(hours=OPEN_HOURS)),
        )

    def _in_fridge(self) -> Iterator[tuple[str, Put]]:
        made = self._made_at("fridge")
        started, bottled, cold = made - 11 * DAY, made - 9 * DAY, made - 7 * DAY
        batch = Batch(
            id=self._id("fridge"),
            user=self._user,
            name="Raspberry",
            created_at=made,
            updated_at=made,
            stage=BatchStage.BOTTLED,
            status=BatchStatus.IN_FRIDGE,
            status_since=cold,
            stage1=Timing(started, OPEN_HOURS),
            stage2=Timing(bottled, BOTTLED_HOURS),
            water_ml=1500,
            sugar_g=90,
            fruits=("raspberry",),
            temperature_c=21,
            bottle_count=3,
            public=True,
            public_note="Two days open, two in bottles.",
        )
        yield "batch", new_batch(batch)
        yield from self._events(
            batch,
            (bottled, EventKind.STAGE_CHANGE, {"before": "1", "after": "2"}),
            (cold, EventKind.STATUS_CHANGE, {"before": "active", "after": "in_fridge"}),
            (cold + 12 * HOUR, EventKind.TASTE, {"rating": 5, "text": "Dry, and very lively"}),
        )
        yield from self._reminders(batch, ("drink", "Drink up Raspberry", cold + 14 * DAY))

    def _made_at(self, name: str) -> datetime:
        """When the batch was first made; now, if it was not."""
        try:
            return self._ferments.batch(self._user, self._id(name)).created_at
        except ItemNotFound:
            return self._now

    def _events(self, batch: Batch, *events: tuple[datetime, EventKind, dict[str, Any]]) -> Iterator[tuple[str, Put]]:
        for number, (at, kind, said) in enumerate(events):
            event = Event(self._id(f"{batch.id} {number}", at), batch.id, self._user, kind, at, **said)
            yield "event", new_event(event)

    def _reminders(self, batch: Batch, *reminders: tuple[str, str, datetime]) -> Iterator[tuple[str, Put]]:
        for kind, title, due_at in reminders:
            reminder = Reminder(
                id=self._id(f"{batch.id} {kind}"),
                user=self._user,
                title=title,
                body=batch.name,
                due_at=due_at,
                created_at=batch.created_at,
                batch=batch.id,
                kind=kind,
            )
            yield "reminder", scheduled(reminder)

    def _device(self) -> Iterator[str]:
        token = f"ExponentPushToken[{sha256(self._user.encode()).hexdigest()[:22]}]"
        device = Device(token, self._user, Platform.OTHER, "A phone that is none", self._now)
        if device.id not in {known.id for known in DeviceRepository(self._table).of_user(self._user)}:
            self._table.write([registered(device)], keys=KEYS)
            yield "a device"

    def _id(self, name: str, at: datetime = _LONG_AGO) -> str:
        """A ULID of that time which is always the same for that person and name."""
        moment = int(at.timestamp() * 1000).to_bytes(6, "big")
        return str(ULID.from_bytes(moment + sha256(f"{self._user} {name}".encode()).digest()[:10]))


def _user(stage: Stage, email: str) -> tuple[str, bool]:
    """The user's `sub`, and whether it is new. Users created here can sign in by code at once."""
    client, pool = stage.client("cognito-idp"), pool_of(stage)
    is_new = False
    try:
        found = client.admin_get_user(UserPoolId=pool, Username=email)
    except ClientError as error:
        if error.response["Error"]["Code"] != "UserNotFoundException":
            raise
        _make(client, pool, email)
        is_new, found = True, client.admin_get_user(UserPoolId=pool, Username=email)
    if found["UserStatus"] == "FORCE_CHANGE_PASSWORD":  # also of one whose creation was interrupted
        client.admin_set_user_password(UserPoolId=pool, Username=email, Password=_password(), Permanent=True)
    attributes = {one["Name"]: one["Value"] for one in found["UserAttributes"]}
    return str(attributes["sub"]), is_new


def _make(client: Any, pool: str, email: str) -> None:
    client.admin_create_user(
        UserPoolId=pool,
        Username=email,
        UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
        TemporaryPassword=_password(),
        MessageAction="SUPPRESS",
    )


def _password() -> str:
    """One that nobody knows and the pool's policy accepts."""
    return f"{secrets.token_urlsafe(48)}aA1!"
