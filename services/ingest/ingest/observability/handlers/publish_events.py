"""``publish-events``: publishes what is appended to the event store, in order for each aggregate.

Events arrive from the store's stream. One that can never be published is dead-lettered, and arrives from the queue
``publication`` when an operator redrives it. For a batch of the stream the response names the first record to retry,
as in ``ingest.changes``.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ingest.changes import answer
from ingest.observability.containers.publish_events import Publication, publication
from ingest.observability.dead_lettering import PUBLISHING, tell_of_letter, unreadable
from ingest.observability.stream import StreamedEvent, streamed_events
from ingest.observability.use_cases.publish_events import publish_again, publish_events
from watchkeeper import correlation, messages
from watchkeeper.clock import from_iso, utc_now
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.errors import ItemNotFound
from watchkeeper.events import DeliveryFailed
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.store import MALFORMED
from watchkeeper.messages import Form, Forms, WorkRefused
from watchkeeper.metrics import EVENTS_PUBLISHED, PUBLICATION_LAG, measure
from watchkeeper.observability.errors import FailedEvent

FORMS: Forms = {
    None: Form({"aggregate_id": str, "sequence": int}, {"id": str, "type": str, "occurred_at": str}),
}

MARGIN_SECONDS = 35
"""Enough for a last request to a bus and a dead letter after it: with less time left no request is started, and what
is not published by then is retried."""


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    if any("dynamodb" in record for record in event["Records"]):
        return _of_stream(event, context)
    return messages.each_message(
        event,
        context,
        lambda body: _do(body, context),
        ready=publication,
        margin_seconds=MARGIN_SECONDS,
        kept=_tell_of_letter,
    )


def _of_stream(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    parts, some = _begun(context), streamed_events(event["Records"])
    outcome = publish_events(some, parts.publisher, partial(_set_aside, parts, context))
    measure(EVENTS_PUBLISHED, outcome.published, function=context.function_name)
    _measure_lag(some, context)
    return answer(event, context, outcome.failed)


def _set_aside(parts: Publication, context: LambdaContext, one: StreamedEvent, error: Exception) -> None:
    parts.dead_lettering.put(one, error, context)


def _measure_lag(some: Iterable[StreamedEvent], context: LambdaContext) -> None:
    oldest = min((one.content.occurred_at for one in some if isinstance(one.content, Event)), default=None)
    if oldest:
        lag = max(0.0, (utc_now() - oldest).total_seconds())
        measure(PUBLICATION_LAG, lag, function=context.function_name)


def _begun(context: LambdaContext) -> Publication:
    parts = publication()
    parts.deadline.start(context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS)
    return parts


def _do(body: str, context: LambdaContext) -> None:
    parts, work = _begun(context), messages.checked(messages.work_of(body), FORMS)
    try:
        publish_again(work["aggregate_id"], work["sequence"], parts.store, parts.publisher)
    except ItemNotFound as error:
        raise WorkRefused(str(error)) from error


def _tell_of_letter(record: Mapping[str, Any], error: Exception) -> None:
    """Publish the error of a redriven event that failed again."""
    failed, cause = _failed(record, error), correlation.current()
    tell_of_letter(failed, error, PUBLISHING, lambda: publication().errors, at=utc_now(), correlation_id=cause)


def _failed(record: Mapping[str, Any], error: Exception) -> FailedEvent:
    """The event itself, or what the message says about it."""
    if isinstance(error, DeliveryFailed):
        return FailedEvent.of(error.failed[0])
    try:
        work = messages.checked(messages.work_of(record["body"]), FORMS)
    except WorkRefused:
        return unreadable(record)
    aggregate_id, sequence = work["aggregate_id"], work["sequence"]
    try:
        return FailedEvent(work["id"], work["type"], from_iso(work["occurred_at"]), aggregate_id, sequence)
    except MALFORMED:
        return unreadable(record, aggregate_id, sequence)
