"""A worker that is killed anywhere: nothing is lost, nothing is doubled, and what was answered is not asked again."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.integration.account import copy_of_tables, put_tables
from tests.integration.ingest.markets.functions import NOW, Item, MarketFunctions, forget, stored
from tests.integration.ingest.markets.test_earnings_calendar import calendar_of, row
from watchkeeper import aws

YOUNG = "IPOQ"
READING = ("Get", "BatchGet", "Query", "Scan")


class Killed(BaseException):
    """What nobody catches, as nobody catches the end of a process."""


@dataclass
class Death:
    """Comes before a step that leaves something: a write, a message, a request to an upstream. Between two of them it
    makes no difference when."""

    at: int = -1
    steps: int = 0

    def call(self, model: Any, **_: Any) -> None:
        if not model.name.startswith(READING):
            self.step()

    def step(self) -> None:
        self.steps += 1
        if self.steps - 1 == self.at:
            raise Killed

    @contextmanager
    def watching(self) -> Iterator[None]:
        clients: list[Any] = [aws.dynamodb_client(), aws.sqs_client(), aws.events_client()]
        send: Callable[..., requests.Response] = requests.Session.request

        def request(*arguments: Any, **named: Any) -> requests.Response:
            self.step()
            return send(*arguments, **named)

        for client in clients:
            client.meta.events.register("before-call", self.call)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(requests.Session, "request", request)
            try:
                yield
            finally:
                for client in clients:
                    client.meta.events.unregister("before-call", self.call)


def facts() -> dict[str, list[Item]]:
    """All that is kept, without when and by whom it was asked for."""
    kept = stored()
    state = [item for item in kept["foundationalData"] if item["statement"]["S"] == "pollenation"]
    digests = {name: one["digest"] for name, one in json.loads(state[0]["record"]["S"])["asked"].items()}
    reports = [item for item in kept["foundationalData"] if item not in state]
    assets = [{name: item[name] for name in item if name != "lastPollenationDate"} for item in kept["assets"]]
    calendar = [{name: item[name] for name in item if name != "processed_at"} for item in kept["earningsCalendar"]]
    return {"reports": [*reports, {"digests": digests}], "assets": assets, "calendar": calendar}


def test_work_that_was_cut_off_anywhere_is_done_once(functions: MarketFunctions) -> None:
    functions.track(YOUNG)
    expected = functions.expect(YOUNG)
    functions.markets.report_quarter(YOUNG)
    functions.go(NOW.replace(year=2027, month=expected.earnings_date.month, day=expected.earnings_date.day))
    functions.wait(days=1)
    start, life, begun = copy_of_tables(), Death(), functions.now()
    functions.need(YOUNG)
    with life.watching():
        functions.deliver(functions.next_message())
    functions.work()
    whole = facts()
    assert functions.processed == [{"marked": 1}]

    for at in range(life.steps):
        put_tables(start)
        forget()
        functions.processed.clear()
        functions.upstreams.alphavantage.log.clear()
        functions.go(begun)
        functions.need(YOUNG)
        message, death = functions.next_message(), Death(at)
        with suppress(Killed), death.watching():
            functions.deliver(message)
        forget()  # the next one is another process
        functions.wait(minutes=12)
        functions.work()

        assert facts() == whole, at
        assert max(functions.asked().values()) <= 2, at
        assert sum(functions.asked().values()) <= 6, at
        assert functions.spent().used <= 10, at
        assert sum(answer["marked"] for answer in functions.processed) == 1, at
        assert functions.waiting == 0, at
        assert functions.assets.get(YOUNG).last_pollenated, at
        [report] = functions.calendar.of_asset(YOUNG)
        assert report.processed_at, at


@pytest.mark.parametrize("name", ["sync-assets", "sync-earnings-calendar", "sync-news-sentiment"])
def test_a_reading_that_was_cut_off_anywhere_is_made_up_for(functions: MarketFunctions, name: str) -> None:
    functions.track("QUIL", "ZEPH", "GONQ")
    functions.markets.truncate_assets(10)
    calendar_of(functions, row("QUIL", "2026-12-01", "2026-09-30"), row("ZEPH", "2026-12-02", "2026-09-30"))
    start, life = copy_of_tables(), Death()
    with life.watching():
        functions.run(name)
    whole = _timeless(stored())
    assert life.steps >= 5

    for at in range(life.steps):
        put_tables(start)
        forget()
        functions.go(NOW)
        with suppress(Killed), Death(at).watching():
            functions.run(name)
        forget()
        functions.wait(seconds=151)  # the lease runs out
        functions.run(name)

        assert _timeless(stored()) == whole, at


def _timeless(kept: dict[str, list[Item]]) -> str:
    later = (NOW + timedelta(seconds=151)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return repr(kept).replace(later, NOW.strftime("%Y-%m-%dT%H:%M:%SZ"))
