"""Seeding: refused where people are, safe to repeat, and of use afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws

from local import seeding
from local.cli import cli
from local.seeding import EMAIL, SeedRefused, seed, told
from local.stages import StageRefused
from tests.integration.tables import create_tables
from tests.unit.local.stand_ins import NO_STACK, Client, refusal
from watchkeeper.dynamodb import Table
from watchkeeper.ferments.models import BatchStatus
from watchkeeper.ferments.repository import FermentRepository, deleted_batch
from watchkeeper.people.devices import PUSH_TOKEN, DeviceRepository
from watchkeeper.people.reminders import ReminderRepository
from watchkeeper.people.table import KEYS

NOW = datetime(2026, 7, 1, 12, 30, 15, 123456, tzinfo=UTC)
SOON, NEXT_WEEK = timedelta(hours=1), timedelta(days=8)


class Pool:
    """The users of a stage, at the level of boto3."""

    def __init__(self) -> None:
        self.users: dict[str, dict[str, Any]] = {}
        self.client = Client(
            {
                "admin_get_user": self._get,
                "admin_create_user": self._create,
                "admin_set_user_password": self._set_password,
            }
        )

    def _get(self, *, Username: str, **_: Any) -> Any:  # noqa: N803 -- boto3's names
        return self.users.get(Username) or refusal("UserNotFoundException")

    def _create(self, *, Username: str, UserAttributes: Any, **_: Any) -> Any:  # noqa: N803
        attributes = [*UserAttributes, {"Name": "sub", "Value": f"sub-{len(self.users)}"}]
        self.users[Username] = {"UserStatus": "FORCE_CHANGE_PASSWORD", "UserAttributes": attributes}
        return {}

    def _set_password(self, *, Username: str, Permanent: bool, **_: Any) -> Any:  # noqa: N803
        assert Permanent
        self.users[Username]["UserStatus"] = "CONFIRMED"
        return {}


@dataclass
class Stage:
    pool: Pool
    dynamodb: Any
    stage: str = "test"
    stack: Any = None

    def name(self, thing: str) -> str:
        return f"watchkeeper-{self.stage}-{thing}"

    def client(self, service: str) -> Any:
        stacks = {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": _outputs()}]}
        cloudformation = Client({"describe_stacks": self.stack or stacks})
        return {"dynamodb": self.dynamodb, "cognito-idp": self.pool.client, "cloudformation": cloudformation}[service]

    @property
    def table(self) -> Table:
        return Table(self.dynamodb, self.name("people"))


def _outputs() -> list[dict[str, str]]:
    return [{"OutputKey": "UserPoolId", "OutputValue": "pool-1"}]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """With boto3's own client, as commands have it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(seeding, "SEEDED", ("test",))
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_tables(client)
        yield Stage(Pool(), client)


def test_there_is_a_batch_on_the_counter_and_one_in_the_fridge_each_with_a_timeline(stage: Stage) -> None:
    seeded = seed(stage, EMAIL, NOW)

    ferments = FermentRepository(stage.table)
    statuses = {batch.status: batch for batch in ferments.batches(seeded.user)}
    assert set(statuses) == {BatchStatus.ACTIVE, BatchStatus.IN_FRIDGE}
    for batch in statuses.values():
        moments = [event.at for event in ferments.events(seeded.user, batch.id)]
        assert len(moments) >= 3
        assert moments == sorted(moments), "as their ids have them"
        assert moments[-1] < NOW
    shared = statuses[BatchStatus.IN_FRIDGE]
    assert ferments.public_batch(shared.id) == shared


def test_one_reminder_is_due_soon_and_one_next_week(stage: Stage) -> None:
    seeded = seed(stage, EMAIL, NOW)

    due = sorted(one.due_at - NOW for one in ReminderRepository(stage.table).of_user(seeded.user))
    assert timedelta() < due[0] < SOON
    assert timedelta(days=6) < due[-1] < NEXT_WEEK


def test_the_device_could_be_one(stage: Stage) -> None:
    seeded = seed(stage, EMAIL, NOW)

    [device] = DeviceRepository(stage.table).of_user(seeded.user)
    assert PUSH_TOKEN.fullmatch(device.token)


