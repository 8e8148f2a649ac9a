"""What the queue-driven functions share: one message is one piece of work, and how its failures are handled."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ingest.errors import UnknownSource, UpstreamBlocked, UpstreamError
from ingest.kernel.container import container
from ingest.kernel.handlers.forms import Forms, Work, work_of
from ingest.reading import MARGIN_SECONDS, MODES, RECENT
from ingest.work import LEASE_WAIT_SECONDS, count_failure, measure, try_later
from watchkeeper import messages, metrics
from watchkeeper.entry import LambdaContext
from watchkeeper.errors import LeaseTaken, Unavailable
from watchkeeper.logs import logger
from watchkeeper.queues import WorkQueue


def hand_out(
    event: Mapping[str, Any], context: LambdaContext, queue: WorkQueue, works: Sequence[Work]
) -> dict[str, Any]:
    """Send one message for each piece of work, in the mode of the event. Raises ``ValueError`` for an unknown mode."""
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
    """Do the work of every message, as described in ``watchkeeper.messages``."""
    return messages.each_message(
        event, context, lambda body: do(work_of(body, forms)), ready=container, margin_seconds=MARGIN_SECONDS
    )


def attempt(
    work: Work, queue: WorkQueue, context: LambdaContext, read: Callable[[], bool], *, scheduled: bool = True
) -> None:
    """Read a part of a source, and queue what is left of it.

    A busy or broken upstream is retried later, with back-off; one that blocks us, or does not know the source, is left
    alone. Then the next ``scheduled`` run continues from the same cursor; work that no schedule repeats fails instead,
    so that it is dead-lettered. The source's state says what went wrong.
    """
    try:
        finished = read()
    except LeaseTaken:
        measure(metrics.LEASE_TAKEN, 1, context)
        logger.info("upstream is being read by another worker", work=work)
        queue.send(work, delay=LEASE_WAIT_SECONDS)
    except (UpstreamBlocked, UnknownSource) as error:
        count_failure(error, context)
        logger.error("upstream gave no data", work=work, reason=str(error))
        if not scheduled:
            raise
    except (UpstreamError, Unavailable) as error:
        count_failure(error, context)
        if not try_later(work, queue, error) and not scheduled:
            raise
    else:
        logger.info("work done" if finished else "work handed on", work=work)
        if not finished:  # the unfinished run knows its mode; once it is finished, the rest is a recent one
            queue.send({**work, "attempt": 0, "mode": RECENT})
