"""Work waits on Sundays, by UTC, and whenever an operator says so."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.unit.markets.tables import FakeTable
from watchkeeper.errors import ConfigurationError
from watchkeeper.markets.maintenance import Maintenance, MaintenanceWindow, Said, Word

SUNDAY = datetime(2026, 11, 22, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def maintenance() -> Maintenance:
    return Maintenance(FakeTable(), ["SUN"])


@pytest.mark.parametrize(
    ("moment", "on"),
    [
        (SUNDAY - timedelta(seconds=1), False),
        (SUNDAY, True),
        (SUNDAY + timedelta(days=1, seconds=-1), True),
        (SUNDAY + timedelta(days=1), False),
        (datetime(2026, 11, 21, 20, tzinfo=timezone(timedelta(hours=-5))), True),
        (datetime(2026, 11, 22, 20, tzinfo=timezone(timedelta(hours=-5))), False),
    ],
)
def test_the_day_is_the_one_in_utc(maintenance: Maintenance, moment: datetime, on: bool) -> None:
    assert maintenance.is_on(moment) is on


def test_what_may_not_be_is_refused(maintenance: Maintenance) -> None:
    maintenance.refuse(FRIDAY)
    with pytest.raises(MaintenanceWindow):
        maintenance.refuse(SUNDAY)


def test_no_day_at_all_is_a_setting_too() -> None:
    assert not any(Maintenance(FakeTable(), []).is_on(SUNDAY + timedelta(days=day)) for day in range(7))


def test_a_day_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="Sunday"):
        Maintenance(FakeTable(), ["SUN", "Sunday"])


@pytest.mark.parametrize(("word", "day", "on"), [(Word.OPEN, SUNDAY, False), (Word.CLOSED, FRIDAY, True)])
def test_an_operators_word_holds_until_its_time(maintenance: Maintenance, word: Word, day: datetime, on: bool) -> None:
    until = day + timedelta(hours=6)
    maintenance.say(word, until)

    assert maintenance.said() == Said(word, until)
    assert maintenance.is_on(day) is on
    assert maintenance.is_on(until - timedelta(seconds=1)) is on
    assert maintenance.is_on(until) is not on, "only the day counts again"


def test_a_word_is_taken_back(maintenance: Maintenance) -> None:
    maintenance.say(Word.CLOSED, FRIDAY + timedelta(days=9))
    maintenance.unsay()

    assert maintenance.said() is None
    assert not maintenance.is_on(FRIDAY)


def test_a_word_goes_by_itself_when_it_holds_no_more() -> None:
    table = FakeTable()
    Maintenance(table, []).say(Word.OPEN, FRIDAY)

    [item] = table.items.values()
    assert item["expires_at"] == int(FRIDAY.timestamp())
