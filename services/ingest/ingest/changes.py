"""Changes of tables, as their streams tell them: read, made into events, and answered for.

All that can be told is. The answer names the first change that could not be told: from it on the stream is sent again,
until that was tried as often as libs/operations/safety.js says, or the change is older than the stage allows; then it
is left to the failures queue. Consumers drop by its id what they have seen.

Records that an operator sends again come from no stream, and nobody reads the answer: there the invocation fails, so
that Lambda repeats it and makes another letter of it.
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
    """Changes that were sent again could not be done this time either."""


@dataclass(frozen=True, slots=True)
class Change:
    """A record of a table's stream."""

    id: str
    """The record's own id: the same change keeps it when it is delivered again."""
    sequence: str
    """Its place in the stream."""
    table: str
    """The last word of the table's name."""
    at: datetime
    old: Item | None
    new: Item | None

    @property
    def cause(self) -> str | None:
        """The correlation id of what wrote the row, if the row carries one."""
        return accepted(self.new.get(ATTRIBUTE)) if self.new else None


@dataclass(frozen=True, slots=True)
class Published:
    """What became of some changes."""

    events: int
    failed: dict[str, str]
    """Why, by the sequence number of each change that could not be told; all others were."""


Meaning = Callable[[Change], Iterable[DomainEvent]]
"""The events a change is. Raises ``KeyError``, ``TypeError``, ``ValueError`` or ``AttributeError`` for an item that is
none of ours."""


def publish(changes: Iterable[Change], meaning: Meaning, publisher: EventPublisher) -> Published:
    """Publish what the changes mean. One that cannot be told does not keep the others from it."""
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
    """Have the changes of a function's event published; what is answered for them."""
    changes, unreadable = _read(event["Records"])
    published = publish(changes)
    measure(EVENTS_PUBLISHED, published.events, function=context.function_name)
    return answer(event, context, unreadable | published.failed)


def answer(event: Mapping[str, Any], context: LambdaContext, failed: Mapping[str, str]) -> dict[str, Any]:
    """What a stream is answered, given why by the sequence number of each record that is to come again."""
    if not failed:
        return {"batchItemFailures": []}
    logger.error("changes were not done; they come again", failed=failed)
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
