"""Work handed to a function through its queue."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from watchkeeper import correlation

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_DELAY_SECONDS = 900
"""The longest SQS holds a message back."""


class WorkQueue(Protocol):
    def send(self, work: Mapping[str, Any], *, delay: int = 0) -> None:
        """Hand work on, to be done in ``delay`` seconds at the earliest; longer ones are cut to 15 minutes."""


class SqsWorkQueue:
    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, work: Mapping[str, Any], *, delay: int = 0) -> None:
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=orjson.dumps(work).decode(),
            MessageAttributes=_attributes(),
            DelaySeconds=min(delay, MAX_DELAY_SECONDS),
        )


def _attributes() -> dict[str, Any]:
    """The cause the work follows from."""
    cause = correlation.current()
    return {correlation.ATTRIBUTE: {"DataType": "String", "StringValue": cause}} if cause else {}
