"""The functions of the markets watch as Lambda runs them, their queue and bus, and a day that passes when told to."""

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from moto.dynamodb.models import dynamodb_backends
from time_machine import Traveller

from benchmarks import units
from ingest.markets import container
from ingest.markets.calls import Calls
from ingest.markets.handlers import (
    mark_earnings_processed,
    pollenate_asset,
    sync_assets,
    sync_earnings_calendar,
    sync_news_sentiment,
)
from ingest.upstream import Pace
from local.upstreams import Upstreams
from local.upstreams.markets import asked
from tests.integration.account import ACCOUNT, REGION, lay_queue, lay_secret
from tests.integration.tables import table_name
from tests.lambdas import Context, sqs_record
from watchkeeper import aws
from watchkeeper.dynamodb import Table
from watchkeeper.events import DomainEvent, EventBridgePublisher
from watchkeeper.logs import logger
from watchkeeper.markets.budget import BudgetRepository, Limits, Purpose, Spent
from watchkeeper.markets.events import PollenationNeeded, Reason, domain_event
from watchkeeper.markets.maintenance import Maintenance
from watchkeeper.markets.models import ACTIVE, Asset, Earnings
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.earnings import EarningsRepository
from watchkeeper.markets.repositories.fundamentals import FundamentalsRepository
from watchkeeper.markets.repositories.news import NewsRepository
from watchkeeper.progress import MARKETS, ProgressRepository, Source

NOW = datetime(2026, 11, 20, 12, 30, 15, 250_000, tzinfo=UTC)
"""A Friday."""

API_KEY, KEY_ID, SECRET_KEY = "QX7SECRET42NEVER", "PKNEVERTOLD42", "neverTold42/Secret+Key"
NEW_KEY = "ZZ9SECRET43NEVER"
KEYS = (API_KEY, KEY_ID, SECRET_KEY, NEW_KEY)

SCHEDULED: dict[str, Callable[[Any, Any], dict[str, Any]]] = {
    "sync-assets": sync_assets.handler,
    "sync-earnings-calendar": sync_earnings_calendar.handler,
    "sync-news-sentiment": sync_news_sentiment.handler,
}
TABLES = ("assets", "earningsCalendar", "newsSentiment", "foundationalData")
_EVENTS = Path(__file__).parents[4] / "services" / "ingest" / "resources" / "events.yml"
_MOST_CALLS = 60

Item = dict[str, dict[str, Any]]


