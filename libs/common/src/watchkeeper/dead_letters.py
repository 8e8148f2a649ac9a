"""Dead letters of the work queues: their format, for writing and reading them.

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

from watchkeeper import correlation, sqs
from watchkeeper.clock import Clock, from_iso, to_iso, utc_now
from watchkeeper.errors import ConfigurationError, DatabaseError
from watchkeeper.logs import logger
from watchkeeper.redaction import redacted_text

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

FAILURE = "failure"
"""The attribute of a letter that says why it is one: a ``Failure`` as JSON."""
FIRST_SENT_AT = "first_sent_at"
"""The attribute of a redriven message that says when the first message with that work was sent."""
LONGEST_MESSAGE = 1000
_LONGEST_REDACTED = 4 * LONGEST_MESSAGE
"""How much of an error's text is searched for secrets: it may quote a response of megabytes."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message failed for the last time, where and when."""

    function: str
    error: str
    """The exception's class."""
    message: str
    at: str
    """Moments are ISO 8601 in UTC."""
    sent_at: str | None
    """When SQS accepted the message, even if it was redriven since; postponed work continues as a new one."""
    request_id: str
    receives: int

    def to_json(self) -> str:
        """In ASCII: SQS rejects some characters in an attribute, and JSON can escape them all."""
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
                sent_at=None if said.get("sent_at") is None else str(said["sent_at"]),
                request_id=str(said["request_id"]),
                receives=int(said["receives"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            return None


class DeadLetterWriter:
    """Writes the letter of a message that failed on its last receive, in the function that failed."""

    def __init__(self, client: "SQSClient", url: str, max_receives: int, clock: Clock = utc_now) -> None:
        self._client = client
        self._url = url
        self._max_receives = max_receives
        self._clock = clock

    def keep(self, record: Mapping[str, Any], error: Exception, *, function: str, request_id: str) -> bool:
        """Write the letter of a message on its last receive; whether it was written, so that the message is done.

        Otherwise the message must be reported as failed: SQS delivers it again, or dead-letters it as it is.
        """
        if _receives(record) < self._max_receives:
            return False
        try:
            self._write(record, self._failure(record, error, function, request_id))
        except DatabaseError:
            logger.exception("dead letter not written; SQS moves the message without it")
            return False
        return True

    def _failure(self, record: Mapping[str, Any], error: Exception, function: str, request_id: str) -> Failure:
        return Failure(
            function=function,
            error=type(error).__name__,
            message=_shortened(redacted_text(_beginning(str(error)))),
            at=to_iso(self._clock()),
            sent_at=first_sent_at(record),
            request_id=request_id,
            receives=_receives(record),
        )

    def _write(self, record: Mapping[str, Any], failure: Failure) -> None:
        attributes = {
            correlation.ATTRIBUTE: correlation.current() or failure.request_id,
            FAILURE: failure.to_json(),
        }
        sqs.send(self._client, self._url, record["body"], attributes)


def dead_letter_writer(client: "SQSClient", environment: Mapping[str, str] = os.environ) -> DeadLetterWriter:
    """For the function's own queue: ``DEAD_LETTERS_URL`` and ``MAX_RECEIVES``. Raises ``ConfigurationError``."""
    url, receives = environment.get("DEAD_LETTERS_URL", ""), environment.get("MAX_RECEIVES", "")
    if not url:
        raise ConfigurationError("DEAD_LETTERS_URL is not set")
    if not receives.isdecimal() or int(receives) < 1:
        raise ConfigurationError("MAX_RECEIVES is not a number above 0")
    return DeadLetterWriter(client, url, int(receives))


def sent_at(attributes: Mapping[str, Any]) -> str | None:
    """When SQS accepted a message, from its system attributes."""
    try:
        return to_iso(datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC))
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def first_sent_at(record: Mapping[str, Any]) -> str | None:
    """When SQS accepted a message or, if that was redriven, the first one with that work."""
    given = record.get("messageAttributes", {}).get(FIRST_SENT_AT, {}).get("stringValue", "")
    try:
        return to_iso(from_iso(given))
    except (TypeError, ValueError, OverflowError):
        return sent_at(record["attributes"])


def _receives(record: Mapping[str, Any]) -> int:
    return int(record["attributes"]["ApproximateReceiveCount"])


def _beginning(text: str) -> str:
    """Cut between two words: half a secret would not be recognised as one."""
    if len(text) <= _LONGEST_REDACTED:
        return text
    whole_words, _, last = text[:_LONGEST_REDACTED].rpartition(" ")
    return whole_words or last


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 1]}…"
