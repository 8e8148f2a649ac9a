"""A report is marked once, wherever it has moved, and invalid events are refused."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from ingest.markets.handlers import mark_earnings_processed
from ingest.markets.use_cases.mark_earnings_processed import EarningsMarking
from tests.lambdas import Context
from tests.unit.ingest.markets.fakes import NOW, FakeEarnings
from watchkeeper import correlation
from watchkeeper.markets.events import EarningsProcessed
from watchkeeper.markets.models import Earnings

QUARTER = date(2026, 9, 30)
REPORT = Earnings("AAPL", NOW.date(), QUARTER)
EVENT = EarningsProcessed(symbol="AAPL", earnings_date=NOW.date(), fiscal_date_ending=QUARTER)


@pytest.fixture
def earnings() -> FakeEarnings:
    fake = FakeEarnings()
    fake.put([REPORT, replace(REPORT, earnings_date=date(2026, 8, 1), fiscal_date_ending=date(2026, 6, 30))])
    fake.put([replace(REPORT, symbol="MSFT")])
    return fake


@pytest.fixture
def marking(earnings: FakeEarnings) -> EarningsMarking:
    return EarningsMarking(earnings, lambda: NOW)


def marked(earnings: FakeEarnings) -> list[tuple[str, date]]:
    return [(one.symbol, one.fiscal_date_ending) for one in earnings.reports if one.processed_at]


def test_the_report_is_marked_and_no_other(marking: EarningsMarking, earnings: FakeEarnings) -> None:
    assert marking.mark(EVENT) == 1
    assert marked(earnings) == [("AAPL", QUARTER)]


def test_the_same_event_again_changes_nothing(earnings: FakeEarnings) -> None:
    clock = iter([NOW, NOW + timedelta(hours=1)])
    marking = EarningsMarking(earnings, lambda: next(clock))

    assert [marking.mark(EVENT), marking.mark(EVENT)] == [1, 0]
    assert [one.processed_at for one in earnings.reports if one.processed_at] == [NOW]


def test_a_report_that_has_moved_since_is_marked_where_it_is(marking: EarningsMarking, earnings: FakeEarnings) -> None:
    moved = replace(REPORT, earnings_date=NOW.date() + timedelta(days=3))
    earnings.move(REPORT, moved)

    assert marking.mark(EVENT) == 1
    assert earnings.items["AAPL", moved.earnings_date].processed_at == NOW


def test_a_report_that_is_not_there_any_more_is_nothing(earnings: FakeEarnings, marking: EarningsMarking) -> None:
    earnings.items.clear()

    assert marking.mark(EVENT) == 0
    assert earnings.items == {}


class TestHandler:
    @pytest.fixture(autouse=True)
    def container(self, monkeypatch: pytest.MonkeyPatch, marking: EarningsMarking) -> None:
        monkeypatch.setattr(mark_earnings_processed, "earnings_marking", lambda: marking)

    def test_it_takes_the_event_of_the_bus(self, earnings: FakeEarnings) -> None:
        detail = {"correlation_id": "cause-1", "data": EVENT.model_dump(mode="json")}

        assert mark_earnings_processed.handler({"detail": detail}, Context()) == {"marked": 1}
        assert marked(earnings) == [("AAPL", QUARTER)]

    def test_it_follows_the_cause_of_the_event(self, monkeypatch: pytest.MonkeyPatch, marking: EarningsMarking) -> None:
        causes = []

        def container() -> EarningsMarking:
            causes.append(correlation.current())
            return marking

        monkeypatch.setattr(mark_earnings_processed, "earnings_marking", container)
        detail = {"correlation_id": "cause-1", "data": EVENT.model_dump(mode="json")}
        mark_earnings_processed.handler({"detail": detail}, Context())

        assert causes == ["cause-1"]

    @pytest.mark.parametrize(
        "event",
        [{}, {"detail": None}, {"detail": []}, {"detail": {}}, {"detail": {"data": "x"}},
         {"detail": {"data": {"symbol": "AAPL", "earnings_date": "soon", "fiscal_date_ending": "2026-09-30"}}}],
    )  # fmt: skip
    def test_what_is_no_such_event_is_refused_by_name(self, event: Mapping[str, Any], earnings: FakeEarnings) -> None:
        with pytest.raises(Exception, match="no event earningsProcessed"):
            mark_earnings_processed.handler(event, Context())
        assert marked(earnings) == []