class MarketFunctions:
    """Handlers by their names, and what AWS does between them."""

    def __init__(self, upstreams: Upstreams, time: Traveller, monkeypatch: pytest.MonkeyPatch) -> None:
        self.upstreams = upstreams
        self.markets = upstreams.markets
        self.trouble = upstreams.markets.trouble
        self.time = time
        self.calls = 0
        self.processed: list[dict[str, Any]] = []
        """What ``mark-earnings-processed`` answered."""
        self._monkeypatch = monkeypatch
        self._queue, self._heard = lay_queue("pollenation"), lay_queue("heard")
        self._letters = lay_queue("pollenation-dlq")
        self._listen()
        self._set(upstreams)
        progress = _table("progress")
        self.assets = AssetRepository(_table("assets"))
        self.calendar = EarningsRepository(_table("earningsCalendar"))
        self.fundamentals = FundamentalsRepository(_table("foundationalData"))
        self.news = NewsRepository(_table("newsSentiment"))
        self.maintenance = Maintenance(progress, ())
        self._progress = ProgressRepository(progress, MARKETS)
        self._budget = progress

    # What there is

    def source(self, name: str) -> Source:
        return self._progress.source(name)

    def spent(self) -> Spent:
        return BudgetRepository(self._budget, "alphavantage", Limits(1, 1, 1, 1)).spent(self.now())

    def asked(self) -> dict[str, int]:
        """Calls that AlphaVantage got, by function."""
        found: dict[str, int] = {}
        for (function, _), calls in asked(self.upstreams.alphavantage.log).items():
            found[function] = found.get(function, 0) + calls
        return found

    def track(self, *symbols: str, **fields: Any) -> None:
        given = {"status": ACTIVE, "exchange": "NYSE", "asset_class": "us_equity", "tradable": True, **fields}
        self.assets.add(Asset(symbol=one, id=f"id-{one}", name=one, **given) for one in symbols)

    def expect(self, symbol: str) -> Earnings:
        """Have the next report of a company in the calendar."""
        company = self.markets.company(symbol)
        end, day = next(iter(self.markets.next_reports(company, self.now().date() + timedelta(days=200))))
        earnings = Earnings(symbol, day, end)
        self.calendar.put([earnings])
        return earnings

    def hold_lease(self, name: str, seconds: int) -> None:
        """As another call does that reads the source."""
        self._progress.take_lease(name, "another", now=self.now(), seconds=seconds)

    # Time

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, **span: float) -> None:
        self.time.shift(timedelta(**span))

    def go(self, moment: datetime) -> None:
        self.time.move_to(moment)

    # Settings

    def limit(self, per_second: float = 10, per_minute: int = 1000, per_day: int = 1000, news: int = 100) -> None:
        """Our own limits, read by new execution environments."""
        numbers = {"SECOND": per_second, "MINUTE": per_minute, "DAY": per_day}
        for name, value in numbers.items():
            self._monkeypatch.setenv(f"ALPHAVANTAGE_PER_{name}", str(value))
        self._monkeypatch.setenv("ALPHAVANTAGE_NEWS_PER_DAY", str(news))
        forget()

    def close_on(self, *days: str) -> None:
        self._monkeypatch.setenv("MAINTENANCE_DAYS", ",".join(days))
        forget()

    def rotate(self, **keys: str) -> None:
        """Put other keys into the secrets, as an operator does."""
        for name, fields in self._secrets().items():
            changed = fields | {key: value for key, value in keys.items() if key in fields}
            aws.secrets_client().put_secret_value(SecretId=name, SecretString=json.dumps(changed))

    def _secrets(self) -> dict[str, dict[str, str]]:
        up = self.upstreams
        hosts = {"trading_url": up.alpaca_url, "data_url": up.alpaca_url}
        return {
            "watchkeeper-test-alpaca": {"key_id": KEY_ID, "secret_key": SECRET_KEY, **hosts},
            "watchkeeper-test-alphavantage": {"api_key": API_KEY, "url": up.alphavantage_url},
        }

    def _set(self, upstreams: Upstreams) -> None:
        upstreams.markets.set_keys(KEY_ID, SECRET_KEY, API_KEY)
        secrets = {name: lay_secret(name, json.dumps(fields)) for name, fields in self._secrets().items()}
        settings = {
            "ASSETS_TABLE": table_name("assets"),
            "EARNINGS_CALENDAR_TABLE": table_name("earningsCalendar"),
            "NEWS_SENTIMENT_TABLE": table_name("newsSentiment"),
            "FOUNDATIONAL_DATA_TABLE": table_name("foundationalData"),
            "POLLENATION_QUEUE_URL": self._queue,
            "DEAD_LETTERS_URL": self._letters,
            "EVENT_BUS": "bus",
            "ALPACA_SECRET_ARN": secrets["watchkeeper-test-alpaca"],
            "ALPHAVANTAGE_SECRET_ARN": secrets["watchkeeper-test-alphavantage"],
            "ALPACA_PER_MINUTE": "6000000",
            "MAINTENANCE_DAYS": "",
            "CONTACT": "tests@example.org",
        }
        for name, value in settings.items():
            self._monkeypatch.setenv(name, value)
        self._monkeypatch.setattr(Pace, "wait", lambda _: self.wait(milliseconds=10))  # a request takes its time
        self._monkeypatch.setitem(_defaults(Calls.__init__), "sleep", lambda seconds: self.wait(seconds=seconds))
        self.limit()

    def _listen(self) -> None:
        events = aws.events_client()
        events.create_event_bus(Name="bus")
        events.put_rule(Name="all", EventBusName="bus", EventPattern='{"source": ["watchkeeper.markets"]}')
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:heard"
        events.put_targets(Rule="all", EventBusName="bus", Targets=[{"Id": "queue", "Arn": arn}])

    # What Lambda, EventBridge and SQS do

    def context(self, name: str, seconds: float = 300) -> Context:
        self.calls += 1
        return Context(f"request-{self.calls}", function_name=name, milliseconds=round(seconds * 1000))

    def run(self, name: str, *, seconds: float = 300, **event: Any) -> dict[str, Any]:
        """A schedule fires, or an operator asks."""
        return SCHEDULED[name](event, self.context(name, seconds))

    def need(self, *symbols: str, at: datetime | None = None, reason: Reason = Reason.REQUEST) -> list[DomainEvent]:
        """Somebody says on the bus that these are to be pollenated."""
        moment = at or self.now()
        events = [
            domain_event(
                PollenationNeeded(symbol=symbol, reason=reason),
                cause=f"{symbol} {moment}",
                occurred_at=moment,
                correlation_id="cause",
            )
            for symbol in symbols
        ]
        EventBridgePublisher(aws.events_client(), "bus", "markets").publish(events)
        return events

    def work(self, *, seconds: float = 600) -> int:
        """Until nobody has anything to do now; how many messages were given to ``pollenate-asset``."""
        for done in range(_MOST_CALLS):
            self._carry()
            if (message := self._received(self._queue)) is None:
                return done
            self.deliver(message, seconds=seconds)
        raise AssertionError("it never came to an end")

    def deliver(self, message: Mapping[str, Any], *, seconds: float = 600) -> None:
        """One message to ``pollenate-asset``. One that fails, or is cut off, stays and comes again."""
        receives = int(message["Attributes"]["ApproximateReceiveCount"])
        record = sqs_record(message["MessageId"], message["Body"], queue="pollenation", receives=receives)
        answer = pollenate_asset.handler({"Records": [record]}, self.context("pollenate-asset", seconds))
        if not answer["batchItemFailures"]:
            aws.sqs_client().delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])

    def mark(self, event: Mapping[str, Any]) -> None:
        """``mark-earnings-processed`` is told by the bus."""
        self.processed.append(mark_earnings_processed.handler(event, self.context("mark-earnings-processed", 30)))

    def send(self, body: str) -> None:
        """Put something into the queue."""
        aws.sqs_client().send_message(QueueUrl=self._queue, MessageBody=body)

    def next_message(self, *, carry: bool = True) -> Mapping[str, Any]:
        """What ``pollenate-asset`` would get next; by what is on the bus, unless that is to wait."""
        if carry:
            self._carry()
        message = self._received(self._queue)
        assert message
        return message

    def dead_letters(self) -> list[dict[str, Any]]:
        found: Any = aws.sqs_client().receive_message(QueueUrl=self._letters, MessageAttributeNames=["All"])
        messages: list[dict[str, Any]] = found.get("Messages", [])
        return messages

    @property
    def waiting(self) -> int:
        """Messages in the queue: delayed ones too, and those somebody has received and not deleted."""
        wanted: Any = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "Delayed", "NotVisible")]
        told: Any = aws.sqs_client().get_queue_attributes(QueueUrl=self._queue, AttributeNames=wanted)
        return sum(int(told["Attributes"][name]) for name in wanted)

    def _carry(self) -> None:
        """What is on the bus goes where the rules say."""
        while message := self._received(self._heard):
            aws.sqs_client().delete_message(QueueUrl=self._heard, ReceiptHandle=message["ReceiptHandle"])
            event = json.loads(message["Body"])
            if event["detail-type"] == PollenationNeeded.type:
                aws.sqs_client().send_message(QueueUrl=self._queue, MessageBody=_as_queued(event))
            else:
                self.mark(event)

    def _received(self, queue: str) -> Mapping[str, Any] | None:
        wanted: Any = {"MessageSystemAttributeNames": ["ApproximateReceiveCount"], "MaxNumberOfMessages": 1}
        found: Any = aws.sqs_client().receive_message(QueueUrl=queue, VisibilityTimeout=700, **wanted)
        messages = found.get("Messages", [])
        return messages[0] if messages else None


