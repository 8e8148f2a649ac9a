"""Reading records of a table's stream again; the stream keeps them for 24 hours."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from scheduler.operations.errors import NotSent
from watchkeeper.errors import DatabaseError
from watchkeeper.translation import translated, understood

LARGEST_EVENT = 256 * 1024
"""Bytes of records per invocation; Lambda accepts four times as many."""
_EMPTY_PAGES = 50
"""After this many empty pages in a row, the end is assumed."""
_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"})
TRIMMED = "its records are no longer in the stream, which keeps them for a day"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Batch:
    """The range of the stream that a letter refers to."""

    stream: str
    shard: str
    first: str
    last: int

    @classmethod
    def of(cls, info: Json) -> "_Batch":
        try:
            first, last = str(info["startSequenceNumber"]), int(info["endSequenceNumber"])
            return cls(str(info["streamArn"]), str(info["shardId"]), first, last)
        except (KeyError, TypeError, ValueError) as error:
            raise NotSent("the letter does not say which records it is about") from error


class Streams:
    def __init__(self, client: Any) -> None:
        """``client`` is a DynamoDB Streams client."""
        self._client = client

    def events(self, info: Json) -> Iterator[Json]:
        """The records that a ``DDBStreamBatchInfo`` names, as events in the format Lambda passes to functions. They are
        marked ``redriven``: nobody reads the function's response.

        Raises ``NotSent`` when not all of them can be read; some events may have been yielded by then.
        """
        batch = _Batch.of(info)
        records: list[Json] = []
        size = 0
        for record in self._records(batch):
            text = json.dumps({**record, "eventSourceARN": batch.stream}, default=_wire_form)
            if records and size + len(text) > LARGEST_EVENT:
                yield _event(records)
                records, size = [], 0
            records.append(json.loads(text))
            size += len(text)
        yield _event(records)

    def _records(self, batch: _Batch) -> Iterator[Json]:
        """All records of the batch, from the first to the last."""
        for number, record in self._from(batch):
            if number > batch.last:
                break
            yield record
            if number == batch.last:
                return
        raise NotSent(TRIMMED)

    def _from(self, batch: _Batch) -> Iterator[tuple[int, Json]]:
        """Records with their sequence numbers, starting at the batch's first."""
        iterator, empty = self._iterator(batch), 0
        while iterator and empty < _EMPTY_PAGES:
            records, iterator = self._page(iterator)
            yield from records
            empty = 0 if records else empty + 1

    def _iterator(self, batch: _Batch) -> str | None:
        with _told():
            answer = self._client.get_shard_iterator(
                StreamArn=batch.stream,
                ShardId=batch.shard,
                ShardIteratorType="AT_SEQUENCE_NUMBER",
                SequenceNumber=batch.first,
            )
            return str(answer["ShardIterator"])

    def _page(self, iterator: str) -> tuple[list[tuple[int, Json]], str | None]:
        with _told():
            page = self._client.get_records(ShardIterator=iterator)
            records = [(int(record["dynamodb"]["SequenceNumber"]), record) for record in page["Records"]]
            return records, page.get("NextShardIterator")


@contextmanager
def _told() -> Iterator[None]:
    """Any problem with a response becomes ``NotSent``."""
    try:
        with translated("the stream could not be read"), understood("the stream could not be read"):
            yield
    except DatabaseError as error:
        cause = error.__cause__
        gone = isinstance(cause, ClientError) and cause.response["Error"]["Code"] in _GONE
        raise NotSent(TRIMMED if gone else str(error)) from error


def _event(records: list[Json]) -> Json:
    return {"redriven": True, "Records": records}


def _wire_form(value: object) -> Any:
    """Undoes botocore's parsing of timestamps and bytes, where it happened."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"no form for {type(value).__name__}")
