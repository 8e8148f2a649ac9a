"""The writes of one request, and the answer that is kept with them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response

from api.web.identity import Caller
from api.web.problems import PreconditionFailed
from api.web.work import ANSWERS_KEPT, Work
from tests.integration.api.events import http_request
from watchkeeper.dynamodb import Delete, Item, Keys, Put, Write
from watchkeeper.errors import ConditionFailed

ANSWER = Response(200, "application/json", "{}", {})
WRITE = Delete({"PK": "a", "SK": "b"})


class Table:
    """Keeps what is put, and refuses what it is told to."""

    def __init__(self, refused: tuple[int, ...] = ()) -> None:
        self.refused = refused
        self.written: list[Write] = []
        self.kept: dict[str, Item] = {}

    def get(self, key: Mapping[str, Any]) -> Item | None:
        return self.kept.get(str(key["SK"]))

    def write(self, writes: Sequence[Write], *, keys: Keys) -> None:
        if self.refused:
            raise ConditionFailed("refused", self.refused)
        self.written += writes
        self.kept |= {str(put.item["SK"]): put.item for put in writes if isinstance(put, Put)}


def work(table: Table, method: str = "POST", **headers: str) -> Work:
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    return Work(http_request(method, "/things", sent), Caller("ada"), table)  # type: ignore[arg-type]


def test_a_key_says_since_when_the_request_can_have_come() -> None:
    keyed = work(Table(), idempotency_key="k")

    assert keyed.given_at == keyed.now - ANSWERS_KEPT
    assert work(Table()).given_at is None


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
        first, second = (work(Table(), idempotency_key="k").command_id for _ in range(2))

        assert first == second is not None

    def test_without_a_key_it_has_none(self) -> None:
        assert work(Table()).command_id is None

    @pytest.mark.parametrize("other", ["key", "person", "path", "body"])
    def test_another_request_has_another_name(self, other: str) -> None:
        path = "/others" if other == "path" else "/things"
        sent = {"idempotency-key": "l" if other == "key" else "k"}
        event = http_request("POST", path, sent, body="{}" if other == "body" else None)
        asked = Work(event, Caller("eve" if other == "person" else "ada"), Table())  # type: ignore[arg-type]

        assert asked.command_id != work(Table(), idempotency_key="k").command_id

    def test_an_answer_that_is_left_open_is_not_kept(self) -> None:
        table = Table()
        asked = work(table, idempotency_key="k")
        asked.leave_open()

        assert asked.commit(ANSWER) is ANSWER
        assert work(table, idempotency_key="k").known_answer() is None
