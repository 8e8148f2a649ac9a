"""Mails of every size and shape come back from the table as they were stored."""

import random
from datetime import UTC, datetime

import pytest

from tests.integration.faults import Faults
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.budgets import Deadline
from watchkeeper.correlation import following
from watchkeeper.errors import DatabaseError, ItemNotFound, OutOfTime
from watchkeeper.kernel.models import (
    Attachment,
    Body,
    Discussion,
    Kind,
    Person,
    Sentiment,
    SentimentLabel,
    Stance,
    Trailer,
)
from watchkeeper.kernel.repositories.discussions import (
    MAX_SUMMARY_BYTES,
    BodyStore,
    DiscussionRepository,
    Placement,
    body_key,
    pack,
)

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def mail(message_id: str, trailers: tuple[Trailer, ...] = ()) -> Discussion:
    return Discussion(
        message_id=message_id,
        timestamp=NOON,
        received=NOON,
        lists=("a-list",),
        subject="[PATCH] größer",
        author=Person("Ann", "ann@example.org"),
        kind=Kind.PATCH,
        thread_id="root@x",
        parent_id="parent@x",
        patch_message_id=message_id,
        sentiment=Sentiment(0.25, SentimentLabel.POSITIVE),
        stance=Stance.NONE,
        trailers=trailers,
        flags=("html-only",),
        version=2,
        number=3,
        total=4,
    )


def incompressible(octets: int) -> str:
    return random.Random(1).randbytes(octets * 3 // 4).hex()[:octets]


def test_a_mail_comes_back_whole(discussions: DiscussionRepository) -> None:
    body = Body("Text\nwith ümlauts", "--- a\n+++ b\n", (Attachment("x.c", "text/plain", 7),), ("parent@x",))
    discussions.put_many([(mail("m/1@x"), pack(body))])

    assert discussions.of_message("m/1@x") == [(mail("m/1@x"), body)]
    assert list(discussions.of_patch("m/1@x")) == [mail("m/1@x")]
    assert list(discussions.of_thread("root@x")) == [mail("m/1@x")]


def test_texts_too_large_for_an_item_go_to_the_bucket_and_fail_no_batch(
    discussions: DiscussionRepository, bucket: str
) -> None:
    bodies = {f"{size}@x": Body(incompressible(size)) for size in (10, 700_000, 1_500_000)}
    discussions.put_many((mail(name), pack(body)) for name, body in bodies.items())

    assert {name: discussions.of_message(name)[0][1] for name in bodies} == bodies
    stored = aws.s3_client().list_objects_v2(Bucket=bucket)["Contents"]
    assert {item["Key"] for item in stored} == {
        body_key(f"{size}@x", "2026-07-01T12:00:00Z") for size in (700_000, 1_500_000)
    }


def test_a_body_that_is_gone_from_the_bucket_is_an_error_of_ours(
    discussions: DiscussionRepository, bucket: str
) -> None:
    discussions.put_many([(mail("large@x"), pack(Body(incompressible(700_000))))])
    aws.s3_client().delete_object(Bucket=bucket, Key=body_key("large@x", "2026-07-01T12:00:00Z"))

    with pytest.raises(DatabaseError):
        discussions.of_message("large@x")


def test_a_body_is_not_waited_for_when_it_is_late(bucket: str, faults: Faults) -> None:
    deadline = Deadline()
    store = BodyStore(aws.s3_client, bucket, deadline=deadline)
    store.put("key", b"octets")
    deadline.start(1)

    with faults.injected(lambda _: faults.clock.sleep(2), "s3"), pytest.raises(OutOfTime):
        store.get("key")

    deadline.start(1)
    assert store.get("key") == b"octets"


def test_endless_trailers_are_cut_in_lists_of_mails(discussions: DiscussionRepository) -> None:
    trailers = tuple(Trailer("Acked-by", f"Person {number} <p{number}@example.org>") for number in range(2000))
    discussions.put_many([(mail("many@x", trailers), pack(Body("")))])

    [(stored, _)] = discussions.of_message("many@x")
    assert stored.trailers == trailers[: len(stored.trailers)]
    assert "trailers-cut" in stored.flags
    [item] = aws.dynamodb_client().scan(TableName=table_name("discussions"))["Items"]
    assert len(item["summary"]["S"].encode()) <= MAX_SUMMARY_BYTES


def test_a_moved_mail_keeps_everything_but_its_place(discussions: DiscussionRepository) -> None:
    body = Body("Text")
    discussions.put_many([(mail("m@x"), pack(body))])
    discussions.move("m@x", "2026-07-01T12:00:00Z", Placement("other@x", None, None))
    discussions.set_lists("m@x", "2026-07-01T12:00:00Z", ("a-list", "b-list"))

    [(moved, kept)] = discussions.of_message("m@x")
    assert kept == body
    assert (moved.thread_id, moved.parent_id, moved.patch_message_id) == ("other@x", None, None)
    assert moved.lists == ("a-list", "b-list")
    assert list(discussions.of_patch("m@x")) == []


def test_a_row_says_what_wrote_it_last_and_the_mail_does_not(discussions: DiscussionRepository) -> None:
    time, place = "2026-07-01T12:00:00Z", Placement("root@x", None, None)
    with following("the-reading"):
        discussions.put_many([(mail("m@x"), pack(Body("Text")))])
    stored = causes()
    [(read, _)] = discussions.of_message("m@x")
    with following("the-move"):
        discussions.move("m@x", time, place)
    moved = causes()
    with following("the-copy"):
        discussions.set_lists("m@x", time, ("a-list", "b-list"))
    copied = causes()
    discussions.move("m@x", time, place)

    assert read == mail("m@x")
    assert (stored, moved, copied, causes()) == (["the-reading"], ["the-move"], ["the-copy"], [None])


def causes() -> list[str | None]:
    items = aws.dynamodb_client().scan(TableName=table_name("discussions"))["Items"]
    return [item.get("correlation_id", {}).get("S") for item in items]


def test_an_unknown_mail_is_not_found(discussions: DiscussionRepository) -> None:
    with pytest.raises(ItemNotFound):
        discussions.of_message("nobody@x")
