"""A person with an account in a user pool, and the functions that look after what they own."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import orjson
import pytest
from moto.core.models import botocore_stubber
from moto.sqs.models import sqs_backends

from tests.integration.api.asking import OTHER, Asker
from tests.integration.api.conftest import PHOTOS
from tests.integration.faults import Clock, answer
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.budgets import PEOPLE, WORKERS, Budget
from watchkeeper.dynamodb import Table
from watchkeeper.people.accounts import AccountRepository
from watchkeeper.people.devices import DeviceRepository
from watchkeeper.people.reminders import ReminderRepository

EMAIL = "ada@example.org"


class Pool:
    """A user pool, at the level of botocore: users are named by their `sub`, and forgotten when they are deleted."""

    id = "us-east-1_test"

    def __init__(self) -> None:
        self.users: dict[str, str] = {}
        """Their addresses."""
        self.plan: Callable[[str, Callable[[], Any]], Any] = lambda _, do: do()
        """What becomes of an operation, given what it does."""

    def add(self, email: str) -> str:
        """The new user's `sub`."""
        user = str(UUID(int=len(self.users) + 1, version=4))
        self.users[user] = email
        return user

    def listen(self, budget: Budget) -> None:
        events = aws.identity_client(budget).meta.events
        events.register("before-send.cognito-identity-provider", self._answer)
        events.unregister("before-send", botocore_stubber)  # type: ignore[arg-type] # moto's pools need more than is installed

    def _answer(self, request: Any, event_name: str, **_: Any) -> Any:
        operation = event_name.rpartition(".")[2]
        return self.plan(operation, lambda: self._do(operation, orjson.loads(request.body)))

    def _do(self, operation: str, asked: dict[str, str]) -> Any:
        if asked["UserPoolId"] != self.id:
            return answer(400, {"__type": "ResourceNotFoundException"})
        if asked["Username"] not in self.users:
            return answer(400, {"__type": "UserNotFoundException"})
        if operation == "AdminDeleteUser":
            del self.users[asked["Username"]]
            return answer(200, {})
        if operation != "AdminGetUser":
            raise AssertionError(f"nobody expected {operation}")
        email = {"Name": "email", "Value": self.users[asked["Username"]]}
        attributes = [{"Name": "sub", "Value": asked["Username"]}, email, {"Name": "email_verified", "Value": "true"}]
        created = {"UserCreateDate": 1767225600.123, "UserLastModifiedDate": 1767225600.123, "Enabled": True}
        return answer(200, {"Username": asked["Username"], "UserAttributes": attributes, **created})


@pytest.fixture
def pool(clock: Clock, people_environment: None) -> Pool:
    """Made after the clock, which makes all clients anew."""
    made = Pool()
    for budget in (PEOPLE, WORKERS):
        made.listen(budget)
    return made


@pytest.fixture
def user(pool: Pool) -> str:
    return pool.add(EMAIL)


@pytest.fixture
def me(user: str) -> Iterator[Asker]:
    """The person's own requests."""
    from api.people import container
    from api.people.handler import handler
    from api.web.secrets import secret

    container.container.cache_clear()
    secret.cache_clear()
    yield Asker(handler, "/api/v1/me", user)
    container.container.cache_clear()


@pytest.fixture
def other(me: Asker) -> Asker:
    """Somebody else's."""
    return me.as_(OTHER)


@pytest.fixture
def table(people_environment: None) -> Table:
    return Table(aws.dynamodb_client(), table_name("people"))


@pytest.fixture
def accounts(table: Table) -> AccountRepository:
    return AccountRepository(table)


@pytest.fixture
def devices(table: Table) -> DeviceRepository:
    return DeviceRepository(table)


@pytest.fixture
def reminders(table: Table) -> ReminderRepository:
    return ReminderRepository(table)


def sent() -> list[dict[str, Any]]:
    """The messages for `erase`, each with the seconds it is held back."""
    queue = sqs_backends["123456789012"]["us-east-1"].queues["watchkeeper-test-erasures"]
    return [
        {"body": one.body, "delay": max(0, round(((one.delayed_until or 0) - (one.sent_timestamp or 0)) / 1000))}
        for one in queue._messages
    ]


def objects() -> list[str]:
    """Each version of each object, by its key."""
    page = aws.s3_client().list_object_versions(Bucket=PHOTOS)
    return [str(one["Key"]) for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))]