class Told:
    """Lines and metrics of the functions, and what libraries say, which is more than Lambda has them say."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._lines, self._printed = io.StringIO(), ""

    def text(self) -> str:
        self._printed += self._capsys.readouterr().out
        return self._lines.getvalue() + self._printed

    def measured(self, name: str) -> list[float]:
        """The values of the metric, one for each line that has it."""
        lines = [json.loads(line) for line in self.text().splitlines() if f'"{name}":' in line and '"_aws"' in line]
        return [sum(line[name]) for line in lines]

    @contextmanager
    def hearing_loggers(self) -> Iterator[None]:
        ours, theirs = logger.registered_handler, logging.getLogger("urllib3")
        assert isinstance(ours, logging.StreamHandler)
        handler = logging.StreamHandler(self._lines)
        handler.setFormatter(logger.registered_formatter)
        before, level = ours.setStream(self._lines), theirs.level
        theirs.addHandler(handler)
        theirs.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            theirs.removeHandler(handler)
            theirs.setLevel(level)
            ours.setStream(before or sys.stdout)


def forget() -> None:
    """Start new execution environments."""
    for made in (
        container.common,
        container.pollenation_queue,
        container._calls,
        container._alpaca_secret,
        container._alphavantage_secret,
    ):
        made.cache_clear()


def environment_per_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that were taken are an execution environment's own, of which there is one for each thread then."""
    here, make = threading.local(), container._calls.__wrapped__

    def calls(purpose: Purpose = Purpose.FUNDAMENTALS) -> Calls:
        name = f"calls-{purpose}"
        if not hasattr(here, name):
            setattr(here, name, make(purpose))
        found: Calls = getattr(here, name)
        return found

    calls.cache_clear = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr(container, "_calls", calls)


