"""``check-dead-letters``: publishes the number of letters in each dead-letter queue every five minutes."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson

from scheduler.facts import publisher, tell_letters
from scheduler.operations.counting import WatchedQueue, counted
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.errors import ConfigurationError


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 -- Lambda's signature
    found = list(counted(aws.sqs_client(), _queues()))
    tell_letters(found, publisher(), run=context.aws_request_id, now=utc_now())
    return {"letters": {one.queue: one.waiting for one in found}}


@cache
def _queues() -> Mapping[str, WatchedQueue]:
    """``DEAD_LETTER_QUEUES``: a JSON object of queues by name. Raises ``ConfigurationError``."""
    configured = os.environ.get("DEAD_LETTER_QUEUES")
    if not configured:
        raise ConfigurationError("DEAD_LETTER_QUEUES is not set")
    try:
        return {name: WatchedQueue(**queue) for name, queue in orjson.loads(configured).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError("DEAD_LETTER_QUEUES does not say of each queue where it is and whose") from error
