"""How valuable it is to pollenate an asset, which costs five calls, of a few a day.

The score is the weight of the asset's volume times its staleness.

- The weight is ``1 + log10(1 + volume)``: ten times the volume adds one. Heavily traded assets come first, but do not
  crowd out all others for ever; an asset that is not traded still weighs one.
- The staleness is the days since it was last pollenated, at most ``MOST_DAYS``: a company reports once a quarter, so
  older data is no more outdated. An asset that was never pollenated has the maximum.
- Within a day it is not pollenated again: the score is 0.
- An asset without data, like most funds, scores a tenth, and 0 before ``NO_DATA_DAYS``.
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
    """Monotonic in volume and staleness; 0 for assets not to be pollenated."""
    days = _staleness(asset, now)
    if days < (NO_DATA_DAYS if asset.no_data else FRESH / _DAY):
        return 0.0
    return _weight(asset.volume) * days * (NO_DATA_PART if asset.no_data else 1.0)


def text_of(value: float) -> str:
    """As in events."""
    return f"{value:.2f}"


def _weight(volume: int) -> float:
    return 1.0 + log10(1 + max(volume, 0))


def _staleness(asset: Asset, now: datetime) -> float:
    if asset.last_pollenated is None:
        return MOST_DAYS
    return min((now - asset.last_pollenated) / _DAY, MOST_DAYS)
