"""Recording metrics: what is taken, what is not and why, and what a second request changes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from tests.integration.api.asking import Asker
from tests.integration.api.observability.conftest import NOON, Store
from tests.integration.faults import Faults, Plan, denied, lost, throttled, timed_out
from watchkeeper import correlation
from watchkeeper.eventsourcing.repository import EventSourcedRepository, Processed
from watchkeeper.eventsourcing.store import KEYS, ConcurrencyConflict
from watchkeeper.observability import ids
from watchkeeper.observability.metrics import Metric

KEY = {"Idempotency-Key": "one"}


def of(name: str = "latency", value: Any = 1.5, **more: Any) -> dict[str, Any]:
    return {"name": name, "value": value, **more}


def recorded(store: Store) -> list[tuple[str, str]]:
    """Series and value of all that was taken."""
    return [(ids.own(event.aggregate_id), one["value"]) for event in store.events() for one in event.data["values"]]


class TestOneMetric:
    def test_it_is_taken_as_it_was_sent(self, developer: Asker, store: Store) -> None:
        body = of(value=0.1, unit="Milliseconds", dimensions={"route": "b", "app": "a"}, at="2026-11-20T13:59:58+02:00")

        reply = developer.post("/metrics", body, {"X-Correlation-Id": "cause"})

        assert (reply.status, reply.json) == (200, {"taken": 1, "refused": 0, "results": [{"index": 0, "taken": True}]})
        (event,) = store.events()
        assert event.data["values"] == [{"at": "2026-11-20T11:59:58Z", "value": "0.1"}]
        assert (event.aggregate_id, event.data["unit"]) == ("metric:latency{app=a,route=b}", "Milliseconds")
        assert (event.actor, event.correlation_id, event.causation_id) == ("dev", "cause", "cause")

    def test_it_is_of_now_and_without_a_unit_unless_it_says_so(self, developer: Asker, store: Store) -> None:
        developer.post("/metrics", of())

        (event,) = store.events()
        assert (event.data["values"], event.data["unit"]) == ([{"at": "2026-11-20T12:00:00Z", "value": "1.5"}], "None")

    @pytest.mark.parametrize(
        ("value", "kept"),
        [
            (1, "1"),
            (-2.50, "-2.5"),
            (1e-7, "0.0000001"),
            ("12.340", "12.34"),
            (123456789012345, "123456789012345"),
            (1 / 3, "0.333333333333333"),
            (0.1 + 0.2 - 0.3, "0"),
        ],
    )
    def test_a_value_is_a_number_or_its_text(self, developer: Asker, store: Store, value: Any, kept: str) -> None:
        assert developer.post("/metrics", of(value=value)).status == 200
        assert recorded(store) == [("latency", kept)]

    @pytest.mark.parametrize(
        ("body", "member"),
        [
            ({"value": 1}, "name"),
            (of(name="9"), "name"),
            (of(name="a b"), "name"),
            (of(name="sign_in.failures"), "name"),
            (of(value=None), "value"),
            (of(value=True), "value"),
            (of(value="NaN"), "value"),
            (of(value="Infinity"), "value"),
            (of(value=1e15), "value"),
            (of(value="0.1234567890123456"), "value"),
            (of(unit=""), "unit"),
            (of(unit="µs"), "unit"),
            (of(dimensions={"a b": "c"}), "dimensions.a b.[key]"),
            (of(dimensions={"a": "{b}"}), "dimensions.a"),
            (of(dimensions={f"d{number}": "x" for number in range(6)}), "dimensions"),
            (of(at="yesterday"), "at"),
            (of(at=1763640000), "at"),
            (of(surprise=1), "surprise"),
            ([of()], ""),
            (of(at="2026-11-20T05:59:59Z"), ""),
            (of(at="2026-11-20T12:10:01Z"), ""),
        ],
    )
    def test_one_that_cannot_be_taken_is_refused(self, developer: Asker, store: Store, body: Any, member: str) -> None:
        reply = developer.post("/metrics", body)

        assert reply.status == 422, reply.text
        assert [error["parameter"] for error in reply.json["errors"]] == [member]
        assert store.events() == []

    @pytest.mark.parametrize("body", ['{"name": "a", "value": NaN}', '{"name": "a", "value": 1e999}', "{", ""])
    def test_what_is_no_json_is_refused(self, developer: Asker, body: str) -> None:
        assert developer.post("/metrics", body).status in (400, 422)


class TestManyMetrics:
    def test_those_of_a_series_are_appended_in_order_of_time(self, developer: Asker, store: Store) -> None:
        sent = [of(value=number, at=f"2026-11-20T11:{number % 60:02d}:00Z") for number in range(120)]

        for _ in range(2):
            reply = developer.post("/metrics", {"metrics": sent}, KEY)
            assert (reply.json["taken"], reply.json["refused"]) == (120, 0)

        values = [event.data["values"] for event in store.events()]
        assert [len(some) for some in values] == [50, 50, 20]
        times = [one["at"] for some in values for one in some]
        assert times == sorted(times)

    def test_what_is_wrong_with_some_is_no_reason_to_refuse_others(self, developer: Asker, store: Store) -> None:
        developer.post("/metrics", of("size", 1, unit="Bytes"))
        wrong: list[Any] = [
            of(name="9"),
            5,
            None,
            of(value=float(10**15)),
            of(at="2026-11-20T05:00:00Z"),
            of(at="2026-11-20T12:30:00Z"),
            of("size", 1, unit="Count"),
            of(surprise=True),
            {},
            of("circuit.open"),
        ]

        reply = developer.post("/metrics", {"metrics": [of(value=1), *wrong, of("other", 2)]})

        assert (reply.status, reply.json["taken"], reply.json["refused"]) == (200, 2, len(wrong))
        assert [result["index"] for result in reply.json["results"]] == list(range(len(wrong) + 2))
        reasons = [result.get("reason", "") for result in reply.json["results"]]
        assert reasons[0] == reasons[-1] == ""
        assert [reason.partition(":")[0] for reason in reasons[1:3]] == [
            "name",
            "Input should be an object",
        ]
        assert reasons[5:8] == [
            "the time is more than 6 hours ago",
            "the time is more than 10 minutes ahead",
            "the unit of the series is Bytes",
        ]
        assert reasons[-2] == "name: names beginning with 'circuit.' are reserved for the system"
        assert all(reasons[1:-1])
        assert recorded(store) == [("latency", "1"), ("other", "2"), ("size", "1")]

    def test_a_reason_names_a_member_and_is_short_however_long_that_is(self, developer: Asker, store: Store) -> None:
        reply = developer.post("/metrics", {"metrics": [of(), {**of(), "x" * 300_000: 1}]}, KEY)

        assert (reply.status, reply.json["taken"]) == (200, 1)
        assert len(reply.json["results"][1]["reason"]) < 300

    def test_series_are_appended_to_under_the_request_s_correlation_id(
        self, developer: Asker, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        process, seen = EventSourcedRepository.process, set[str]()

        def noting(self: Any, *arguments: Any, **more: Any) -> Processed[Metric]:
            seen.add(correlation.current())
            return process(self, *arguments, **more)

        monkeypatch.setattr(EventSourcedRepository, "process", noting)
        developer.post("/metrics", {"metrics": [of("a"), of("b")]}, {"X-Correlation-Id": "began-there"})

        assert seen == {"began-there"}

    def test_five_hundred_with_all_they_may_have_are_taken(self, developer: Asker, store: Store) -> None:
        dimensions = {f"{'d' * 31}{number}": "v" * 64 for number in range(5)}
        sent = [of("n" * 64, value=number, unit="u" * 32, dimensions=dimensions) for number in range(500)]

        reply = developer.post("/metrics", {"metrics": sent})

        assert (reply.status, reply.json["taken"]) == (200, 500)
        assert len(recorded(store)) == 500

    @pytest.mark.parametrize("sent", [[], [of()] * 501, [of()] * 1001, {}, None, "x"])
    def test_none_or_too_many_at_once_are_refused(self, developer: Asker, store: Store, sent: Any) -> None:
        reply = developer.post("/metrics", {"metrics": sent})

        assert reply.status == 422
        assert [error["parameter"] for error in reply.json["errors"]] == ["metrics"]
        assert store.events() == []

    def test_a_body_is_bounded(self, developer: Asker, store: Store) -> None:
        reply = developer.post("/metrics", {"metrics": [of(value="1" * 40)] * 500, "more": "x" * 512 * 1024})

        assert (reply.status, store.events()) == (413, [])
        assert reply.json["detail"] == "The body is longer than 524288 bytes."

    @pytest.mark.usefixtures("atomic_tables")
    def test_those_of_many_series_are_appended_beside_each_other(self, developer: Asker, store: Store) -> None:
        sent = [of(f"m{number % 40}", number) for number in range(80)]

        reply = developer.post("/metrics", {"metrics": sent})

        assert reply.json["taken"] == 80
        assert sorted(recorded(store)) == sorted((f"m{number % 40}", str(number)) for number in range(80))


class TestRepeats:
    def test_the_same_request_with_its_key_is_answered_alike_and_done_once(
        self, developer: Asker, store: Store, time: time_machine.Traveller
    ) -> None:
        body = {"metrics": [of(), of(name="9")]}
        first = developer.post("/metrics", body, KEY)
        time.shift(timedelta(hours=1))

        assert developer.post("/metrics", body, KEY).json == first.json
        assert recorded(store) == [("latency", "1.5")]

    def test_one_that_was_killed_before_its_answer_was_kept_is_done_once(
        self, developer: Asker, store: Store, time: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = {"metrics": [of(value=1), of(value=2), of("other", 3)]}
        with monkeypatch.context() as killing:
            killing.setattr("api.web.work.Work.commit", fail)
            assert developer.post("/metrics", body, KEY).status == 500
        time.shift(timedelta(seconds=5))

        reply = developer.post("/metrics", body, KEY)

        assert (reply.status, reply.json["taken"]) == (200, 3)
        assert recorded(store) == [("latency", "1"), ("latency", "2"), ("other", "3")]

    def test_without_a_key_it_is_done_again(self, developer: Asker, store: Store) -> None:
        for _ in range(2):
            developer.post("/metrics", of())

        assert len(recorded(store)) == 2

    def test_after_a_day_its_key_is_good_for_another(
        self, developer: Asker, store: Store, time: time_machine.Traveller
    ) -> None:
        for _ in range(2):
            assert developer.post("/metrics", of(), KEY).json["taken"] == 1
            time.shift(timedelta(hours=25))

        assert len(recorded(store)) == 2

    def test_another_person_s_key_is_another_key(self, developer: Asker, admin: Asker, store: Store) -> None:
        for one in (developer, admin):
            one.post("/metrics", of(), KEY)

        assert len(recorded(store)) == 2

    def test_another_request_with_the_key_is_refused(self, developer: Asker, store: Store) -> None:
        developer.post("/metrics", of(), KEY)

        assert developer.post("/metrics", of(value=2), KEY).json["type"].endswith(":idempotency-key-reused")
        assert len(recorded(store)) == 1


def conflicting_for(failing: str) -> Callable[..., Processed[Metric]]:
    """Others are faster all the time with that one aggregate."""
    process = EventSourcedRepository.process

    def conflicting(self: Any, aggregate_id: str, *arguments: Any, **more: Any) -> Processed[Metric]:
        if aggregate_id == failing:
            raise ConcurrencyConflict(aggregate_id, expected=1, current=2)
        return process(self, aggregate_id, *arguments, **more)

    return conflicting


def fail(*_: object) -> None:
    raise RuntimeError("killed")


class TestTroubles:
    def test_what_fails_for_one_series_for_now_is_told_of_its_metrics_and_done_when_it_is_sent_again(
        self, developer: Asker, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = {"metrics": [of("slow", 1), of("quick", 2), of(name="9"), of("slow", 3)]}

        with monkeypatch.context() as others:
            others.setattr(EventSourcedRepository, "process", conflicting_for("metric:slow"))
            first = developer.post("/metrics", body, KEY)
        second = developer.post("/metrics", body, KEY)
        third = developer.post("/metrics", body, KEY)

        assert (first.status, first.json["taken"], first.json["refused"]) == (200, 1, 3)
        again = [result.get("again", False) for result in first.json["results"]]
        assert again == [True, False, False, True]
        assert "try again" in first.json["results"][0]["reason"]
        assert (second.json["taken"], second.json["refused"]) == (3, 1)
        assert third.json == second.json
        assert recorded(store) == [("quick", "2"), ("slow", "1"), ("slow", "3")]

    def test_what_was_taken_is_not_denied_by_a_later_try(
        self, developer: Asker, store: Store, time: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        at = "2026-11-20T11:00:00Z"
        body = {"metrics": [of("slow", 1, at=at), of("quick", 2, at=at), of("quick", 3)]}
        with monkeypatch.context() as others:
            others.setattr(EventSourcedRepository, "process", conflicting_for("metric:slow"))
            developer.post("/metrics", body, KEY)
        time.shift(timedelta(hours=8))
        developer.post("/metrics", of("quick", 4))

        reply = developer.post("/metrics", body, KEY)

        assert (reply.status, reply.json["taken"], reply.json["refused"]) == (200, 3, 0)
        assert recorded(store) == [("quick", "2"), ("quick", "3"), ("quick", "4"), ("slow", "1")]

    def test_nor_is_one_that_came_alone(
        self, developer: Asker, store: Store, time: time_machine.Traveller, faults: Faults
    ) -> None:
        with faults.injected(lost, operation="TransactWriteItems"):
            developer.post("/metrics", of(at="2026-11-20T06:00:01Z"), KEY)
        time.shift(timedelta(hours=1))

        assert developer.post("/metrics", of(at="2026-11-20T06:00:01Z"), KEY).json["taken"] == 1
        assert len(recorded(store)) == 1

    def test_another_request_with_the_key_of_one_that_is_open_is_refused(
        self, developer: Asker, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as others:
            others.setattr(EventSourcedRepository, "process", conflicting_for("metric:slow"))
            developer.post("/metrics", {"metrics": [of("slow", 1), of("quick", 2)]}, KEY)

        reply = developer.post("/metrics", {"metrics": [of("slow", 1), of("quick", 3)]}, KEY)

        assert (reply.status, reply.json["type"].rpartition(":")[2]) == (422, "idempotency-key-reused")
        assert recorded(store) == [("quick", "2")]

    def test_a_series_that_cannot_be_read_is_told_for_good(self, developer: Asker, store: Store) -> None:
        store.table.put({"aggregateId": "metric:spoilt", "eventSequence": 0, "commands": b""}, keys=KEYS)

        reply = developer.post("/metrics", {"metrics": [of("spoilt"), of("good")]}, KEY)

        spoilt, good = reply.json["results"]
        assert (reply.status, good["taken"]) == (200, True)
        assert spoilt == {
            "index": 0,
            "taken": False,
            "reason": "the series cannot be read; an operator must look into it",
        }

    def test_when_nothing_can_be_taken_of_it_that_is_our_own_fault(self, developer: Asker, store: Store) -> None:
        store.table.put({"aggregateId": "metric:spoilt", "eventSequence": 0, "commands": b""}, keys=KEYS)

        for body in (of("spoilt"), {"metrics": [of("spoilt"), of(name="9")]}):
            assert developer.post("/metrics", body).json["type"] == "urn:watchkeeper:problem:internal-error"

    @pytest.mark.parametrize(
        ("plan", "status"),
        [(throttled, 503), (timed_out, 503), (denied, 500)],
        ids=["throttled", "timed out", "denied"],
    )
    @pytest.mark.parametrize("names", [("a",), ("a", "b", "9")])
    def test_when_nothing_can_be_taken_it_is_a_problem(
        self, developer: Asker, faults: Faults, store: Store, plan: Plan, status: int, names: tuple[str, ...]
    ) -> None:
        body = {"metrics": [of(name) for name in names]}
        with faults.injected(plan, operation="TransactWriteItems"):
            reply = developer.post("/metrics", body, KEY)

        assert reply.status == status
        assert developer.post("/metrics", body, KEY).json["taken"] == len([name for name in names if name != "9"])

    def test_what_was_done_although_nobody_heard_of_it_is_done_once(
        self, developer: Asker, faults: Faults, store: Store
    ) -> None:
        with faults.injected(lost, operation="TransactWriteItems"):
            developer.post("/metrics", of(), KEY)
        reply = developer.post("/metrics", of(), KEY)

        assert (reply.status, reply.json["taken"]) == (200, 1)
        assert len(recorded(store)) == 1

    def test_who_is_leaving_tells_nothing_any_more(self, developer: Asker, store: Store) -> None:
        from tests.integration.tables import table_name
        from watchkeeper import aws
        from watchkeeper.dynamodb import Table
        from watchkeeper.people.accounts import AccountRepository

        AccountRepository(Table(aws.dynamodb_client(), table_name("people"))).request_deletion("dev", NOON)

        assert developer.post("/metrics", of(), KEY).status == 410
        assert store.events() == []
