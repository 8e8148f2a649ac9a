"""What somebody who makes kefir does, and the data this leaves in the system."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import requests

from local.cloud import LocalCloud
from tests.e2e.people import Json, Person, expect

PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
IMAGE = "image/png"


def begin(person: Person, **more: Any) -> Json:
    """A new batch."""
    started: Json = expect(person.post("ferments/batches", {"name": "Ginger", **more}), 201)
    return started


def photograph(person: Person, batch: str, photo: bytes = PHOTO) -> str:
    """The id of a photo that is uploaded."""
    form = expect(person.post(f"ferments/batches/{batch}/photos", {"content_type": IMAGE}), 201)
    assert upload(form, photo).status_code in (200, 201, 204)
    return str(form["id"])


def upload(form: Json, photo: bytes, **changed: str) -> requests.Response:
    """As a browser does it, with some fields of the form changed."""
    fields = form["upload"]["fields"] | {name.replace("_", "-"): value for name, value in changed.items()}
    return requests.post(form["upload"]["url"], data=fields, files={"file": ("photo.png", photo)}, timeout=60)


class Shelf:
    """The table and the bucket, as an operator sees them."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        outputs = cloud.outputs("api")
        self.table, self._bucket, self._pool = outputs["PeopleTable"], outputs["PhotosBucket"], outputs["UserPoolId"]
        self._s3 = cloud.client("s3")

    def items_about(self, name: str) -> list[str]:
        """The sort keys of all items in which that id stands anywhere."""
        return [item["SK"]["S"] for item in self._items() if name in str(item)]

    def objects_about(self, name: str) -> list[str]:
        """The keys of all objects, old versions included, in which that id stands."""
        listed = self._s3.list_object_versions(Bucket=self._bucket)
        versions = [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]
        return [one["Key"] for one in versions if name in one["Key"]]

    def knows_user(self, user: str) -> bool:
        pages = self._cloud.client("cognito-idp").get_paginator("list_users").paginate(UserPoolId=self._pool)
        return any(user in str(one) for page in pages for one in page["Users"])

    def write_much(self, user: str, batch: str, octets: int) -> None:
        """Make the person's timeline so long at least, by what nobody would type."""
        key = {"PK": {"S": f"USER#{user}"}}
        text = "\N{JAR}" * 50_000
        for number in range(octets // len(text.encode()) + 1):
            event = {"S": f"EVENT#{batch}#01ARZ3NDEKTSV4RRFFQ69G{number:04}"}
            record = {"kind": "note", "at": "2026-01-01T00:00:00Z", "text": text}
            item = {**key, "SK": event, "record": {"S": json.dumps(record, ensure_ascii=False)}}
            self._cloud.dynamodb.put_item(TableName=self.table, Item=item)

    def let_wait_be_over(self, user: str, reminder: str) -> None:
        """A reminder is looked at when its time has come: that is now."""
        key = {"PK": {"S": f"USER#{user}"}, "SK": {"S": f"REMINDER#{reminder}"}}
        self._cloud.dynamodb.update_item(
            TableName=self.table,
            Key=key,
            UpdateExpression="SET GSI1SK = :past",
            ConditionExpression="attribute_exists(GSI1PK)",
            ExpressionAttributeValues={":past": {"S": f"2020-01-01T00:00:00Z#{reminder}"}},
        )

    def _items(self) -> Iterator[Any]:
        pages = self._cloud.dynamodb.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return (item for page in pages for item in page["Items"])


class Leaver(NamedTuple):
    """Somebody who has asked to be deleted."""

    person: Person
    id: str
    batch: str
    token: str
    """Of a device."""
    shelf: Shelf


def leave(person: Person, shelf: Shelf) -> Leaver:
    """With something of each kind left behind."""
    user, batch, token = person.id, begin(person, public=True)["id"], "ExponentPushToken[of-somebody-who-left]"
    photographs = [photograph(person, batch) for _ in range(2)]
    expect(person.post(f"ferments/batches/{batch}/reminders/confirm", {"reminders": [{"key": "bottle"}]}), 201)
    expect(person.post("me/devices", {"token": token, "platform": "ios"}), 201)
    assert len(shelf.objects_about(user)) == len(photographs)
    assert expect(person.delete("me"), 202)["status"] == "deleting"
    return Leaver(person, user, batch, token, shelf)
