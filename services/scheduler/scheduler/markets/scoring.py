"""How much it is worth to ask for the fundamentals of an asset: five calls, of a few a day.

The score is the weight of the asset's volume times its staleness.

- The weight is ``1 + log10(1 + volume)``: ten times the volume adds one. What everybody trades comes first, but
  does not keep all else from ever being asked about; an asset nobody trades still weighs one.
- The staleness is the days since it was last asked about, at most ``MOST_DAYS``: a company reports once a quarter, and
  what is older is no more wrong than that. One that was never asked about is as stale as that.
- Within a day it is not asked about again: the score is nothing.
- One there was nothing about, as for most funds, counts a tenth, and nothing before ``NO_DATA_DAYS``.
"""

from datetime import datetime, timedelta
from math import log10

from watchkeeper.markets.models import Asset

FRESH = timedelta(days=1)
MOST_DAYS = 90.0
NO_DATA_DAYS = 30.0
NO_DATA_PART = 0.1

_DAY = timedelta(days=1)


def score(asset: Asset, now: datetime) -> float:
    """Never less for more volume, nor for more staleness; 0 for what is not to be asked about."""
    days = _staleness(asset, now)
    if days < (NO_DATA_DAYS if asset.no_data else FRESH / _DAY):
        return 0.0
    return _weight(asset.volume) * days * (NO_DATA_PART if asset.no_data else 1.0)


def text_of(value: float) -> str:
    """As events carry it."""
    return f"{value:.2f}"


def _weight(volume: int) -> float:
    return 1.0 + log10(1 + max(volume, 0))


def _staleness(asset: Asset, now: datetime) -> float:
    if asset.last_pollenated is None:
        return MOST_DAYS
    return min((now - asset.last_pollenated) / _DAY, MOST_DAYS)
