"""Signing in, on a table in memory, with a user pool that behaves as AWS's documentation says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from api.people.signin.codes import Codes
from api.people.signin.cognito import CognitoSessions, CognitoSignIn, Pool
from api.people.signin.container import Container, refusals_told_to
from api.people.signin.entering import Entrance
from api.people.signin.limits import Limits
from api.people.signin.settings import SignInSettings
from api.people.signin.telling import Telling
from tests.integration.api.asking import Asker
from tests.integration.api.signin.pool import CLIENT, POOL, UserPool
from tests.integration.common.test_events import Bus
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.budgets import Deadline
from watchkeeper.dynamodb import Table


class Clock:
    """A clock that stands still until somebody sets it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **span: int) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture
def table(tables: None) -> Table:
    return Table(aws.dynamodb_client(), table_name("sign-in"))


@pytest.fixture
def codes(table: Table, time: Clock) -> Codes:
    return Codes(table, time)


@pytest.fixture
def limits(table: Table, time: Clock) -> Limits:
    return Limits(table, time, lambda: b"secret")


@pytest.fixture
def user_pool(codes: Codes) -> UserPool:
    return UserPool(codes)


@pytest.fixture
def bus(tables: None) -> Bus:
    return Bus("facts")


@pytest.fixture
def telling(bus: Bus) -> Telling:
    return refusals_told_to("bus")


@pytest.fixture
def entrance(user_pool: UserPool, limits: Limits, telling: Telling) -> Entrance:
    pool = Pool(user_pool, user_pool, POOL, CLIENT)  # type: ignore[arg-type]
    return Entrance(CognitoSignIn(pool), CognitoSessions(pool), limits, telling)


@pytest.fixture
def ask(entrance: Entrance, people_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    """Requests to the function, by nobody."""
    from api.people.signin import container, handler, routes

    container.container.cache_clear()
    fake = Container(SignInSettings.from_environment(), entrance, Deadline())
    monkeypatch.setattr(routes, "container", lambda: fake)
    yield Asker(handler.handler, "/api/v1/auth", user="")
    container.container.cache_clear()
