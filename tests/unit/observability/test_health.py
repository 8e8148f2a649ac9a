"""A component is as well as the worst reason against it."""

from datetime import timedelta
from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.observability.samples import NINE, at
from watchkeeper.errors import ItemNotFound
from watchkeeper.eventsourcing.store import MAX_DATA_BYTES
from watchkeeper.observability import ids
from watchkeeper.observability.events import HealthChanged
from watchkeeper.observability.health import LONGEST_TEXT, MAX_REASONS, SystemHealth
from watchkeeper.observability.models import ComponentKind, Health, HealthStatus, Reason, Recovery
from watchkeeper.observability.refusals import Refused
from watchkeeper.records import dumps

HEALTHY, DEGRADED, DOWN = HealthStatus


def component(name: str = "upstream/patchwork") -> SystemHealth:
    return SystemHealth(ids.system_health(name))


def test_the_first_report_is_told_even_if_all_is_well() -> None:
    health = component()

    health.report("circuit", HEALTHY, "", NINE)
    health.report("circuit", HEALTHY, "", at(1))

    assert health.recorded == [
        HealthChanged(Health("upstream/patchwork", ComponentKind.UPSTREAM, HEALTHY, NINE), Recovery("circuit", NINE))
    ]


def test_a_component_is_as_well_as_its_worst_reason_and_since_that_changed() -> None:
    health = component("service/ingest")

    health.report("queue/facts-dlq", DEGRADED, "3 letters", at(0))
    health.report("circuit", DOWN, "It failed too often.", at(1))
    health.report("age", DEGRADED, "Two hours", at(2))
    worst = health.health
    health.report("circuit", HEALTHY, "", at(3))
    better = health.health

    assert worst == Health(
        "service/ingest",
        ComponentKind.SERVICE,
        DOWN,
        at(1),
        (
            Reason("circuit", DOWN, "It failed too often.", at(1)),
            Reason("queue/facts-dlq", DEGRADED, "3 letters", at(0)),
            Reason("age", DEGRADED, "Two hours", at(2)),
        ),
        DEGRADED,
    )
    assert (better.status, better.since, better.previous) == (DEGRADED, at(3), DOWN)
    assert len(health.recorded) == 4


def test_what_is_known_is_not_told_again() -> None:
    health = component()
    health.report("age", DEGRADED, "Two hours", at(0))

    health.report("age", DEGRADED, "Three hours", at(60))

    assert len(health.recorded) == 1
    assert health.health.reasons[0].since == at(0)


def test_a_reason_that_becomes_worse_is_told_with_its_new_text() -> None:
    health = component()
    health.report("age", DEGRADED, "Two hours", at(0))

    health.report("age", DOWN, " A day ", at(60))

    assert health.health.reasons == (Reason("age", DOWN, "A day", at(60)),)


def test_a_report_older_than_what_is_known_under_its_key_is_ignored() -> None:
    health = component()
    health.report("circuit", DOWN, "open", at(5))

    health.report("circuit", HEALTHY, "", at(4))

    assert health.health.status is DOWN
    assert len(health.recorded) == 1


def test_what_was_told_against_it_before_it_was_well_again_is_ignored_when_it_comes_late() -> None:
    health = component()
    health.report("age", DOWN, "old", at(0))
    health.report("age", HEALTHY, "", at(9))

    health.report("age", DOWN, "old", at(5))
    restored = component()
    restored.restore(orjson.loads(orjson.dumps(health.state())))
    restored.report("age", DOWN, "old", at(5))

    assert health.health.status is restored.health.status is HEALTHY


def test_of_two_reports_of_the_same_second_the_one_that_all_is_well_holds() -> None:
    one, other = component(), component()
    for health, statuses in ((one, (DOWN, HEALTHY)), (other, (HEALTHY, DOWN))):
        for status in statuses:
            health.report("circuit", status, "", at(5), is_turn=True)

    assert one.health.status is other.health.status is HEALTHY


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from((HEALTHY, DOWN))),
        min_size=1,
        max_size=6,
        unique_by=lambda it: it[0],
    )
)
def test_of_turns_the_newest_holds_in_whatever_order_they_come(turns: list[tuple[int, HealthStatus]]) -> None:
    health = component()
    health.report("seen", HEALTHY, "", at(-1))

    for seconds, status in turns:
        health.report("circuit", status, "", at(seconds), is_turn=True)

    assert health.health.status is max(turns)[1]


