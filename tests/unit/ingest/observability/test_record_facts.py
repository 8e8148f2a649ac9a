"""What follows from the facts: metrics, health and security events, once, however often and in whatever order the facts
come."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.observability.fact_mapping import Measured, meaning
from ingest.observability.use_cases.record_facts import FactRecording
from tests.fakes.event_store import InMemoryEventStore
from tests.unit.ingest.observability.events import NOW
from watchkeeper.errors import NoAnswer
from watchkeeper.events import DomainEvent
from watchkeeper.eventsourcing.event import Cause, Event
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import Appended, Head
from watchkeeper.observability import ids
from watchkeeper.observability.facts import (
    ALL_SERVICES,
    CircuitClosed,
    CircuitOpened,
    DeadLettersCounted,
    Fact,
    ReadingFailed,
    RequestRefused,
    RunFinished,
    SignInFailed,
    SourceAged,
    fact,
)
from watchkeeper.observability.health import SystemHealth
from watchkeeper.observability.metrics import Metric, Sample
from watchkeeper.observability.models import Health, Period, SecurityStatus
from watchkeeper.observability.refusals import Refused
from watchkeeper.observability.reserved import SystemMetric, reserved_prefix
from watchkeeper.observability.security import SecurityEvent

SOURCE = "lore:linux-hwmon"
RUN = RunFinished(SOURCE, "recent", 12.5, 9, 4, 3, 2)
FAILED = ReadingFailed(SOURCE, "it answers 503", blocked=False)


class Store(InMemoryEventStore):
    """It may be killed before each append."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None

    def append(
        self, head: Head, events: Sequence[Event], *, command_id: str | None = None, issued_at: datetime | None = None
    ) -> Appended:
        if events and self.left is not None:
            if self.left == 0:
                raise NoAnswer("killed")
            self.left -= 1
        return super().append(head, events, command_id=command_id, issued_at=issued_at)

    def whole(self) -> dict[str, list[Event]]:
        return {aggregate_id: list(events) for aggregate_id, events in self._events.items() if events}


class System:
    def __init__(self) -> None:
        self.store, self.now = Store(), NOW
        self.metrics = EventSourcedRepository(self.store, Metric, lambda: NOW)
        self.health = EventSourcedRepository(self.store, SystemHealth, lambda: NOW)
        self.security = EventSourcedRepository(self.store, SecurityEvent, lambda: NOW)
        self.recording = FactRecording(self.metrics, self.health, self.security, lambda: self.now)

    def tell(self, *facts: Fact) -> int:
        """One after the other, a second apart."""
        return sum(self.record(told(one, number)) for number, one in enumerate(facts))

    def record(self, event: DomainEvent) -> int:
        return self.recording.record(event, FACTS[event.type](**event.data))

    def value(self, series: str) -> tuple[Decimal, str | None]:
        metric = self.metrics.get(f"metric:{series}")
        assert metric.latest
        return metric.latest.value, metric.unit

    def of(self, component: str) -> Health:
        return self.health.get(f"system-health:{component}").health

    def reasons(self, component: str) -> dict[str, str]:
        return {reason.key: reason.status.value for reason in self.of(component).reasons}

    def noticed(self, kind: str) -> SecurityStatus:
        return self.security.get(f"security-event:20261120T21-{kind}").status


FACTS: dict[str, Callable[..., Fact]] = {
    kind.type: kind
    for kind in (
        CircuitClosed,
        CircuitOpened,
        DeadLettersCounted,
        ReadingFailed,
        RequestRefused,
        RunFinished,
        SignInFailed,
        SourceAged,
    )
}


def told(data: Fact, second: int = 0) -> DomainEvent:
    at = NOW + timedelta(seconds=second)
    return fact(data, cause=f"cause-{second}", occurred_at=at, correlation_id="trace")


def test_a_finished_run_is_measured_and_its_upstream_and_ingest_are_well() -> None:
    system = System()

    assert system.tell(RUN) == 0

    assert system.value(f"ingest.run.duration{{source={SOURCE}}}") == (Decimal("12.5"), "Seconds")
    assert system.value(f"ingest.run.rows_stored{{source={SOURCE}}}") == (Decimal(4), "Count")
    assert system.value(f"ingest.run.rows_refused{{source={SOURCE}}}") == (Decimal(2), "Count")
    assert system.value(f"ingest.run.failures{{source={SOURCE}}}") == (Decimal(0), "Count")
    assert system.of("upstream/lore").status == system.of("service/ingest").status == "healthy"


