"""Builds the use cases of the markets watch. Each function reads the settings it needs, once per execution environment;
clients of upstreams are built for each event, so that changed keys are used without a deployment."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ingest.errors import DayOver, KeyRefused, RowRefused, TooFast, UpstreamError
from ingest.markets.alpaca import Alpaca
from ingest.markets.alphavantage import PATIENCE, AlphaVantage
from ingest.markets.calls import PATIENCE_SECONDS, Calls
from ingest.markets.keys import (
    AlpacaCredentials,
    AlpacaKeys,
    AlphaVantageCredentials,
    AlphaVantageKey,
    Secret,
    alpaca_secret,
    alphavantage_secret,
)
from ingest.markets.marking import earnings_repository
from ingest.markets.use_cases.sync_assets import AssetSync
from ingest.markets.use_cases.sync_earnings_calendar import EarningsCalendarSync
from ingest.markets.use_cases.sync_news_sentiment import NewsSync
from ingest.reading import RECENT, with_counts, with_refusals
from ingest.settings import Reader
from ingest.upstream import Pace, Send, Upstream, breaker
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.events import EventBridgePublisher
from watchkeeper.markets.budget import BudgetRepository, Limits, Purpose
from watchkeeper.markets.maintenance import Maintenance
from watchkeeper.markets.names import ALPACA, ALPHAVANTAGE
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.fundamentals import FundamentalsRepository
from watchkeeper.markets.repositories.news import NewsRepository
from watchkeeper.metrics import ALPHAVANTAGE_THROTTLED, ROWS_REFUSED, measure
from watchkeeper.progress import MARKETS, ProgressRepository, Run
from watchkeeper.queues import SqsWorkQueue

if TYPE_CHECKING:
    from ingest.markets.use_cases.pollenate_asset import AssetPollenation

FUNDAMENTALS = f"{ALPHAVANTAGE}:fundamentals"
"""The source under which operators find what was refused from the answers about single assets."""

_SHORT_PATIENCE_SECONDS = 60.0
"""For the calls of a scheduled function, which has less time."""

KEY_PAUSE_SECONDS = 900.0
"""No calls are made for this long after the key was refused; an operator may have corrected it by then."""


@dataclass(frozen=True, slots=True)
class Common:
    """What every function that reads an upstream needs."""

    progress: ProgressRepository
    maintenance: Maintenance
    breakers: str
    user_agent: str


@cache
def common() -> Common:
    """Raises ``ConfigurationError``, which names what is missing."""
    read = Reader(os.environ)
    progress, breakers = read.text("PROGRESS_TABLE"), read.text("BREAKERS_TABLE")
    contact, days = read.text("CONTACT"), read.names("MAINTENANCE_DAYS")
    read.complain()
    table = _table(progress)
    return Common(
        progress=ProgressRepository(table, MARKETS),
        maintenance=Maintenance(table, days),
        breakers=breakers,
        user_agent=f"watchkeeper/1.0 (+{contact})",
    )


def asset_sync() -> AssetSync:
    read = Reader(os.environ)
    assets, secret = read.text("ASSETS_TABLE"), read.text("ALPACA_SECRET_ARN")
    per_minute = read.positive("ALPACA_PER_MINUTE")
    read.complain()
    return AssetSync(_alpaca(_alpaca_secret(secret), per_minute), AssetRepository(_table(assets)), utc_now)


def earnings_calendar_sync() -> EarningsCalendarSync:
    return EarningsCalendarSync(_alphavantage(_calls(Purpose.CALENDAR)), earnings_repository(), utc_now)


def news_sync() -> NewsSync:
    read = Reader(os.environ)
    assets, news = read.text("ASSETS_TABLE"), read.text("NEWS_SENTIMENT_TABLE")
    read.complain()
    client = _alphavantage(_calls(Purpose.NEWS))
    return NewsSync(client, AssetRepository(_table(assets)), NewsRepository(_table(news)), utc_now)


def asset_pollenation() -> "AssetPollenation":
    from ingest.markets.use_cases.pollenate_asset import AssetPollenation  # imports pydantic, which others do not need
    from watchkeeper.markets.events import SOURCE

    read = Reader(os.environ)
    assets, fundamentals = read.text("ASSETS_TABLE"), read.text("FOUNDATIONAL_DATA_TABLE")
    bus = read.text("EVENT_BUS")
    read.complain()
    return AssetPollenation(
        client=_alphavantage(_calls()),
        calls=_calls(),
        assets=AssetRepository(_table(assets)),
        fundamentals=FundamentalsRepository(_table(fundamentals)),
        earnings=earnings_repository(),
        publisher=EventBridgePublisher(aws.events_client(), bus, SOURCE),
        refused=_keep_refused,
        clock=utc_now,
    )


@cache
def pollenation_queue() -> SqsWorkQueue:
    read = Reader(os.environ)
    url = read.text("POLLENATION_QUEUE_URL")
    read.complain()
    return SqsWorkQueue(aws.sqs_client, url)


def _alpaca(secret: Secret[AlpacaKeys], per_minute: float) -> Alpaca:
    keys = secret.current()
    credentials = AlpacaCredentials(secret, keys)
    pace = Pace(per_minute / 60)

    def host(url: str) -> Upstream:
        return Upstream(
            ALPACA,
            url,
            user_agent=common().user_agent,
            pace=pace,
            guard=_guard(ALPACA, url),
            credentials=credentials,
        )

    return Alpaca(trading=host(keys.trading_url), data=host(keys.data_url))


def _alphavantage(calls: Calls) -> AlphaVantage:
    secret = _alphavantage_secret()
    key = secret.current()
    upstream = Upstream(
        ALPHAVANTAGE,
        key.url,
        user_agent=common().user_agent,
        pace=calls,
        guard=_guard(ALPHAVANTAGE, key.url),
        patience=PATIENCE,
        credentials=AlphaVantageCredentials(secret, key),
    )
    return AlphaVantage(upstream, heard=lambda error: _heed(error, calls))


def _heed(error: UpstreamError, calls: Calls) -> None:
    """What AlphaVantage reports to one function applies to all."""
    now = utc_now()
    match error:
        case DayOver():
            calls.pause(error.retry_at.timestamp())
        case KeyRefused():
            calls.pause(now.timestamp() + KEY_PAUSE_SECONDS)
        case TooFast():
            measure(ALPHAVANTAGE_THROTTLED, 1)
            calls.pause(now.timestamp() + (error.retry_after or 1.0))


@cache
def _calls(purpose: Purpose = Purpose.FUNDAMENTALS) -> Calls:
    read = Reader(os.environ)
    limits = Limits(
        per_second=read.positive("ALPHAVANTAGE_PER_SECOND"),
        per_minute=int(read.positive("ALPHAVANTAGE_PER_MINUTE")),
        per_day=int(read.positive("ALPHAVANTAGE_PER_DAY")),
        news_per_day=read.whole("ALPHAVANTAGE_NEWS_PER_DAY"),
    )
    table = read.text("PROGRESS_TABLE")
    read.complain()
    budget = BudgetRepository(_table(table), ALPHAVANTAGE, limits)
    patience = PATIENCE_SECONDS if purpose is Purpose.FUNDAMENTALS else _SHORT_PATIENCE_SECONDS
    return Calls(budget, clock=utc_now, purpose=purpose, patience=patience)


@cache
def _alpaca_secret(name: str) -> Secret[AlpacaKeys]:
    return alpaca_secret(name)


@cache
def _alphavantage_secret() -> Secret[AlphaVantageKey]:
    read = Reader(os.environ)
    name = read.text("ALPHAVANTAGE_SECRET_ARN")
    read.complain()
    return alphavantage_secret(name)


def _keep_refused(refused: Sequence[RowRefused]) -> None:
    """Counted per UTC day. If two workers do so at the same time, one count may be lost: it only informs operators."""
    if not refused:
        return
    progress, now = common().progress, utc_now()
    source, today = progress.source(FUNDAMENTALS), now.date().isoformat()
    run = source.run if source.run and source.run.id == today else Run(today, RECENT, now)
    counted = with_counts(replace(run, finished_at=now), refused)
    progress.save(with_refusals(replace(source, run=counted), refused, now))
    measure(ROWS_REFUSED, len(refused), source=FUNDAMENTALS)


def _guard(upstream: str, url: str) -> Callable[[Send], Send]:
    return breaker(upstream, urlsplit(url).netloc, common().breakers, aws.dynamodb_client())


def _table(name: str) -> Table:
    return Table(aws.dynamodb_client(), name)
