"""`erase`: what belonged to a deleted batch or to a person who left is gone, and nothing else, however often the work
is cut off on the way."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from api.people.erasing.eraser import UPLOADS_ENDED_SECONDS
from api.people.erasing.handler import MARGIN_SECONDS
from tests.integration.api.asking import OTHER
from tests.integration.api.conftest import PHOTOS
from tests.integration.api.people.conftest import EMAIL, Pool, objects, sent
from tests.integration.faults import Faults, Plan, Send, denied, every, half_unprocessed, throttled
from tests.lambdas import Context, sqs_record
from watchkeeper import aws
from watchkeeper.budgets import WORKERS
from watchkeeper.dead_letters import FAILURE
from watchkeeper.dynamodb import Put, Table
from watchkeeper.entry import Handler
from watchkeeper.ferments.models import Batch, Event, EventKind, Photo
from watchkeeper.ferments.repository import FermentRepository, deleted_batch, new_batch, new_event, new_photo
from watchkeeper.people.accounts import AccountRepository
from watchkeeper.people.devices import Device, DeviceRepository, Platform, registered
from watchkeeper.people.reminders import Reminder, scheduled
from watchkeeper.people.table import KEYS

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
DELETED, KEPT = "01BATCHDELETED", "01BATCHKEPT"
PLENTY = 300_000
Rows = list[tuple[str, str]]


class Killed(BaseException):
    """The function ends, wherever it is."""


@pytest.fixture
def erase(user: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Handler]:
    from api.people.erasing import container
    from api.people.erasing.handler import handler

    monkeypatch.setenv("DEAD_LETTERS_URL", aws.sqs_client().create_queue(QueueName="erasures-dlq")["QueueUrl"])
    container.eraser.cache_clear()
    yield handler
    container.eraser.cache_clear()


def event(work: dict[str, Any] | str, receives: int = 1) -> dict[str, Any]:
    body = work if isinstance(work, str) else json.dumps(work)
    return {"Records": [sqs_record("m1", body, queue="erasures", receives=receives)]}


def batch_work(user: str, batch: str = DELETED) -> dict[str, str]:
    return {"task": "batch", "user": user, "batch": batch}


def person_work(user: str) -> dict[str, str]:
    return {"task": "person", "user": user}


DONE: dict[str, Any] = {"batchItemFailures": []}


def fill(table: Table, user: str, batch: str, *, public: bool = False, events: int = 3) -> None:
    """A batch with everything that can belong to one."""
    made = Batch(batch, user, "Kefir", NOW, NOW, public=public)
    writes: list[Put] = [new_batch(made)]
    writes += [new_event(Event(f"E{number}", batch, user, EventKind.NOTE, NOW, text="x")) for number in range(events)]
    writes += [scheduled(Reminder(f"R-{batch}-{number}", user, "t", "b", NOW, NOW, batch=batch)) for number in range(2)]
    photo = Photo("P1", batch, user, "image/jpeg", NOW)
    for write in (*writes, new_photo(photo)):
        table.write([write], keys=KEYS)
    for key in (photo.object_key, f"users/{user}/batches/{batch}/P2"):
        aws.s3_client().put_object(Bucket=PHOTOS, Key=key, Body=b"photo")


def mark(table: Table, user: str, batch: str = DELETED) -> None:
    ferments = FermentRepository(table)
    table.write([deleted_batch(ferments.batch(user, batch), NOW)], keys=KEYS)


def fill_person(table: Table, user: str, token: str) -> None:
    fill(table, user, KEPT, public=True)
    table.write([registered(Device(f"ExpoPushToken[{token}]", user, Platform.IOS, "", NOW))], keys=KEYS)
    table.put({"PK": f"USER#{user}", "SK": "ANSWER#1", "answer": "{}"}, keys=KEYS)
    aws.s3_client().put_object(Bucket=PHOTOS, Key=f"exports/{user}/1.csv", Body=b"all of it")


def rows() -> Rows:
    items = aws.dynamodb_client().scan(TableName="watchkeeper-test-people")["Items"]
    return sorted((item["PK"]["S"], item["SK"]["S"]) for item in items)


def rows_of(user: str) -> list[str]:
    return [sort for partition, sort in rows() if user in partition]


@pytest.fixture(params=["unversioned", "versioned", "suspended"])
def versioning(request: pytest.FixtureRequest, people_environment: None) -> str:
    return str(request.param)


def overwrite_and_hide(key: str) -> None:
    s3 = aws.s3_client()
    s3.put_object(Bucket=PHOTOS, Key=key, Body=b"another")
    s3.delete_object(Bucket=PHOTOS, Key=key)


def test_everything_of_a_deleted_batch_goes_and_the_batch_at_last(
    erase: Handler, table: Table, user: str, versioning: str
) -> None:
    key = f"users/{user}/batches/{DELETED}/P1"
    if versioning != "unversioned":
        aws.s3_client().put_bucket_versioning(Bucket=PHOTOS, VersioningConfiguration={"Status": "Enabled"})
    fill(table, user, DELETED)
    fill(table, user, KEPT)
    if versioning != "unversioned":
        overwrite_and_hide(key)
    if versioning == "suspended":
        aws.s3_client().put_bucket_versioning(Bucket=PHOTOS, VersioningConfiguration={"Status": "Suspended"})
        overwrite_and_hide(key)
    table.put({"PK": f"USER#{user}", "SK": "ANSWER#1", "answer": "{}"}, keys=KEYS)
    mark(table, user)

    assert erase(event(batch_work(user)), Context(milliseconds=PLENTY)) == DONE

    assert not [sort for sort in rows_of(user) if DELETED in sort]
    assert len([sort for sort in rows_of(user) if KEPT in sort]) == 7
    assert "ANSWER#1" in rows_of(user)
    assert objects() == [f"users/{user}/batches/{KEPT}/P1", f"users/{user}/batches/{KEPT}/P2"]


def test_a_batch_that_nobody_deleted_is_left_alone(erase: Handler, table: Table, user: str) -> None:
    fill(table, user, KEPT)
    before = rows()

    assert erase(event(batch_work(user, KEPT)), Context(milliseconds=PLENTY)) == DONE

    assert rows() == before
    assert len(objects()) == 2
    assert sent() == []


def test_another_persons_batch_of_the_same_name_is_left_alone(erase: Handler, table: Table, user: str) -> None:
    fill(table, user, DELETED)
    fill(table, OTHER, DELETED)
    mark(table, user)

    erase(event(batch_work(user)), Context(milliseconds=PLENTY))

    assert {partition for partition, _ in rows()} == {f"USER#{OTHER}"}
    assert all(OTHER in key for key in objects())


def test_a_photo_that_was_uploaded_late_goes_too(erase: Handler, table: Table, user: str) -> None:
    """With a form that was given out just before."""
    fill(table, user, DELETED)
    mark(table, user)
    erase(event(batch_work(user)), Context(milliseconds=PLENTY))
    aws.s3_client().put_object(Bucket=PHOTOS, Key=f"users/{user}/batches/{DELETED}/P9", Body=b"late")

    [again] = sent()
    assert again["delay"] == UPLOADS_ENDED_SECONDS
    assert erase(event(again["body"]), Context(milliseconds=PLENTY)) == DONE

    assert objects() == []
    assert len(sent()) == 1, "it comes to an end"


def test_everything_of_a_person_goes_and_the_account_at_last(
    erase: Handler, table: Table, user: str, pool: Pool, accounts: AccountRepository
) -> None:
    fill_person(table, user, "mine")
    fill_person(table, OTHER, "others")
    accounts.request_deletion(user, NOW)
    theirs = [row for row in rows() if OTHER in row[0]]

    assert erase(event(person_work(user)), Context(milliseconds=PLENTY)) == DONE

    assert rows_of(user) == ["DELETION"]
    assert [row for row in rows() if OTHER in row[0]] == theirs
    assert len([row for row in rows() if row[0].startswith("DEVICE#")]) == 1
    assert all(OTHER in key for key in objects())
    assert pool.users == {}
    deletion = accounts.deletion(user)
    assert deletion is not None
    assert deletion.finished_at is not None
    assert deletion.requested_at == NOW


def test_a_person_who_did_not_ask_for_it_keeps_everything(erase: Handler, table: Table, user: str, pool: Pool) -> None:
    fill_person(table, user, "mine")
    before = rows()

    assert erase(event(person_work(user)), Context(milliseconds=PLENTY)) == DONE

    assert (rows(), list(pool.users.values())) == (before, [EMAIL])
    assert sent() == []


def test_a_device_that_somebody_else_took_over_stays_theirs(
    erase: Handler, table: Table, user: str, accounts: AccountRepository, devices: DeviceRepository, faults: Faults
) -> None:
    token = "ExpoPushToken[shared]"
    table.write([registered(Device(token, user, Platform.IOS, "", NOW))], keys=KEYS)
    accounts.request_deletion(user, NOW)

    def taken_over(send: Send) -> None:
        """Just before it would be removed."""
        if send.number == 0:
            item = registered(Device(token, OTHER, Platform.IOS, "", NOW)).item
            Table(aws.dynamodb_client(), table.name).put(item, keys=KEYS)

    with faults.injected(taken_over, "dynamodb", "DeleteItem"):
        erase(event(person_work(user)), Context(milliseconds=PLENTY))

    assert [device.user for device in devices.of_user(OTHER)] == [OTHER]


def test_the_last_look_finds_what_came_late_and_changes_nothing_that_was_said(
    erase: Handler, table: Table, user: str, accounts: AccountRepository
) -> None:
    accounts.request_deletion(user, NOW)
    erase(event(person_work(user)), Context(milliseconds=PLENTY))
    finished = accounts.deletion(user)
    aws.s3_client().put_object(Bucket=PHOTOS, Key=f"users/{user}/batches/b/P9", Body=b"late")

    [again] = sent()
    assert again["delay"] == UPLOADS_ENDED_SECONDS
    assert erase(event(again["body"]), Context(milliseconds=PLENTY)) == DONE

    assert objects() == []
    assert accounts.deletion(user) == finished
    assert len(sent()) == 1


def test_much_is_removed_step_by_step(erase: Handler, table: Table, user: str) -> None:
    fill(table, user, DELETED, events=250)
    mark(table, user)

    erase(event(batch_work(user)), Context(milliseconds=PLENTY))

    assert rows_of(user) == []


class Running(Context):
    """So much time is left that so many steps are begun."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def get_remaining_time_in_millis(self) -> int:
        self.steps -= 1
        return int(1000 * MARGIN_SECONDS) + (1 if self.steps >= 0 else -1)


