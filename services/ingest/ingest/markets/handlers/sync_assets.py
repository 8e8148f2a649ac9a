"""``sync-assets``: once a day, the list of everything that is traded.

With ``believe`` in the event, an operator has a list accepted that is much shorter than the last.
"""

from collections.abc import Mapping
from typing import Any

from ingest.markets.container import asset_sync
from ingest.markets.handlers.scheduled import read_scheduled
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.markets.names import ALPACA

SOURCE = "assets"


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    believe = event.get("believe") is True
    return read_scheduled(ALPACA, SOURCE, context, lambda reading: asset_sync().read(reading, believe=believe))
