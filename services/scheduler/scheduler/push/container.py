"""Builds what the two functions need, from their environment."""

import os
from collections.abc import Mapping

from scheduler.push.expo import Expo
from scheduler.push.receipts import ReceiptChecker
from scheduler.push.sending import ReminderProcessor
from watchkeeper import aws
from watchkeeper.dynamodb import Table
from watchkeeper.errors import ConfigurationError
from watchkeeper.people.devices import DeviceRepository
from watchkeeper.people.reminders import ReminderRepository


def reminder_processor(environment: Mapping[str, str] = os.environ) -> ReminderProcessor:
    """Settings: ``PEOPLE_TABLE`` and ``EXPO_URL``. Raises ``ConfigurationError``."""
    table = _table(environment)
    return ReminderProcessor(ReminderRepository(table), DeviceRepository(table), _expo(environment))


def receipt_checker(environment: Mapping[str, str] = os.environ) -> ReceiptChecker:
    """With the same settings."""
    table = _table(environment)
    return ReceiptChecker(ReminderRepository(table), DeviceRepository(table), _expo(environment))


def _table(environment: Mapping[str, str]) -> Table:
    return Table(aws.dynamodb_client(), _setting(environment, "PEOPLE_TABLE"))


def _expo(environment: Mapping[str, str]) -> Expo:
    url = _setting(environment, "EXPO_URL")
    if not url.startswith(("https://", "http://")):
        raise ConfigurationError("EXPO_URL is not an http(s) URL")
    return Expo(url)


def _setting(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise ConfigurationError(f"{name} is not set")
    return environment[name]
