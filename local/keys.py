"""Our keys to the upstreams of the markets watch, in the secrets the functions read them from.

No key is ever shown, and none is written anywhere but into its secret.
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
"""The keys in each upstream's secret, and the variables they are said in."""
ADDRESSES: Mapping[str, Mapping[str, str]] = {
    ALPACA: {"trading_url": "ALPACA_URL", "data_url": "ALPACA_DATA_URL"},
    ALPHAVANTAGE: {"url": "ALPHAVANTAGE_URL"},
}
"""The same of the addresses that the keys are good for."""
VENDORS: Mapping[str, str] = {
    "ALPACA_URL": "https://paper-api.alpaca.markets",
    "ALPACA_DATA_URL": "https://data.alpaca.markets",
    "ALPHAVANTAGE_URL": "https://www.alphavantage.co",
}
"""The real ones. Alpaca's keys for trying and for real trading are good for one trading host each."""
REAL_TRADING = "https://api.alpaca.markets"
SAMPLES = {
    "ALPACA_KEY_ID": ALPACA_KEY_ID,
    "ALPACA_SECRET_KEY": ALPACA_SECRET_KEY,
    "ALPHAVANTAGE_KEY": ALPHAVANTAGE_API_KEY,
}
"""What the sample upstreams take."""
CHOICES = ("", "sample", "live")
UPSTREAM = "MARKETS_UPSTREAM"

_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)
_NO_LIMITS = Limits(per_second=1, per_minute=1, per_day=0, news_per_day=0)

Ask = Callable[[str], str]
"""For the value of a variable that is not set."""


class KeysRefused(Exception):
    """What was said cannot be a key, or nobody said one."""


def addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """Of the upstreams of the markets, by variable: what is said, and the vendors' where those are wanted.

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
    """What goes into the secrets of the local cloud, by upstream: the samples' keys, unless others are said for an
    upstream that is none of the samples. Raises `KeysRefused`."""
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
    """Keys from the environment, or else asked for, and the addresses that are said. Raises `KeysRefused`."""
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
    """Put them into the upstream's secret, whose addresses stay where none are said; `False` if it had them already.
    Whoever has waited since a key was refused goes on with a new one. Raises `StageRefused`."""
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
    """Let everybody ask again who was told to wait. Raises `StageRefused`."""
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
    """Empty if it holds something else than it should."""
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
