"""Sends messages, with confirmation, and counts those in a queue."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from watchkeeper.errors import DatabaseError
from watchkeeper.translation import translated, understood

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef


def send(client: "SQSClient", url: str, body: str, attributes: Mapping[str, str], *, delay: int = 0) -> None:
    """Raises ``DatabaseError``, also if the response does not confirm the message: it may or may not have been sent."""
    with translated("SendMessage failed"):
        sent = client.send_message(
            QueueUrl=url,
            MessageBody=body,
            MessageAttributes={name: string_attribute(value) for name, value in attributes.items()},
            DelaySeconds=delay,
        )
    if not sent.get("MessageId"):
        raise DatabaseError("SendMessage failed: nothing says that it was sent")


_DEPTHS: Any = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def waiting(client: "SQSClient", url: str) -> int:
    """About how many messages a queue has: visible, in flight, and delayed. Raises ``DatabaseError``."""
    with translated("GetQueueAttributes failed"):
        answer: Any = client.get_queue_attributes(QueueUrl=url, AttributeNames=_DEPTHS)
    with understood("GetQueueAttributes failed"):
        return sum(int(answer["Attributes"][depth]) for depth in _DEPTHS)


def string_attribute(value: str) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String", "StringValue": value}
