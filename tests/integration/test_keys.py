"""What an operator puts into the secrets of the markets' upstreams is what the functions read there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
import pytest

from ingest.markets.keys import AlpacaKeys, AlphaVantageKey, alpaca_secret, alphavantage_secret
from local import keys
from local.settings import Upstreams, sample_ports
from tests.integration.account import lay_secret
from tests.integration.tables import STAGE, table_name
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.markets.budget import BudgetRepository, Limits

NEW = '{"api_key": "placeholder", "url": "https://www.alphavantage.co"}'


@dataclass(frozen=True)
class Deployed:
    """The stage, as a command asks it."""

    stage: str = STAGE

    def name(self, thing: str) -> str:
        return table_name(thing)

    def client(self, service: str) -> Any:
        return boto3.client(service)  # type: ignore[call-overload]


@pytest.fixture
def stage(tables: None) -> Deployed:
    lay_secret(table_name("alpaca"), "{}")
    lay_secret(table_name("alphavantage"), NEW)
    return Deployed()


def put_all(stage: Deployed, upstreams: Upstreams, environment: Mapping[str, str]) -> None:
    for upstream, values in keys.of_local(upstreams, environment).items():
        keys.put(stage, upstream, values)


def test_keys_of_the_samples_are_read_as_they_were_put(stage: Deployed) -> None:
    put_all(stage, Upstreams(sample_ports=sample_ports(5000)), {})

    host = "http://127.0.0.1:5004"
    assert alpaca_secret(table_name("alpaca")).current() == AlpacaKeys("sample-key-id", "sample-secret-key", host, host)
    key = alphavantage_secret(table_name("alphavantage")).current()
    assert key == AlphaVantageKey("sample-api-key", "http://127.0.0.1:5005")


def test_a_key_that_is_changed_is_read_at_once_by_who_was_refused(stage: Deployed) -> None:
    secret = alphavantage_secret(table_name("alphavantage"))
    keys.put(stage, "alphavantage", {"api_key": "OLD"})
    assert secret.current().api_key == "OLD"

    keys.put(stage, "alphavantage", {"api_key": "NEW"})

    assert secret.current().api_key == "OLD"
    assert secret.fresh() == AlphaVantageKey("NEW", "https://www.alphavantage.co")


def test_who_was_told_to_wait_since_the_key_was_refused_may_ask_again(stage: Deployed) -> None:
    now = utc_now()
    table = Table(aws.dynamodb_client(), table_name("progress"))
    budget = BudgetRepository(table, "alphavantage", Limits(per_second=1, per_minute=5, per_day=25, news_per_day=5))
    budget.take(3, now, patience=60)
    budget.pause((now + timedelta(minutes=15)).timestamp(), now)
    assert not budget.take(1, now, patience=60).moments

    keys.put(stage, "alphavantage", {"api_key": "NEW"})

    assert budget.take(1, now, patience=60).moments
    assert budget.spent(now).used == 4
