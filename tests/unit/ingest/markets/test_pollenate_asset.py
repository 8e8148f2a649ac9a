"""Pollenation: each statement is asked for once and stored once, whatever ends the work in between."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import BudgetSpent, DayOver, PlanLacksFunction, RequestRefused, UpstreamGarbled, UpstreamUnavailable
from ingest.markets.use_cases.pollenate_asset import CLAIM, STEP_SECONDS, AssetPollenation, Request, Worker
from tests.unit.ingest.markets.fakes import (
    NOW,
    FakeAlphaVantage,
    FakeAssets,
    FakeBus,
    FakeCalls,
    FakeClock,
    FakeEarnings,
    FakeFundamentals,
    Killed,
    Steps,
    Told,
    asset,
)
from watchkeeper.errors import ItemNotFound, LeaseTaken, NoAnswer, WatchkeeperError
from watchkeeper.events import event_id
from watchkeeper.markets.models import Earnings, Outcome, Period, Statement
from watchkeeper.markets.repositories.fundamentals import Pollenation

QUARTER, BEFORE = date(2026, 9, 30), date(2026, 6, 30)
REPORT = Earnings("AAPL", NOW.date(), QUARTER)
REPORTS = [statement for statement in Statement if statement is not Statement.OVERVIEW]


def statement_of(statement: Statement, *days: date, **values: Any) -> dict[str, Any]:
    quarterly = [{"fiscalDateEnding": day.isoformat(), "reportedEPS": "1.50", "cash": "7", **values} for day in days]
    names = ("annualEarnings", "quarterlyEarnings") if statement is Statement.EARNINGS else None
    annual, quarters = names or ("annualReports", "quarterlyReports")
    return {"symbol": "AAPL", annual: [], quarters: quarterly}


def overview(latest: date = QUARTER, **values: Any) -> dict[str, Any]:
    return {"Symbol": "AAPL", "Name": "Apple", "LatestQuarter": latest.isoformat(), **values}


def all_told() -> dict[Statement, Any]:
    return {Statement.OVERVIEW: overview()} | {one: statement_of(one, QUARTER, BEFORE) for one in REPORTS}


@dataclass
class Watch:
    """One asset, and all that is known of it."""

    steps: Steps = field(default_factory=Steps)
    clock: FakeClock = field(default_factory=FakeClock)
    workers: int = 0

    def __post_init__(self) -> None:
        self.calls = FakeCalls()
        self.client = FakeAlphaVantage(self.steps, self.clock, self.calls.wait, all_told())
        self.assets = FakeAssets(self.steps, {"AAPL": asset()})
        self.fundamentals = FakeFundamentals(self.steps)
        self.earnings = FakeEarnings(items={("AAPL", REPORT.earnings_date): REPORT})
        self.bus = FakeBus(self.steps)
        self.told = Told()

    def pollenate(
        self, made_at: datetime = NOW, *, seconds: Callable[[], float] = lambda: 600.0, last_try: bool = False
    ) -> bool:
        """By a worker of its own."""
        self.workers += 1
        pollenation = AssetPollenation(
            self.client, self.calls, self.assets, self.fundamentals, self.earnings, self.bus, self.told, self.clock
        )
        return pollenation.pollenate(
            Request("AAPL", made_at, f"cause-{self.workers}", last_try), Worker(f"worker-{self.workers}", seconds)
        )

    @property
    def state(self) -> Pollenation:
        return self.fundamentals.pollenation("AAPL")

    @property
    def outcomes(self) -> set[Outcome]:
        return {asked.outcome for asked in self.state.asked.values()}


@pytest.fixture
def watch() -> Watch:
    return Watch()


class TestUndisturbed:
    def test_all_five_are_asked_and_stored_before_the_next(self, watch: Watch) -> None:
        assert watch.pollenate()

        assert watch.client.asked == list(Statement)
        assert len(watch.fundamentals.rows) == 8
        assert [one.values["Name"] for one in watch.fundamentals.told.values()] == ["Apple"]
        assert watch.assets.items["AAPL"].last_pollenated == NOW
        assert watch.state.claimed_by == ""
        assert watch.outcomes == {Outcome.DATA}
        assert watch.state.edition == 6, "a claim and five answers; the last one ends the claim"
        assert watch.calls.taken == 0

    def test_the_earnings_are_told_as_processed_by_the_cause_of_the_request(self, watch: Watch) -> None:
        watch.pollenate()

        [event] = watch.bus.told
        assert (event.id, event.type) == (event_id("AAPL/2026-09-30", "earningsProcessed"), "earningsProcessed")
        assert event.correlation_id == "cause-1"
        assert event.data == {"symbol": "AAPL", "earnings_date": "2026-11-20", "fiscal_date_ending": "2026-09-30"}

    def test_a_request_that_comes_twice_asks_for_nothing(self, watch: Watch) -> None:
        watch.pollenate()
        done = len(watch.steps.done)
        assert watch.pollenate()

        assert len(watch.client.asked) == 5
        assert watch.steps.done[done:] == ["publish"], "the calendar does not say yet that it is processed"
        assert watch.bus.told[0].id == watch.bus.told[1].id

    @pytest.mark.parametrize("earlier", [timedelta(0), timedelta(seconds=1), timedelta(days=3)])
    def test_a_request_that_comes_late_is_satisfied_by_a_later_one(self, watch: Watch, earlier: timedelta) -> None:
        watch.pollenate(NOW)
        watch.pollenate(NOW - earlier)

        assert len(watch.client.asked) == 5

    def test_a_later_request_asks_again(self, watch: Watch) -> None:
        watch.pollenate()
        watch.clock.sleep(60)
        watch.pollenate(watch.clock.now)

        assert len(watch.client.asked) == 10

    def test_what_was_asked_before_the_request_does_not_satisfy_it_however_long_the_answer_took(
        self, watch: Watch
    ) -> None:
        watch.pollenate()
        first = watch.state.asked[Statement.OVERVIEW].at

        assert first == NOW, "when the call began"

    def test_the_same_answers_again_are_written_nowhere_but_in_the_state(self, watch: Watch) -> None:
        watch.pollenate()
        written, reads = watch.fundamentals.written.copy(), watch.steps.done.count("read earnings")
        watch.clock.sleep(86_400)
        watch.steps.done.clear()
        watch.pollenate(watch.clock.now)

        assert watch.fundamentals.written == written
        assert reads == 1
        assert Counter(step.split()[0] for step in watch.steps.done) == Counter(
            {"ask": 5, "keep": 6, "note": 1, "publish": 1}
        )

    def test_only_periods_that_changed_are_written(self, watch: Watch) -> None:
        watch.pollenate()
        watch.fundamentals.written.clear()
        newest = date(2026, 12, 31)
        told = statement_of(Statement.CASH_FLOW, newest, QUARTER, BEFORE)
        told["quarterlyReports"][1]["cash"] = "8"
        watch.client.told[Statement.CASH_FLOW] = told
        watch.clock.sleep(86_400)
        watch.pollenate(watch.clock.now)

        assert set(watch.fundamentals.written) == {
            (Statement.CASH_FLOW, Period.QUARTERLY, newest),
            (Statement.CASH_FLOW, Period.QUARTERLY, QUARTER),
        }

    def test_an_overview_that_changed_is_another_one_and_the_old_one_stays(self, watch: Watch) -> None:
        watch.pollenate()
        watch.client.told[Statement.OVERVIEW] = overview(PERatio="20")
        watch.clock.sleep(86_400)
        watch.pollenate(watch.clock.now)

        assert list(watch.fundamentals.told) == [NOW.date(), NOW.date() + timedelta(days=1)]

    def test_who_is_not_tracked_is_not_asked_about(self, watch: Watch) -> None:
        watch.assets.items.clear()

        with pytest.raises(ItemNotFound):
            watch.pollenate()
        assert watch.client.asked == []


class TestWhatIsTold:
    def test_a_fund_has_no_data_and_that_is_noted(self, watch: Watch) -> None:
        watch.client.told = {one: statement_of(one) for one in REPORTS} | {Statement.OVERVIEW: None}
        watch.pollenate()

        assert watch.outcomes == {Outcome.NO_DATA}
        assert watch.assets.items["AAPL"].no_data
        assert watch.assets.items["AAPL"].last_pollenated
        assert watch.bus.told == []

    def test_one_answer_without_data_is_not_an_asset_without(self, watch: Watch) -> None:
        watch.client.told[Statement.CASH_FLOW] = None
        watch.pollenate()

        assert watch.state.asked[Statement.CASH_FLOW].outcome is Outcome.NO_DATA
        assert not watch.assets.items["AAPL"].no_data

    def test_no_data_leaves_what_is_stored_and_known(self, watch: Watch) -> None:
        watch.pollenate()
        digest = watch.state.asked[Statement.EARNINGS].digest
        rows, told = dict(watch.fundamentals.rows), dict(watch.fundamentals.told)
        watch.client.told = dict.fromkeys(Statement)
        watch.clock.sleep(60)
        watch.pollenate(watch.clock.now)

        assert (watch.fundamentals.rows, watch.fundamentals.told) == (rows, told)
        assert watch.state.asked[Statement.EARNINGS].digest == digest

    @pytest.mark.parametrize("refusal", [RequestRefused("unknown"), PlanLacksFunction("our plan lacks it")])
    def test_a_refused_statement_is_noted_and_the_others_are_asked(self, watch: Watch, refusal: Exception) -> None:
        watch.client.told[Statement.EARNINGS] = refusal
        assert watch.pollenate()

        asked = watch.state.asked[Statement.EARNINGS]
        assert (asked.outcome, asked.reason) == (Outcome.REFUSED, str(refusal))
        assert len(watch.client.asked) == 5
        assert not watch.assets.items["AAPL"].no_data

    def test_refused_and_no_data_is_no_data(self, watch: Watch) -> None:
        watch.client.told = dict.fromkeys(Statement) | {Statement.EARNINGS: RequestRefused("unknown")}
        watch.pollenate()

        assert watch.assets.items["AAPL"].no_data

    def test_refused_alone_is_not(self, watch: Watch) -> None:
        watch.client.told = dict.fromkeys(Statement, PlanLacksFunction("our plan lacks it"))
        watch.pollenate()

        assert not watch.assets.items["AAPL"].no_data

    def test_what_cannot_be_taken_of_an_answer_is_told_once(self, watch: Watch) -> None:
        watch.client.told[Statement.CASH_FLOW]["quarterlyReports"][0]["cash"] = "12 apples"
        watch.pollenate()
        watch.clock.sleep(60)
        watch.pollenate(watch.clock.now)

        assert [one.subject for one in watch.told.refused] == ["AAPL cash_flow: cash quarterly 2026-09-30"]
        assert "cash" not in watch.fundamentals.rows[Statement.CASH_FLOW, Period.QUARTERLY, QUARTER].values

    def test_garbage_changes_nothing_and_the_claim_is_given_back(self, watch: Watch) -> None:
        watch.client.told[Statement.EARNINGS] = {"symbol": "MSFT"}
        with pytest.raises(UpstreamGarbled):
            watch.pollenate()

        assert set(watch.state.asked) == {Statement.OVERVIEW}
        assert watch.state.claimed_by == ""
        assert watch.assets.items["AAPL"].last_pollenated is None

    def test_an_overview_without_values_is_no_data(self, watch: Watch) -> None:
        watch.client.told[Statement.OVERVIEW] = {"Symbol": "AAPL", "Name": "None"}
        watch.pollenate()

        assert watch.state.asked[Statement.OVERVIEW].outcome is Outcome.NO_DATA
        assert watch.assets.items["AAPL"].last_pollenated == NOW

    @pytest.mark.parametrize(
        "told", [{"symbol": "MSFT", "annualReports": [], "quarterlyReports": []}, {"symbol": "AAPL", "oddReports": []}]
    )
    def test_an_answer_that_stays_unreadable_is_refused_in_the_last_try_and_the_others_are_asked(
        self, watch: Watch, told: dict[str, Any]
    ) -> None:
        watch.client.told[Statement.CASH_FLOW] = told
        with pytest.raises(UpstreamGarbled):
            watch.pollenate()
        watch.pollenate(last_try=True)

        assert watch.state.asked[Statement.CASH_FLOW].outcome is Outcome.REFUSED
        assert {watch.state.asked[one].outcome for one in Statement if one is not Statement.CASH_FLOW} == {Outcome.DATA}
        assert [one.subject for one in watch.told.refused] == ["AAPL cash_flow"]
        assert watch.assets.items["AAPL"].last_pollenated == NOW

    def test_what_is_no_answer_about_the_asset_is_garbled_in_the_last_try_too(self, watch: Watch) -> None:
        watch.client.told[Statement.CASH_FLOW] = UpstreamGarbled("something new")
        with pytest.raises(UpstreamGarbled):
            watch.pollenate(last_try=True)

        assert Statement.CASH_FLOW not in watch.state.asked


class TestAnotherCompany:
    """The symbol was given to somebody else, of whom less is known."""

    @pytest.fixture
    def watch(self, watch: Watch) -> Watch:
        watch.pollenate()
        before = watch.assets.items["AAPL"]
        watch.assets.items["AAPL"] = replace(before, id="another", last_pollenated=None)
        watch.client.told = {one: statement_of(one, QUARTER) for one in REPORTS} | {Statement.OVERVIEW: overview()}
        watch.client.asked.clear()
        return watch

    def test_what_was_told_of_the_one_before_is_kept_and_not_taken_for_its_own(self, watch: Watch) -> None:
        before = dict(watch.fundamentals.rows)
        watch.pollenate()

        assert {day for _, _, day in watch.fundamentals.rows} == {QUARTER}
        assert watch.fundamentals.former == {asset().id: before}
        assert watch.state.company == "another"

    def test_all_is_asked_again_though_it_was_just_asked(self, watch: Watch) -> None:
        watch.pollenate()

        assert watch.client.asked == list(Statement)

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("step", range(6))
    def test_a_crash_leaves_nothing_of_the_one_before_among_it(self, watch: Watch, step: int, after: bool) -> None:
        watch.steps.fatal, watch.steps.after = len(watch.steps.done) + step, after
        with pytest.raises(Killed):
            watch.pollenate()
        watch.clock.sleep(CLAIM.total_seconds() + 1)
        watch.pollenate()

        assert {day for _, _, day in watch.fundamentals.rows} == {QUARTER}
        assert len(watch.fundamentals.former[asset().id]) == 8
        assert watch.state.company == "another"

    def test_once_is_enough(self, watch: Watch) -> None:
        watch.pollenate()
        rows = dict(watch.fundamentals.rows)
        watch.clock.sleep(86_400)
        watch.pollenate(watch.clock.now)

        assert watch.fundamentals.rows == rows


class TestProcessed:
    @pytest.mark.parametrize("late", list(Statement))
    def test_the_earnings_are_processed_when_all_five_know_the_period(self, watch: Watch, late: Statement) -> None:
        whole = watch.client.told[late]
        old = overview(BEFORE) if late is Statement.OVERVIEW else statement_of(late, BEFORE)
        watch.client.told[late] = old
        watch.pollenate()
        assert watch.bus.told == []

        watch.client.told[late] = whole
        watch.clock.sleep(60)
        watch.pollenate(watch.clock.now)
        assert [event.data["fiscal_date_ending"] for event in watch.bus.told] == ["2026-09-30"]

    @pytest.mark.parametrize("late", list(Statement))
    def test_a_statement_that_has_no_data_is_one_that_does_not_know_the_period(
        self, watch: Watch, late: Statement
    ) -> None:
        watch.client.told[late] = None
        watch.pollenate()

        assert watch.bus.told == []

    def test_earnings_without_the_figure_are_not_there_yet(self, watch: Watch) -> None:
        watch.client.told[Statement.EARNINGS] = statement_of(Statement.EARNINGS, QUARTER, reportedEPS="None")
        watch.pollenate()

        assert watch.bus.told == []

    def test_an_overview_that_does_not_say_its_quarter_is_no_hindrance(self, watch: Watch) -> None:
        watch.client.told[Statement.OVERVIEW] = {"Symbol": "AAPL", "Name": "Apple"}
        watch.pollenate()

        assert len(watch.bus.told) == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"processed_at": NOW},
            {"withdrawn_at": NOW},
            {"earnings_date": NOW.date() + timedelta(days=1)},
            {"earnings_date": NOW.date() - timedelta(days=121)},
        ],
        ids=["processed", "withdrawn", "to come", "long ago"],
    )
    def test_a_report_nobody_waits_for_is_not_told(self, watch: Watch, change: dict[str, Any]) -> None:
        report = replace(REPORT, **change)
        watch.earnings.items = {("AAPL", report.earnings_date): report}
        watch.pollenate()

        assert watch.bus.told == []

    def test_nothing_is_published_when_nothing_is_to_be_told(self, watch: Watch) -> None:
        watch.earnings.items.clear()
        watch.pollenate()

        assert "publish" not in watch.steps.done


class TestSpentBudget:
    def test_nothing_is_asked_or_claimed_without_a_call(self, watch: Watch) -> None:
        watch.calls.left = 0
        with pytest.raises(BudgetSpent):
            watch.pollenate()

        assert watch.steps.done == []

    @pytest.mark.parametrize("left", [1, 2, 3, 4])
    def test_the_rest_is_asked_for_when_there_are_calls_again(self, watch: Watch, left: int) -> None:
        watch.calls.left = left
        with pytest.raises(BudgetSpent):
            watch.pollenate()
        assert len(watch.client.asked) == left
        assert watch.state.claimed_by == ""
        assert watch.assets.items["AAPL"].last_pollenated is None

        watch.calls.left = 5
        watch.clock.sleep(900)
        assert watch.pollenate()
        assert watch.client.asked == list(Statement)
        assert watch.calls.left == left, "no more were taken than were missing"

    def test_a_day_that_is_over_stops_the_work_and_keeps_what_was_answered(self, watch: Watch) -> None:
        watch.client.told[Statement.CASH_FLOW] = DayOver("over", retry_at=NOW + timedelta(hours=12))
        with pytest.raises(DayOver):
            watch.pollenate()

        assert set(watch.state.asked) == set(Statement) - {Statement.CASH_FLOW}
        assert watch.state.claimed_by == ""


class TestOutOfTime:
    @pytest.mark.parametrize("calls", range(5))
    def test_the_same_request_goes_on_where_the_time_ended(self, watch: Watch, calls: int) -> None:
        def left() -> float:
            return 600.0 if len(watch.client.asked) < calls else STEP_SECONDS - 1

        assert not watch.pollenate(seconds=left)
        assert len(watch.client.asked) == calls
        assert watch.state.claimed_by == ""
        assert watch.assets.items["AAPL"].last_pollenated is None

        assert watch.pollenate()
        assert watch.client.asked == list(Statement)


class TestClaims:
    def claim(self, watch: Watch, until: datetime) -> None:
        watch.fundamentals.keep(Pollenation("AAPL", claimed_by="somebody", claimed_until=until))

    def test_who_finds_another_at_it_takes_no_call(self, watch: Watch) -> None:
        self.claim(watch, NOW + timedelta(seconds=1))
        with pytest.raises(LeaseTaken):
            watch.pollenate()

        assert watch.calls.taken == 0
        assert watch.client.asked == []

    def test_a_claim_that_ran_out_is_anybodys(self, watch: Watch) -> None:
        self.claim(watch, NOW)

        assert watch.pollenate()

    def test_of_two_who_read_at_once_one_goes_on(self, watch: Watch) -> None:
        def somebody_claims(wanted: int) -> None:
            FakeCalls.take(watch.calls, wanted)
            self.claim(watch, NOW + CLAIM)

        watch.calls.take = somebody_claims  # type: ignore[method-assign]
        with pytest.raises(LeaseTaken):
            watch.pollenate()

        assert watch.client.asked == []
        assert watch.state.claimed_by == "somebody"

    def test_who_lost_the_claim_in_the_middle_stops_and_leaves_it(self, watch: Watch) -> None:
        ask = watch.client.statement

        def slow(statement: Statement, symbol: str) -> dict[str, Any] | None:
            if statement is Statement.EARNINGS:
                watch.fundamentals.keep(replace(watch.state, claimed_by="somebody", claimed_until=NOW + 2 * CLAIM))
            return ask(statement, symbol)

        watch.client.statement = slow  # type: ignore[method-assign]
        with pytest.raises(LeaseTaken):
            watch.pollenate()

        assert watch.state.claimed_by == "somebody"
        assert watch.client.asked == [Statement.OVERVIEW, Statement.EARNINGS]

    def test_who_satisfied_the_request_may_still_be_at_it_for_another(self, watch: Watch) -> None:
        watch.pollenate()
        watch.fundamentals.keep(replace(watch.state, claimed_by="somebody", claimed_until=NOW + CLAIM))

        assert watch.pollenate()
        assert len(watch.client.asked) == 5

    def test_an_error_is_told_even_if_the_claim_cannot_be_given_back(self, watch: Watch) -> None:
        watch.client.told[Statement.EARNINGS] = UpstreamUnavailable("down")
        keep = watch.fundamentals.keep

        def once(pollenation: Pollenation) -> Pollenation:
            if not pollenation.claimed_by:
                raise NoAnswer("the table is away")
            return keep(pollenation)

        watch.fundamentals.keep = once  # type: ignore[method-assign]
        with pytest.raises(UpstreamUnavailable):
            watch.pollenate()


UNDISTURBED = Watch()
UNDISTURBED.pollenate()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", [Killed, NoAnswer])
@pytest.mark.parametrize("fatal", range(len(UNDISTURBED.steps.done)))
def test_a_crash_at_any_step_loses_nothing_and_doubles_nothing(
    watch: Watch, fatal: int, error: type[BaseException], after: bool
) -> None:
    watch.steps.fatal, watch.steps.error, watch.steps.after = fatal, error, after
    with pytest.raises(error):
        watch.pollenate()
    at = UNDISTURBED.steps.done[fatal]
    cut_off = len(watch.client.asked)
    _resume(watch)

    asked = Counter(watch.client.asked)
    again = [statement for statement, times in asked.items() if times > 1]
    assert set(asked) == set(Statement)
    assert sum(asked.values()) <= 6
    assert again == [] or again == [list(Statement)[cut_off - 1]], "only the one whose answer was not noted"
    assert not again or at not in ("note pollenation", "publish")
    assert watch.fundamentals.rows == UNDISTURBED.fundamentals.rows
    assert watch.fundamentals.told == UNDISTURBED.fundamentals.told
    assert watch.fundamentals.written == UNDISTURBED.fundamentals.written, "each row once"
    assert {name: one.digest for name, one in watch.state.asked.items()} == {
        name: one.digest for name, one in UNDISTURBED.state.asked.items()
    }
    assert {event.id for event in watch.bus.told} == {event.id for event in UNDISTURBED.bus.told}
    assert watch.assets.items["AAPL"].last_pollenated
    assert watch.state.claimed_by == ""


def _resume(watch: Watch) -> None:
    """The message comes again: at once, and when the claim of who is dead has run out."""
    try:
        assert watch.pollenate()
    except LeaseTaken:
        watch.clock.sleep(CLAIM.total_seconds())
        assert watch.pollenate()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_comes_in_any_order_ends_with_what_is_true(data: st.DataObject) -> None:
    """Requests late, doubled and out of order; crashes and spent budgets; answers that change in between."""
    watch = Watch()
    requests: list[datetime] = []
    for _ in range(data.draw(st.integers(1, 8))):
        watch.clock.sleep(data.draw(st.sampled_from([1, 700, 86_400])))
        if data.draw(st.booleans()):
            watch.client.told[Statement.CASH_FLOW] = statement_of(
                Statement.CASH_FLOW, QUARTER, cash=str(data.draw(st.integers(0, 3)))
            )
        requests.append(watch.clock.now)
        watch.calls.taken, watch.calls.left = 0, data.draw(st.sampled_from([0, 2, 5, 50]))
        lives = data.draw(st.none() | st.integers(0, 30))
        watch.steps.fatal = None if lives is None else len(watch.steps.done) + lives
        before = len(watch.client.asked)
        with suppress(Killed, WatchkeeperError):
            watch.pollenate(data.draw(st.sampled_from(requests)))
        assert len(watch.client.asked) - before <= 5
    watch.steps.fatal, watch.calls.left = None, 50
    watch.clock.sleep(CLAIM.total_seconds())
    watch.pollenate(watch.clock.now)

    fresh = Watch()
    fresh.client.told = watch.client.told
    fresh.pollenate()
    stored = {key: row for key, row in watch.fundamentals.rows.items() if key in fresh.fundamentals.rows}
    assert stored == fresh.fundamentals.rows
    assert {name: one.digest for name, one in watch.state.asked.items()} == {
        name: one.digest for name, one in fresh.state.asked.items()
    }
    assert watch.assets.items["AAPL"].last_pollenated == min(one.at for one in watch.state.asked.values())


def test_the_day_of_an_overview_is_the_one_in_utc(watch: Watch) -> None:
    watch.clock.now = datetime(2026, 11, 20, 23, 59, 50, tzinfo=UTC)
    watch.pollenate(watch.clock.now)

    assert list(watch.fundamentals.told) == [date(2026, 11, 20)]
