"""Dead-lettering an event that a function cannot process: an error is published, the event is kept for an operator to
redrive, and later events are not held up."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from ingest.observability.stream import StreamedEvent
from watchkeeper import records, sqs
from watchkeeper.clock import Clock, from_iso, to_iso, utc_now
from watchkeeper.correlation import ATTRIBUTE
from watchkeeper.dead_letters import FAILURE, Failure, first_sent_at
from watchkeeper.entry import LambdaContext
from watchkeeper.errors import ConfigurationError
from watchkeeper.events import DeliveryFailed, EventPublisher
from watchkeeper.logs import logger
from watchkeeper.observability.errors import FailedEvent, cause_of, error_event

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class FailurePoint:
    """Where events fail."""

    function: str
    queue: str
    """The dead-letter queue to redrive from, by the name that ``dead-letters`` uses."""


PUBLISHING = FailurePoint("publish-events", "publication")
EVALUATING = FailurePoint("evaluate-alerts", "failures")
RECORDING = FailurePoint("record-facts", "facts")


class DeadLetterSink(Protocol):
    def keep(self, one: StreamedEvent, error: Exception, context: LambdaContext) -> None:
        """Keep enough to redrive the event. Raises ``DatabaseError``."""


class DeadLettering:
    """Dead-letters the events of a stream that cannot be processed."""

    def __init__(self, errors: EventPublisher, sink: DeadLetterSink, point: FailurePoint, clock: Clock) -> None:
        self._errors = errors
        self._sink = sink
        self._point = point
        self._clock = clock

    def put(self, one: StreamedEvent, error: Exception, context: LambdaContext) -> None:
        """Publish the error and keep the event. Raises ``DatabaseError`` and ``DeliveryFailed``. Idempotent: however
        often it is published, it is one error."""
        told = error_event(
            one.named,
            error,
            where=self._point.function,
            queue=self._point.queue,
            occurred_at=self._clock(),
            correlation_id=one.correlation_id,
        )
        self._errors.publish([told])
        self._sink.keep(one, error, context)
        logger.error("an event was set aside", event_id=one.named.id, event_type=one.named.type, reason=cause_of(error))


class PublicationDeadLetters:
    """Letters of the queue ``publication``, which say where the event is in the store, and what identifies it: the
    function that gets the letter may not be able to read it."""

    def __init__(self, client: "SQSClient", url: str, clock: Clock) -> None:
        self._client = client
        self._url = url
        self._clock = clock

    def keep(self, one: StreamedEvent, error: Exception, context: LambdaContext) -> None:
        body = records.dumps(one.named)
        failure = Failure(
            function=context.function_name,
            error=type(error).__name__,
            message=cause_of(error),
            at=to_iso(self._clock()),
            sent_at=to_iso(one.at),
            request_id=context.aws_request_id,
            receives=1,
        )
        sqs.send(self._client, self._url, body, {ATTRIBUTE: one.correlation_id, FAILURE: failure.to_json()})


class InvocationDeadLetters:
    """Letters of the queue of all failures, in the format that Lambda uses for failed invocations: a redrive invokes
    the function with the record that failed."""

    def __init__(self, client: "SQSClient", url: str, clock: Clock) -> None:
        self._client = client
        self._url = url
        self._clock = clock

    def keep(self, one: StreamedEvent, error: Exception, context: LambdaContext) -> None:
        record = {
            "version": "1.0",
            "timestamp": to_iso(self._clock()),
            "requestContext": {
                "requestId": context.aws_request_id,
                "functionArn": context.invoked_function_arn,
                "condition": "EventSetAside",
                "approximateInvokeCount": 1,
            },
            "requestPayload": {ATTRIBUTE: one.correlation_id, "redriven": True, "Records": [one.record]},
            "responsePayload": {"errorType": type(error).__name__, "errorMessage": cause_of(error)},
        }
        sqs.send(self._client, self._url, json.dumps(record, separators=(",", ":")), {})


def unreadable(record: Mapping[str, Any], aggregate_id: str | None = None, sequence: int | None = None) -> FailedEvent:
    """Identifies the event of a message that does not name it, the same after every redrive: by a digest of the body,
    and the time when the message was first sent."""
    return FailedEvent(
        id=sha256(str(record["body"]).encode()).hexdigest()[:32],
        type="unknown",
        occurred_at=from_iso(first_sent_at(record) or to_iso(utc_now())),
        aggregate_id=aggregate_id,
        sequence=sequence,
    )


def tell_of_letter(
    failed: FailedEvent,
    error: Exception,
    point: FailurePoint,
    errors: Callable[[], EventPublisher],
    *,
    at: datetime,
    correlation_id: str,
) -> None:
    """Publish the error of an event whose message is already a dead letter. The letter exists in any case: if the bus
    fails or a setting is missing, only the error event is lost."""
    told = error_event(
        failed,
        error,
        where=point.function,
        queue=point.queue,
        occurred_at=at,
        correlation_id=correlation_id,
    )
    try:
        errors().publish([told])
    except (ConfigurationError, DeliveryFailed) as failure:
        logger.error("nobody was told of a dead letter", event_id=failed.id, reason=str(failure))
