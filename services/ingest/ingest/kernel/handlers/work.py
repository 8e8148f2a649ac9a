"""What the queue-driven functions have in common: one message, one piece of work, and what its failure means."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

from ingest.errors import UnknownSource, UpstreamBlocked, UpstreamError
from ingest.kernel.container import container
from ingest.kernel.handlers.forms import Forms, Work, work_of
from ingest.kernel.reading import MARGIN_SECONDS, MODES, RECENT, Caller, Reading, reading
from watchkeeper import messages, metrics
from watchkeeper.clock import utc_now
from watchkeeper.entry import LambdaContext
from watchkeeper.errors import LeaseTaken, Throttled, Unavailable
from watchkeeper.kernel.repositories.progress import ProgressRepository, Run, Source
from watchkeeper.logs import logger
from watchkeeper.metrics import Metric
from watchkeeper.queues import WorkQueue

LEASE_WAIT_SECONDS = 5
FIRST_RETRY_SECONDS = 60
MAX_ATTEMPTS = 6
"""After these the next schedule tries again, from the same cursor."""


def caller(context: LambdaContext) -> Caller:
    return Caller(context.aws_request_id, lambda: context.get_remaining_time_in_millis() / 1000)


def measure(metric: Metric, value: float, context: LambdaContext) -> None:
    """Measure what the function itself did."""
    metrics.measure(metric, value, function=context.function_name)


def hand_out(
    event: Mapping[str, Any], context: LambdaContext, queue: WorkQueue, works: Sequence[Work]
) -> dict[str, Any]:
    """Send one message for each piece of work, in the mode the event asks for. Raises ``ValueError`` for no mode."""
    mode = event.get("mode", RECENT)
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; it can be {', '.join(MODES)}")
    for work in works:
        queue.send({**work, "mode": mode})
    measure(metrics.WORK_HANDED_OUT, len(works), context)
    return {"mode": mode, "handed_out": list(works)}


def each_message(
    event: Mapping[str, Any], context: LambdaContext, forms: Forms, do: Callable[[Work], None]
) -> dict[str, Any]:
    """Do the work of every message, as ``watchkeeper.messages`` has it."""
    return messages.each_message(
        event, context, lambda body: do(work_of(body, forms)), ready=container, margin_seconds=MARGIN_SECONDS
    )


def attempt(
    work: Work, queue: WorkQueue, context: LambdaContext, read: Callable[[], bool], *, scheduled: bool = True
) -> None:
    """Do a piece of reading, and hand on what is left of it.

    A busy or broken upstream gets the work again later, in growing steps; one that blocks us, or does not know the
    source, is left alone. The next ``scheduled`` run goes on from the same cursor then; work that no schedule repeats
    fails instead, so that it ends up with the dead letters. The source's state says what was the matter.
    """
    try:
        finished = read()
    except LeaseTaken:
        measure(metrics.LEASE_TAKEN, 1, context)
        logger.info("upstream is being read by another worker", work=work)
        queue.send(work, delay=LEASE_WAIT_SECONDS)
    except (UpstreamBlocked, UnknownSource) as error:
        _count_failure(error, context)
        logger.error("upstream gave no data", work=work, reason=str(error))
        if not scheduled:
            raise
    except (UpstreamError, Unavailable) as error:
        _count_failure(error, context)
        if not _try_later(work, queue, error) and not scheduled:
            raise
    else:
        logger.info("work done" if finished else "work handed on", work=work)
        if not finished:  # the unfinished run knows its mode; once it is finished, the rest is a recent one
            queue.send({**work, "attempt": 0, "mode": RECENT})


def read_source(
    kind: str, name: str, progress: ProgressRepository, context: LambdaContext, read: Callable[[Reading], bool]
) -> bool:
    """Read the source ``<kind>:<name>`` as the only one who reads that kind of upstream, and count its rows."""
    with reading(f"{kind}:{name}", kind, progress, caller(context), utc_now) as current:
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


def _try_later(work: Work, queue: WorkQueue, error: UpstreamError | Unavailable) -> bool:
    """``False`` when it was tried often enough."""
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


def _count_failure(error: UpstreamError | Unavailable, context: LambdaContext) -> None:
    metrics.measure(metrics.READINGS_FAILED, 1, function=context.function_name, outcome=_outcome(error))


def _outcome(error: UpstreamError | Unavailable) -> str:
    match error:
        case UpstreamError():
            return error.outcome
        case Throttled():
            return "throttled"
    return "no_answer"
