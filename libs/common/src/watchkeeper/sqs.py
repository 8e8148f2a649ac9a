"""Sending a message, and being told that it was sent."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from watchkeeper.errors import DatabaseError
from watchkeeper.translation import translated

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef


def send(client: "SQSClient", url: str, body: str, attributes: Mapping[str, str], *, delay: int = 0) -> None:
    """Raises ``DatabaseError``, also when nothing says that SQS took the message: then it may or may not have."""
    with translated("SendMessage failed"):
        sent = client.send_message(
            QueueUrl=url,
            MessageBody=body,
            MessageAttributes={name: string_attribute(value) for name, value in attributes.items()},
            DelaySeconds=delay,
        )
    if not sent.get("MessageId"):
        raise DatabaseError("SendMessage failed: nothing says that it was sent")


def string_attribute(value: str) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String", "StringValue": value}
