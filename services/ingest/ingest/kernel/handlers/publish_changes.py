"""``publish-changes``: stream records of the tables become events on the bus.

All that can be is published. The answer names the first change that could not be told: from it on the stream is sent
again, a few times, before it is left to the failures queue; consumers drop by its id what they have seen.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from ingest.kernel.use_cases.publish_changes import Change, publish_changes
from watchkeeper import aws, correlation
from watchkeeper.dynamodb import Item, item_from_stream
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.errors import ConfigurationError, DatabaseError
from watchkeeper.events import EventBridgePublisher
from watchkeeper.logs import logger
from watchkeeper.metrics import EVENTS_PUBLISHED, FAILURES, measure


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    changes, unreadable = _read(event["Records"])
    published = publish_changes(changes, _publisher(), correlation.current())
    measure(EVENTS_PUBLISHED, published.events, function=context.function_name)
    failed = unreadable | published.failed
    if not failed:
        return {"batchItemFailures": []}
    measure(FAILURES, len(failed), function=context.function_name)
    logger.error("changes were not told; they come again", failed=failed)
    return {"batchItemFailures": [{"itemIdentifier": min(failed, key=int)}]}


def _read(records: Iterable[Mapping[str, Any]]) -> tuple[list[Change], dict[str, str]]:
    """The changes, and why a record is none, by its sequence number."""
    changes: list[Change] = []
    unreadable: dict[str, str] = {}
    for record in records:
        try:
            changes.append(_change(record))
        except (KeyError, TypeError, ValueError, DatabaseError) as error:
            unreadable[record["dynamodb"]["SequenceNumber"]] = f"the record cannot be read: {type(error).__name__}"
    return changes, unreadable


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
        sequence=stream["SequenceNumber"],
        table=table.rsplit("-", 1)[-1],
        at=datetime.fromtimestamp(stream["ApproximateCreationDateTime"], UTC),
        old=_image(stream, "OldImage"),
        new=_image(stream, "NewImage"),
    )


def _image(stream: Mapping[str, Any], name: str) -> Item | None:
    return item_from_stream(stream[name]) if name in stream else None
