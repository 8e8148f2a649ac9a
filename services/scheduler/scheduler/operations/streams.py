"""Reading records of a table's stream again, which are kept for a day."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scheduler.operations.errors import NotSent

LARGEST_EVENT = 256 * 1024
"""Octets of records given to a function at once; Lambda takes four times as many."""
_EMPTY_PAGES = 50
"""So many in a row are taken for the end."""
_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"})
TRIMMED = "its records are no longer in the stream, which keeps them for a day"


class Streams:
    def __init__(self, client: Any) -> None:
        """``client`` is one for DynamoDB's streams."""
        self._client = client

    def events(self, batch: Mapping[str, Any]) -> Iterator[str]:
        """The records a ``DDBStreamBatchInfo`` names, as events in the form Lambda gives them to a function.

        Raises ``NotSent`` when not all of them can be read; those before may have been given out then.
        """
        records: list[str] = []
        size = 0
        for record in self._records(batch):
            text = _to_json({**record, "eventSourceARN": batch["streamArn"]})
            if records and size + len(text) > LARGEST_EVENT:
                yield _event(records)
                records, size = [], 0
            records.append(text)
            size += len(text)
        yield _event(records)

    def _records(self, batch: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """All from the first to the last."""
        try:
            last = int(batch["endSequenceNumber"])
            iterator = self._iterator(batch)
            for record in self._from(iterator):
                number = int(record["dynamodb"]["SequenceNumber"])
                if number > last:
                    break
                yield record
                if number == last:
                    return
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise NotSent(TRIMMED) from error
            raise NotSent(str(error)) from error
        except BotoCoreError as error:
            raise NotSent(str(error)) from error
        except (KeyError, TypeError, ValueError) as error:
            raise NotSent("the letter does not say which records it is about") from error
        raise NotSent(TRIMMED)

    def _iterator(self, batch: Mapping[str, Any]) -> str:
        answer = self._client.get_shard_iterator(
            StreamArn=batch["streamArn"],
            ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        )
        return str(answer["ShardIterator"])

    def _from(self, iterator: str | None) -> Iterator[Mapping[str, Any]]:
        empty = 0
        while iterator and empty < _EMPTY_PAGES:
            page = self._client.get_records(ShardIterator=iterator)
            yield from page["Records"]
            empty = 0 if page["Records"] else empty + 1
            iterator = page.get("NextShardIterator")


def _event(records: list[str]) -> str:
    return f'{{"Records":[{",".join(records)}]}}'


def _to_json(record: Mapping[str, Any]) -> str:
    return json.dumps(record, default=_wire_form, separators=(",", ":"))


def _wire_form(value: object) -> Any:
    """What botocore made of a moment or of octets, should it have parsed them."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"no form for {type(value).__name__}")
