"""What the triggers are told by their environment."""

import pytest

from scheduler.markets.settings import trigger_settings
from watchkeeper.errors import ConfigurationError
from watchkeeper.markets.budget import Limits

ENVIRONMENT = {
    "PROGRESS_TABLE": "progress",
    "ASSETS_TABLE": "assets",
    "EARNINGS_CALENDAR_TABLE": "calendar",
    "POLLENATION_QUEUE_URL": "https://sqs/pollenation",
    "EVENT_BUS": "bus",
    "ALPHAVANTAGE_PER_SECOND": "1.25",
    "ALPHAVANTAGE_PER_MINUTE": "75",
    "ALPHAVANTAGE_PER_DAY": "25",
    "ALPHAVANTAGE_NEWS_PER_DAY": "0",
    "MAINTENANCE_DAYS": "SUN, SAT,",
}


def test_they_are_read() -> None:
    settings = trigger_settings(ENVIRONMENT, reports=True)

    assert settings.limits == Limits(1.25, 75, 25, 0)
    assert settings.maintenance_days == ("SUN", "SAT")
    assert settings.earnings_table == "calendar"


def test_no_maintenance_is_none() -> None:
    assert trigger_settings({**ENVIRONMENT, "MAINTENANCE_DAYS": ""}).maintenance_days == ()


def test_only_who_reads_the_calendar_needs_it() -> None:
    without = {**ENVIRONMENT, "EARNINGS_CALENDAR_TABLE": ""}

    assert trigger_settings(without).earnings_table == ""
    with pytest.raises(ConfigurationError, match="EARNINGS_CALENDAR_TABLE is not set"):
        trigger_settings(without, reports=True)


@pytest.mark.parametrize("name", sorted(ENVIRONMENT.keys() - {"EARNINGS_CALENDAR_TABLE", "MAINTENANCE_DAYS"}))
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is not set"):
        trigger_settings({**ENVIRONMENT, name: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALPHAVANTAGE_PER_DAY", "many"),
        ("ALPHAVANTAGE_PER_DAY", "-1"),
        ("ALPHAVANTAGE_PER_DAY", "2.5"),
        ("ALPHAVANTAGE_PER_MINUTE", "inf"),
        ("ALPHAVANTAGE_PER_SECOND", "nan"),
        ("ALPHAVANTAGE_PER_SECOND", "0"),
    ],
)
def test_what_is_no_number_of_calls_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        trigger_settings({**ENVIRONMENT, name: value})
