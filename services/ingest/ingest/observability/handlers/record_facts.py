"""``record-facts``: each message is a fact that a service published; what follows from it is recorded."""

from collections.abc import Mapping
from typing import Any

from ingest.observability.containers.record_facts import recording
from ingest.observability.dead_lettering import RECORDING, tell_of_letter, unreadable
from ingest.observability.fact_messages import envelope, fact_of
from watchkeeper import correlation, messages
from watchkeeper.clock import utc_now
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.messages import WorkRefused
from watchkeeper.metrics import VALUES_REFUSED, measure
from watchkeeper.observability.errors import FailedEvent

MARGIN_SECONDS = 30
"""The most a fact takes, unless its aggregates are highly contended or the store hardly responds: then it is retried,
and continues where it was."""


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    return messages.each_message(
        event,
        context,
        lambda body: _do(body, context),
        ready=recording,
        margin_seconds=MARGIN_SECONDS,
        kept=_tell_of_letter,
    )


def _do(body: str, context: LambdaContext) -> None:
    event = envelope(body)
    with correlation.following(event.correlation_id):
        left_out = recording().facts.record(event, fact_of(event))
    measure(VALUES_REFUSED, left_out, function=context.function_name)


def _tell_of_letter(record: Mapping[str, Any], error: Exception) -> None:
    failed, cause = _failed(record)
    tell_of_letter(failed, error, RECORDING, lambda: recording().errors, at=utc_now(), correlation_id=cause)


def _failed(record: Mapping[str, Any]) -> tuple[FailedEvent, str]:
    """The fact and its correlation id; of a message that is not a fact, only the message itself is known."""
    try:
        event = envelope(record["body"])
    except WorkRefused:
        return unreadable(record), correlation.current()
    return FailedEvent.of(event), event.correlation_id