def test_a_late_report_under_another_key_counts_and_takes_no_time_back() -> None:
    health = component()
    health.report("age", DEGRADED, "old", at(5))

    health.report("circuit", DOWN, "open", at(4))

    assert (health.health.status, health.health.since) == (DOWN, at(5))


def test_reasons_and_their_texts_have_a_limit_and_the_worst_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchkeeper.observability.health.MAX_REASONS", 5)
    health = component()
    for n in range(10):
        health.report(f"queue/{n}", DEGRADED, "x" * 1000, at(n))
    health.report("circuit", DOWN, "open", at(60))

    reasons = health.health.reasons
    assert len(health.recorded) == 5 + 1
    assert [reason.key for reason in reasons] == ["circuit", *(f"queue/{n}" for n in range(4))]
    assert max(len(reason.text) for reason in reasons) == 200


def test_an_open_circuit_is_told_whatever_the_sources_of_an_upstream_report() -> None:
    health = component()
    for n in range(40):
        health.report(f"reading:{n}", DOWN, "blocked", at(n))
    health.report("circuit", DOWN, "open", at(60), is_turn=True)
    for n in range(40):
        health.report(f"reading:{n}", HEALTHY, "", at(61))

    assert [reason.key for reason in health.health.reasons] == ["circuit"]


def test_as_many_of_the_longest_reasons_fit_into_an_event() -> None:
    reason = Reason("k" * 128, DEGRADED, "ä" * LONGEST_TEXT, NINE)
    whole = Health("upstream/patchwork", ComponentKind.UPSTREAM, DOWN, NINE, (reason,) * MAX_REASONS, HEALTHY)

    assert len(dumps(HealthChanged(whole).encoded()).encode()) < MAX_DATA_BYTES


@pytest.mark.parametrize("name", ["patchwork", "upstream/", "person/x", "upstream/a/b", "upstream/Patchwork"])
def test_there_are_upstreams_and_services_alone(name: str) -> None:
    with pytest.raises(Refused, match="no such component"):
        component(name).report("age", DOWN, "", NINE)


def test_a_key_names_a_queue_however_long_its_name_is() -> None:
    health, key = component("service/ingest"), f"dead-letters:{'q' * 80}"

    health.report(key, DEGRADED, "2 letters", NINE)

    assert [reason.key for reason in health.health.reasons] == [key]
    with pytest.raises(Refused, match="up to 128 letters"):
        health.report("k" * 129, DEGRADED, "", NINE)


def test_a_key_is_made_of_what_can_be_read() -> None:
    with pytest.raises(Refused, match="a reason's key"):
        component().report("", DOWN, "", NINE)


def test_one_nobody_reported_of_is_not_found() -> None:
    with pytest.raises(ItemNotFound):
        _ = component().health


REPORTS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(HealthStatus), st.integers(1, 100)), min_size=1, max_size=30
)


@settings(deadline=None)
@given(REPORTS)
def test_status_is_the_worst_of_the_last_reports_and_each_event_changes_something(
    reports: list[tuple[str, HealthStatus, int]],
) -> None:
    health, now, last = component(), NINE, dict[str, HealthStatus]()
    changes = [now]
    for key, status, seconds in reports:
        before = None if health.is_new else health.health
        now += timedelta(seconds=seconds)
        health.report(key, status, "text", now)
        last[key] = status
        if before is None or before.status is not health.health.status:
            changes.append(now)
        loaded = component()
        loaded.restore(orjson.loads(orjson.dumps(health.state())))
        assert loaded.health == health.health
        assert health.health.status is max(last.values(), key=lambda one: one.badness)
        assert health.health.since == changes[-1]
        assert {(one.key, one.status) for one in health.health.reasons} == {
            (name, told) for name, told in last.items() if told is not HEALTHY
        }

    told = [data.health for data in health.recorded if isinstance(data, HealthChanged)]
    assert all((one.status, one.reasons) != (other.status, other.reasons) for one, other in pairwise(told))