@pytest.mark.parametrize("steps", [5, 6, 7])
def test_what_there_is_no_time_for_is_handed_on(erase: Handler, table: Table, user: str, steps: int) -> None:
    fill(table, user, DELETED, events=210)
    mark(table, user)

    calls = 0
    while not [one for one in sent() if one["delay"]]:
        assert erase(event(batch_work(user)), Running(steps)) == DONE
        calls += 1
        assert len(sent()) == calls < 10

    handed_on = [json.loads(one["body"]) for one in sent() if not one["delay"]]
    assert handed_on == [batch_work(user)] * (calls - 1)
    assert calls > 1
    assert (rows_of(user), objects()) == ([], [])


def kill_at(number: int, *, done: bool) -> Plan:
    """The function ends at its ``number``-th call of AWS, before or after that is done."""
    begun: list[int] = []

    def plan(send: Send) -> None:
        begun.append(send.number)
        if len(begun) == number + 1:
            if done:
                send.pass_on()
            raise Killed

    return plan


@contextmanager
def everywhere(faults: Faults, pool: Pool, plan: Plan) -> Iterator[None]:
    def of_pool(operation: str, do: Callable[[], Any]) -> Any:
        return plan(Send(0, "cognito-idp", operation, None, do, lambda: None)) or do()

    with ExitStack() as stack:
        for service in ("dynamodb", "s3", "sqs"):
            stack.enter_context(faults.injected(plan, service))
        before, pool.plan = pool.plan, of_pool
        stack.callback(lambda: setattr(pool, "plan", before))
        yield


