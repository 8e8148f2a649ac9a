"""What scheduled functions have in common: each reads a source, except in the maintenance window."""

from collections.abc import Callable
from typing import Any, TypeVar

from ingest.errors import BudgetSpent, DayOver, Implausible, KeyRefused, PlanLacksFunction, UpstreamError
from ingest.markets.container import common
from ingest.markets.keys import KeysMissing
from ingest.reading import Reading
from ingest.work import count_failure, measure, read_source
from watchkeeper import metrics
from watchkeeper.clock import utc_now
from watchkeeper.entry import LambdaContext
from watchkeeper.errors import LeaseTaken
from watchkeeper.logs import logger

T = TypeVar("T")


def read_scheduled(
    upstream: str, name: str, context: LambdaContext, read: Callable[[Reading], object]
) -> dict[str, Any]:
    """Read a source, and return the outcome. What another call is already reading, or there is no budget for, is left
    to the next run, as is the rest if ``read`` returns ``False``; other errors fail the function, so that it is
    retried.

    Raises ``MaintenanceWindow``, also for operators who have not opened it, and for events sent again.
    """
    common().maintenance.refuse(utc_now())
    source = f"{upstream}:{name}"
    try:
        finished = read_source(upstream, name, common().progress, context, read, lease=source)
    except LeaseTaken:
        measure(metrics.LEASE_TAKEN, 1, context)
        return {"source": source, "outcome": "taken"}
    except (BudgetSpent, DayOver) as error:
        metrics.measure(metrics.ALPHAVANTAGE_THROTTLED, 1)
        logger.warning("a reading is left to the next run", source=source, reason=str(error))
        return {"source": source, "outcome": "left"}
    except KeysMissing:
        metrics.measure(metrics.UPSTREAM_REFUSED, 1, upstream=upstream)
        raise
    except UpstreamError as error:
        count_failure(error, context)
        _alarm(error, upstream, source)
        raise
    return {"source": source, "outcome": "left" if finished is False else "read"}


def _alarm(error: UpstreamError, upstream: str, source: str) -> None:
    """Report what no retry can fix."""
    if isinstance(error, KeyRefused | PlanLacksFunction):
        metrics.measure(metrics.UPSTREAM_REFUSED, 1, upstream=upstream)
    if isinstance(error, Implausible):
        metrics.measure(metrics.ANSWERS_IMPLAUSIBLE, 1, source=source)
