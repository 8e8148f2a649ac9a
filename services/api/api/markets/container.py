"""Builds clients and repositories, once per execution environment. A caller is waiting, so everything has a
deadline."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from api.markets.facts import Facts
from api.markets.settings import MarketsSettings
from api.web.cursors import Cursors
from api.web.secrets import secret
from watchkeeper.aws import dynamodb_client, events_client
from watchkeeper.budgets import Deadline
from watchkeeper.dynamodb import Table
from watchkeeper.events import EventBridgePublisher, EventPublisher
from watchkeeper.markets.budget import BudgetRepository, Limits
from watchkeeper.markets.coverage import CoverageRepository
from watchkeeper.markets.events import SOURCE
from watchkeeper.markets.names import ALPHAVANTAGE
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.earnings import EarningsRepository
from watchkeeper.markets.repositories.fundamentals import FundamentalsRepository
from watchkeeper.markets.repositories.news import NewsRepository
from watchkeeper.progress import MARKETS, ProgressRepository


@dataclass(frozen=True, slots=True)
class Container:
    settings: MarketsSettings
    facts: Facts
    cursors: Cursors
    publisher: Callable[[], EventPublisher]
    """Created for the first event: few requests publish one."""
    deadline: Deadline
    """The deadline of the current request."""

    def start_request(self) -> None:
        self.deadline.start(self.settings.budget.request_seconds)


@cache
def container() -> Container:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings, deadline = MarketsSettings.from_environment(), Deadline()
    return Container(
        settings=settings,
        facts=_facts(settings, deadline),
        cursors=Cursors(partial(secret, settings.cursor_secret_arn, settings.budget, deadline)),
        publisher=partial(_publisher, settings, deadline),
        deadline=deadline,
    )


def _facts(settings: MarketsSettings, deadline: Deadline) -> Facts:
    table = partial(Table, dynamodb_client(settings.budget), budget=settings.budget, deadline=deadline)
    progress = table(settings.progress_table)
    return Facts(
        assets=AssetRepository(table(settings.assets_table)),
        earnings=EarningsRepository(table(settings.earnings_calendar_table)),
        fundamentals=FundamentalsRepository(table(settings.foundational_data_table)),
        news=NewsRepository(table(settings.news_sentiment_table)),
        progress=ProgressRepository(progress, MARKETS),
        coverage=CoverageRepository(progress),
        budget=BudgetRepository(progress, ALPHAVANTAGE, _limits(settings)),
    )


def _limits(settings: MarketsSettings) -> Limits:
    """The budget is only read here, so only the calls per day matter."""
    return Limits(per_second=0, per_minute=0, per_day=settings.calls_per_day, news_per_day=0)


def _publisher(settings: MarketsSettings, deadline: Deadline) -> EventPublisher:
    return EventBridgePublisher(events_client(settings.budget), settings.event_bus, SOURCE, deadline=deadline)
