"""Messages as SQS gives them, with what AWS and the functions put into dead letters."""

import json
from collections.abc import Mapping
from typing import Any

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function"
STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/watchkeeper-test-patches/stream/2026-11-20T00:00:00.000"
SENT = {"SentTimestamp": "1795176000000"}
SENT_AT = "2026-11-20T12:00:00Z"


def message(body: object, attributes: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    named = {name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()}
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "MessageId": "letter-1",
        "ReceiptHandle": "receipt-1",
        "Body": text,
        "Attributes": SENT,
        "MessageAttributes": named,
        **more,
    }


def failed_invocation(function: str, payload: object, **context: object) -> dict[str, Any]:
    """What Lambda sends to an on-failure destination."""
    return {
        "version": "1.0",
        "timestamp": "2026-11-20T12:03:00.000Z",
        "requestContext": {
            "requestId": "8f3c-request",
            "functionArn": f"{LAMBDA}:watchkeeper-test-{function}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
            **context,
        },
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {
            "errorMessage": "PROGRESS_TABLE is not set",
            "errorType": "ConfigurationError",
            "stackTrace": ["  File ..."],
        },
    }


def failed_changes(first: str = "100", last: str = "300", size: int = 3) -> dict[str, Any]:
    """What Lambda sends for records of a stream."""
    return {
        "requestContext": {
            "requestId": "c9b8-request",
            "functionArn": f"{LAMBDA}:watchkeeper-test-publish-changes",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 6,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-11-20T12:03:00.000Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1",
            "startSequenceNumber": first,
            "endSequenceNumber": last,
            "approximateArrivalOfFirstRecord": "2026-11-20T11:00:00Z",
            "approximateArrivalOfLastRecord": "2026-11-20T11:00:01Z",
            "batchSize": size,
            "streamArn": STREAM,
        },
    }


def undelivered_schedule(function: str, payload: object) -> dict[str, Any]:
    return undelivered(f"{LAMBDA}:watchkeeper-test-{function}", payload)


def undelivered(target: str, payload: object) -> dict[str, Any]:
    """What EventBridge sends to a target's dead-letter queue."""
    return message(
        payload,
        {
            "RULE_ARN": "arn:aws:events:us-east-1:123456789012:rule/watchkeeper-test-patches-recent",
            "TARGET_ARN": target,
            "ERROR_CODE": "THROTTLING",
            "ERROR_MESSAGE": "Rate exceeded",
            "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
            "RETRY_ATTEMPTS": "3",
        },
    )
