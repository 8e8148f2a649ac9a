"""Sending the work of a letter to where it failed."""

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from scheduler.operations.errors import NotSent
from scheduler.operations.letters import Kind, Letter
from scheduler.operations.streams import Streams
from watchkeeper.correlation import ATTRIBUTE
from watchkeeper.dead_letters import string_attribute

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient


class Redriver:
    def __init__(
        self, sqs: "SQSClient", functions: "LambdaClient", streams: Streams, prefix: str, known: Collection[str]
    ) -> None:
        self._sqs = sqs
        self._functions = functions
        self._streams = streams
        self._prefix = prefix
        self._known = known

    def send(self, letter: Letter, queue_url: str | None) -> None:
        """Send its work again, under its correlation id. Raises ``NotSent`` with the reason."""
        try:
            match letter.kind:
                case Kind.WORK if queue_url:
                    self._enqueue(letter, queue_url)
                case Kind.INVOCATION | Kind.SCHEDULE:
                    self._invoke(letter, json.dumps(_followed(letter.work, letter.correlation_id)))
                case Kind.CHANGES:
                    for event in self._streams.events(letter.work):
                        self._invoke(letter, event)
                case _:
                    raise NotSent("it is of no kind that can be sent again; look at it, and drop it with a reason")
        except (ClientError, BotoCoreError) as error:
            raise NotSent(str(error)) from error

    def _enqueue(self, letter: Letter, queue_url: str) -> None:
        followed = {ATTRIBUTE: string_attribute(letter.correlation_id)} if letter.correlation_id else {}
        sent = self._sqs.send_message(QueueUrl=queue_url, MessageBody=letter.body, MessageAttributes=followed)
        if not sent.get("MessageId"):  # botocore takes a page of HTML with status 200 for success
            raise NotSent("nothing says that it was sent")

    def _invoke(self, letter: Letter, event: str) -> None:
        """Asynchronously, as it was: what fails again comes back as another letter."""
        if letter.function not in self._known:
            raise NotSent(f"{letter.function or 'nothing'} is no function that can be invoked again")
        self._functions.invoke(
            FunctionName=f"{self._prefix}{letter.function}", InvocationType="Event", Payload=event.encode()
        )


def _followed(payload: Any, correlation_id: str | None) -> Any:
    """The payload with the id of what it began with, which functions take from there."""
    if isinstance(payload, Mapping) and correlation_id:
        return {ATTRIBUTE: correlation_id, **payload}
    return payload