def test_what_follows_from_a_fact_says_so() -> None:
    system = System()

    system.tell(RUN)

    events = [event for kept in system.store.whole().values() for event in kept]
    causes = {(event.correlation_id, event.causation_id, event.actor) for event in events}
    assert causes == {("trace", told(RUN).id, "record-facts")}


@pytest.mark.parametrize(("blocked", "status"), [(False, "degraded"), (True, "down")])
def test_a_failed_reading_stands_against_its_upstream_until_a_run_ends(blocked: bool, status: str) -> None:
    system = System()

    system.tell(RUN, ReadingFailed(SOURCE, "it answers 503", blocked))
    assert system.reasons("upstream/lore") == {f"reading:{SOURCE}": status}
    assert "it answers 503" in system.of("upstream/lore").reasons[0].text
    assert system.value(f"ingest.run.failures{{source={SOURCE}}}") == (Decimal(1), "Count")

    system.record(told(RUN, 60))
    assert system.of("upstream/lore").status == "healthy"
    assert system.value(f"ingest.run.failures{{source={SOURCE}}}") == (Decimal(0), "Count"), (
        "what watches it sees its end"
    )


def test_each_source_stands_for_itself() -> None:
    system = System()

    system.tell(FAILED, ReadingFailed("lore:other", "x", blocked=True), RUN)

    assert system.reasons("upstream/lore") == {"reading:lore:other": "down"}


def test_an_open_circuit_takes_its_upstream_down_until_it_closes() -> None:
    system = System()

    system.tell(CircuitOpened("patchwork"))
    assert system.reasons("upstream/patchwork") == {"circuit": "down"}
    assert system.value("circuit.open{upstream=patchwork}") == (Decimal(1), "Count")

    system.record(told(CircuitClosed("patchwork"), 60))
    assert system.of("upstream/patchwork").status == "healthy"
    assert system.value("circuit.open{upstream=patchwork}") == (Decimal(0), "Count")


CHANGES: list[tuple[str, Fact, Fact]] = [
    ("upstream/lore", FAILED, RUN),
    ("upstream/lore", CircuitOpened("lore"), CircuitClosed("lore")),
    ("service/ingest", DeadLettersCounted("threads", "ingest", 3), DeadLettersCounted("threads", "ingest", 0)),
    ("upstream/lore", SourceAged(SOURCE, 90, stale=True, blocked=False), SourceAged(SOURCE, 9, False, False)),
]


every_change = pytest.mark.parametrize(("component", "bad", "good"), CHANGES, ids=[bad.type for _, bad, _ in CHANGES])


@every_change
def test_what_is_over_by_now_is_not_held_against_anybody(component: str, bad: Fact, good: Fact) -> None:
    """As when it failed at first, and came again half an hour later."""
    system = System()

    system.record(told(bad, 0))
    system.record(told(good, 60))
    system.record(told(bad, 30))

    assert system.of(component).status == "healthy"


@pytest.mark.parametrize("blocked", [False, True])
def test_a_failure_that_is_late_is_not_held_against_an_upstream_that_was_well_before_and_is_again(
    blocked: bool,
) -> None:
    system = System()
    for second in (0, 120):
        system.record(told(RUN, second))

    system.record(told(ReadingFailed(SOURCE, "503", blocked), 60))

    assert system.of("upstream/lore").status == "healthy"


def test_a_run_that_is_late_does_not_end_the_failures_since() -> None:
    system = System()
    for second in (0, 120):
        system.record(told(FAILED, second))

    system.record(told(RUN, 60))

    assert system.of("upstream/lore").status == "degraded"


def test_commands_of_facts_of_the_future_are_issued_now(monkeypatch: pytest.MonkeyPatch) -> None:
    system, issued = System(), set[datetime | None]()
    append = system.store.append

    def noted(*given: Any, issued_at: datetime | None = None, **more: Any) -> Appended:
        issued.add(issued_at)
        return append(*given, issued_at=issued_at, **more)

    monkeypatch.setattr(system.store, "append", noted)
    for second in (-300, 300):
        system.record(told(SignInFailed("wrong-code"), second))

    assert issued == {NOW - timedelta(minutes=5), NOW}


@pytest.mark.parametrize(("component", "bad", "good"), CHANGES[1:], ids=[bad.type for _, bad, _ in CHANGES[1:]])
def test_no_value_somebody_else_recorded_keeps_a_component_from_being_reported(
    component: str, bad: Fact, good: Fact
) -> None:
    system = System()
    system.record(told(good, 0))
    for part in meaning(good):
        if isinstance(part, Measured):
            system.metrics.execute(
                ids.metric(part.series),
                partial(Metric.take, samples=[Sample(NOW + timedelta(minutes=9), part.value, part.unit)], now=NOW),
                cause=Cause("trace", "a-request", "somebody"),
            )

    system.record(told(bad, 60))

    assert system.of(component).status != "healthy"


