"""What the markets watch costs: time, memory, requests and units, for as many assets as Alpaca lists.

The deployed handlers run each in a process of its own, which does nothing else, against the sample upstreams and a
stand-in for DynamoDB in this one. Units are computed from the sizes of the items (see ``benchmarks.units``); seconds
include the waits that the upstreams' limits ask for, and those for the stand-in. Run it with
``python -m benchmarks.markets``.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from benchmarks.deployed import CALENDAR, Deployed, deployed
from benchmarks.figures import Figure, Target
from local.upstreams import Markets
from local.upstreams.markets.news import HISTORY
from tests.integration.api.events import claims_of, http_request
from tests.integration.tables import table_name
from tests.lambdas import sqs_record
from watchkeeper.clock import to_iso, utc_now

MAX_SECONDS = 60.0
"""Of a sync of all assets."""
MAX_UNCHANGED_UNITS = 10.0
"""Write units of pollenating an asset about which nothing is new."""
QUICK = {"assets": 55, "reports": 20, "articles": 10, "calls": 1}

_UNLISTED = 5
"""Of the sample companies: inactive, or of another class."""
_REPORTING = 1.1
"""Companies, for each row of the sample calendar."""
_OLD = "XOLB"
"""Has 81 quarters, which are 20 years."""
_DAYS_BEHIND = 10
"""The calendar was read so long ago: many have reported since."""
_PREFIX = "/api/v1/markets"

_ASSETS, _CALENDAR, _NEWS, _FUNDAMENTALS = (
    table_name(name) for name in ("assets", "earningsCalendar", "newsSentiment", "foundationalData")
)


def run(*, assets: int = 12_000, reports: int = 4_500, articles: int = 1_000, calls: int = 9) -> dict[str, Any]:
    """So many assets, rows of the calendar and articles; each route of the API is called so often."""
    world = Markets(companies=assets + _UNLISTED, seed=20)
    behind = timedelta(days=_DAYS_BEHIND)
    calendar = Markets(companies=round(reports * _REPORTING), seed=20, clock=lambda: utc_now() - behind)
    with deployed(world, calendar) as markets:
        operations = dict(_operations(markets, articles))
        routes = dict(_routes(markets, calls))
    return {"benchmark": "markets", "operations": operations, "routes": routes}


def figures(result: Mapping[str, Any]) -> Iterator[Figure]:
    for name, cost in result["operations"].items():
        yield from _figures_of(f"markets: {name}", cost)
    for name, cost in result["routes"].items():
        yield Figure(f"markets: {name}: processor time", cost["processor_milliseconds"], "ms")
        yield Figure(f"markets: {name}: AWS requests", cost["requests"])
        yield Figure(f"markets: {name}: read units", cost["read_units"])


def _figures_of(title: str, cost: Mapping[str, Any]) -> Iterator[Figure]:
    items = cost["items"]
    yield Figure(f"{title}: function time", cost["seconds"], "s", Target("<", MAX_SECONDS))
    yield Figure(f"{title}: processor time", cost["processor_seconds"], "s")
    yield Figure(f"{title}: memory", cost["peak_mb"], "MB", Target("<", cost["memory"]))
    yield Figure(f"{title}: upstream requests", cost["upstream_requests"])
    yield Figure(f"{title}: AWS requests", cost["requests"])
    yield Figure(f"{title}: write units", cost["write_units"], "", _bound(cost))
    yield Figure(f"{title}: read units", cost["read_units"])
    if items > 1:
        yield Figure(f"{title}: write units each of {items:,}", round(cost["write_units"] / items, 3))
        yield Figure(f"{title}: read units each of {items:,}", round(cost["read_units"] / items, 3))
    if cost["unchanged"] and items > 1:
        yield Figure(f"{title}: write units of the facts", cost["fact_write_units"], "", Target("=", 0))


def _bound(cost: Mapping[str, Any]) -> Target | None:
    return Target("<=", MAX_UNCHANGED_UNITS) if cost["unchanged"] and cost["items"] == 1 else None


def _operations(markets: Deployed, articles: int) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from _syncs_of_assets(markets)
    yield from _syncs_of_the_calendar(markets)
    yield from _looks(markets)
    yield from _syncs_of_news(markets, articles)
    yield from _pollenations(markets)


def _syncs_of_assets(markets: Deployed) -> Iterator[tuple[str, dict[str, Any]]]:
    def sync(*, unchanged: bool = False) -> dict[str, Any]:
        cost = markets.measured("ingest/sync-assets", {}, _ASSETS, unchanged=unchanged)
        return {"items": markets.store.size(_ASSETS), **cost}

    yield "assets, first load", sync()
    yield "assets, unchanged", sync(unchanged=True)
    for number, company in enumerate(markets.world.companies()):
        markets.world.set_volume(company.symbol, 1_000_000 + number)
    yield "assets, all volumes changed", sync()


def _syncs_of_the_calendar(markets: Deployed) -> Iterator[tuple[str, dict[str, Any]]]:
    name = "ingest/sync-earnings-calendar"
    markets.function(name, ALPHAVANTAGE_SECRET_ARN=CALENDAR)
    for title, unchanged in (("first load", False), ("unchanged", True)):
        cost = markets.measured(name, {}, _CALENDAR, unchanged=unchanged)
        yield f"calendar, {title}", {"items": markets.store.size(_CALENDAR), **cost}
    report = markets.store.items(_CALENDAR)[0]
    told = {
        "symbol": report["asset_symbol"]["S"],
        "earnings_date": report["earnings_date"]["S"],
        "fiscal_date_ending": json.loads(report["record"]["S"])["fiscal_date_ending"],
    }
    cost = markets.measured("ingest/mark-earnings-processed", {"detail": {"data": told}}, _CALENDAR)
    yield "a report processed", {"items": 1, **cost}


def _looks(markets: Deployed) -> Iterator[tuple[str, dict[str, Any]]]:
    """What looks at all assets, or at all reports of some days."""
    looks = {
        "trigger after reports": "trigger-earnings-pollenation",
        "trigger of the day": "trigger-regular-pollenation",
        "coverage": "check-coverage",
    }
    for title, name in looks.items():
        cost = markets.measured(f"scheduler/{name}", {}, _ASSETS)
        yield title, {"items": markets.store.size(_ASSETS), **cost}


def _syncs_of_news(markets: Deployed, articles: int) -> Iterator[tuple[str, dict[str, Any]]]:
    _publish(markets.world, articles)
    for title, unchanged in (("first load", False), ("unchanged", True)):
        cost = markets.measured("ingest/sync-news-sentiment", {}, _NEWS, unchanged=unchanged)
        stored = {item["news_id"]["S"] for item in markets.store.items(_NEWS)}
        yield f"news, {title}", {"items": len(stored), "mentions": markets.store.size(_NEWS), **cost}


def _publish(world: Markets, articles: int) -> None:
    """So many older articles, in the last hour anew."""
    now = utc_now().replace(microsecond=0)
    older = [one for one in world.press.find(now - HISTORY, now - timedelta(days=2), limit=3 * articles) if one.tickers]
    for number, article in enumerate(older[:articles]):
        world.press.add(replace(article, at=now - timedelta(minutes=59) + timedelta(seconds=3 * number)))


def _pollenations(markets: Deployed) -> Iterator[tuple[str, dict[str, Any]]]:
    def pollenation(*, unchanged: bool = False) -> dict[str, Any]:
        time.sleep(1.01)  # times are stored to the second
        event = {"Records": [sqs_record("1", json.dumps(_needed()))]}
        cost = markets.measured("ingest/pollenate-asset", event, _FUNDAMENTALS, unchanged=unchanged)
        return {"items": 1, **cost}

    yield "pollenation, first", pollenation()
    yield "pollenation, unchanged", pollenation(unchanged=True)
    markets.world.report_quarter(_OLD)
    yield "pollenation, a new quarter", pollenation()


def _needed() -> dict[str, Any]:
    return {
        "id": "1",
        "type": "pollenationNeeded",
        "version": 1,
        "occurred_at": to_iso(utc_now()),
        "correlation_id": "1",
        "data": {"symbol": _OLD, "reason": "request"},
    }


def _routes(markets: Deployed, calls: int) -> Iterator[tuple[str, dict[str, Any]]]:
    api = markets.function("api/markets")
    ((named, _),) = Counter(str(item["asset_symbol"]["S"]) for item in markets.store.items(_NEWS)).most_common(1)
    today = utc_now().date()
    paths = {
        "list 30 assets": "/assets",
        "list the 30 stalest assets": "/assets?order=staleness",
        "find assets by text": "/assets?text=nothing+like+that",
        "read about an asset": f"/assets/{_OLD}",
        "list 30 quarters": f"/assets/{_OLD}/fundamentals",
        "take all quarters as CSV": f"/assets/{_OLD}/fundamentals.csv",
        "list an asset's news": f"/assets/{named}/news",
        "an asset's sentiment over time": f"/assets/{named}/sentiment",
        "list 30 news": f"/news?since={today - timedelta(days=1)}",
        "list 30 reports": f"/earnings?from={today}",
        "read the coverage": "/coverage",
    }
    for title, path in paths.items():
        yield title, markets.asked(api, http_request("GET", f"{_PREFIX}{path}"), calls)
    asking = http_request("POST", f"{_PREFIX}/assets/{_OLD}/pollenate", claims=claims_of(groups=("Developer",)))
    yield "ask for a pollenation", markets.asked(api, asking, calls)


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
