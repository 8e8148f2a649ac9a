"""``sync-earnings-calendar``: once a day, the dates on which companies report."""

from collections.abc import Mapping
from typing import Any

from ingest.markets.container import earnings_calendar_sync
from ingest.markets.handlers.scheduled import read_scheduled
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.markets.names import ALPHAVANTAGE

SOURCE = "earnings-calendar"


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 -- Lambda's signature
    return read_scheduled(ALPHAVANTAGE, SOURCE, context, lambda reading: earnings_calendar_sync().read(reading))
