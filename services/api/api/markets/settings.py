"""Settings of the markets function, from its environment."""

from dataclasses import dataclass

from api.web.settings import Settings
from watchkeeper.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class MarketsSettings(Settings):
    assets_table: str
    earnings_calendar_table: str
    news_sentiment_table: str
    foundational_data_table: str
    progress_table: str
    event_bus: str
    alphavantage_per_day: str
    cursor_secret_arn: str

    @property
    def calls_per_day(self) -> int:
        """The number AlphaVantage allows. Raises ``ConfigurationError``."""
        if not (self.alphavantage_per_day.isascii() and self.alphavantage_per_day.isdigit()):
            raise ConfigurationError("ALPHAVANTAGE_PER_DAY is no whole number")
        return int(self.alphavantage_per_day)
