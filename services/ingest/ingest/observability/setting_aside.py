"""What becomes of an event that a function can do nothing with: everybody hears of it, it is kept for an operator to
have it done again, and the events after it are not held up."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from ingest.observability.stream import Appended
from watchkeeper import sqs
from watchkeeper.clock import Clock, to_iso
from watchkeeper.correlation import ATTRIBUTE
from watchkeeper.dead_letters import FAILURE, Failure
from watchkeeper.entry import LambdaContext
from watchkeeper.errors import ConfigurationError
from watchkeeper.events import DeliveryFailed, EventPublisher
from watchkeeper.logs import logger
from watchkeeper.observability.errors import FailedEvent, cause_of, error_event

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class Place:
    """Where events come to nothing."""

    function: str
    queue: str
    """Of dead letters, as ``dead-letters`` knows it: from there it is done again."""


PUBLISHING = Place("publish-events", "publication")
EVALUATING = Place("evaluate-alerts", "failures")
RECORDING = Place("record-facts", "facts")


class Letters(Protocol):
    def keep(self, one: Appended, error: Exception, context: LambdaContext) -> None:
        """Keep what it takes to do the event again. Raises ``DatabaseError``."""


class SettingAside:
    """Where the events of a stream go that come to nothing."""

    def __init__(self, errors: EventPublisher, letters: Letters, place: Place) -> None:
        self._errors = errors
        self._letters = letters
        self._place = place

    def put(self, one: Appended, error: Exception, context: LambdaContext) -> None:
        """Tell of it, and keep it. Raises ``DatabaseError`` and ``DeliveryFailed``; then it can be done again: the same
        error is told once, however often it is sent."""
        told = error_event(
            one.named,
            error,
            where=self._place.function,
            queue=self._place.queue,
            occurred_at=one.at,
            correlation_id=one.correlation_id,
        )
        self._errors.publish([told])
        self._letters.keep(one, error, context)
        logger.error("an event was set aside", event_id=one.named.id, event_type=one.named.type, reason=cause_of(error))


class PublicationLetters:
    """Letters of the queue ``publication``: where the event is in the store."""

    def __init__(self, client: "SQSClient", url: str, clock: Clock) -> None:
        self._client = client
        self._url = url
        self._clock = clock

    def keep(self, one: Appended, error: Exception, context: LambdaContext) -> None:
        body = json.dumps({"aggregate_id": one.aggregate_id, "sequence": one.named.sequence}, separators=(",", ":"))
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


class InvocationLetters:
    """Letters of the queue of all failures, in the form Lambda gives those of invocations: sent again, the function is
    invoked with the record that failed."""

    def __init__(self, client: "SQSClient", url: str, clock: Clock) -> None:
        self._client = client
        self._url = url
        self._clock = clock

    def keep(self, one: Appended, error: Exception, context: LambdaContext) -> None:
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


def tell_of_letter(
    failed: FailedEvent,
    error: Exception,
    place: Place,
    errors: Callable[[], EventPublisher],
    *,
    at: datetime,
    correlation_id: str,
) -> None:
    """Tell of an event whose message is a dead letter by now. The letter is there in any case: a bus that fails, or a
    setting that is missing, loses word of it, and nothing else."""
    told = error_event(
        failed,
        error,
        where=place.function,
        queue=place.queue,
        occurred_at=at,
        correlation_id=correlation_id,
    )
    try:
        errors().publish([told])
    except (ConfigurationError, DeliveryFailed) as failure:
        logger.error("nobody was told of a dead letter", event_id=failed.id, reason=str(failure))
