"""AlphaVantage's messages instead of data: always with status 200, as ``Note``, ``Information`` or ``Error Message``.

Which of them it uses has changed over time and has no meaning; only the text counts. Our errors have texts of their
own, since the vendor's repeat the key.
"""

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.errors import (
    Burst,
    DayOver,
    KeyRefused,
    MinuteOver,
    PlanLacksFunction,
    RequestRefused,
    UpstreamError,
    UpstreamGarbled,
)
from ingest.markets.answers_json import loaded

_KEYS = frozenset({"note", "information", "error message"})


class NoArticles(UpstreamError):
    """There is no news of the requested time."""

    outcome = "ok"


def classify(body: object, now: datetime) -> None:
    """Raises the error that a decoded answer reports. One that reports none need not be data."""
    if not isinstance(body, dict):
        return
    said = [value for key, value in body.items() if str(key).strip().lower() in _KEYS]
    if said:
        raise _error(" ".join(one.lower() for one in said if isinstance(one, str)), now)


def decoded(octets: bytes) -> Any:
    """Raises ``UpstreamGarbled`` for anything but complete JSON; without its cause, which contains the answer."""
    try:
        return loaded(octets)
    except ValueError:
        pass
    raise UpstreamGarbled("AlphaVantage answered something that is no JSON")


def _burst(_: datetime) -> UpstreamError:
    seconds = random.uniform(1.0, 2.0)  # noqa: S311 -- so that those who burst together do not try again together
    return Burst("AlphaVantage was asked too often within a second", retry_after=seconds)


def _minute_over(now: datetime) -> UpstreamError:
    return MinuteOver("AlphaVantage was asked too often within a minute", retry_after=60.0 - now.timestamp() % 60)


def _day_over(now: datetime) -> UpstreamError:
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return DayOver("AlphaVantage was asked as often as it may be in a day", retry_at=today + timedelta(days=1))


def _key_refused(_: datetime) -> UpstreamError:
    return KeyRefused("AlphaVantage does not know our key")


def _plan_lacks_function(_: datetime) -> UpstreamError:
    return PlanLacksFunction("our plan at AlphaVantage does not include the function")


def _request_refused(_: datetime) -> UpstreamError:
    return RequestRefused("AlphaVantage takes the request's symbol or time for none")


def _no_articles(_: datetime) -> UpstreamError:
    return NoArticles("AlphaVantage has no news of that time")


_RULES: tuple[tuple[re.Pattern[str], Callable[[datetime], UpstreamError]], ...] = (
    (re.compile(r"spread(?:ing)? (?:out|requests|your)|burst pattern"), _burst),
    (re.compile(r"detected your api key as[\s\S]*\b(?:per day|daily)\b"), _day_over),
    (re.compile(r"\d (?:api )?(?:requests?|calls?) per second"), _burst),
    (re.compile(r"premium (?:api )?(?:endpoint|function|feature)\b|premium[- ]only"), _plan_lacks_function),
    (re.compile(r"minute-level|per minute"), _minute_over),
    (re.compile(r"per day|daily (?:api )?(?:rate )?(?:limit|quota)"), _day_over),
    (re.compile(r"\bdemo\W{0,4} (?:api ?)?key|api ?key\b.{0,20}\b(?:invalid|missing)"), _key_refused),
    (re.compile(r"invalid api ?key"), _key_refused),
    (re.compile(r"\bcall (?:frequency|volume)\b"), _minute_over),
    (re.compile(r"no articles found"), _no_articles),
    (re.compile(r"invalid inputs?\b|invalid api call"), _request_refused),
)
"""The first match decides. The text about a burst mentions the daily limit and the premium endpoints too, that about
the daily limit may mention the per-minute limit of a better plan, and the old text about the limit per minute mentions
the daily one."""


def _error(said: str, now: datetime) -> UpstreamError:
    for pattern, error in _RULES:
        if pattern.search(said):
            return error(now)
    return UpstreamGarbled("AlphaVantage says something that we do not know")
