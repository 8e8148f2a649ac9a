"""`/me/devices`: registered by push token, listed, removed; nobody sees another's, or any token."""

import pytest

from api.people.devices import MAX_DEVICES
from tests.integration.api.asking import OTHER, Asker
from tests.integration.faults import Faults, unmet
from watchkeeper.people.devices import DeviceRepository, device_id

TOKEN = "ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]"
PHONE = {"token": TOKEN, "platform": "ios", "name": "Ada's phone"}


def test_a_device_is_registered_and_listed_without_its_token(me: Asker) -> None:
    made = me.post("/devices", PHONE)

    assert made.status == 201
    assert "Location" not in made.headers, "no single device can be read"
    assert made.json.pop("registered_at")
    assert made.json | {"registered_at": ""} == {
        "id": device_id(TOKEN),
        "platform": "ios",
        "name": "Ada's phone",
        "registered_at": made.json["registered_at"],
        "active": True,
        "off_reason": None,
    } | {"registered_at": ""}
    listed = me.get("/devices")
    assert listed.json == {"items": [made.json]}
    assert "xxxx" not in made.text + listed.text


def test_the_same_device_again_is_the_same_device(me: Asker, user: str, devices: DeviceRepository) -> None:
    me.post("/devices", PHONE)
    devices.switch_off(devices.of_user(user), "DeviceNotRegistered")
    [off] = me.get("/devices").json["items"]

    again = me.post("/devices", {**PHONE, "name": "Old phone"})

    assert (off["active"], off["off_reason"]) == (False, "DeviceNotRegistered")
    assert again.status == 201
    [device] = me.get("/devices").json["items"]
    assert (device["name"], device["active"], device["off_reason"]) == ("Old phone", True, None)


def test_a_device_that_changes_hands_leaves_its_last_owner(me: Asker, other: Asker) -> None:
    me.post("/devices", PHONE)
    other.post("/devices", PHONE)

    assert me.get("/devices").json["items"] == []
    assert [one["id"] for one in other.get("/devices").json["items"]] == [device_id(TOKEN)]


@pytest.mark.parametrize(
    "token",
    [
        "ExponentPushToken[a]",
        "ExpoPushToken[a:b_c-d.e/f+g=]",
        "4f9c0e3a-1111-4222-8333-0123456789ab",
        "ExpoPushToken[1]",
    ],
)
def test_tokens_of_every_form_are_taken(me: Asker, token: str) -> None:
    assert me.post("/devices", {"token": token, "platform": "android"}).status == 201


WRONG = {
    "rubbish": {"token": "ExponentPushTokenGARBAGE"},
    "nothing in it": {"token": "ExponentPushToken[]"},
    "more after it": {"token": "ExpoPushToken[a]\n"},
    "more before it": {"token": " ExpoPushToken[a]"},
    "two of them": {"token": "ExpoPushToken[a]ExpoPushToken[b]"},
    "too long": {"token": f"ExpoPushToken[{'a' * 300}]"},
    "no text": {"token": 5},
    "no token": {"token": None},
    "another platform": {"platform": "windows"},
    "a long name": {"name": "x" * 101},
    "a name of two lines": {"name": "Ada's\nphone"},
    "a name that rings": {"name": "Ada's phone\x07"},
    "somebody's": {"user": OTHER},
    "an id": {"id": "0" * 32},
    "switched off": {"active": False},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_anything_else_is_refused(me: Asker, change: dict[str, object]) -> None:
    answer = me.post("/devices", {**PHONE, **change})

    assert answer.status == 422
    assert [error["parameter"] for error in answer.json["errors"]] == list(change)
    assert me.get("/devices").json["items"] == []
    assert TOKEN not in answer.text


def test_a_person_has_so_many_devices_and_no_more(me: Asker) -> None:
    tokens = [f"ExpoPushToken[{number}]" for number in range(MAX_DEVICES + 1)]
    for token in tokens[:MAX_DEVICES]:
        me.post("/devices", {**PHONE, "token": token})

    assert me.post("/devices", {**PHONE, "token": tokens[-1]}).status == 409
    assert me.post("/devices", {**PHONE, "token": tokens[0]}).status == 201


def test_a_lost_answer_is_told_again(me: Asker, other: Asker) -> None:
    key = {"Idempotency-Key": "key-1"}
    first = me.post("/devices", PHONE, key)
    other.post("/devices", PHONE)

    again = me.post("/devices", PHONE, key)

    assert (again.status, again.json) == (201, first.json)
    assert me.get("/devices").json["items"] == []
    assert me.post("/devices", {**PHONE, "name": "x"}, key).status == 422


def test_a_device_is_removed(me: Asker) -> None:
    me.post("/devices", PHONE)

    assert me.delete(f"/devices/{device_id(TOKEN)}").status == 204
    assert me.get("/devices").json["items"] == []
    assert me.delete(f"/devices/{device_id(TOKEN)}").status == 404


def test_another_persons_device_is_not_there(me: Asker, other: Asker) -> None:
    me.post("/devices", PHONE)

    theirs, nobodys = other.delete(f"/devices/{device_id(TOKEN)}"), other.delete(f"/devices/{'0' * 32}")

    assert theirs.status == nobodys.status == 404
    assert theirs.json["detail"] == nobodys.json["detail"]
    assert other.get("/devices").json["items"] == []
    assert len(me.get("/devices").json["items"]) == 1


def test_a_write_that_finds_another_state_each_time_is_a_conflict(me: Asker, faults: Faults) -> None:
    with faults.injected(unmet, "dynamodb", "PutItem"):
        assert me.post("/devices", PHONE).status == 409
