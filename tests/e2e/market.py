"""The markets watch of the running system: its day, its upstreams, and what people and operators see and do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from local import keys
from local.functions import log_lines
from local.upstreams import Markets
from local.upstreams.markets import asked
from tests.e2e.breakers import Breakers
from tests.e2e.bus import Event
from tests.e2e.people import Json, Person, expect
from tests.e2e.system import System
from tests.e2e.waiting import wait_for
from watchkeeper.clock import from_iso, to_iso, utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.events import SOURCE_PREFIX
from watchkeeper.markets.events import SOURCE, EarningsProcessed, PollenationNeeded
from watchkeeper.markets.repositories.fundamentals import FundamentalsRepository

QUEUE = "pollenation"
POLLENATE = "pollenate-asset"
ASSETS, CALENDAR, NEWS = "alpaca:assets", "alphavantage:earnings-calendar", "alphavantage:news"
SYNCS = {"assets-sync": ASSETS, "earnings-calendar-sync": CALENDAR, "news-sentiment-sync": NEWS}
"""The schedules by their rules, with the source each reads."""


@dataclass
class Market:
    system: System
    person: Person
    """Somebody who has signed in, and is in no group."""
    developer: Person

    @property
    def vendor(self) -> Markets:
        return self.system.upstreams.markets

    @property
    def tracked(self) -> set[str]:
        """What Alpaca lists that is a share or a fund, and active."""
        listed = self.vendor.listed()
        return {one.symbol for one in listed if one.kind not in ("coin", "perpetual") and one.status == "active"}

    @property
    def reports_soon(self) -> list[str]:
        """Companies without oddities that report in some weeks; at least one, whatever day it is."""
        soon = utc_now().date() + timedelta(weeks=12)
        usual = {"QUIL", "ZEPH", "XOLB", "HLMQ.B"} - set(self.vendor.early_reporters)
        return sorted(symbol for symbol in usual if self.vendor.earnings_date(symbol) < soon)

    # A day

    def live_a_day(self) -> None:
        """Every schedule fires once, as the cloud fires it, in the order of a day, on which something is written about
        each who reports early. Both upstreams were down long ago: who comes first tries them again."""
        for symbol in self.vendor.early_reporters:
            self.vendor.add_article([symbol], title=f"All about {symbol}", score=0.4)
        self._were_down("alpaca", "alphavantage")
        with self.due("assets-sync", "earnings-calendar-sync"):
            wait_for("assets and calendar", lambda: self.is_read(ASSETS) and self.is_read(CALENDAR), 90)
        self._are_up("alpaca", "alphavantage")
        self._were_down("alphavantage")
        with self.due("news-sentiment-sync"):
            wait_for("the news", lambda: self.is_read(NEWS), 90)
        self._are_up("alphavantage")
        with self.due("earnings-pollenation"):
            wait_for("the reports to be processed", self.early_reports_are_processed, 90)
        with self.due("regular-pollenation"):
            wait_for("all assets to be pollenated", self.all_are_pollenated, 90)
        self.settle()
        with self.due("check-coverage"):
            wait_for("the coverage", lambda: self.read("coverage")["assets"] is not None, 90)

    @contextmanager
    def due(self, *rules: str) -> Iterator[None]:
        """Let the cloud find these schedules due; afterwards they are as they were deployed."""
        events = self.system.cloud.client("events")
        deployed = [events.describe_rule(Name=self.system.cloud.name(rule)) for rule in rules]
        told = [{name: rule[name] for name in ("Name", "Description", "State")} for rule in deployed]
        for rule in told:
            events.put_rule(**rule, ScheduleExpression="rate(1 minute)")
        try:
            yield
        finally:
            for rule, before in zip(told, deployed, strict=True):
                events.put_rule(**rule, ScheduleExpression=before["ScheduleExpression"])

    def early_reports_are_processed(self) -> bool:
        return all(self.calendar_of(symbol)[0]["processed_at"] for symbol in self.vendor.early_reporters)

    def all_are_pollenated(self) -> bool:
        return all(asset["last_pollenated"] for asset in self.read("assets", limit=100)["items"])

    def settle(self) -> None:
        """Wait until nobody is at work; what was put off stays so."""
        wait_for("the queue to be at rest", self._is_at_rest)

    def _is_at_rest(self) -> bool:
        depth = self.system.queues.depth(QUEUE)
        return not (depth.ready or depth.taken)

    # What people see

    def read(self, path: str, **parameters: str | int) -> Any:
        """`path` counts from /api/v1/markets/."""
        return self.person.read(f"markets/{path}", **parameters)

    def asset(self, symbol: str) -> Json:
        asset: Json = self.read(f"assets/{symbol}")
        return asset

    def source(self, name: str) -> Json:
        return next(source for source in self.read("coverage")["sources"] if source["name"] == name)

    def is_read(self, name: str) -> bool:
        return self.source(name)["last_success"] is not None

    def calendar_of(self, symbol: str) -> list[Json]:
        """The days from today on of which the calendar says that the company reports."""
        far = {"to": to_iso(utc_now().replace(year=utc_now().year + 1, day=1))[:10]}
        items: list[Json] = self.read("earnings", symbol=symbol, limit=100, **far)["items"]
        return items

    def periods(self, symbol: str, statement: str, period: str = "quarterly") -> list[str]:
        """The days on which the fiscal periods ended that are known, newest first."""
        found = self.read(f"assets/{symbol}/fundamentals", statement=statement, period=period, limit=100)
        assert found["cursor"] is None or len(found["items"]) == 100
        return [report["fiscal_date_ending"] for report in found["items"]]

    # What people and operators do

    def run(self, rule: str) -> Json:
        answer: Json = self.system.run_rule(rule)
        return answer

    def ask_for(self, symbol: str) -> datetime:
        """Ask for its fundamentals out of turn; says since when what is known would do."""
        told = expect(self.developer.post(f"markets/assets/{symbol}/pollenate"), 202)
        return from_iso(told["requested_at"])

    def wait_for_pollenation(self, symbol: str, since: datetime) -> None:
        wait_for(f"{symbol} to be pollenated", lambda: self._is_pollenated(symbol, since))
        self.settle()

    def pollenate(self, symbol: str) -> None:
        self.wait_for_pollenation(symbol, self.ask_for(symbol))

    def _is_pollenated(self, symbol: str, since: datetime) -> bool:
        last = self.asset(symbol)["last_pollenated"]
        return last is not None and from_iso(last) >= since

    def wait_until_put_off(self, count: int = 1) -> None:
        wait_for(f"{count} works to be put off", lambda: self.system.queues.depth(QUEUE).delayed == count)

    @contextmanager
    def putting_off(self, count: int) -> Iterator[None]:
        """Wait until so many works were put off within."""
        before = self._times_put_off()
        yield
        wait_for(f"{count} works to be put off again", lambda: self._times_put_off() >= before + count)

    def _times_put_off(self) -> int:
        return sum("work stays in the queue" in line for line in self._lines(POLLENATE))

    def quarter_of_an_hour_passes(self) -> None:
        """What was put off comes."""
        self.system.end_delays()

    def put_key(self, upstream: str, **values: str) -> None:
        """As `make keys` does."""
        keys.put(self.system.cloud, upstream, values)

    def claims_run_out(self, symbol: str) -> None:
        """Let the time pass for which a worker that died had taken the asset."""
        table = Table(self.system.cloud.dynamodb, self.system.cloud.name("foundationalData"))
        kept = FundamentalsRepository(table)
        state = kept.pollenation(symbol)
        assert state.claimed_by
        kept.keep(replace(state, claimed_until=utc_now().replace(year=2000, day=1)))

    # Upstreams

    def asked(self, symbol: str) -> dict[str, int]:
        """How often AlphaVantage was asked for each function of a company."""
        dashed = symbol.replace(".", "-")
        counted = asked(self.system.upstreams.alphavantage.log).items()
        return {function: times for (function, of), times in counted if of == dashed}

    def breaker(self, upstream: str) -> str:
        server = getattr(self.system.upstreams, upstream)
        return f"{upstream} 127.0.0.1:{server.server_port}"

    def _were_down(self, *upstreams: str) -> None:
        breakers = Breakers(self.system.cloud)
        for upstream in upstreams:
            breakers.put(self.breaker(upstream), "OPEN")
        breakers.let_time_pass()

    def was_down(self) -> None:
        """AlphaVantage, so that the next request to it decides."""
        self._were_down("alphavantage")

    def _are_up(self, *upstreams: str) -> None:
        states = Breakers(self.system.cloud).states
        for upstream in upstreams:
            wait_for(f"the breaker of {upstream} to close", lambda name=upstream: states()[name] == "CLOSED")  # type: ignore[misc]

    def is_up(self) -> None:
        self._are_up("alphavantage")

    # Events and logs

    def needed(self, **data: object) -> list[Event]:
        return self._heard(PollenationNeeded.type, data)

    def processed(self, **data: object) -> list[Event]:
        return self._heard(EarningsProcessed.type, data)

    def _heard(self, kind: str, data: dict[str, object]) -> list[Event]:
        return [one for one in self.system.bus.heard() if one.type == kind and data.items() <= one.data.items()]

    def say(self, *events: Json) -> None:
        """Put events on the bus as they are, in this order."""
        bus = self.system.cloud.name("events")
        entries = [
            {
                "Source": f"{SOURCE_PREFIX}.{SOURCE}",
                "DetailType": event["type"],
                "Detail": json.dumps(event),
                "EventBusName": bus,
            }
            for event in events
        ]
        answer = self.system.cloud.client("events").put_events(Entries=entries)
        assert answer["FailedEntryCount"] == 0

    def told(self, function: str, correlation_id: str) -> list[Json]:
        """The lines a function logged about what somebody asked for."""
        lines = [json.loads(text) for text in self._lines(function) if text.startswith('{"level"')]
        return [line for line in lines if line.get("correlation_id") == correlation_id]

    def _lines(self, function: str) -> Iterator[str]:
        return (line.partition(" ")[2] for line in log_lines(self.system.cloud, function, 100_000, False))
