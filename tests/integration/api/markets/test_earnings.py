"""Who reports when."""

import pytest

from tests.integration.api.asking import Asker
from tests.integration.api.conftest import Reply
from tests.integration.api.markets.builders import NOON, TODAY, a_day
from tests.integration.api.markets.conftest import all_pages, refused
from watchkeeper.markets.repositories.earnings import EarningsRepository


def named(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.text
    return [item["symbol"] for item in reply.json["items"]]


@pytest.fixture(autouse=True)
def some(ask: Asker, calendar: EarningsRepository) -> None:
    calendar.put(
        [
            a_day("PAST", -1, processed_at=NOON),
            a_day("NOW", 0, moved_from=TODAY),
            a_day("BRK.B", 5),
            a_day("AAPL", 5),
            a_day("OFF", 6, withdrawn_at=NOON),
            a_day("EDGE", 14),
            a_day("LATER", 15),
            a_day("FAR", 300, estimate=None),
            a_day("AAPL", 95),
        ]
    )


def test_the_next_two_weeks_are_told_by_day_and_symbol(ask: Asker) -> None:
    reply = ask.get("/earnings")

    assert named(reply) == ["NOW", "AAPL", "BRK.B", "EDGE"]
    assert (reply.json["since"], reply.json["until"]) == ("2026-11-20", "2026-12-04")
    assert reply.json["items"][0] == {
        "symbol": "NOW",
        "name": "NOW Incorporated",
        "earnings_date": "2026-11-20",
        "fiscal_date_ending": "2026-09-30",
        "estimate": "1.50",
        "currency": "USD",
        "time_of_day": "",
        "moved_from": "2026-11-20",
        "withdrawn_at": None,
        "processed_at": None,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from=2026-11-19", ["PAST", "NOW", "AAPL", "BRK.B"]),
        ("to=2026-11-20", ["NOW"]),
        ("from=2026-12-04&to=2026-12-05", ["EDGE", "LATER"]),
        ("from=2026-11-20&to=2027-11-20", ["NOW", "AAPL", "BRK.B", "EDGE", "LATER", "AAPL", "FAR"]),
        ("withdrawn=true", ["NOW", "AAPL", "BRK.B", "OFF", "EDGE"]),
        ("symbol=aapl", ["AAPL"]),
        ("symbol=AAPL&to=2027-11-20", ["AAPL", "AAPL"]),
        ("symbol=BRK-B", ["BRK.B"]),
        ("symbol=OFF", []),
        ("symbol=OFF&withdrawn=true", ["OFF"]),
        ("symbol=NONE", []),
        ("from=&to=", ["NOW", "AAPL", "BRK.B", "EDGE"]),
    ],
)
def test_days_and_companies_may_be_chosen(ask: Asker, query: str, found: list[str]) -> None:
    assert named(ask.get(f"/earnings?{query}")) == found
    for limit in (1, 2):
        assert [one["symbol"] for page in all_pages(ask, f"/earnings?{query}&limit={limit}") for one in page] == found


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("from=soon", "from"),
        ("to=2026-11-19", "to"),
        ("from=2026-11-20&to=2027-11-21", "to"),
        ("from=9999-12-31", "from"),
        ("from=0001-01-01", "from"),
        ("symbol=FOREX:USD", "symbol"),
        ("symbol=", "symbol"),
        ("withdrawn=perhaps", "withdrawn"),
    ],
)
def test_a_senseless_question_is_refused_by_name(ask: Asker, query: str, parameter: str) -> None:
    assert refused(ask.get(f"/earnings?{query}")) == [parameter]


def test_a_cursor_of_another_question_is_refused(ask: Asker) -> None:
    cursor = ask.get("/earnings?limit=1").json["cursor"]

    assert ask.get(f"/earnings?withdrawn=true&cursor={cursor}").status == 400
