"""Keys are read from their secrets when they are needed, and again when they are refused; they are never shown."""

import json
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ingest.markets.keys import (
    PLACEHOLDER,
    AlpacaCredentials,
    AlpacaKeys,
    AlphaVantageCredentials,
    AlphaVantageKey,
    KeysMissing,
    Secret,
    alpaca_secret,
    alphavantage_secret,
)
from watchkeeper.errors import ConfigurationError, DatabaseError, Throttled

ALPACA = {
    "key_id": "PK-ONE",
    "secret_key": "SK-ONE",
    "trading_url": "https://paper.example",
    "data_url": "https://data.example/",
}
ALPHAVANTAGE = {"api_key": "AV-ONE", "url": "https://vantage.example"}


class Vault:
    """Secrets Manager with one secret."""

    def __init__(self, content: object) -> None:
        self.content = content
        self.reads = 0
        self.trouble: Exception | None = None

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 -- AWS' spelling
        assert SecretId == "keys"
        self.reads += 1
        if self.trouble:
            raise self.trouble
        return {"SecretString": self.content if isinstance(self.content, str) else json.dumps(self.content)}


def alpaca(vault: Vault) -> Secret[AlpacaKeys]:
    return alpaca_secret("keys", lambda: cast(Any, vault))


def alphavantage(vault: Vault) -> Secret[AlphaVantageKey]:
    return alphavantage_secret("keys", lambda: cast(Any, vault))


def test_keys_are_read_once_and_kept() -> None:
    vault = Vault(ALPACA)
    secret = alpaca(vault)

    assert secret.current() == secret.current()
    assert secret.current() == AlpacaKeys("PK-ONE", "SK-ONE", "https://paper.example", "https://data.example")
    assert vault.reads == 1


def test_fresh_keys_are_read_now_and_kept() -> None:
    vault = Vault(ALPHAVANTAGE)
    secret = alphavantage(vault)
    secret.current()
    vault.content = {**ALPHAVANTAGE, "api_key": "AV-TWO"}

    assert secret.current().api_key == "AV-ONE"
    assert secret.fresh().api_key == "AV-TWO"
    assert secret.current().api_key == "AV-TWO"
    assert vault.reads == 2


def test_keys_grow_old(monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault(ALPHAVANTAGE)
    monkeypatch.setattr("ingest.markets.keys.MAX_AGE_SECONDS", 0)
    secret = alphavantage(vault)

    secret.current()
    secret.current()

    assert vault.reads == 2


@pytest.mark.parametrize(
    "url", ["https://vantage.example", "https://vantage.example/", "https://vantage.example/query"]
)
def test_the_address_may_be_the_one_of_the_vendors_documentation(url: str) -> None:
    assert alphavantage(Vault({**ALPHAVANTAGE, "url": url})).current().url == "https://vantage.example"


def test_space_around_a_key_is_no_part_of_it() -> None:
    assert alphavantage(Vault({**ALPHAVANTAGE, "api_key": " AV-ONE\n"})).current().api_key == "AV-ONE"


@pytest.mark.parametrize(
    "content",
    [
        PLACEHOLDER,
        "",
        "[]",
        "{",
        {},
        {**ALPACA, "key_id": PLACEHOLDER},
        {**ALPACA, "secret_key": ""},
        {**ALPACA, "secret_key": None},
        {**ALPACA, "secret_key": 7},
        {**ALPACA, "data_url": "data.example"},
        {**ALPACA, "data_url": "https://me:word@data.example"},
        {**ALPACA, "secret_key": "SK ONE"},
        {**ALPACA, "secret_key": "SK\r\nX: ONE"},
        {**ALPACA, "secret_key": "SK-ÖNE"},
        {**ALPACA, "secret_key": "S" * 201},
    ],
    ids=str,
)
def test_a_secret_without_keys_says_what_to_do_and_not_what_is_in_it(content: object) -> None:
    with pytest.raises(KeysMissing, match=r"the secret keys.*docs/operations\.md#keys") as raised:
        alpaca(Vault(content)).current()

    assert isinstance(raised.value, ConfigurationError)
    assert raised.value.__context__ is None
    for shown in ("PK-ONE", "SK", "SSS", "word", "data.example"):
        assert shown not in str(raised.value)


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "GetSecretValue"), Throttled),
        (ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "GetSecretValue"), DatabaseError),
        (EndpointConnectionError(endpoint_url="https://secrets.example"), DatabaseError),
        (KeyError("SecretBinary"), DatabaseError),
    ],
)
def test_a_secret_that_cannot_be_read_is_an_error_of_ours(trouble: Exception, error: type[Exception]) -> None:
    vault = Vault(ALPACA)
    vault.trouble = trouble

    with pytest.raises(error, match="the secret keys cannot be read"):
        alpaca(vault).current()


def test_no_key_is_shown() -> None:
    shown = repr((alpaca(Vault(ALPACA)).current(), alphavantage(Vault(ALPHAVANTAGE)).current()))

    assert "https://paper.example" in shown
    assert not [key for key in ("PK-ONE", "SK-ONE", "AV-ONE") if key in shown]


def test_alpacas_keys_are_headers_and_alphavantages_is_in_the_query() -> None:
    pair, key = alpaca(Vault(ALPACA)), alphavantage(Vault(ALPHAVANTAGE))
    headers = AlpacaCredentials(pair, pair.current())
    query = AlphaVantageCredentials(key, key.current())

    assert headers.headers() == {"APCA-API-KEY-ID": "PK-ONE", "APCA-API-SECRET-KEY": "SK-ONE"}
    assert query.query() == {"apikey": "AV-ONE"}
    assert (headers.query(), query.headers()) == ({}, {})


def test_a_refused_key_is_renewed_if_there_is_another() -> None:
    vault, other = Vault(ALPACA), Vault(ALPHAVANTAGE)
    headers = AlpacaCredentials(alpaca(vault), alpaca(vault).current())
    query = AlphaVantageCredentials(alphavantage(other), alphavantage(other).current())

    assert not headers.renewed()
    assert not query.renewed()
    vault.content = {**ALPACA, "secret_key": "SK-TWO"}
    other.content = {**ALPHAVANTAGE, "api_key": "AV-TWO"}
    assert headers.renewed()
    assert query.renewed()
    assert not headers.renewed()
    assert not query.renewed()
    assert headers.headers()["APCA-API-SECRET-KEY"] == "SK-TWO"
    assert query.query() == {"apikey": "AV-TWO"}


def test_a_key_is_sent_to_no_other_host_than_it_is_for() -> None:
    vault, other = Vault(ALPACA), Vault(ALPHAVANTAGE)
    headers = AlpacaCredentials(alpaca(vault), alpaca(vault).current())
    query = AlphaVantageCredentials(alphavantage(other), alphavantage(other).current())
    vault.content = {**ALPACA, "secret_key": "SK-LIVE", "trading_url": "https://live.example"}
    other.content = {"api_key": "AV-TWO", "url": "https://other.example"}

    assert not headers.renewed()
    assert not query.renewed()
    assert headers.headers()["APCA-API-SECRET-KEY"] == "SK-ONE"
    assert query.query() == {"apikey": "AV-ONE"}
