"""``publish-events``: what is appended to the event store is put on the bus, each aggregate's events in their order.

Events come by the store's stream. One that never can be told is set aside, and comes by the queue ``publication`` once
an operator sends it again. Of a stream's batch the answer names the first record that is to come again, as
``ingest.changes`` has it.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ingest.changes import answer
from ingest.observability.container import Publication, publication
from ingest.observability.setting_aside import PUBLISHING, tell_of_letter
from ingest.observability.stream import Appended, appended
from ingest.observability.use_cases.publish_events import publish_again, publish_events
from watchkeeper import correlation, messages
from watchkeeper.clock import utc_now
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.errors import ItemNotFound
from watchkeeper.events import DeliveryFailed
from watchkeeper.eventsourcing.event import Event
from watchkeeper.messages import Form, Forms, WorkRefused
from watchkeeper.metrics import EVENTS_PUBLISHED, PUBLICATION_LAG, measure
from watchkeeper.observability.errors import FailedEvent

FORMS: Forms = {None: Form({"aggregate_id": str, "sequence": int})}

MARGIN_SECONDS = 35
"""What a last request to a bus, and a letter after it, may take: with less time left none is begun, and what was not
told by then comes again."""


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
    parts, some = _begun(context), appended(event["Records"])
    outcome = publish_events(some, parts.publisher, partial(_set_aside, parts, context))
    measure(EVENTS_PUBLISHED, outcome.events, function=context.function_name)
    _measure_lag(some, context)
    return answer(event, context, outcome.failed)


def _set_aside(parts: Publication, context: LambdaContext, one: Appended, error: Exception) -> None:
    parts.setting_aside.put(one, error, context)


def _measure_lag(some: Iterable[Appended], context: LambdaContext) -> None:
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
    """Of an event that was sent again, and failed again."""
    failed, cause = _failed(record, error), correlation.current()
    tell_of_letter(failed, error, PUBLISHING, lambda: publication().errors, at=utc_now(), correlation_id=cause)


def _failed(record: Mapping[str, Any], error: Exception) -> FailedEvent:
    """The event itself, or where the message says it is."""
    if isinstance(error, DeliveryFailed):
        return FailedEvent.of(error.failed[0])
    try:
        work = messages.checked(messages.work_of(record["body"]), FORMS)
    except WorkRefused:
        return FailedEvent(record["messageId"], "unknown")
    return FailedEvent(record["messageId"], "unknown", work["aggregate_id"], work["sequence"])