def test_a_fact_that_comes_again_hours_later_has_no_value_left_out() -> None:
    system = System()
    system.tell(FAILED)
    system.now += timedelta(hours=7)

    assert system.tell(FAILED) == 0


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_circuit_that_is_heard_to_close_before_it_is_heard_to_open_is_closed(seconds: int) -> None:
    system = System()
    system.tell(RUN, CircuitOpened("lore"), CircuitClosed("lore"))

    system.record(told(CircuitClosed("lore"), 300 + seconds))
    system.record(told(CircuitOpened("lore"), 300))

    assert system.of("upstream/lore").status == "healthy"


def test_a_source_that_is_no_longer_blocked_but_still_fails_says_so() -> None:
    system = System()

    system.tell(ReadingFailed(SOURCE, "403", blocked=True), ReadingFailed(SOURCE, "503", blocked=False))

    [reason] = system.of("upstream/lore").reasons
    assert (reason.status, reason.text) == ("degraded", f"{SOURCE} fails: 503")


def test_each_failed_attempt_is_a_value_of_its_own() -> None:
    system = System()

    system.tell(FAILED, FAILED, FAILED)

    assert system.metrics.get(f"metric:ingest.run.failures{{source={SOURCE}}}").version == 3
    assert system.health.get("system-health:upstream/lore").version == 1


def test_letters_of_the_queue_of_all_services_degrade_each_of_them_and_are_counted_once() -> None:
    system = System()
    services = [f"service/{name}" for name in ("ingest", "api", "scheduler")]

    system.tell(DeadLettersCounted("failures", ALL_SERVICES, 2))

    assert [system.reasons(one) for one in services] == [{"dead-letters:failures": "degraded"}] * 3
    assert "one of the services" in system.of("service/api").reasons[0].text
    assert system.metrics.get("metric:dead_letters.waiting{queue=failures}").version == 1

    system.record(told(DeadLettersCounted("failures", ALL_SERVICES, 0), 300))
    assert {system.of(one).status for one in services} == {"healthy"}


def test_all_metrics_of_facts_are_the_systems_own() -> None:
    measured = [part for one in EVERYTHING for part in meaning(one) if isinstance(part, Measured)]

    assert {part.series.name for part in measured} == set(SystemMetric)
    assert all(reserved_prefix(part.series.name) for part in measured)


def test_dead_letters_degrade_their_service_until_there_are_none() -> None:
    system = System()

    system.tell(DeadLettersCounted("threads", "ingest", 3))
    assert system.reasons("service/ingest") == {"dead-letters:threads": "degraded"}
    assert system.value("dead_letters.waiting{queue=threads}") == (Decimal(3), "Count")

    system.record(told(DeadLettersCounted("threads", "ingest", 0), 60))
    assert system.of("service/ingest").status == "healthy"


@pytest.mark.parametrize(("stale", "blocked"), [(True, False), (False, True), (True, True)])
def test_a_stale_or_blocked_source_degrades_its_upstream_until_it_is_neither(stale: bool, blocked: bool) -> None:
    system = System()

    system.tell(SourceAged("alphavantage:news", 90_000, stale, blocked))
    assert system.reasons("upstream/alphavantage") == {"stale:alphavantage:news": "degraded"}
    assert system.value("source.age{source=alphavantage:news}") == (Decimal(90_000), "Seconds")

    system.record(told(SourceAged("alphavantage:news", 10, stale=False, blocked=False), 60))
    assert system.of("upstream/alphavantage").status == "healthy"


@pytest.mark.parametrize(
    ("times", "severity"), [(1, "low"), (9, "low"), (10, "medium"), (99, "medium"), (100, "high"), (150, "high")]
)
def test_failed_sign_ins_of_an_hour_are_one_security_event_that_grows_worse(times: int, severity: str) -> None:
    system = System()

    system.tell(*[SignInFailed("wrong-code")] * times)

    noticed = system.noticed("sign-in-failed")
    assert (noticed.count, noticed.severity, noticed.state) == (times, severity, "detected")
    assert system.metrics.get("metric:sign_in.failures{reason=wrong-code}").version == times


def test_sign_ins_of_another_hour_are_another_event() -> None:
    system = System()

    system.record(told(SignInFailed("wrong-code"), 0))
    system.record(told(SignInFailed("wrong-code"), -1))

    assert system.noticed("sign-in-failed").count == 1


