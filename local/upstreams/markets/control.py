"""Control requests of the markets' servers: changes to the world, faults, and counts of requests."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local.upstreams.changes import UnknownThing
from local.upstreams.control import ServerControl
from local.upstreams.http import RequestLog
from local.upstreams.markets.world import Markets

Json = dict[str, Any]

PREFIX = "markets/"
_CHANGES = frozenset(
    {
        "move-earnings",
        "report-quarter",
        "publish-late",
        "vanish",
        "come-back",
        "alter-asset",
        "truncate-assets",
        "set-volume",
        "add-article",
        "move-article",
        "set-keys",
    }
)
_TROUBLES = frozenset({"limit", "limit-alpaca", "throttle", "premium", "break-calendar", "alter"})


def change_markets(markets: Markets, action: str, body: Json) -> Json:
    """Does one change; `action` is the method of `Markets` with dashes, `body` its arguments."""
    if action not in _CHANGES:
        raise UnknownThing(f"no change of the markets {action!r}")
    with markets.lock:
        return _call(markets, action, body)


def asked(log: RequestLog) -> Counter[tuple[str, str]]:
    """How often each function and symbol was requested from AlphaVantage, as clients spelled it; "" for none."""
    counted: Counter[tuple[str, str]] = Counter()
    for seen in log.all():
        query = dict(parse_qsl(urlsplit(seen.target).query))
        if "function" in query:
            counted[query["function"], query.get("symbol") or query.get("tickers", "")] += 1
    return counted


class MarketsControl(ServerControl):
    """
    `markets/…`: changes, which go to `change`, so that they can be recorded. `trouble/…`: misbehaviour,
    none by DELETE of `trouble`. `asked`: AlphaVantage's calls, counted by function and symbol.
    """

    def __init__(
        self,
        markets: Callable[[], Markets],
        change: Callable[[str, Json], Json],
        reset: Callable[[], None],
        *shared: Any,
    ) -> None:
        super().__init__(*shared)
        self._markets = markets
        self._change = change
        self._reset = reset

    def _act(self, method: str, action: str, body: Json) -> tuple[int, Json]:
        match method, action:
            case "GET", "markets":
                return 200, dict(self._markets().counts())
            case "GET", "asked":
                return 200, _by_function(asked(self._log))
            case "DELETE", "trouble":
                self._markets().trouble.clear()
                return 200, {}
            case "POST", "reset":
                return 200, self._start_over(body)
        if method == "POST" and action.startswith(PREFIX):
            return 200, self._change(action, body)
        kind, _, name = action.partition("/")
        if (method, kind) == ("POST", "trouble") and name in _TROUBLES:
            return 200, _call(self._markets().trouble, name, body)
        return super()._act(method, action, body)

    def _start_over(self, body: Json) -> Json:
        self.start_over()
        self._markets().trouble.clear()
        if body.get("world"):
            self._reset()
        return dict(self._markets().counts())


def _call(thing: object, action: str, body: Json) -> Json:
    result: Json = getattr(thing, action.replace("-", "_"))(**body)
    return result


def _by_function(counted: Counter[tuple[str, str]]) -> Json:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (function, symbol), count in counted.items():
        found[function][symbol] = count
    return found
