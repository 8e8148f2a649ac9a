"""Builds the two triggers, from their environment."""

import os
from collections.abc import Mapping

from scheduler.markets.room import Room
from scheduler.markets.settings import TriggerSettings, trigger_settings
from scheduler.markets.triggering import Choose, Regular, Reported, Trigger
from watchkeeper import aws, sqs
from watchkeeper.dynamodb import Table
from watchkeeper.events import EventBridgePublisher
from watchkeeper.markets.budget import BudgetRepository
from watchkeeper.markets.events import SOURCE, Reason
from watchkeeper.markets.maintenance import Maintenance
from watchkeeper.markets.names import ALPHAVANTAGE
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.earnings import EarningsRepository


def earnings_trigger(environment: Mapping[str, str] = os.environ) -> Trigger:
    """Raises ``ConfigurationError``."""
    settings = trigger_settings(environment, reports=True)
    calendar = EarningsRepository(_table(settings.earnings_table))
    assets = AssetRepository(_table(settings.assets_table))
    return _trigger(settings, Reason.EARNINGS, Reported(calendar, assets, _room(settings)))


def regular_trigger(environment: Mapping[str, str] = os.environ) -> Trigger:
    """Raises ``ConfigurationError``."""
    settings = trigger_settings(environment)
    assets = AssetRepository(_table(settings.assets_table))
    return _trigger(settings, Reason.REGULAR, Regular(assets, _room(settings)))


def _trigger(settings: TriggerSettings, reason: Reason, choose: Choose) -> Trigger:
    return Trigger(
        reason,
        choose,
        EventBridgePublisher(aws.events_client(), settings.event_bus, SOURCE),
        Maintenance(_table(settings.progress_table), settings.maintenance_days),
    )


def _room(settings: TriggerSettings) -> Room:
    budget = BudgetRepository(_table(settings.progress_table), ALPHAVANTAGE, settings.limits)
    return Room(budget, lambda: sqs.waiting(aws.sqs_client(), settings.pollenation_queue_url))


def _table(name: str) -> Table:
    return Table(aws.dynamodb_client(), name)
