"""What the queue-driven functions have in common: one message, one piece of work, and what its failure means."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Protocol

import orjson
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from ingest.errors import UnknownSource, UpstreamBlocked, UpstreamError
from ingest.kernel.reading import MODES, RECENT, Caller, Reading, reading
from ingest.queues import WorkQueue
from watchkeeper.clock import utc_now
from watchkeeper.errors import LeaseTaken, Throttled
from watchkeeper.kernel.repositories.progress import ProgressRepository, Run, Source

logger = Logger()
metrics = Metrics()

LEASE_WAIT_SECONDS = 5
FIRST_RETRY_SECONDS = 60
MAX_ATTEMPTS = 6
"""After these the next schedule tries again, from the same cursor."""

Work = dict[str, Any]


class LambdaContext(Protocol):
    """The part of Lambda's context that is used."""

    @property
    def aws_request_id(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


def caller(context: LambdaContext) -> Caller:
    return Caller(context.aws_request_id, lambda: context.get_remaining_time_in_millis() / 1000)


def hand_out(event: Mapping[str, Any], queue: WorkQueue, works: Sequence[Work]) -> dict[str, Any]:
    """Send one message for each piece of work, in the mode the event asks for. Raises ``ValueError`` for no mode."""
    mode = event.get("mode", RECENT)
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; it can be {', '.join(MODES)}")
    for work in works:
        queue.send({**work, "mode": mode})
    metrics.add_metric(name="WorkHandedOut", unit=MetricUnit.Count, value=len(works))
    return {"mode": mode, "handed_out": list(works)}


def each_message(event: Mapping[str, Any], context: Any, do: Callable[[Work], None]) -> dict[str, Any]:
    """Do the work of every message; the answer names those that failed, and only they come again."""

    def record_handler(record: SQSRecord) -> None:
        logger.append_keys(message_id=record.message_id)
        try:
            do(orjson.loads(record.body))
        except Exception:
            logger.exception("work failed; it comes again")
            raise

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(
        event=dict(event), record_handler=record_handler, processor=processor, context=context
    )
    return dict(answer)


def attempt(work: Work, queue: WorkQueue, read: Callable[[], bool], *, scheduled: bool = True) -> None:
    """Do a piece of reading, and hand on what is left of it.

    A busy or broken upstream gets the work again later, in growing steps; one that blocks us, or does not know the
    source, is left alone. The next ``scheduled`` run goes on from the same cursor then; work that no schedule repeats
    fails instead, so that it ends up with the dead letters. The source's state says what was the matter.
    """
    try:
        finished = read()
    except LeaseTaken:
        metrics.add_metric(name="LeaseTaken", unit=MetricUnit.Count, value=1)
        logger.info("upstream is being read by another worker", work=work)
        queue.send(work, delay=LEASE_WAIT_SECONDS)
    except (UpstreamBlocked, UnknownSource) as error:
        _count_failure(error)
        logger.error("upstream gave no data", work=work, reason=str(error))
        if not scheduled:
            raise
    except (UpstreamError, Throttled) as error:
        _count_failure(error)
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
    for name in ("fetched", "stored", "unchanged", "refused"):
        rows = getattr(now, name) - getattr(start, name)
        metrics.add_metric(name=f"Rows{name.capitalize()}", unit=MetricUnit.Count, value=rows)


def _try_later(work: Work, queue: WorkQueue, error: UpstreamError | Throttled) -> bool:
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


def _count_failure(error: UpstreamError | Throttled) -> None:
    metrics.add_metric(name=type(error).__name__, unit=MetricUnit.Count, value=1)
