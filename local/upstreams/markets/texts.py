"""AlphaVantage's messages instead of data, always with HTTP 200."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Refusal = Literal[
    "burst",
    "premium-burst",
    "minute",
    "day",
    "legacy",
    "premium",
    "demo",
    "invalid-key",
    "invalid-inputs",
    "invalid-call",
    "no-such-function",
]

_THANKS = "Thank you for using Alpha Vantage!"
_PLANS = "You may subscribe to any of the premium plans at https://www.alphavantage.co/premium/"
_CLAIM = "Please claim your free API key"

_SAID: Mapping[Refusal, tuple[str, str]] = {
    "burst": (
        "Information",
        f"{_THANKS} Please consider spreading out your free API requests more sparingly (1 request per second). "
        f"{_PLANS} to lift the free key rate limit (25 requests per day), raise the per-second burst limit, and "
        "instantly unlock all premium endpoints",
    ),
    "premium-burst": (
        "Information",
        "Burst pattern detected. Please consider spreading out your API requests more evenly across a 1-minute window "
        "and query no more than 30 requests per second.",
    ),
    "minute": (
        "Information",
        "Minute-level rate limit exceed. Please stay under the number of API requests per minute for your premium "
        "subscription plan.",
    ),
    "day": (
        "Information",
        "We have detected your API key as {key} and our standard API rate limit is 25 requests per day. Please "
        "subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly remove all daily "
        "rate limits.",
    ),
    "legacy": (
        "Note",
        f"{_THANKS} Our standard API call frequency is 5 calls per minute and 500 calls per day. Please visit "
        "https://www.alphavantage.co/premium/ if you would like to target a higher API call frequency.",
    ),
    "premium": (
        "Information",
        f"{_THANKS} This is a premium endpoint. {_PLANS} to instantly unlock all premium endpoints.",
    ),
    "demo": (
        "Information",
        f"The **demo** API key is for demo purposes only. {_CLAIM} at (https://www.alphavantage.co/support/#api-key) "
        "to explore our full API offerings. It takes fewer than 20 seconds.",
    ),
    "invalid-key": (
        "Error Message",
        f"the parameter apikey is invalid or missing. {_CLAIM} on (https://www.alphavantage.co/support/#api-key). "
        "It should take less than 20 seconds.",
    ),
    "invalid-inputs": (
        "Information",
        "Invalid inputs. Please refer to the API documentation https://www.alphavantage.co/documentation#newsapi and "
        "try again.",
    ),
    "invalid-call": (
        "Error Message",
        "Invalid API call. Please retry or visit the documentation (https://www.alphavantage.co/documentation/) for "
        "{function}.",
    ),
    "no-such-function": ("Error Message", "This API function ({function}) does not exist."),
}


def refusal(kind: Refusal, key: str = "", function: str = "") -> dict[str, str]:
    """The vendor's own wording; the message about the daily limit contains the caller's key."""
    name, said = _SAID[kind]
    return {name: said.replace("{key}", key).replace("{function}", function)}


def known(kind: str) -> Refusal:
    """Raises `ValueError` for a refusal the vendor does not know."""
    for one in get_args(Refusal):
        if one == kind:
            found: Refusal = one
            return found
    raise ValueError(f"unknown refusal {kind!r}; there are {', '.join(get_args(Refusal))}")
