"""The keys as Secrets Manager gives them to our own client, whose answers are in wire form."""

import json

import pytest

from ingest.markets.keys import AlphaVantageKey, KeysMissing, alphavantage_secret
from watchkeeper import aws
from watchkeeper.errors import DatabaseError

NAME = "watchkeeper-test-alphavantage"


def keys(api_key: str) -> str:
    return json.dumps({"api_key": api_key, "url": "https://vantage.example"})


def test_a_rotated_key_is_seen_when_it_is_asked_for(cloud: None) -> None:
    aws.secrets_client().create_secret(Name=NAME, SecretString=keys("placeholder"))
    secret = alphavantage_secret(NAME)

    with pytest.raises(KeysMissing, match="api_key is missing"):
        secret.current()
    aws.secrets_client().put_secret_value(SecretId=NAME, SecretString=keys("AV-ONE"))
    assert secret.fresh() == AlphaVantageKey("AV-ONE", "https://vantage.example")
    aws.secrets_client().put_secret_value(SecretId=NAME, SecretString=keys("AV-TWO"))
    assert secret.current().api_key == "AV-ONE"
    assert secret.fresh().api_key == "AV-TWO"


def test_a_secret_that_is_not_there_is_an_error_of_ours(cloud: None) -> None:
    with pytest.raises(DatabaseError, match=f"the secret {NAME} cannot be read: ResourceNotFoundException"):
        alphavantage_secret(NAME).current()
