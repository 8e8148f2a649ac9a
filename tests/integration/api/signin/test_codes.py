from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from api.people.signin.codes import Codes
from tests.integration.api.signin.conftest import Clock
from watchkeeper.dynamodb import Table


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_code_is_right_once(codes: Codes) -> None:
    code = codes.issue("one")

    assert [codes.redeem("one", code), codes.redeem("one", code)] == [True, False]


def test_codes_are_six_digits_and_each_is_its_own_challenges(codes: Codes) -> None:
    issued = [codes.issue(str(number)) for number in range(5)]

    assert all(len(code) == 6 and code.isdigit() for code in issued)
    assert len(set(issued)) > 1
    assert not codes.redeem("0", other_than(issued[0]))


@pytest.mark.parametrize("answer", ["", "1", "12345", "1234567", "x" * 10_000, "\ud800", "１２３４５６", "\x00", " 1 "])
def test_answers_of_another_form_are_wrong(codes: Codes, answer: str) -> None:
    codes.issue("one")

    assert codes.redeem("one", answer) is False


def test_the_third_try_is_the_last(codes: Codes) -> None:
    code = codes.issue("one")
    wrong = [codes.redeem("one", other_than(code)) for _ in range(2)]

    assert wrong == [False, False]
    assert codes.redeem("one", code)

    code = codes.issue("two")
    assert not any(codes.redeem("two", other_than(code)) for _ in range(3))
    assert not codes.redeem("two", code), "a right code is as late as any after three wrong ones"


@pytest.mark.parametrize(("seconds", "right"), [(299, True), (300, False), (301, False)])
def test_a_code_holds_five_minutes(codes: Codes, time: Clock, seconds: int, right: bool) -> None:
    code = codes.issue("one")

    time.passes(seconds=seconds)

    assert codes.redeem("one", code) is right


def test_a_challenge_nobody_made_is_answered_by_nothing(codes: Codes, table: Table) -> None:
    assert codes.redeem("one", "012345") is False
    assert table.get({"PK": "CODE#one"}) is None, "asking makes no row"


def test_the_table_knows_no_code(codes: Codes, table: Table) -> None:
    code = codes.issue("one")
    again = codes.issue("two")

    row, other = table.get({"PK": "CODE#one"}), table.get({"PK": "CODE#two"})

    assert row is not None
    assert other is not None
    assert code not in str(row)
    assert row["salt"] != other["salt"]
    assert (row["TTL"], row["tries"]) == (row["expires"], 0)
    assert again not in str(other)


@pytest.mark.usefixtures("atomic_tables")
def test_guesses_at_once_get_no_more_tries(codes: Codes) -> None:
    """Nine wrong ones and the right one, all together: three are looked at, whichever they are."""
    code = codes.issue("one")
    guesses = [other_than(code)] * 9

    with ThreadPoolExecutor(4) as threads:
        wrong = [*threads.map(lambda guess: codes.redeem("one", guess), guesses)]

    assert not any(wrong)
    assert not codes.redeem("one", code)


@pytest.mark.usefixtures("atomic_tables")
def test_the_right_code_many_times_at_once_is_right_once(codes: Codes) -> None:
    code = codes.issue("one")

    with ThreadPoolExecutor(3) as threads:
        right = [*threads.map(lambda _: codes.redeem("one", code), range(3))]

    assert sorted(right) == [False, False, True]
