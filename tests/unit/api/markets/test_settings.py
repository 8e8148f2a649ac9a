import pytest

from api.markets.settings import MarketsSettings
from watchkeeper.errors import ConfigurationError


def settings(per_day: str) -> MarketsSettings:
    names = MarketsSettings.__dataclass_fields__
    environment = {name.upper(): "people" for name in names} | {"ALPHAVANTAGE_PER_DAY": per_day}
    return MarketsSettings.from_environment(environment)


def test_the_calls_of_a_day_are_a_number() -> None:
    assert settings("25").calls_per_day == 25


@pytest.mark.parametrize("text", ["many", "-1", "2.5", "٣"])
def test_anything_else_is_a_mistake_of_the_deployment(text: str) -> None:
    with pytest.raises(ConfigurationError, match="ALPHAVANTAGE_PER_DAY"):
        _ = settings(text).calls_per_day
