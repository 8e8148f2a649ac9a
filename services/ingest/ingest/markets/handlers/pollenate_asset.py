"""``pollenate-asset``: a message asks for the fundamentals of one asset.

Work for which no calls are left, or that arrives in the maintenance window, is put back into the queue unchanged, and
returns every quarter of an hour: no request is sent meanwhile, and it does not count as a failure.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

from pydantic import AwareDatetime, BaseModel, ValidationError

from ingest.errors import BudgetSpent, DayOver, KeyRefused, TooFast, UpstreamError, UpstreamResting
from ingest.markets.container import asset_pollenation, common, pollenation_queue
from ingest.markets.keys import KeysMissing
from ingest.markets.use_cases.pollenate_asset import STEP_SECONDS, Request, Worker
from ingest.work import MAX_ATTEMPTS, caller, count_failure, measure, try_later
from watchkeeper import correlation, messages, metrics
from watchkeeper.clock import utc_now
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.errors import ItemNotFound, LeaseTaken, Unavailable
from watchkeeper.logs import logger
from watchkeeper.markets.events import PollenationNeeded
from watchkeeper.markets.names import ALPHAVANTAGE
from watchkeeper.markets.symbols import is_symbol
from watchkeeper.messages import Form, Forms, Work, WorkRefused
from watchkeeper.queues import MAX_DELAY_SECONDS

BUSY_SECONDS = 60
"""The delay before a message is retried whose asset another worker is processing."""


FORMS: Forms = {None: Form()}


class Message(BaseModel):
    """The event as the bus's rule puts it into the queue, and how often it was attempted."""

    occurred_at: AwareDatetime
    correlation_id: str = ""
    type: str
    data: PollenationNeeded
    attempt: int = 0


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    return messages.each_message(
        event, context, lambda body: _do(body, context), ready=_ready, margin_seconds=STEP_SECONDS
    )


def _ready() -> None:
    common()
    pollenation_queue()


def _do(body: str, context: LambdaContext) -> None:
    work = messages.checked(messages.work_of(body), FORMS)
    message = _message(work)
    with correlation.following(correlation.accepted(message.correlation_id) or correlation.current()):
        _attempt(work, message, context)


def _message(work: Work) -> Message:
    try:
        message = Message.model_validate(work)
    except ValidationError as error:
        wrong = ", ".join(sorted({".".join(map(str, one["loc"])) or "it" for one in error.errors()}))
        raise WorkRefused(f"work is the event pollenationNeeded, and here is wrong: {wrong}") from error
    if message.type != PollenationNeeded.type:
        raise WorkRefused(f"work is the event pollenationNeeded, and this is {messages.told(message.type)}")
    if not is_symbol(message.data.symbol):
        raise WorkRefused(f"symbol is {messages.told(message.data.symbol)}, which is none")
    return message


def _attempt(work: Work, message: Message, context: LambdaContext) -> None:
    """Do the work, or put it back to be done later."""
    symbol = message.data.symbol
    if common().maintenance.is_on(utc_now()):
        logger.info("work waits for the end of the maintenance window", symbol=symbol)
        pollenation_queue().send(work, delay=MAX_DELAY_SECONDS)
        return
    try:
        finished = _pollenate(message, context)
    except ItemNotFound as error:
        raise WorkRefused(str(error)) from error
    except (LeaseTaken, KeysMissing, UpstreamError, Unavailable) as error:
        _put_off(work, error, context)
    else:
        logger.info("asset pollenated" if finished else "pollenation handed on", symbol=symbol)
        if not finished:
            pollenation_queue().send(work)


def _pollenate(message: Message, context: LambdaContext) -> bool:
    current = caller(context)
    made_at = message.occurred_at.replace(microsecond=0)  # like the stored times it is compared with
    last_try = message.attempt >= MAX_ATTEMPTS - 1
    request = Request(message.data.symbol, made_at, correlation.current(), last_try)
    return asset_pollenation().pollenate(request, Worker(current.id, current.seconds_left))


def _put_off(work: Work, error: LeaseTaken | KeysMissing | UpstreamError | Unavailable, context: LambdaContext) -> None:
    """Raises the error if the attempts are used up; exceeding a rate limit is not the work's fault."""
    _count(error, context)
    if (delay := _wait(error)) is not None:
        logger.warning("work stays in the queue", work=work, reason=str(error))
        pollenation_queue().send(work, delay=ceil(delay))
    elif isinstance(error, UpstreamError | Unavailable) and not try_later(work, pollenation_queue(), error):
        if not isinstance(error, TooFast):
            raise error
        pollenation_queue().send(work, delay=MAX_DELAY_SECONDS)


def _wait(error: Exception) -> float | None:
    """How long not to send requests, in seconds; ``None`` for a failure."""
    match error:
        case LeaseTaken():
            return BUSY_SECONDS
        case BudgetSpent() | DayOver():
            return max(1.0, (error.retry_at - utc_now()).total_seconds())
        case KeyRefused() | KeysMissing() | UpstreamResting():
            return MAX_DELAY_SECONDS
    return None


def _count(error: Exception, context: LambdaContext) -> None:
    match error:
        case LeaseTaken():
            measure(metrics.LEASE_TAKEN, 1, context)
        case BudgetSpent() | DayOver():
            metrics.measure(metrics.ALPHAVANTAGE_THROTTLED, 1)
        case KeyRefused() | KeysMissing():
            metrics.measure(metrics.UPSTREAM_REFUSED, 1, upstream=ALPHAVANTAGE)
        case UpstreamError() | Unavailable():
            count_failure(error, context)
