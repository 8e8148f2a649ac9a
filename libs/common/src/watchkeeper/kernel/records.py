"""Converts models of the kernel watch to and from the JSON strings stored in items."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from watchkeeper.kernel.models import (
    Attachment,
    Body,
    Check,
    Cover,
    Discussion,
    Kind,
    Patch,
    Person,
    Sentiment,
    SentimentLabel,
    Series,
    Stance,
    Trailer,
)
from watchkeeper.records import dumps, encode, loads

__all__ = ["body", "discussion", "dumps", "encode", "loads", "patch", "series"]

Record = dict[str, Any]


def patch(record: Record) -> Patch:
    return Patch(
        id=record["id"],
        project=record["project"],
        message_id=record["message_id"],
        date=_time(record["date"]),
        name=record.get("name", ""),
        state=record["state"],
        archived=record.get("archived", False),
        submitter=_person(record.get("submitter")),
        delegate=record.get("delegate"),
        series_id=record.get("series_id"),
        version=record["version"],
        number=record["number"],
        total=record["total"],
        prefixes=tuple(record.get("prefixes", ())),
        hash=record.get("hash"),
        commit_ref=record.get("commit_ref"),
        pull_url=record.get("pull_url"),
        check=record.get("check", "pending"),
        checks=tuple(Check(**{**check, "date": _time(check["date"])}) for check in record.get("checks", ())),
        related=tuple(record.get("related", ())),
    )


def series(record: Record) -> Series:
    cover = record.get("cover")
    return Series(
        id=record["id"],
        project=record["project"],
        name=record.get("name"),
        date=_time(record["date"]),
        submitter=_person(record.get("submitter")),
        version=record["version"],
        total=record["total"],
        received_total=record["received_total"],
        received_all=record.get("received_all", False),
        cover=Cover(**{**cover, "date": _time(cover["date"])}) if cover else None,
        patch_ids=tuple(record.get("patch_ids", ())),
    )


def discussion(record: Record) -> Discussion:
    return Discussion(
        message_id=record["message_id"],
        timestamp=_time(record["timestamp"]),
        received=_time(record["received"]),
        lists=tuple(record.get("lists", ())),
        subject=record.get("subject", ""),
        author=_person(record.get("author")),
        kind=Kind(record["kind"]),
        thread_id=record["thread_id"],
        parent_id=record.get("parent_id"),
        patch_message_id=record.get("patch_message_id"),
        sentiment=Sentiment(record["sentiment"]["score"], SentimentLabel(record["sentiment"]["label"])),
        stance=Stance(record["stance"]),
        trailers=tuple(Trailer(**trailer) for trailer in record.get("trailers", ())),
        flags=tuple(record.get("flags", ())),
        version=record.get("version", 1),
        number=record.get("number", 1),
        total=record.get("total", 1),
    )


def body(record: Record) -> Body:
    return Body(
        text=record.get("text", ""),
        diff=record.get("diff"),
        attachments=tuple(Attachment(**attachment) for attachment in record.get("attachments", ())),
        references=tuple(record.get("references", ())),
    )


def _person(record: Mapping[str, str] | None) -> Person:
    return Person(record.get("name", ""), record.get("address", "")) if record else Person("", "")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
