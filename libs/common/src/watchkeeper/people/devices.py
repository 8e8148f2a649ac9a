"""The devices reminders are pushed to."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from watchkeeper import records
from watchkeeper.clock import from_iso, to_iso
from watchkeeper.dynamodb import Delete, Item, Put, Table
from watchkeeper.errors import ConditionFailed
from watchkeeper.people.table import INDEX, KEYS, beginning, user_key

PUSH_TOKEN = re.compile(
    r"Expo(?:nent)?PushToken\[[A-Za-z0-9_.:/+=-]{1,200}\]|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)
"""The formats that Expo issues: two with a name, and a bare UUID."""


class Platform(StrEnum):
    IOS = "ios"
    ANDROID = "android"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Device:
    token: str
    """Expo's push token; anybody who knows it can push to the device."""
    user: str
    platform: Platform
    name: str
    registered_at: datetime
    active: bool = True
    off_reason: str | None = None
    """Why nothing is pushed to it any more, as Expo names it: ``DeviceNotRegistered``."""

    @property
    def id(self) -> str:
        return device_id(self.token)


def device_id(token: str) -> str:
    """A device keeps its push token for as long as the app is installed: the token is its identity."""
    return sha256(token.encode()).hexdigest()[:32]


class DeviceRepository:
    def __init__(self, table: Table) -> None:
        self._table = table

    def of_user(self, user: str) -> list[Device]:
        """Oldest first. The index may lag: devices that another person has taken over are left out, those registered
        a moment ago may be missing."""
        key, sort = {"GSI1PK": user_key(user)}, ("GSI1SK", beginning("DEVICE#"))
        found = list(self._table.query(key, index=INDEX, sort=sort))
        items = self._table.batch_get(KEYS.of(item) for item in found)
        devices = [_device(item) for item in items if item["owner_id"] == user]
        return sorted(devices, key=lambda device: (device.registered_at, device.id))

    def switch_off(self, devices: Iterable[Device], reason: str) -> None:
        """Stop pushing to them. A device that was registered again meanwhile, by the same person or another, stays
        on."""
        for device in devices:
            off = replace(device, active=False, off_reason=reason)
            with suppress(ConditionFailed):
                self._table.update(
                    _key(device.id),
                    {"record": _record(off)},
                    keys=KEYS,
                    condition="owner_id = :owner AND registered_at = :then",
                    values={":owner": device.user, ":then": to_iso(device.registered_at)},
                )


def registered(device: Device) -> Put:
    """A device belongs to whoever registered its token last, and to nobody else."""
    return Put(
        {
            **_key(device.id),
            "GSI1PK": user_key(device.user),
            "GSI1SK": f"DEVICE#{device.id}",
            "owner_id": device.user,
            "registered_at": to_iso(device.registered_at),
            "record": _record(device),
        }
    )


def removed(user: str, device: str) -> Delete:
    """Its condition fails unless the device is that person's."""
    return Delete(_key(device), "owner_id = :owner", {":owner": user})


def _key(device: str) -> dict[str, str]:
    return {"PK": f"DEVICE#{device}", "SK": "DEVICE"}


def _record(device: Device) -> str:
    return records.encode(device, without=frozenset({"user", "registered_at"}))


def _device(item: Item) -> Device:
    record = records.loads(str(item["record"]))
    return Device(
        token=record["token"],
        user=str(item["owner_id"]),
        platform=Platform(record["platform"]),
        name=record.get("name", ""),
        registered_at=from_iso(str(item["registered_at"])),
        active=record.get("active", False),
        off_reason=record.get("off_reason"),
    )
