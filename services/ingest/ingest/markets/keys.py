"""The keys of the markets' upstreams, from Secrets Manager, with the addresses they are valid for.

They are read again every five minutes, and at once when an upstream refuses them: a rotation by hand works without a
deployment.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson

from watchkeeper import aws
from watchkeeper.errors import ConfigurationError, DatabaseError
from watchkeeper.translation import translated, understood

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider
    from mypy_boto3_secretsmanager import SecretsManagerClient

MAX_AGE_SECONDS = 300
PLACEHOLDER = "placeholder"
"""What the template puts into a new secret."""

_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/[A-Za-z0-9._~/-]*)?", re.ASCII)

K = TypeVar("K")


class KeysMissing(ConfigurationError):
    """A secret has no keys, or has them in the wrong format."""


@dataclass(frozen=True, slots=True)
class AlpacaKeys:
    key_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    trading_url: str
    data_url: str


@dataclass(frozen=True, slots=True)
class AlphaVantageKey:
    api_key: str = field(repr=False)
    url: str
    """Without the path."""


class Secret(Generic[K]):
    """A secret that holds keys. Both methods raise ``KeysMissing``, and ``DatabaseError`` if it cannot be read."""

    def __init__(
        self,
        name: str,
        parse: Callable[["_Fields"], K],
        client: Callable[[], "SecretsManagerClient"] = aws.secrets_client,
    ) -> None:
        """``name`` may also be an ARN."""
        self._name = name
        self._parse = parse
        self._client = client

    def current(self) -> K:
        """The keys as they were at most five minutes ago."""
        return self._read(force=False)

    def fresh(self) -> K:
        """The keys as they are now."""
        return self._read(force=True)

    @cached_property
    def _provider(self) -> "SecretsProvider":
        from aws_lambda_powertools.utilities.parameters import SecretsProvider  # imports boto3

        return SecretsProvider(boto3_client=self._client())

    def _read(self, *, force: bool) -> K:
        return self._parse(_Fields(self._name, _object(self._text(force=force))))

    def _text(self, *, force: bool) -> Any:
        from aws_lambda_powertools.utilities.parameters import GetParameterError

        failed = f"the secret {self._name} cannot be read"
        try:
            return self._provider.get(self._name, max_age=MAX_AGE_SECONDS, force_fetch=force)
        except GetParameterError as error:
            cause = error.__context__
        with translated(failed), understood(failed):
            raise cause or DatabaseError(failed)


def alpaca_secret(name: str, client: Callable[[], "SecretsManagerClient"] = aws.secrets_client) -> Secret[AlpacaKeys]:
    return Secret(name, _alpaca, client)


def alphavantage_secret(
    name: str, client: Callable[[], "SecretsManagerClient"] = aws.secrets_client
) -> Secret[AlphaVantageKey]:
    return Secret(name, _alphavantage, client)


class AlpacaCredentials:
    """For both hosts of Alpaca."""

    def __init__(self, secret: Secret[AlpacaKeys], keys: AlpacaKeys) -> None:
        self._secret = secret
        self._keys = keys

    def headers(self) -> Mapping[str, str]:
        return {"APCA-API-KEY-ID": self._keys.key_id, "APCA-API-SECRET-KEY": self._keys.secret_key}

    def query(self) -> Mapping[str, str]:
        return {}

    def renewed(self) -> bool:
        """Keys for other hosts are not used until clients of those are built: a key is never sent to another host."""
        new = self._secret.fresh()
        if new == self._keys or (new.trading_url, new.data_url) != (self._keys.trading_url, self._keys.data_url):
            return False
        self._keys = new
        return True


class AlphaVantageCredentials:
    def __init__(self, secret: Secret[AlphaVantageKey], key: AlphaVantageKey) -> None:
        self._secret = secret
        self._key = key

    def headers(self) -> Mapping[str, str]:
        return {}

    def query(self) -> Mapping[str, str]:
        return {"apikey": self._key.api_key}

    def renewed(self) -> bool:
        """A key for another host is not used until a client of that is built."""
        new = self._secret.fresh()
        if new == self._key or new.url != self._key.url:
            return False
        self._key = new
        return True


class _Fields:
    """The fields of a secret; errors name the secret and the field, but never a value."""

    def __init__(self, name: str, fields: Mapping[str, Any]) -> None:
        self._name = name
        self._fields = fields

    def key(self, name: str) -> str:
        return self._value(name, _KEY, "key")

    def url(self, name: str) -> str:
        return self._value(name, _URL, "URL").rstrip("/")

    def _value(self, name: str, shape: re.Pattern[str], kind: str) -> str:
        value = self._fields.get(name)
        value = value.strip() if isinstance(value, str) else ""
        if value in ("", PLACEHOLDER):
            raise KeysMissing(
                f"put your keys into the secret {self._name}: see docs/operations.md#keys; {name} is missing"
            )
        if not shape.fullmatch(value):
            raise KeysMissing(f"{name} in the secret {self._name} is no {kind}: see docs/operations.md#keys")
        return value


def _object(text: Any) -> Mapping[str, Any]:
    """Anything but a JSON object has no keys."""
    try:
        fields = orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _alpaca(fields: _Fields) -> AlpacaKeys:
    return AlpacaKeys(
        key_id=fields.key("key_id"),
        secret_key=fields.key("secret_key"),
        trading_url=fields.url("trading_url"),
        data_url=fields.url("data_url"),
    )


def _alphavantage(fields: _Fields) -> AlphaVantageKey:
    return AlphaVantageKey(api_key=fields.key("api_key"), url=fields.url("url").removesuffix("/query"))
