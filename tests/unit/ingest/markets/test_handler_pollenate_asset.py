"""What becomes of a message: done, put back for a while, tried again a few times, or refused by name."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.errors import (
    BudgetSpent,
    DayOver,
    KeyRefused,
    MinuteOver,
    UpstreamBlocked,
    UpstreamError,
    UpstreamGarbled,
    UpstreamResting,
    UpstreamUnavailable,
)
from ingest.markets.handlers import pollenate_asset
from ingest.markets.keys import KeysMissing
from ingest.markets.use_cases.pollenate_asset import STEP_SECONDS, Request, Worker
from ingest.work import FIRST_RETRY_SECONDS, MAX_ATTEMPTS
from tests.lambdas import Context, sqs_record
from tests.unit.ingest.markets.fakes import NOW
from watchkeeper import correlation, metrics
from watchkeeper.errors import ItemNotFound, LeaseTaken, NoAnswer
from watchkeeper.events import DeliveryFailed
from watchkeeper.markets.events import PollenationNeeded, Reason, domain_event
from watchkeeper.queues import MAX_DELAY_SECONDS

CAUSE = "cause-1"
EVENT = domain_event(
    PollenationNeeded(symbol="BRK.B", reason=Reason.REGULAR, score="9.50"),
    cause="x", occurred_at=NOW - timedelta(minutes=1), correlation_id=CAUSE,
)  # fmt: skip


def work(**fields: Any) -> dict[str, Any]:
    """As the rule of the bus has it from the envelope."""
    said = {"id": EVENT.id, "type": EVENT.type, "version": 1, "occurred_at": "2026-11-20T11:59:00Z"}
    return {**said, "correlation_id": CAUSE, "data": dict(EVENT.data), **fields}


@dataclass
class FakeMaintenance:
    on: bool = False

    def is_on(self, now: datetime) -> bool:
        assert now == NOW
        return self.on


@dataclass
class FakeQueue:
    sent: list[tuple[Mapping[str, Any], int]] = field(default_factory=list)

    def send(self, work: Mapping[str, Any], *, delay: int = 0) -> None:
        self.sent.append((work, delay))


@dataclass
class FakePollenation:
    result: bool | Exception = True
    requests: list[Request] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)

    def pollenate(self, request: Request, worker: Worker) -> bool:
        self.requests.append(request)
        self.workers.append(worker)
        self.causes.append(correlation.current())
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@dataclass
class FakeLetters:
    kept: list[Exception] = field(default_factory=list)
    last: bool = True
    """Whether the message has come for the last time."""

    def keep(self, record: Mapping[str, Any], error: Exception, *, function: str, request_id: str) -> bool:
        self.kept.append(error)
        return self.last


@dataclass
class Function:
    """The function with everything around it."""

    maintenance: FakeMaintenance = field(default_factory=FakeMaintenance)
    queue: FakeQueue = field(default_factory=FakeQueue)
    pollenation: FakePollenation = field(default_factory=FakePollenation)
    letters: FakeLetters = field(default_factory=FakeLetters)
    missing: Exception | None = None
    measured: list[tuple[str, float]] = field(default_factory=list)

    def asset_pollenation(self) -> FakePollenation:
        if self.missing:
            raise self.missing
        return self.pollenation

    def invoke(self, *bodies: object, milliseconds: int = 600_000) -> dict[str, Any]:
        texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
        records = [sqs_record(f"m{number}", text, correlation_id="other") for number, text in enumerate(texts)]
        return pollenate_asset.handler({"Records": records}, Context("request-1", milliseconds=milliseconds))

    def refused(self) -> str:
        [error] = self.letters.kept
        assert type(error).__name__ == "WorkRefused"
        return str(error)


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Function:
    function = Function()
    for name, value in {
        "common": lambda: function,
        "pollenation_queue": lambda: function.queue,
        "asset_pollenation": function.asset_pollenation,
        "utc_now": lambda: NOW,
    }.items():
        monkeypatch.setattr(pollenate_asset, name, value)
    monkeypatch.setattr("watchkeeper.messages.dead_letter_writer", lambda _: function.letters)
    monkeypatch.setattr("watchkeeper.aws.sqs_client", lambda: None)
    measure = metrics.measure

    def noted(metric: metrics.Metric, value: float, **dimensions: str) -> None:
        function.measured.append((metric.name, value))
        measure(metric, value, **dimensions)

    monkeypatch.setattr(metrics, "measure", noted)
    return function


class TestDone:
    def test_the_asset_is_pollenated_as_of_when_the_event_occurred(self, function: Function) -> None:
        assert function.invoke(work()) == {"batchItemFailures": []}

        assert function.pollenation.requests == [Request("BRK.B", NOW - timedelta(minutes=1), CAUSE)]
        [worker] = function.pollenation.workers
        assert (worker.id, worker.seconds_left()) == ("request-1", 600)
        assert function.queue.sent == []
        assert function.letters.kept == []

    def test_what_follows_has_the_cause_of_the_event(self, function: Function) -> None:
        function.invoke(work())
        function.invoke(work(correlation_id="in a log: line\nnew"))

        assert function.pollenation.causes == [CAUSE, "other"]

    def test_parts_of_a_second_do_not_count(self, function: Function) -> None:
        function.invoke(work(occurred_at="2026-11-20T12:59:00.999+01:00"))

        assert function.pollenation.requests[0].made_at == datetime(2026, 11, 20, 11, 59, tzinfo=UTC)

    def test_work_the_time_did_not_suffice_for_is_handed_on_at_once(self, function: Function) -> None:
        function.pollenation.result = False
        function.invoke(work(attempt=2))

        assert function.queue.sent == [(work(attempt=2), 0)]

    def test_a_second_message_without_time_for_a_step_comes_again(self, function: Function) -> None:
        answer = function.invoke(work(), work(), milliseconds=int(STEP_SECONDS * 1000) - 1)

        assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
        assert len(function.pollenation.requests) == 1

    def test_who_deployed_it_is_told_whether_it_starts(self, function: Function) -> None:
        assert function.invoke() == {"batchItemFailures": []}


SOON = NOW + timedelta(seconds=40.2)


class TestPutBack:
    """As it is, and without counting as a failure."""

    def test_in_the_maintenance_window_nothing_is_asked(self, function: Function) -> None:
        function.maintenance.on = True
        function.missing = AssertionError("not even the key is read")
        assert function.invoke(work()) == {"batchItemFailures": []}

        assert function.queue.sent == [(work(), MAX_DELAY_SECONDS)]

    @pytest.mark.parametrize(
        ("error", "delay", "metric"),
        [
            (BudgetSpent("spent", retry_at=SOON), 41, "AlphaVantageThrottled"),
            (BudgetSpent("spent", retry_at=NOW + timedelta(hours=12)), 43_200, "AlphaVantageThrottled"),
            (BudgetSpent("spent", retry_at=NOW - timedelta(hours=1)), 1, "AlphaVantageThrottled"),
            (DayOver("over", retry_at=SOON), 41, "AlphaVantageThrottled"),
            (KeyRefused("no"), MAX_DELAY_SECONDS, "UpstreamRefused"),
            (UpstreamResting("rests", retry_after=math.inf), MAX_DELAY_SECONDS, "ReadingsFailed"),
            (LeaseTaken("another"), pollenate_asset.BUSY_SECONDS, "LeaseTaken"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("attempt", [0, MAX_ATTEMPTS + 1])
    def test_what_is_nobodys_fault_comes_again_later(
        self, function: Function, error: Exception, delay: int, metric: str, attempt: int
    ) -> None:
        function.pollenation.result = error
        sent = work(attempt=attempt)
        assert function.invoke(sent) == {"batchItemFailures": []}

        assert function.queue.sent == [(sent, delay)]
        assert function.letters.kept == []
        assert (metric, 1) in function.measured

    def test_without_a_key_nothing_is_asked(self, function: Function) -> None:
        function.missing = KeysMissing("still the placeholder")
        function.invoke(work())

        assert function.queue.sent == [(work(), MAX_DELAY_SECONDS)]
        assert ("UpstreamRefused", 1) in function.measured


class TestTriedAgain:
    ERRORS = (
        UpstreamUnavailable("down"),
        UpstreamGarbled("what?"),
        UpstreamBlocked("a page"),
        NoAnswer("the table"),
    )

    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    def test_a_failure_is_tried_again_after_a_pause_that_grows(self, function: Function, error: Exception) -> None:
        function.pollenation.result = error
        sent = work()
        for made in range(1, MAX_ATTEMPTS):
            function.invoke(sent)
            again, delay = function.queue.sent[-1]
            assert again == work(attempt=made)
            assert delay == FIRST_RETRY_SECONDS * 2 ** (made - 1)
            sent = dict(again)
        assert function.letters.kept == []

        function.invoke(sent)
        assert len(function.queue.sent) == MAX_ATTEMPTS - 1
        assert function.letters.kept == [error]
        assert [name for name, _ in function.measured].count("ReadingsFailed") == MAX_ATTEMPTS

    def test_being_asked_too_often_makes_no_dead_letter_however_long_it_lasts(self, function: Function) -> None:
        function.pollenation.result = MinuteOver("minute", retry_after=5)
        last = work(attempt=MAX_ATTEMPTS - 1)
        function.invoke(work(), last)

        assert function.queue.sent == [(work(attempt=1), FIRST_RETRY_SECONDS), (last, MAX_DELAY_SECONDS)]
        assert function.letters.kept == []

    @pytest.mark.parametrize(("attempt", "last_try"), [(0, False), (MAX_ATTEMPTS - 2, False), (MAX_ATTEMPTS - 1, True)])
    def test_the_last_try_is_known_as_such(self, function: Function, attempt: int, last_try: bool) -> None:
        function.invoke(work(attempt=attempt))

        assert [request.last_try for request in function.pollenation.requests] == [last_try]

    def test_the_pause_an_upstream_asks_for_is_kept(self, function: Function) -> None:
        function.pollenation.result = UpstreamUnavailable("busy", retry_after=500)
        function.invoke(work())

        assert function.queue.sent == [(work(attempt=1), 501)]

    def test_what_is_not_the_last_failure_comes_again_as_it_is(self, function: Function) -> None:
        function.pollenation.result = DeliveryFailed([EVENT], "the bus is away")
        function.letters.last = False

        assert function.invoke(work()) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
        assert function.queue.sent == []

    def test_one_that_fails_does_not_hold_up_the_next(self, function: Function) -> None:
        function.letters.last = False
        function.pollenation.result = UpstreamError("what?")
        answer = function.invoke("garbage", work(attempt=MAX_ATTEMPTS), work())

        assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == ["m0", "m1"]
        assert [again["attempt"] for again, _ in function.queue.sent] == [1]


class TestRefused:
    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ("", "JSON"),
            ("{", "JSON"),
            ("[]", "object"),
            ("null", "object"),
            ({"task": "sync"}, "task"),
            ({}, "data, occurred_at, type"),
            (work(data=None), "data"),
            (work(data={"symbol": "BRK.B"}), "data.reason"),
            (work(data={"symbol": "BRK.B", "reason": "boredom"}), "data.reason"),
            (work(data={"symbol": 5, "reason": "regular"}), "data.symbol"),
            (work(data={"symbol": "", "reason": "regular"}), "symbol is ''"),
            (work(data={"symbol": "A" * 3000, "reason": "regular"}), "symbol is 'AAAA"),
            (work(data={"symbol": "BRK-B", "reason": "regular"}), "symbol is 'BRK-B'"),
            (work(occurred_at="yesterday"), "occurred_at"),
            (work(occurred_at="2026-11-20T11:59:00"), "occurred_at"),
            (work(attempt="often"), "attempt"),
            (work(correlation_id=None), "correlation_id"),
            (work(type="earningsProcessed"), "this is 'earningsProcessed'"),
        ],
    )  # fmt: skip
    def test_what_is_no_work_is_a_dead_letter_that_says_why(self, function: Function, body: object, said: str) -> None:
        assert function.invoke(body) == {"batchItemFailures": []}

        assert said in function.refused()
        assert len(function.refused()) < 300
        assert function.pollenation.requests == []
        assert function.queue.sent == []

    def test_an_asset_that_is_not_tracked_is_one_too(self, function: Function) -> None:
        function.pollenation.result = ItemNotFound("no asset BRK.B")
        function.invoke(work())

        assert function.refused() == "no asset BRK.B"
