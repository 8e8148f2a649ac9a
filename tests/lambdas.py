"""Lambda's side of an invocation, as tests and the functions' own code see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class Context:
    aws_request_id: str = "request-1"
    function_name: str = "test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:test"
    milliseconds: int = 180_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


def sqs_record(
    message_id: str, body: str, *, queue: str = "work", correlation_id: str | None = None, receives: int = 1
) -> Mapping[str, Any]:
    """A message as Lambda's poller delivers it."""
    attribute = {"stringValue": correlation_id, "dataType": "String"}
    return {
        "messageId": message_id,
        "receiptHandle": f"handle-{message_id}",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": str(receives),
            "SentTimestamp": "1767225600000",
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": "1767225601000",
        },
        "messageAttributes": {"correlation_id": attribute} if correlation_id else {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
        "awsRegion": "us-east-1",
    }
