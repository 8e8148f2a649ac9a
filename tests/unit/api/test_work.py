"""The writes of one request, and the answer that is kept with them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from aws_lambda_powertools.event_handler import Response

from api.web.identity import Caller
from api.web.problems import KeyReused, PreconditionFailed
from api.web.work import ANSWERS_KEPT, Work
from tests.integration.api.events import http_request
from watchkeeper.dynamodb import Delete, Item, Keys, Put, Write
from watchkeeper.errors import ConditionFailed

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANSWER = Response(200, "application/json", "{}", {})
WRITE = Delete({"PK": "a", "SK": "b"})


class Table:
    """Keeps what is put, and refuses what it is told to."""

    def __init__(self, refused: tuple[int, ...] = ()) -> None:
        self.refused = refused
        self.written: list[Write] = []
        self.kept: dict[str, Item] = {}
        self.puts = 0

    def get(self, key: Mapping[str, Any]) -> Item | None:
        return self.kept.get(str(key["SK"]))

    def put(self, item: Item, *, keys: Keys, condition: str, values: Mapping[str, int]) -> None:
        self.puts += 1
        known = self.kept.get(str(item["SK"]))
        if known and int(known["expires_at"]) > values[":now"]:
            raise ConditionFailed("it is there")
        self.kept[str(item["SK"])] = item

    def write(self, writes: Sequence[Write], *, keys: Keys) -> None:
        if self.refused:
            raise ConditionFailed("refused", self.refused)
        self.written += writes
        self.kept |= {str(put.item["SK"]): put.item for put in writes if isinstance(put, Put)}


def work(table: Table, method: str = "POST", **headers: str) -> Work:
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    return Work(http_request(method, "/things", sent), Caller("ada"), table)  # type: ignore[arg-type]


class TestIssuing:
    def test_a_key_tells_when_its_request_came_first(self) -> None:
        table = Table()
        with time_machine.travel(NOON, tick=False) as time:
            asked = work(table, idempotency_key="k")
            assert (asked.issued_at(), asked.issued_at(), table.puts) == (NOON, NOON, 1)

            time.shift(ANSWERS_KEPT - timedelta(seconds=1))
            assert work(table, idempotency_key="k").issued_at() == NOON
            assert work(table, idempotency_key="l").issued_at() > NOON
            time.shift(timedelta(seconds=1))
            assert work(table, idempotency_key="k").issued_at() == NOON + ANSWERS_KEPT

    def test_without_a_key_it_is_now_and_nothing_is_written(self) -> None:
        table = Table()
        asked = work(table)

        assert (asked.issued_at(), table.puts) == (asked.now, 0)

    def test_a_key_is_that_of_its_first_request_before_there_is_an_answer(self) -> None:
        table = Table()
        work(table, idempotency_key="k").issued_at()

        other = Work(http_request("POST", "/things", {"idempotency-key": "k"}, body="{}"), Caller("ada"), table)  # type: ignore[arg-type]
        with pytest.raises(KeyReused):
            other.issued_at()


def test_the_first_write_that_is_refused_says_why() -> None:
    asked = work(Table(refused=(2, 1)))
    asked.add(WRITE)
    asked.add(WRITE, otherwise=PreconditionFailed("mine"))
    asked.add(WRITE)

    with pytest.raises(PreconditionFailed, match="mine"):
        asked.commit(ANSWER)


def test_an_answer_is_kept_for_its_key() -> None:
    table = Table()
    work(table, idempotency_key="k").commit(ANSWER)

    known = work(table, idempotency_key="k").known_answer()

    assert known is not None
    assert known.body == "{}"
    assert work(table, idempotency_key="other").known_answer() is None
    assert work(table).known_answer() is None


def test_an_answer_that_is_given_anew_is_not_kept() -> None:
    table = Table()
    sent = http_request("POST", "/things", {"Idempotency-Key": "k"})

    for _ in range(2):
        anew = Work(sent, Caller("ada"), table, keeps_answer=False)  # type: ignore[arg-type]
        assert (anew.key, anew.known_answer()) == ("k", None)
        anew.commit(ANSWER)

    assert table.written == []


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_only_a_post_needs_a_key_to_be_repeated(method: str) -> None:
    table = Table()

    work(table, method, idempotency_key="k").commit(ANSWER)

    assert work(table, method, idempotency_key="k").known_answer() is None
    assert table.written == []


class TestCommands:
    def test_the_same_request_with_the_same_key_has_the_same_name(self) -> None:
        table = Table()
        with time_machine.travel(NOON, tick=False) as time:
            first = work(table, idempotency_key="k").command_id()
            time.shift(ANSWERS_KEPT - timedelta(seconds=1))
            assert work(table, idempotency_key="k").command_id() == first is not None

            time.shift(timedelta(seconds=1))
            assert work(table, idempotency_key="k").command_id() != first, "the key is free again"

    def test_without_a_key_it_has_none(self) -> None:
        assert work(Table()).command_id() is None

    @pytest.mark.parametrize("other", ["key", "person", "path", "body"])
    def test_another_request_has_another_name(self, other: str) -> None:
        path = "/others" if other == "path" else "/things"
        sent = {"idempotency-key": "l" if other == "key" else "k"}
        event = http_request("POST", path, sent, body="{}" if other == "body" else None)
        with time_machine.travel(NOON, tick=False):
            asked = Work(event, Caller("eve" if other == "person" else "ada"), Table())  # type: ignore[arg-type]

            assert asked.command_id() != work(Table(), idempotency_key="k").command_id()

    def test_an_answer_that_is_left_open_is_not_kept(self) -> None:
        table = Table()
        asked = work(table, idempotency_key="k")
        asked.leave_open()

        assert asked.commit(ANSWER) is ANSWER
        assert work(table, idempotency_key="k").known_answer() is None
