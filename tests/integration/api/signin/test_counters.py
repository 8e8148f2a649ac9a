from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from api.people.signin.limits import CODES_FOR_A_CLIENT, CODES_FOR_AN_ADDRESS, Limits
from api.web.problems import TooManyRequests
from tests.integration.api.signin.conftest import Clock
from tests.integration.tables import table_name
from watchkeeper import aws

ADA, EVE = "ada@example.org", "eve@example.org"


def spend(limits: Limits, times: int, whose: str = ADA) -> None:
    for _ in range(times):
        limits.spend(CODES_FOR_AN_ADDRESS, whose)


def is_spent(limits: Limits, whose: str = ADA) -> bool:
    try:
        limits.spend(CODES_FOR_AN_ADDRESS, whose)
    except TooManyRequests:
        return True
    return False


def test_so_much_is_allowed_and_no_more(limits: Limits) -> None:
    spend(limits, CODES_FOR_AN_ADDRESS.most)

    assert is_spent(limits)


def test_everybody_and_every_limit_has_a_counter_of_their_own(limits: Limits) -> None:
    spend(limits, CODES_FOR_AN_ADDRESS.most)

    spend(limits, CODES_FOR_AN_ADDRESS.most, EVE)
    limits.spend(CODES_FOR_A_CLIENT, ADA)


def test_it_is_said_when_the_next_window_begins(limits: Limits, time: Clock) -> None:
    time.passes(minutes=10)
    spend(limits, CODES_FOR_AN_ADDRESS.most)

    with pytest.raises(TooManyRequests) as told:
        limits.spend(CODES_FOR_AN_ADDRESS, ADA)
    assert told.value.retry_after == 300

    time.passes(seconds=299)
    assert is_spent(limits)
    time.passes(seconds=1)
    assert not is_spent(limits)


def test_what_is_refused_does_not_prolong_it(limits: Limits, time: Clock) -> None:
    spend(limits, CODES_FOR_AN_ADDRESS.most)
    assert all(is_spent(limits) for _ in range(10))

    time.passes(minutes=15)

    spend(limits, CODES_FOR_AN_ADDRESS.most)


def test_the_table_knows_nobody(limits: Limits, time: Clock) -> None:
    limits.spend(CODES_FOR_AN_ADDRESS, ADA)
    limits.spend(CODES_FOR_AN_ADDRESS, "\ud800")

    rows = aws.dynamodb_client().scan(TableName=table_name("sign-in"))["Items"]

    assert len(rows) == 2
    assert "ada" not in str(rows)
    assert {row["TTL"]["N"] for row in rows} == {str(int(time.now.timestamp()) + 900)}


def test_the_hashes_cannot_be_guessed_without_the_secret(limits: Limits, time: Clock) -> None:
    other = Limits(limits._table, time, lambda: b"another secret")
    spend(limits, CODES_FOR_AN_ADDRESS.most)

    assert not is_spent(other)


@pytest.mark.usefixtures("atomic_tables")
def test_requests_at_once_are_counted_one_by_one(limits: Limits) -> None:
    with ThreadPoolExecutor(4) as threads:
        spent = [*threads.map(lambda _: is_spent(limits), range(12))]

    assert spent.count(False) == CODES_FOR_AN_ADDRESS.most