def _as_queued(event: Mapping[str, Any]) -> str:
    """What the rule of the bus makes of an event: moto knows no input paths."""
    rule = yaml.safe_load(_EVENTS.read_text())["Resources"]["PollenationNeededRule"]["Properties"]
    assert event["source"] in rule["EventPattern"]["source"]
    assert event["detail-type"] in rule["EventPattern"]["detail-type"]
    [target] = rule["Targets"]
    found: Any = event
    for name in target["InputPath"].removeprefix("$.").split("."):
        found = found[name]
    return json.dumps(found)


def stored(*tables: str) -> dict[str, list[Item]]:
    """All items as they are kept, in a comparable order."""
    return {name: sorted(_items(name), key=repr) for name in tables or TABLES}


def _items(name: str) -> Iterator[Item]:
    backend: Any = dynamodb_backends[ACCOUNT][REGION].tables[table_name(name)]
    for item in backend.all_items():
        yield {key: {value.type: value.value} for key, value in item.attrs.items()}


def metered(run: Callable[[], object]) -> units.Account:
    """What DynamoDB charges for that. moto counts no indexes, and a constant for the rest, so it is computed from the
    requests by the definitions of the tables."""
    meter = units.meter()
    for name, items in stored(*TABLES, "progress", "breakers").items():
        meter.know(table_name(name), items)
    with meter.watching(aws.dynamodb_client()):
        run()
    return meter.used


def _defaults(function: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = function.__kwdefaults__
    return defaults


def _table(name: str) -> Table:
    return Table(aws.dynamodb_client(), table_name(name))
