"""``sync-news-sentiment``: every hour, news and their sentiment for tracked assets."""

from collections.abc import Mapping
from typing import Any

from ingest.markets.container import news_sync
from ingest.markets.handlers.scheduled import read_scheduled
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.markets.names import ALPHAVANTAGE

SOURCE = "news"


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 -- Lambda's signature
    return read_scheduled(ALPHAVANTAGE, SOURCE, context, lambda reading: news_sync().read(reading))