@pytest.mark.parametrize("done", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("task", ["batch", "person"])
def test_a_function_that_is_killed_at_any_call_is_made_good_by_the_next(
    erase: Handler,
    table: Table,
    user: str,
    pool: Pool,
    accounts: AccountRepository,
    faults: Faults,
    task: str,
    done: bool,
) -> None:
    work = batch_work(user) if task == "batch" else person_work(user)
    for number in range(100):
        pool.users[user] = EMAIL
        table.batch_delete([{"PK": f"USER#{user}", "SK": "DELETION"}], keys=KEYS)
        fill(table, user, DELETED)
        if task == "batch":
            mark(table, user)
        else:
            table.write([registered(Device("ExpoPushToken[a]", user, Platform.IOS, "", NOW))], keys=KEYS)
            accounts.request_deletion(user, NOW)
        with everywhere(faults, pool, kill_at(number, done=done)):
            try:
                erase(event(work), Context(milliseconds=PLENTY))
            except Killed:
                killed = True
            else:
                killed = False
        if killed:
            assert erase(event(work), Context(milliseconds=PLENTY)) == DONE

        assert rows_of(user) == ([] if task == "batch" else ["DELETION"])
        assert not [row for row in rows() if row[0].startswith("DEVICE#")]
        assert objects() == []
        if task == "person":
            assert pool.users == {}
            deletion = accounts.deletion(user)
            assert deletion is not None
            assert deletion.finished_at is not None
        if not killed:
            assert number > 10
            return
    raise AssertionError("it never came to an end")


PASSING: dict[str, Plan] = {
    "every third throttled": every(3, throttled),
    "batches half done": half_unprocessed,
}


@pytest.mark.parametrize("plan", PASSING.values(), ids=PASSING)
def test_what_passes_is_outlived(
    erase: Handler, table: Table, user: str, accounts: AccountRepository, faults: Faults, plan: Plan
) -> None:
    fill_person(table, user, "mine")
    accounts.request_deletion(user, NOW)
    faults.budgets = (WORKERS,)

    with faults.injected(plan, "dynamodb"):
        assert erase(event(person_work(user)), Context(milliseconds=PLENTY)) == DONE

    assert rows_of(user) == ["DELETION"]


def test_objects_that_s3_refuses_to_delete_keep_the_work_undone(
    erase: Handler, table: Table, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 answers 200, and says within it what it did not do."""
    fill(table, user, DELETED)
    mark(table, user)
    from api.people.erasing.container import eraser

    client = eraser().objects._client
    refusal = {"Errors": [{"Key": "k", "Code": "InternalError"}]}
    with monkeypatch.context() as patch:
        patch.setattr(client, "delete_objects", lambda **_: refusal)
        assert erase(event(batch_work(user)), Context(milliseconds=PLENTY)) != DONE
        patch.setattr(client, "delete_objects", lambda **_: {})
        assert erase(event(batch_work(user)), Context(milliseconds=PLENTY)) != DONE
    assert f"BATCH#{DELETED}" in rows_of(user)

    assert erase(event(batch_work(user)), Context(milliseconds=PLENTY)) == DONE
    assert objects() == []


def test_a_user_pool_that_refuses_keeps_the_deletion_unfinished(
    erase: Handler, user: str, pool: Pool, accounts: AccountRepository
) -> None:
    accounts.request_deletion(user, NOW)
    pool.plan = lambda operation, do: denied(Send(0, "cognito-idp", operation, None, do, lambda: None))

    assert erase(event(person_work(user)), Context(milliseconds=PLENTY)) != DONE

    deletion = accounts.deletion(user)
    assert deletion is not None
    assert deletion.finished_at is None


RUBBISH = [
    "",
    "null",
    '{"task": "everything"}',
    '{"task": "batch", "user": "u"}',
    '{"task": "person", "user": 5}',
    "{}",
]


@pytest.mark.parametrize("body", RUBBISH)
def test_rubbish_becomes_a_dead_letter_that_says_why(erase: Handler, body: str) -> None:
    assert erase(event(body, receives=1), Context()) != DONE
    assert erase(event(body, receives=5), Context()) == DONE

    url = aws.sqs_client().get_queue_url(QueueName="erasures-dlq")["QueueUrl"]
    [letter] = aws.sqs_client().receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert letter["Body"] == body
    assert json.loads(letter["MessageAttributes"][FAILURE]["StringValue"])["error"] == "WorkRefused"


def test_a_function_that_lacks_a_setting_says_so_when_asked_whether_it_starts(
    erase: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert erase({"Records": []}, Context()) == DONE

    from api.people.erasing import container

    container.eraser.cache_clear()
    monkeypatch.delenv("PHOTOS_BUCKET")
    monkeypatch.setenv("USER_POOL_ID", " ")
    with pytest.raises(Exception, match="not set: PHOTOS_BUCKET, USER_POOL_ID"):
        erase({"Records": []}, Context())