def test_refused_requests_are_counted_with_their_number() -> None:
    system = System()

    system.tell(RequestRefused(401, "GET /api/v1/me", 7), RequestRefused(403, "GET /api/v1/me", 5))

    noticed = system.noticed("request-refused")
    assert (noticed.count, noticed.severity) == (12, "medium")
    assert system.value("requests.refused{status=401}") == (Decimal(7), "Count")
    assert system.value("requests.refused{status=403}") == (Decimal(5), "Count")


def test_a_value_that_comes_too_late_is_left_out_and_the_rest_is_recorded() -> None:
    system = System()

    assert system.record(told(DeadLettersCounted("threads", "ingest", 3), -7 * 3600)) == 1

    assert system.metrics.find("metric:dead_letters.waiting{queue=threads}") is None
    assert system.reasons("service/ingest") == {"dead-letters:threads": "degraded"}


@pytest.mark.parametrize(
    "strange", [CircuitOpened("no such upstream"), SignInFailed(""), RequestRefused(401, "GET /", 0)]
)
def test_a_fact_that_names_what_cannot_be_is_refused_and_leaves_nothing(strange: Fact) -> None:
    system = System()

    with pytest.raises(Refused):
        system.tell(strange)

    assert system.store.whole() == {}


EVERYTHING = (
    RUN,
    FAILED,
    CircuitOpened("lore"),
    DeadLettersCounted("threads", "ingest", 3),
    SourceAged(SOURCE, 90, stale=True, blocked=False),
    SignInFailed("wrong-code"),
    RequestRefused(401, "GET /", 2),
)


@pytest.mark.parametrize("one", EVERYTHING, ids=lambda one: one.type)
def test_a_fact_killed_before_any_write_and_repeated_leaves_what_it_leaves_once(one: Fact) -> None:
    whole = System()
    whole.tell(one)
    writes = sum(map(len, whole.store.whole().values()))

    for before in range(writes):
        system = System()
        system.store.left = before
        with pytest.raises(NoAnswer):
            system.tell(one)
        system.store.left = None
        system.tell(one)
        system.tell(one)
        assert system.store.whole() == whole.store.whole()


SOURCES = st.sampled_from([SOURCE, "patchwork:linux-hwmon"])
KINDS = st.one_of(
    st.builds(RunFinished, SOURCES, st.just("recent"), st.floats(0, 900), *[st.integers(0, 99)] * 4),
    st.builds(ReadingFailed, SOURCES, st.just("503"), st.booleans()),
    st.builds(CircuitOpened, st.just("lore")),
    st.builds(CircuitClosed, st.just("lore")),
    st.builds(DeadLettersCounted, st.just("threads"), st.just("ingest"), st.integers(0, 2)),
    st.builds(SourceAged, SOURCES, st.integers(0, 99), st.booleans(), st.booleans()),
    st.builds(SignInFailed, st.sampled_from(["wrong-code", "too-many"])),
    st.builds(RequestRefused, st.sampled_from([401, 403]), st.just("GET /"), st.integers(1, 60)),
)


def figures(system: System) -> dict[str, object]:
    """Metrics with their roll-ups, and what security events count: what no order changes."""
    found: dict[str, object] = {}
    for aggregate_id in system.store.whole():
        if aggregate_id.startswith("metric:"):
            metric = system.metrics.get(aggregate_id)
            state = metric.state()
            rollups = {period: sorted(map(str, state[period.value])) for period in Period}
            found[aggregate_id] = (metric.latest, metric.unit, rollups)
        elif aggregate_id.startswith("security-event:"):
            status = system.security.get(aggregate_id).status
            found[aggregate_id] = (status.count, status.severity, status.last_seen_at)
    return found


@given(facts=st.lists(KINDS, min_size=1, max_size=8), data=st.data())
def test_facts_that_come_twice_and_in_any_order_leave_the_same_figures(facts: list[Fact], data: st.DataObject) -> None:
    once, often = System(), System()
    events = [told(one, number) for number, one in enumerate(facts)]
    for event in events:
        once.record(event)

    for event in data.draw(st.permutations(events * 2)):
        often.record(event)

    assert figures(often) == figures(once)


@given(facts=st.lists(KINDS, min_size=1, max_size=8), data=st.data())
def test_facts_that_come_again_later_leave_the_same_health(facts: list[Fact], data: st.DataObject) -> None:
    system = System()
    events = [told(one, number) for number, one in enumerate(facts)]
    for event in events:
        system.record(event)
    before = system.store.whole()

    for event in data.draw(st.permutations(events)):
        system.record(event)

    after = system.store.whole()
    assert {name: after[name] for name in after if name.startswith("system-health:")} == {
        name: before[name] for name in before if name.startswith("system-health:")
    }
