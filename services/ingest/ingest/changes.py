"""Changes of tables, as their streams deliver them: read, turned into events, and acknowledged.

Everything that can be published is. The answer names the first change that could not be published: the stream is
delivered again from there, until the retries that libs/operations/safety.js sets are used up, or the change is older
than the stage allows; then it goes to the failures queue. Consumers drop events they have seen, by id.

Records that an operator redrives come from no stream, and nobody reads the answer: there the invocation fails, so that
Lambda retries it and dead-letters it again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchkeeper.correlation import ATTRIBUTE, accepted
from watchkeeper.dynamodb import Item, item_from_stream
from watchkeeper.entry import LambdaContext
from watchkeeper.errors import DatabaseError, WatchkeeperError
from watchkeeper.events import DeliveryFailed, DomainEvent, EventPublisher
from watchkeeper.logs import logger
from watchkeeper.metrics import EVENTS_PUBLISHED, FAILURES, measure


class NotTold(WatchkeeperError):
    """Changes that were redriven failed again."""


@dataclass(frozen=True, slots=True)
class Change:
    """A record of a table's stream."""

    id: str
    """The record's own id: the same change keeps it when it is delivered again."""
    sequence: str
    """Its position in the stream."""
    table: str
    """The last part of the table's name."""
    at: datetime
    old: Item | None
    new: Item | None

    @property
    def cause(self) -> str | None:
        """The correlation id of the work that wrote the row, if the row carries one."""
        return accepted(self.new.get(ATTRIBUTE)) if self.new else None


@dataclass(frozen=True, slots=True)
class Published:
    """The outcome for some changes."""

    events: int
    failed: dict[str, str]
    """The reason, by the sequence number of each change that could not be published; all others were."""


Meaning = Callable[[Change], Iterable[DomainEvent]]
"""The events of a change. Raises ``KeyError``, ``TypeError``, ``ValueError`` or ``AttributeError`` for an item that
is not one of ours."""


def publish(changes: Iterable[Change], meaning: Meaning, publisher: EventPublisher) -> Published:
    """Publish the events of the changes. One that cannot be published does not stop the others."""
    failed: dict[str, str] = {}
    causes: dict[str, str] = {}
    told: list[DomainEvent] = []
    for change in changes:
        try:
            events = list(meaning(change))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            failed[change.sequence] = f"the item cannot be read: {type(error).__name__}"
            continue
        told += events
        causes |= {event.id: change.sequence for event in events}
    try:
        publisher.publish(told)
    except DeliveryFailed as error:
        failed |= {causes[event.id]: str(error) for event in error.failed}
        return Published(len(told) - len(error.failed), failed)
    return Published(len(told), failed)


def answered(
    event: Mapping[str, Any], context: LambdaContext, publish: Callable[[list[Change]], Published]
) -> dict[str, Any]:
    """Publish the changes in a function's event, and return the answer for the stream."""
    changes, unreadable = _read(event["Records"])
    published = publish(changes)
    measure(EVENTS_PUBLISHED, published.events, function=context.function_name)
    return answer(event, context, unreadable | published.failed)


def answer(event: Mapping[str, Any], context: LambdaContext, failed: Mapping[str, str]) -> dict[str, Any]:
    """The answer to a stream, from the reasons by the sequence number of each record to be delivered again."""
    if not failed:
        return {"batchItemFailures": []}
    logger.error("changes were not done; they come again", failed=failed)
    if event.get("redriven"):
        raise NotTold(f"{len(failed)} of {len(event['Records'])} changes: {failed[min(failed, key=int)]}")
    measure(FAILURES, len(failed), function=context.function_name)
    return {"batchItemFailures": [{"itemIdentifier": min(failed, key=int)}]}


def _read(records: Iterable[Mapping[str, Any]]) -> tuple[list[Change], dict[str, str]]:
    """The changes, and the reasons for records that are not changes, by sequence number."""
    changes: list[Change] = []
    unreadable: dict[str, str] = {}
    for record in records:
        try:
            changes.append(_change(record))
        except (KeyError, TypeError, ValueError, DatabaseError) as error:
            unreadable[record["dynamodb"]["SequenceNumber"]] = f"the record cannot be read: {type(error).__name__}"
    return changes, unreadable


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
