"""``publish-changes``: stream records of the tables become events on the bus.

A batch either is published whole or fails whole and comes again: consumers drop what they have seen by its id.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from ingest.kernel.use_cases.publish_changes import Change, publish_changes
from watchkeeper import aws, correlation
from watchkeeper.dynamodb import Item, item_from_stream
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.errors import ConfigurationError
from watchkeeper.events import EventBridgePublisher
from watchkeeper.metrics import EVENTS_PUBLISHED, measure


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    changes = [_change(record) for record in event["Records"]]
    published = publish_changes(changes, _publisher(), correlation.current())
    measure(EVENTS_PUBLISHED, published, function=context.function_name)
    return {"batchItemFailures": []}


@cache
def _publisher() -> EventBridgePublisher:
    bus = os.environ.get("EVENT_BUS")
    if not bus:
        raise ConfigurationError("EVENT_BUS is not set")
    return EventBridgePublisher(aws.events_client(), bus, "kernel")


def _change(record: Mapping[str, Any]) -> Change:
    stream = record["dynamodb"]
    table = record["eventSourceARN"].split("/")[1]
    return Change(
        id=record["eventID"],
        table=table.rsplit("-", 1)[-1],
        at=datetime.fromtimestamp(stream["ApproximateCreationDateTime"], UTC),
        old=_image(stream, "OldImage"),
        new=_image(stream, "NewImage"),
    )


def _image(stream: Mapping[str, Any], name: str) -> Item | None:
    return item_from_stream(stream[name]) if name in stream else None
