"""The tables of the markets watch, its queue, and a bus with somebody who hears it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scheduler import facts
from scheduler.markets.handlers import check_coverage, trigger_earnings_pollenation, trigger_regular_pollenation
from scheduler.markets.triggering import Trigger
from tests.integration.account import lay_queue
from tests.integration.tables import table_name
from tests.lambdas import Context
from watchkeeper import aws, metrics
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.markets.budget import BudgetRepository, Limits
from watchkeeper.markets.coverage import CoverageRepository
from watchkeeper.markets.maintenance import Maintenance
from watchkeeper.markets.models import ACTIVE, Asset, Earnings
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.earnings import EarningsRepository
from watchkeeper.progress import MARKETS, ProgressRepository

LIMITS = Limits(per_second=1, per_minute=5, per_day=25, news_per_day=5)


@dataclass
class Market:
    """What is tracked and what is known of it, as of now."""

    queue: str
    heard: str
    now: datetime = field(default_factory=lambda: utc_now().replace(microsecond=0))

    def __post_init__(self) -> None:
        progress = Table(aws.dynamodb_client(), table_name("progress"))
        self.assets = AssetRepository(Table(aws.dynamodb_client(), table_name("assets")))
        self.calendar = EarningsRepository(Table(aws.dynamodb_client(), table_name("earningsCalendar")))
        self.budget = BudgetRepository(progress, "alphavantage", LIMITS)
        self.maintenance = Maintenance(progress, ())
        self.coverage = CoverageRepository(progress)
        self.progress = ProgressRepository(progress, MARKETS)

    def track(self, symbol: str, volume: int = 1000, days: float | None = None, **fields: Any) -> None:
        """An asset that was asked about so many days ago, or never."""
        last = None if days is None else self.now - timedelta(days=days)
        given = {"status": ACTIVE, "exchange": "NYSE", "last_pollenated": last, **fields}
        asset = Asset(symbol, f"id-{symbol}", symbol, asset_class="us_equity", tradable=True, volume=volume, **given)
        self.assets.add([asset])

    def reports(self, symbol: str, days: int = 1, **fields: Any) -> Earnings:
        """A report that was due so many days ago."""
        day = self.now.astimezone(UTC).date() - timedelta(days=days)
        earnings = Earnings(symbol, day, day - timedelta(days=40), **fields)
        self.calendar.put([earnings])
        return earnings

    def use(self, calls: int) -> None:
        """Have them taken from today's budget."""
        assert len(self.budget.take(calls, self.now, patience=10**6).moments) == calls

    def wait(self, number: int) -> None:
        """So many assets are in the queue."""
        for one in range(number):
            aws.sqs_client().send_message(QueueUrl=self.queue, MessageBody=str(one), DelaySeconds=900 * (one % 2))

    def told(self) -> list[dict[str, Any]]:
        """What was put on the bus since this was asked last, as the queue behind it gets it."""
        found: list[dict[str, Any]] = []
        client: Any = aws.sqs_client()
        while messages := client.receive_message(QueueUrl=self.heard, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                client.delete_message(QueueUrl=self.heard, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"])["detail"])
        return found

    def report_earnings(self, **event: Any) -> dict[str, Any]:
        return trigger_earnings_pollenation.handler(event, Context())

    def choose(self, **event: Any) -> dict[str, Any]:
        return trigger_regular_pollenation.handler(event, Context())

    def count(self, **event: Any) -> dict[str, Any]:
        return check_coverage.handler(event, Context())


@pytest.fixture
def market(tables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    yield make_market(monkeypatch)
    forget()
    metrics._collected.clear()


def make_market(monkeypatch: pytest.MonkeyPatch) -> Market:
    """An empty one, whose functions run on the tables there are."""
    queue = lay_queue("pollenation")
    heard = lay_queue("heard")
    listen(heard)
    settings = {
        "ASSETS_TABLE": table_name("assets"),
        "EARNINGS_CALENDAR_TABLE": table_name("earningsCalendar"),
        "POLLENATION_QUEUE_URL": queue,
        "EVENT_BUS": "bus",
        "ALPHAVANTAGE_PER_SECOND": str(LIMITS.per_second),
        "ALPHAVANTAGE_PER_MINUTE": str(LIMITS.per_minute),
        "ALPHAVANTAGE_PER_DAY": str(LIMITS.per_day),
        "ALPHAVANTAGE_NEWS_PER_DAY": str(LIMITS.news_per_day),
        "MAINTENANCE_DAYS": "",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    forget()
    market = Market(queue, heard)
    for made in (trigger_earnings_pollenation._trigger(), trigger_regular_pollenation._trigger()):
        set_clock(made, market, monkeypatch)
    return market


def set_clock(trigger: Trigger, market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """Midnight must not come between what a test says and what it looks at."""
    monkeypatch.setattr(trigger, "_clock", lambda: market.now)


def listen(queue: str) -> None:
    """Have it hear all of the markets watch, and the facts that its functions tell, on a bus."""
    events = aws.events_client()
    events.create_event_bus(Name="bus")
    events.put_rule(
        Name="all", EventBusName="bus", EventPattern='{"source": ["watchkeeper.markets", "watchkeeper.facts"]}'
    )
    arn = f"arn:aws:sqs:us-east-1:123456789012:{queue.rpartition('/')[2]}"
    events.put_targets(Rule="all", EventBusName="bus", Targets=[{"Id": "queue", "Arn": arn}])


def forget() -> None:
    trigger_earnings_pollenation._trigger.cache_clear()
    trigger_regular_pollenation._trigger.cache_clear()
    check_coverage._check.cache_clear()
    facts.publisher.cache_clear()
