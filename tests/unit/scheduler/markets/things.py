"""Assets, reports and a bus, as the tests of the markets watch have them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from watchkeeper.events import DeliveryFailed, DomainEvent
from watchkeeper.markets.models import ACTIVE, Asset, Earnings

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
"""A Friday."""
TODAY = NOW.date()


def asset(symbol: str = "AAPL", volume: int = 1000, days: float | None = None, **fields: Any) -> Asset:
    """Last asked about so many days ago, or never."""
    last = None if days is None else NOW - timedelta(days=days)
    given = {"status": ACTIVE, "exchange": "NYSE", "last_pollenated": last, **fields}
    return Asset(symbol, f"id-{symbol}", symbol, asset_class="us_equity", tradable=True, volume=volume, **given)


def report(symbol: str = "AAPL", days: int = 1, **fields: Any) -> Earnings:
    """Due so many days ago."""
    return Earnings(symbol, TODAY - timedelta(days=days), date(2026, 9, 30), **fields)


@dataclass
class FakeBus:
    """Takes so many events, and no more."""

    takes: float = float("inf")
    told: list[DomainEvent] = field(default_factory=list)
    requests: int = 0

    def publish(self, events: Sequence[DomainEvent]) -> None:
        self.requests += 1
        taken = int(min(len(events), self.takes))
        self.told += events[:taken]
        self.takes -= taken
        if taken < len(events):
            raise DeliveryFailed(events[taken:], "ServiceUnavailable")

    @property
    def symbols(self) -> list[str]:
        return [event.data["symbol"] for event in self.told]

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.told]
