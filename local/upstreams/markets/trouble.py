"""Faults of the markets' vendors beyond a spoiled answer: limits, refusals, drift, broken CSV."""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from local.upstreams.markets.texts import Refusal, known

Json = dict[str, Any]
Broken = Literal["header", "letters", "json", "cut", "empty"]

ALPACA_PER_MINUTE = 200
_MINUTE = timedelta(minutes=1)


@dataclass
class Limit:
    """At most this many calls in any span of that length; without a number none is refused, and all are counted."""

    span: timedelta
    most: int | None = None
    _granted: deque[datetime] = field(default_factory=deque)

    def is_reached(self, now: datetime) -> bool:
        return self.most is not None and self.used(now) >= self.most

    def grant(self, now: datetime) -> None:
        self.used(now)
        self._granted.append(now)

    def begin(self, most: int | None) -> None:
        """What was granted before does not count."""
        self.most = most
        self._granted.clear()

    def used(self, now: datetime) -> int:
        while self._granted and self._granted[0] <= now - self.span:
            self._granted.popleft()
        return len(self._granted)

    def ends(self, now: datetime) -> datetime:
        """When the oldest call that counts will count no more."""
        return self._granted[0] + self.span if self.used(now) else now + self.span


class DayLimit(Limit):
    """A calendar day, UTC."""

    def __init__(self, most: int | None = None) -> None:
        super().__init__(timedelta(days=1), most)

    def used(self, now: datetime) -> int:
        while self._granted and self._granted[0].date() < now.date():
            self._granted.popleft()
        return len(self._granted)


@dataclass(frozen=True, slots=True)
class Alteration:
    """
    Drift: at `path` of an answer stands `value` instead.

    A path is names and positions with dots between; `*` is all of them, and `+` at its end appends to a list.
    """

    answer: str
    path: str
    value: Any
    symbol: str | None = None

    def concerns(self, answer: str, symbol: str) -> bool:
        return self.answer == answer and self.symbol in (None, symbol)

    def apply(self, document: Any) -> None:
        *way, last = self.path.split(".")
        for place in _places(document, way):
            _put(place, last, copy.deepcopy(self.value))


class Trouble:
    """There are no faults until they are requested. `now` is the vendor's clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._second, self._minute, self._day = Limit(timedelta(seconds=1)), Limit(_MINUTE), DayLimit()
            self._is_premium = False
            self._alpaca = Limit(_MINUTE)
            self._throttles: list[tuple[Refusal, int, str | None]] = []
            self._premium: set[str] = set()
            self._broken: list[tuple[Broken, int]] = []
            self._alterations: list[Alteration] = []

    # Asked for

    def limit(
        self,
        per_second: int | None = None,
        per_minute: int | None = None,
        per_day: int | None = None,
        premium: bool = False,
    ) -> Json:
        """AlphaVantage's, of any key; what is not given is unlimited. Refused calls do not count."""
        with self._lock:
            for limit, most in ((self._second, per_second), (self._minute, per_minute), (self._day, per_day)):
                limit.begin(most)
            self._is_premium = premium
        return {"per_second": per_second, "per_minute": per_minute, "per_day": per_day, "premium": premium}

    def limit_alpaca(self, per_minute: int | None = ALPACA_PER_MINUTE) -> Json:
        with self._lock:
            self._alpaca.begin(per_minute)
        return {"per_minute": per_minute}

    def throttle(self, text: str, times: int = 1, function: str | None = None) -> Json:
        """AlphaVantage's next answers, or those to that function, are the refusal of that name."""
        with self._lock:
            self._throttles.append((known(text), int(times), function))
        return {"text": text, "times": times, "function": function}

    def premium(self, function: str, lifted: bool = False) -> Json:
        with self._lock:
            (self._premium.discard if lifted else self._premium.add)(function)
            return {"premium": sorted(self._premium)}

    def break_calendar(self, kind: Broken, times: int = 1) -> Json:
        """
        header: no row. letters: one row that spells an error. json: a refusal. cut: the middle of a row is the end.
        empty: nothing at all.
        """
        if kind not in get_args(Broken):
            raise ValueError(f"a calendar cannot be broken as {kind!r}")
        with self._lock:
            self._broken.append((kind, int(times)))
        return {"kind": kind, "times": times}

    def alter(self, answer: str, path: str, value: Any, symbol: str | None = None) -> Json:
        """`answer` is assets, asset, snapshots or one of AlphaVantage's functions; see `Alteration` for the path."""
        with self._lock:
            self._alterations.append(Alteration(answer, path, value, symbol))
        return {"answer": answer, "path": path, "value": value, "symbol": symbol}

    # Met

    def refusal(self, function: str) -> Refusal | None:
        """What AlphaVantage says instead of an answer to this call."""
        with self._lock:
            return self._throttled(function) or self._limited() or ("premium" if function in self._premium else None)

    def _throttled(self, function: str) -> Refusal | None:
        for at, (kind, times, only) in enumerate(self._throttles):
            if only in (None, function):
                self._throttles[at : at + 1] = [(kind, times - 1, only)] if times > 1 else []
                return kind
        return None

    def _limited(self) -> Refusal | None:
        now = self._now()
        if self._day.is_reached(now):
            return "day"
        if self._second.is_reached(now):
            return "premium-burst" if self._is_premium else "burst"
        if self._minute.is_reached(now):
            return "minute" if self._is_premium else "legacy"
        for limit in (self._second, self._minute, self._day):
            limit.grant(now)
        return None

    def ask_alpaca(self) -> tuple[bool, dict[str, str]]:
        """Whether Alpaca answers, and its rate headers."""
        with self._lock:
            now, most = self._now(), self._alpaca.most or ALPACA_PER_MINUTE
            granted = not self._alpaca.is_reached(now)
            if granted:
                self._alpaca.grant(now)
            left, ends = max(0, most - self._alpaca.used(now)), self._alpaca.ends(now).timestamp()
        headers = {"Limit": str(most), "Remaining": str(left), "Reset": str(-int(-ends // 1))}
        return granted, {f"X-RateLimit-{name}": value for name, value in headers.items()}

    def broken_calendar(self) -> Broken | None:
        with self._lock:
            if not self._broken:
                return None
            kind, times = self._broken[0]
            self._broken[:1] = [(kind, times - 1)] if times > 1 else []
            return kind

    def altered(self, answer: str, document: Any, symbol: str = "") -> Any:
        """A document of its own if anything in it is altered."""
        with self._lock:
            alterations = [one for one in self._alterations if one.concerns(answer, symbol)]
        if alterations:
            document = copy.deepcopy(document)
        for alteration in alterations:
            alteration.apply(document)
        return document


def _places(document: Any, way: list[str]) -> Iterator[Any]:
    if not way:
        yield document
        return
    for inner in _inner(document, way[0]):
        yield from _places(inner, way[1:])


def _inner(document: Any, name: str) -> Iterator[Any]:
    if name == "*":
        yield from document.values() if isinstance(document, dict) else document
    elif isinstance(document, list) and int(name) < len(document):
        yield document[int(name)]
    elif isinstance(document, dict) and name in document:
        yield document[name]


def _put(place: Any, name: str, value: Any) -> None:
    if isinstance(place, dict):
        place |= dict.fromkeys(place if name == "*" else [name], value)
    elif name == "+":
        place.append(value)
    elif name == "*":
        place[:] = [value] * len(place)
    elif int(name) < len(place):
        place[int(name)] = value