def everything(stage: Stage) -> list[Any]:
    return sorted(stage.dynamodb.scan(TableName=stage.name("people"))["Items"], key=str)


def test_a_second_time_adds_nothing_whenever_it_is(stage: Stage) -> None:
    first = seed(stage, EMAIL, NOW)
    before = everything(stage)

    again = seed(stage, EMAIL, NOW + timedelta(days=3))

    on_the_counter = ("a batch on the counter", "4 events", "2 reminders")
    in_the_fridge = ("a batch in the fridge", "3 events", "1 reminder")
    assert first.added == ("a user", *on_the_counter, *in_the_fridge, "a device")
    assert again.added == ()
    assert everything(stage) == before
    assert len(stage.pool.client.requests("admin_create_user")) == 1


def test_what_was_cut_off_is_completed(stage: Stage) -> None:
    seed(stage, EMAIL, NOW)
    whole = everything(stage)
    for item in whole[::2]:
        stage.dynamodb.delete_item(TableName=stage.name("people"), Key={name: item[name] for name in ("PK", "SK")})
    stage.pool.users[EMAIL]["UserStatus"] = "FORCE_CHANGE_PASSWORD"

    seed(stage, EMAIL, NOW)

    assert everything(stage) == whole
    assert stage.pool.users[EMAIL]["UserStatus"] == "CONFIRMED", "who is not cannot sign in"


def test_a_batch_that_is_being_deleted_is_left_alone(stage: Stage) -> None:
    seeded = seed(stage, EMAIL, NOW)
    stage.table.write([deleted_batch(seeded.batches[0], NOW)], keys=KEYS)

    assert len(seed(stage, EMAIL, NOW).batches) == 1


def test_two_people_share_nothing(stage: Stage) -> None:
    one, two = seed(stage, EMAIL, NOW), seed(stage, " Ada@Example.ORG ", NOW)

    assert two.email == "ada@example.org"
    assert one.user != two.user
    assert {batch.id for batch in one.batches}.isdisjoint(batch.id for batch in two.batches)
    assert len(DeviceRepository(stage.table).of_user(one.user)) == 1


def test_nobody_is_mailed_and_nobody_knows_the_password(stage: Stage) -> None:
    seed(stage, EMAIL, NOW)

    [made] = stage.pool.client.requests("admin_create_user")
    [password] = stage.pool.client.requests("admin_set_user_password")
    assert made["MessageAction"] == "SUPPRESS"
    assert {"Name": "email_verified", "Value": "true"} in made["UserAttributes"]
    assert made["TemporaryPassword"] != password["Password"]
    assert len(password["Password"]) >= 32
    assert all(re.search(kind, password["Password"]) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))


def test_a_stage_that_is_not_deployed_says_so(stage: Stage) -> None:
    stage.stack = NO_STACK

    with pytest.raises(StageRefused, match="make deploy STAGE=test"):
        seed(stage, EMAIL, NOW)


def test_it_is_told_what_there_is_and_how_to_sign_in(stage: Stage) -> None:
    lines = list(told("local", seed(stage, EMAIL, NOW)))

    assert lines[0].startswith(f"{EMAIL} on local: added a user, ")
    assert any("in_fridge" in line for line in lines)
    assert lines[-1] == f"Sign in: make login EMAIL={EMAIL}"
    assert next(told("dev", seed(stage, EMAIL, NOW))) == f"{EMAIL} on dev: nothing new."


@pytest.mark.parametrize("stage_of_people", ["staging", "prod"])
def test_where_people_are_it_is_refused_before_anything_is_asked(tmp_path: Path, stage_of_people: str) -> None:
    result = CliRunner().invoke(cli, ["--state", str(tmp_path / "state"), "seed", "--stage", stage_of_people])

    assert result.exit_code == 1
    assert (
        result.output
        == f"Error: {stage_of_people} is for people, not for made-up data. Fill one of local, dev instead.\n"
    )
    with pytest.raises(SeedRefused):
        seeding.refuse_stages_of_people(stage_of_people)
