"""The people's table, the sample Expo, and a time that passes when told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stamina

from local.upstreams import Upstreams, World
from local.upstreams.expo import Kept, Office
from scheduler.push.expo import ATTEMPTS, Expo
from scheduler.push.receipts import ReceiptChecker
from scheduler.push.receipts import Tally as ReceiptTally
from scheduler.push.sending import Pusher, ReminderProcessor, Tally
from tests.integration.tables import table_name
from watchkeeper import aws, metrics
from watchkeeper.clock import from_iso
from watchkeeper.dynamodb import Table
from watchkeeper.people.devices import Device, DeviceRepository, Platform, registered
from watchkeeper.people.reminders import Reminder, ReminderRepository, ReminderStatus, scheduled
from watchkeeper.people.table import KEYS

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Post:
    """People with reminders and phones, and what carries the one to the other."""

    upstreams: Upstreams
    now: datetime = NOON
    table: Table = field(init=False)
    reminders: ReminderRepository = field(init=False)
    devices: DeviceRepository = field(init=False)

    def __post_init__(self) -> None:
        self.table = Table(aws.dynamodb_client(), table_name("people"))
        self.reminders = ReminderRepository(self.table)
        self.devices = DeviceRepository(self.table)

    @property
    def office(self) -> Office:
        return self.upstreams.push

    @property
    def got(self) -> list[Kept]:
        """What the phones got."""
        return self.office.kept

    @property
    def shown(self) -> list[str]:
        """The reminders the phones got, in order."""
        return sorted(kept.message["collapseId"] for kept in self.got)

    def clock(self) -> datetime:
        return self.now

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)

    def phone(self, name: str = "phone", user: str = "u1", *, active: bool = True) -> Device:
        token = f"ExponentPushToken[{name}]"
        device = Device(token, user, Platform.IOS, name, self.now, active)
        self.table.write([registered(device)], keys=KEYS)
        return device

    def remind(self, name: str = "r1", user: str = "u1", *, due: datetime | None = None, **fields: Any) -> Reminder:
        reminder = Reminder(name, user, "Taste it", "It is time", due or self.now, self.now - timedelta(days=1))
        reminder = replace(reminder, **fields)
        self.table.write([scheduled(reminder)], keys=KEYS)
        return reminder

    def crowd(self, number: int) -> list[str]:
        """So many people with a phone and a reminder each; the reminders."""
        names = [f"r{index:05}" for index in range(number)]
        for name in names:
            self.phone(f"phone-{name}", f"user-{name}")
            self.remind(name, f"user-{name}")
        return names

    def processor(self, expo: Pusher | None = None) -> ReminderProcessor:
        return ReminderProcessor(self.reminders, self.devices, expo or self.expo(), clock=self.clock)

    def checker(self) -> ReceiptChecker:
        return ReceiptChecker(self.reminders, self.devices, self.expo(), clock=self.clock)

    def expo(self) -> Expo:
        return Expo(self.upstreams.expo_url, clock=self.clock)

    def send(self, seconds_left: Callable[[], float] = lambda: 300.0) -> Tally:
        return self.processor().run(seconds_left)

    def check(self, seconds_left: Callable[[], float] = lambda: 300.0) -> ReceiptTally:
        return self.checker().run(seconds_left)

    def reminder(self, name: str = "r1", user: str = "u1") -> Reminder:
        return self.reminders.get(user, name)

    def status(self, name: str = "r1", user: str = "u1") -> ReminderStatus:
        return self.reminder(name, user).status

    def next_look(self, name: str = "r1", user: str = "u1") -> datetime:
        item = self.table.get({"PK": f"USER#{user}", "SK": f"REMINDER#{name}"})
        assert item is not None
        return from_iso(str(item["GSI1SK"]).partition("#")[0])

    def active(self, user: str = "u1") -> list[str]:
        return [device.name for device in self.devices.of_user(user) if device.active]


@pytest.fixture
def post(atomic_tables: None) -> Iterator[Post]:
    with Upstreams(World()) as upstreams, stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield Post(upstreams)
    metrics._collected.clear()
