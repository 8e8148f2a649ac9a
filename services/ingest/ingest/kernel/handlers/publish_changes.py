"""``publish-changes``: stream records of the tables become events on the bus.

All that can be is published. The answer names the first change that could not be told: from it on the stream is sent
again, until that was tried as often as libs/operations/safety.js says, or the change is older than the stage allows;
then it is left to the failures queue. Consumers drop by its id what they have seen.

Records that an operator sends again come from no stream, and nobody reads the answer: there the invocation fails, so
that Lambda repeats it and makes another letter of it.
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
from watchkeeper.errors import ConfigurationError, DatabaseError, WatchkeeperError
from watchkeeper.events import EventBridgePublisher
from watchkeeper.logs import logger
from watchkeeper.metrics import EVENTS_PUBLISHED, FAILURES, measure


class NotTold(WatchkeeperError):
    """Changes that were sent again could not be told this time either."""


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    changes, unreadable = _read(event["Records"])
    published = publish_changes(changes, _publisher(), correlation.current())
    measure(EVENTS_PUBLISHED, published.events, function=context.function_name)
    failed = unreadable | published.failed
    if not failed:
        return {"batchItemFailures": []}
    logger.error("changes were not told; they come again", failed=failed)
    if event.get("redriven"):
        raise NotTold(f"{len(failed)} of {len(event['Records'])} changes: {failed[min(failed, key=int)]}")
    measure(FAILURES, len(failed), function=context.function_name)
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
