"""Work handed to a function through its queue."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from watchkeeper import correlation, sqs
from watchkeeper.errors import LimitExceeded

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_DELAY_SECONDS = 900
"""The longest delay SQS allows."""

MAX_MESSAGE_BYTES = 250 * 1024
"""Our own limit, which leaves room for attributes in 256 KB: SQS accepts 1 MB today, its consumers often less."""


class WorkQueue(Protocol):
    def send(self, work: Mapping[str, Any], *, delay: int = 0) -> None:
        """Enqueue work, to be received in ``delay`` seconds at the earliest; more than 15 minutes count as 15."""


class SqsWorkQueue:
    def __init__(self, client: Callable[[], "SQSClient"], url: str) -> None:
        """The client is created with the first message: most requests send none."""
        self._client = client
        self._url = url

    def send(self, work: Mapping[str, Any], *, delay: int = 0) -> None:
        """Raises ``LimitExceeded`` and ``DatabaseError``."""
        body = json.dumps(work, separators=(",", ":"))  # in ASCII: SQS rejects some characters
        if len(body) > MAX_MESSAGE_BYTES:
            raise LimitExceeded(f"a message of {len(body)} octets is more than {MAX_MESSAGE_BYTES}")
        cause = correlation.current()
        attributes = {correlation.ATTRIBUTE: cause} if cause else {}
        sqs.send(self._client(), self._url, body, attributes, delay=min(max(delay, 0), MAX_DELAY_SECONDS))
