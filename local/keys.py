"""Our keys to the upstreams of the markets watch, in the secrets from which the functions read them.

Keys are never shown, and never written anywhere but into their secret.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from local.settings import Upstreams, WrongSetting
from local.stages import Stage, asking
from local.upstreams import ALPACA_KEY_ID, ALPACA_SECRET_KEY, ALPHAVANTAGE_API_KEY
from watchkeeper.dynamodb import Table
from watchkeeper.markets.budget import BudgetRepository, Limits
from watchkeeper.markets.names import ALPACA, ALPHAVANTAGE

KEYS: Mapping[str, Mapping[str, str]] = {
    ALPACA: {"key_id": "ALPACA_KEY_ID", "secret_key": "ALPACA_SECRET_KEY"},
    ALPHAVANTAGE: {"api_key": "ALPHAVANTAGE_KEY"},
}
"""The keys in each upstream's secret, and the variables for them."""
ADDRESSES: Mapping[str, Mapping[str, str]] = {
    ALPACA: {"trading_url": "ALPACA_URL", "data_url": "ALPACA_DATA_URL"},
    ALPHAVANTAGE: {"url": "ALPHAVANTAGE_URL"},
}
"""The same for the addresses that the keys are valid for."""
VENDORS: Mapping[str, str] = {
    "ALPACA_URL": "https://paper-api.alpaca.markets",
    "ALPACA_DATA_URL": "https://data.alpaca.markets",
    "ALPHAVANTAGE_URL": "https://www.alphavantage.co",
}
"""The real ones. Alpaca's keys for paper and for live trading are valid for one trading host each."""
REAL_TRADING = "https://api.alpaca.markets"
SAMPLES = {
    "ALPACA_KEY_ID": ALPACA_KEY_ID,
    "ALPACA_SECRET_KEY": ALPACA_SECRET_KEY,
    "ALPHAVANTAGE_KEY": ALPHAVANTAGE_API_KEY,
}
"""The keys that the sample upstreams accept."""
CHOICES = ("", "sample", "live")
UPSTREAM = "MARKETS_UPSTREAM"

_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)
_NO_LIMITS = Limits(per_second=1, per_minute=1, per_day=0, news_per_day=0)

Ask = Callable[[str], str]
"""For the value of a variable that is not set."""


class KeysRefused(Exception):
    """A value cannot be a key, or none was given."""


def addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """The addresses of the markets' upstreams, by variable: those given, and the vendors' where those are wanted.

    Raises `WrongSetting`, also when the vendors are wanted and a key is missing.
    """
    choice, is_real = environment.get(UPSTREAM, ""), environment.get("ALPACA_LIVE") == "1"
    if choice not in CHOICES:
        raise WrongSetting(f"{UPSTREAM} is neither sample nor live: {choice}")
    named = {name: environment[name] for name in VENDORS if environment.get(name)}
    if choice != "live":
        if is_real:
            raise WrongSetting(f"ALPACA_LIVE=1 goes with {UPSTREAM}=live")
        return named
    if missing := [name for name in SAMPLES if not environment.get(name)]:
        raise WrongSetting(f"{UPSTREAM}=live takes keys of the vendors. Not set: {', '.join(missing)}")
    return {**VENDORS, **({"ALPACA_URL": REAL_TRADING} if is_real else {}), **named}


def of_local(upstreams: Upstreams, environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The contents of the local cloud's secrets, by upstream: the samples' keys, unless others are given for an
    upstream that is not a sample. Raises `KeysRefused`."""
    settings = upstreams.environment()
    named = {"ALPACA_DATA_URL": settings["ALPACA_URL"], **settings}
    own = {ALPACA: upstreams.alpaca_url, ALPHAVANTAGE: upstreams.alphavantage_url}
    found = {}
    for upstream, keys in KEYS.items():
        given = environment if own[upstream] else {}
        values = {name: _checked(variable, given.get(variable) or SAMPLES[variable]) for name, variable in keys.items()}
        found[upstream] = values | {name: named[variable] for name, variable in ADDRESSES[upstream].items()}
    return found


def said(upstream: str, environment: Mapping[str, str], ask: Ask) -> dict[str, str]:
    """Keys from the environment, or else from a prompt, and the addresses given. Raises `KeysRefused`."""
    real = {"ALPACA_URL": REAL_TRADING} if environment.get("ALPACA_LIVE") == "1" else {}
    named = {
        name: address
        for name, variable in ADDRESSES[upstream].items()
        if (address := environment.get(variable) or real.get(variable))
    }
    for name, address in named.items():
        if not address.startswith(("https://", "http://")):
            raise KeysRefused(f"{ADDRESSES[upstream][name]} is not an http(s) URL: {address}")
    keys = KEYS[upstream].items()
    return {name: _checked(variable, environment.get(variable) or ask(variable)) for name, variable in keys} | named


def put(stage: Stage, upstream: str, values: Mapping[str, str]) -> bool:
    """Put them into the upstream's secret, whose addresses stay unless others are given; `False` if it already had
    them. Work that has waited since a key was refused continues with a new one. Raises `StageRefused`."""
    with asking(stage):
        secret, client = stage.name(upstream), stage.client("secretsmanager")
        stored = _stored(client, secret)
        vendors = {name: VENDORS[variable] for name, variable in ADDRESSES[upstream].items()}
        wanted = {**vendors, **stored, **values}
        if wanted == stored:
            return False
        client.put_secret_value(SecretId=secret, SecretString=json.dumps(wanted))
    resume(stage, upstream)
    return True


def resume(stage: Stage, upstream: str) -> None:
    """End the pause of calls after a refused key. Raises `StageRefused`."""
    if upstream == ALPHAVANTAGE:
        with asking(stage):
            budget_of(stage).resume()


def hosts(stage: Stage, upstream: str) -> str:
    """The addresses in the secret. Raises `StageRefused`."""
    with asking(stage):
        stored = _stored(stage.client("secretsmanager"), stage.name(upstream))
    return " and ".join(dict.fromkeys(stored[name] for name in ADDRESSES[upstream]))


def budget_of(stage: Stage, limits: Limits = _NO_LIMITS) -> BudgetRepository:
    return BudgetRepository(Table(stage.client("dynamodb"), stage.name("progress")), ALPHAVANTAGE, limits)


def _stored(client: Any, name: str) -> dict[str, str]:
    """Empty if it does not hold what it should."""
    try:
        fields = json.loads(client.get_secret_value(SecretId=name)["SecretString"])
    except (KeyError, ValueError):
        return {}
    return {str(name): str(value) for name, value in fields.items()} if isinstance(fields, dict) else {}


def _checked(variable: str, value: str) -> str:
    key = value.strip()
    if not _KEY.fullmatch(key):
        raise KeysRefused(f"{variable} is no key: it takes 1 to 200 letters, digits and signs, and no blanks")
    return key
