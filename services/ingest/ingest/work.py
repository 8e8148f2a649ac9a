"""What readings have in common, in every watch: leases, metrics, and what happens to one that failed."""

from collections.abc import Callable
from math import isfinite
from typing import TypeVar

from ingest.errors import UpstreamError
from ingest.reading import Caller, Reading, reading
from watchkeeper import metrics
from watchkeeper.clock import utc_now
from watchkeeper.entry import LambdaContext
from watchkeeper.errors import Throttled, Unavailable
from watchkeeper.logs import logger
from watchkeeper.messages import Work
from watchkeeper.metrics import Metric
from watchkeeper.progress import ProgressRepository, Run, Source
from watchkeeper.queues import WorkQueue

LEASE_WAIT_SECONDS = 5
FIRST_RETRY_SECONDS = 60
MAX_ATTEMPTS = 6
"""How often work is attempted while an upstream or table fails; then a schedule retries it, or it is dead-lettered."""

T = TypeVar("T")


def caller(context: LambdaContext) -> Caller:
    return Caller(context.aws_request_id, lambda: context.get_remaining_time_in_millis() / 1000)


def measure(metric: Metric, value: float, context: LambdaContext) -> None:
    """Record metrics of what the function itself did."""
    metrics.measure(metric, value, function=context.function_name)


def read_source(
    kind: str,
    name: str,
    progress: ProgressRepository,
    context: LambdaContext,
    read: Callable[[Reading], T],
    *,
    lease: str | None = None,
) -> T:
    """Read the source ``<kind>:<name>``, and count its rows.

    Nobody else reads that kind of upstream meanwhile; with a ``lease``, nobody else who needs the same lease.
    """
    with reading(f"{kind}:{name}", lease or kind, progress, caller(context), utc_now) as current:
        before = current.source.run
        try:
            return read(current)
        finally:
            _count_rows(current.source, before)


def _count_rows(source: Source, before: Run | None) -> None:
    """Metrics of what this call did to a source; ``before`` is its run as the call found it."""
    now = source.run
    if now is None:
        return
    start = before if before and before.id == now.id else Run(now.id, now.mode, now.started_at)
    for metric, after, begun in (
        (metrics.ROWS_FETCHED, now.fetched, start.fetched),
        (metrics.ROWS_STORED, now.stored, start.stored),
        (metrics.ROWS_UNCHANGED, now.unchanged, start.unchanged),
        (metrics.ROWS_REFUSED, now.refused, start.refused),
    ):
        metrics.measure(metric, after - begun, source=source.name)


def try_later(work: Work, queue: WorkQueue, error: UpstreamError | Unavailable) -> bool:
    """Send the work again, with back-off; ``False`` when the attempts are used up."""
    made = int(work.get("attempt", 0)) + 1
    logger.warning("upstream or table failed", work=work, reason=str(error), attempts=made)
    if made >= MAX_ATTEMPTS:
        return False
    delay = FIRST_RETRY_SECONDS * 2 ** (made - 1)
    asked = getattr(error, "retry_after", None)
    if asked and isfinite(asked):
        delay = max(delay, int(asked) + 1)
    queue.send({**work, "attempt": made}, delay=delay)
    return True


def count_failure(error: UpstreamError | Unavailable, context: LambdaContext) -> None:
    metrics.measure(metrics.READINGS_FAILED, 1, function=context.function_name, outcome=_outcome(error))


def _outcome(error: UpstreamError | Unavailable) -> str:
    match error:
        case UpstreamError():
            return error.outcome
        case Throttled():
            return "throttled"
    return "no_answer"
