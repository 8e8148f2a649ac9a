"""Dead letters of the work queues: what they say, for those who write them and those who read them.

A letter is the message that failed, with its body unchanged, so that SQS's own redrive can send it again too. Why it
failed is in the attribute ``failure``. A letter without it was moved by SQS itself: the function was killed, ran out
of time, or could not even write the letter.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from watchkeeper import correlation
from watchkeeper.clock import Clock, to_iso, utc_now
from watchkeeper.entry import LambdaContext
from watchkeeper.errors import ConfigurationError
from watchkeeper.logs import logger
from watchkeeper.redaction import redacted_text

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

FAILURE = "failure"
"""The attribute of a letter that says why it is one: a ``Failure`` as JSON."""
LONGEST_MESSAGE = 1000


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message failed for the last time, where and when."""

    function: str
    error: str
    """The exception's class."""
    message: str
    at: str
    """Moments are ISO 8601 in UTC."""
    first_sent_at: str | None
    """When the work was asked for."""
    request_id: str
    receives: int

    def to_json(self) -> str:
        """In ASCII: SQS refuses some characters in an attribute, JSON can escape them all."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Failure | None":
        """``None`` for anything that is not a failure as written here."""
        try:
            said = json.loads(text)
            return cls(
                function=str(said["function"]),
                error=str(said["error"]),
                message=str(said["message"]),
                at=str(said["at"]),
                first_sent_at=None if said["first_sent_at"] is None else str(said["first_sent_at"]),
                request_id=str(said["request_id"]),
                receives=int(said["receives"]),
            )
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None


class DeadLetterWriter:
    """Writes the letter of a message that failed on its last receive, in the function that failed."""

    def __init__(self, client: "SQSClient", url: str, max_receives: int, clock: Clock = utc_now) -> None:
        self._client = client
        self._url = url
        self._max_receives = max_receives
        self._clock = clock

    def keep(self, record: Mapping[str, Any], error: Exception, context: LambdaContext) -> bool:
        """Whether the message of an event's record is a letter now and is to be answered as done.

        Otherwise it is to be answered as failed: it comes again, or SQS moves it as it is.
        """
        if _receives(record) < self._max_receives:
            return False
        try:
            self._write(record, self._failure(record, error, context))
        except (ClientError, BotoCoreError):
            logger.exception("dead letter not written; SQS moves the message without it")
            return False
        return True

    def _failure(self, record: Mapping[str, Any], error: Exception, context: LambdaContext) -> Failure:
        return Failure(
            function=context.function_name,
            error=type(error).__name__,
            message=_shortened(redacted_text(str(error))),
            at=to_iso(self._clock()),
            first_sent_at=sent_at(record["attributes"]),
            request_id=context.aws_request_id,
            receives=_receives(record),
        )

    def _write(self, record: Mapping[str, Any], failure: Failure) -> None:
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=record["body"],
            MessageAttributes={
                correlation.ATTRIBUTE: string_attribute(correlation.current() or failure.request_id),
                FAILURE: string_attribute(failure.to_json()),
            },
        )


def dead_letter_writer(client: "SQSClient", environment: Mapping[str, str] = os.environ) -> DeadLetterWriter:
    """For the function's own queue: ``DEAD_LETTERS_URL`` and ``MAX_RECEIVES``. Raises ``ConfigurationError``."""
    url, receives = environment.get("DEAD_LETTERS_URL", ""), environment.get("MAX_RECEIVES", "")
    if not url:
        raise ConfigurationError("DEAD_LETTERS_URL is not set")
    if not receives.isdecimal() or int(receives) < 1:
        raise ConfigurationError("MAX_RECEIVES is not a number above 0")
    return DeadLetterWriter(client, url, int(receives))


def string_attribute(value: str) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String", "StringValue": value}


def sent_at(attributes: Mapping[str, Any]) -> str | None:
    """When SQS took a message, from its system attributes."""
    try:
        return to_iso(datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC))
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def _receives(record: Mapping[str, Any]) -> int:
    return int(record["attributes"]["ApproximateReceiveCount"])


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 1]}…"
