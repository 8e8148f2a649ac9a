"""``mark-earnings-processed``: an event on the bus says that the figures of a company's report are stored."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ingest.markets.marking import earnings_marking
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.logs import logger
from watchkeeper.markets.events import EarningsProcessed
from watchkeeper.messages import WorkRefused


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 -- Lambda's signature
    told = _told(event)
    marked = earnings_marking().mark(told)
    fiscal_date_ending = told.fiscal_date_ending.isoformat()
    logger.info("earnings processed", symbol=told.symbol, fiscal_date_ending=fiscal_date_ending, marked=marked)
    return {"marked": marked}


def _told(event: Mapping[str, Any]) -> EarningsProcessed:
    """Raises ``WorkRefused`` for anything but that event."""
    detail = event.get("detail")
    try:
        return EarningsProcessed.model_validate(detail.get("data") if isinstance(detail, Mapping) else None)
    except ValidationError as error:
        raise WorkRefused("this is no event earningsProcessed") from error
