"""Reminders reach phones: the schedule's functions, run as the schedule runs them, push what is due through Expo."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.e2e.expo import Expo
from tests.e2e.kitchen import Shelf, begin
from tests.e2e.people import Json, People, Person, expect, problem
from tests.e2e.system import System


class Phone(NamedTuple):
    """Somebody's, with the app on it."""

    owner: Person
    user: str
    token: str
    shelf: Shelf
    system: System

    def remind(self, key: str, **more: Any) -> str:
        """The id of a reminder of a new batch, which is due at this moment."""
        batch = begin(self.owner, name=key.title())["id"]
        wanted = {"reminders": [{"key": key, **more}]}
        [reminder] = expect(self.owner.post(f"ferments/batches/{batch}/reminders/confirm", wanted), 201)["items"]
        self.shelf.let_wait_be_over(self.user, reminder["id"])
        return str(reminder["id"])

    def told_of(self, reminder: str) -> Json:
        told: Json = self.owner.read(f"me/reminders/{reminder}")
        return told

    def is_active(self) -> bool:
        [device] = self.owner.read("me/devices")["items"]
        return bool(device["active"])


@pytest.fixture(scope="module")
def expo(system: System) -> Iterator[Expo]:
    sample = Expo(system.upstreams.expo_url)
    yield sample
    sample.start_over()


@pytest.fixture
def phone(people: People, system: System, request: pytest.FixtureRequest) -> Phone:
    owner = people.signed_in("phone")
    token = f"ExponentPushToken[{owner.email.partition('@')[0]}]"
    expect(owner.post("me/devices", {"token": token, "platform": "ios", "name": "Mine"}), 201)
    return Phone(owner, owner.id, token, Shelf(system.cloud), system)


def run(system: System, rule: str) -> Json:
    """As its schedule does."""
    tally: Json = system.run_rule(rule)
    return tally


def test_a_due_reminder_is_pushed_and_its_delivery_is_known(phone: Phone, expo: Expo) -> None:
    due = phone.remind("taste", title="Taste it now", body="Is it sour?")
    cancelled, snoozed = phone.remind("bottle"), phone.remind("taste", title="Later")
    assert expect(phone.owner.post(f"me/reminders/{cancelled}/cancel"), 200)["status"] == "cancelled"
    put_off = expect(phone.owner.post(f"me/reminders/{snoozed}/snooze", {"minutes": 90}), 200)
    assert (put_off["id"], put_off["status"]) == (snoozed, "scheduled")

    assert run(phone.system, "process-reminders")["sent"] >= 1

    [message] = expo.messages(phone.token)
    assert (message["title"], message["body"]) == ("Taste it now", "Is it sour?")
    assert message["data"]["reminder"] == due
    assert [phone.told_of(one)["status"] for one in (due, cancelled, snoozed)] == ["sent", "cancelled", "scheduled"]
    assert problem(phone.owner.post(f"me/reminders/{due}/cancel"), 409) == "conflict"

    phone.shelf.let_wait_be_over(phone.user, due)
    phone.shelf.let_wait_be_over(phone.user, snoozed)
    assert run(phone.system, "check-push-receipts")["delivered"] >= 1
    run(phone.system, "process-reminders")

    assert [phone.told_of(one)["status"] for one in (due, cancelled, snoozed)] == ["delivered", "cancelled", "sent"]
    assert [message["title"] for message in expo.messages(phone.token)] == ["Taste it now", "Later"]


@pytest.mark.parametrize("where", ["ticket", "receipt"])
def test_a_device_without_the_app_is_switched_off(phone: Phone, expo: Expo, where: str) -> None:
    expo.knows_no_more(phone.token, where)
    reminder = phone.remind("taste")

    run(phone.system, "process-reminders")
    if where == "receipt":
        assert phone.told_of(reminder)["status"] == "sent"
        phone.shelf.let_wait_be_over(phone.user, reminder)
        run(phone.system, "check-push-receipts")

    told = phone.told_of(reminder)
    assert told["status"] == "failed"
    assert "DeviceNotRegistered" in told["reason"]
    assert not phone.is_active()


def test_a_device_that_changes_hands_shows_its_new_owners_reminders_alone(
    phone: Phone, expo: Expo, people: People
) -> None:
    other = people.signed_in("heir")
    expect(other.post("me/devices", {"token": phone.token, "platform": "ios"}), 201)
    reminder = phone.remind("taste")

    run(phone.system, "process-reminders")

    assert phone.owner.read("me/devices")["items"] == []
    assert [device["active"] for device in other.read("me/devices")["items"]] == [True]
    assert expo.messages(phone.token) == []
    assert phone.told_of(reminder)["status"] == "failed"
