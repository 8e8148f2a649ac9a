"""The markets watch's function on tables in memory."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.account import lay_secret
from tests.integration.api.asking import Asker
from tests.integration.api.conftest import Reply
from tests.integration.api.markets.builders import NOON
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.budgets import PEOPLE
from watchkeeper.dynamodb import Table
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.earnings import EarningsRepository
from watchkeeper.markets.repositories.fundamentals import FundamentalsRepository
from watchkeeper.markets.repositories.news import NewsRepository

BUS = "watchkeeper-test"
PER_DAY = 25


@pytest.fixture
def markets_environment(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "ASSETS_TABLE": table_name("assets"),
        "EARNINGS_CALENDAR_TABLE": table_name("earningsCalendar"),
        "NEWS_SENTIMENT_TABLE": table_name("newsSentiment"),
        "FOUNDATIONAL_DATA_TABLE": table_name("foundationalData"),
        "PROGRESS_TABLE": table_name("progress"),
        "EVENT_BUS": BUS,
        "ALPHAVANTAGE_PER_DAY": str(PER_DAY),
        "CURSOR_SECRET_ARN": lay_secret("watchkeeper-test-cursor", "s" * 64),
        "CORS_ORIGINS": "*",
        "AWS_BUDGET": "people",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def ask(markets_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    """At noon, by somebody who is in no group."""
    from api.markets.container import container
    from api.web.secrets import secret

    container.cache_clear()
    secret.cache_clear()
    from api.markets.handler import handler

    monkeypatch.setattr("api.markets.routes.utc_now", lambda: NOON)
    yield Asker(handler, "/api/v1/markets")
    container.cache_clear()


@pytest.fixture
def developer(ask: Asker) -> Asker:
    return replace(ask, groups=("Developer",))


def _table(name: str) -> Table:
    return Table(aws.dynamodb_client(), table_name(name))


@pytest.fixture
def assets(tables: None) -> AssetRepository:
    return AssetRepository(_table("assets"))


@pytest.fixture
def fundamentals(tables: None) -> FundamentalsRepository:
    return FundamentalsRepository(_table("foundationalData"))


@pytest.fixture
def news(tables: None) -> NewsRepository:
    return NewsRepository(_table("newsSentiment"))


@pytest.fixture
def calendar(tables: None) -> EarningsRepository:
    return EarningsRepository(_table("earningsCalendar"))


@pytest.fixture
def progress_table(tables: None) -> Table:
    return _table("progress")


@pytest.fixture
def queries(ask: Asker) -> list[str]:
    """The names of the requests that went to the tables, as they go."""
    sent: list[str] = []

    def note(model: Any, **_: Any) -> None:
        sent.append(model.name)

    aws.dynamodb_client(PEOPLE).meta.events.register("before-call.dynamodb", note)
    return sent


def refused(reply: Reply) -> list[str]:
    """The parameters a request was refused for."""
    assert reply.status == 422, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    return [error["parameter"] for error in reply.json["errors"]]


def all_pages(ask: Asker, path: str) -> list[list[Any]]:
    pages: list[list[Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        reply = ask.get(f"{path}{'&' if '?' in path else '?'}cursor={cursor}")
        assert reply.status == 200, reply.text
        pages.append(reply.json["items"])
        cursor = reply.json["cursor"]
    return pages
