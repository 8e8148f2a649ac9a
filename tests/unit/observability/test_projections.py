"""The projections of a rebuild: a fold leaves what applying one event after the other would leave."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bus_events import SERIES, SOURCED, TYPES, event, late_first_value, metric, occurrence
from watchkeeper.clock import from_iso
from watchkeeper.dynamodb import Item
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.read_models import Row, Stamp
from watchkeeper.eventsourcing.store import event_item
from watchkeeper.eventsourcing.upcasting import UnknownEvent, Upcasters
from watchkeeper.observability import projections
from watchkeeper.observability.projections import (
    ALERTS,
    ERRORS,
    HEALTH_BOARD,
    LATEST_METRICS,
    METRIC_SERIES,
    MODELS,
    REBUILT,
    Fold,
    Occurrence,
    rows,
)
from watchkeeper.records import dumps

Kept = dict[tuple[str, str, str], tuple[Row, Stamp]]

HISTORY = [
    *(occurrence(metric(number, "a", f"{number}.5", number // 2)) for number in range(1, 7)),
    *(occurrence(metric(number, "b", f"{number}", 1)) for number in range(1, 4)),
    *(occurrence(event(kind, number)) for number, kind in enumerate(("AlertRuleDefined", "AlertRuleRetired"), 1)),
    *(
        occurrence(event(kind, number))
        for number, kind in enumerate(("AlertPending", "AlertRaised", "AlertResolved"), 1)
    ),
    *(
        occurrence(event(kind, number))
        for number, kind in enumerate(("SecurityEventDetected", "SecurityEventTriaged", "SecurityEventClosed"), 1)
    ),
    *(occurrence(event("HealthChanged", number)) for number in range(1, 4)),
]


def one_after_the_other(events: Iterable[Occurrence]) -> Kept:
    """What the conditional writes of the read models' table leave."""
    kept: Kept = {}
    for one in events:
        for row in rows(one):
            key = (row.model, row.partition, row.sort)
            if key not in kept or kept[key][1].sequence < one.sequence:
                kept[key] = (row, one.stamp)
    return kept


def folded(events: Iterable[Occurrence], *models: str) -> Kept:
    fold = Fold(models or REBUILT)
    for one in events:
        fold.add(one)
    winners = list(fold.winners())
    left = {(row.model, row.partition, row.sort): (row, stamp) for row, stamp in winners}
    assert len(left) == len(winners)
    return left


@given(st.lists(st.sampled_from(HISTORY)))
def test_a_fold_leaves_what_one_event_after_the_other_leaves(events: list[Occurrence]) -> None:
    assert folded(events) == one_after_the_other(events)


@given(st.data())
def test_the_order_and_repeats_change_nothing(data: st.DataObject) -> None:
    repeats = data.draw(st.lists(st.sampled_from(HISTORY), max_size=5))

    assert folded(data.draw(st.permutations([*HISTORY, *repeats]))) == folded(HISTORY)


@pytest.mark.parametrize("model", MODELS)
def test_a_fold_of_one_model_has_no_row_of_another(model: str) -> None:
    everything = [*HISTORY, occurrence(event("ErrorOccurred"))]

    assert folded(everything, model) == {
        key: kept for key, kept in one_after_the_other(everything).items() if key[0] == model
    }


def test_a_fold_says_which_events_it_need_not_see() -> None:
    fold = Fold([ALERTS, HEALTH_BOARD])

    assert fold.takes("AlertCalmed")
    assert fold.takes("HealthChanged")
    assert not fold.takes("MetricRecorded")


def test_there_is_no_fold_of_a_model_that_is_none() -> None:
    with pytest.raises(ValueError, match="what-is-this"):
        Fold(["what-is-this", ALERTS])


@pytest.mark.parametrize("event_type", TYPES)
def test_an_event_makes_a_row_for_each_model_that_takes_it(event_type: str) -> None:
    made = {row.model for row in rows(occurrence(event(event_type)))}

    assert made == {model for model, types in MODELS.items() if event_type in types}


def test_a_value_is_the_latest_and_counts_in_each_of_its_periods() -> None:
    latest, *series = rows(occurrence(event("MetricRecorded")))

    assert latest == Row(
        LATEST_METRICS,
        "",
        SERIES,
        {
            "name": "fetch.seconds",
            "unit": "Seconds",
            "dimensions": {"source": "news"},
            "series": SERIES,
            "at": "2026-11-20T21:04:31Z",
            "value": "-12.500000000000001",
        },
        int(from_iso("2026-12-20T21:04:31Z").timestamp()),
    )
    assert [(row.model, row.partition, row.sort) for row in series] == [
        (METRIC_SERIES, f"{SERIES}#minute", "2026-11-20T21:04:00Z"),
        (METRIC_SERIES, f"{SERIES}#hour", "2026-11-20T21:00:00Z"),
        (METRIC_SERIES, f"{SERIES}#day", "2026-11-20T00:00:00Z"),
    ]


def test_a_late_value_leaves_the_latest_and_is_all_there_is_of_its_minute() -> None:
    latest, minute, *_ = rows(occurrence(late_first_value()))

    assert (latest.record["at"], latest.record["value"]) == ("2026-11-20T21:05:00Z", "7")
    assert minute.record == {"count": 1, "sum": "-12.5", "min": "-12.5", "max": "-12.5", "unit": "Seconds"}


def test_an_event_that_fails_again_replaces_its_row() -> None:
    first, again = (occurrence(event("ErrorOccurred", number)) for number in (1, 2))
    again = again._replace(id=first.id, data={**again.data, "cause": "something else"})

    [(row, stamp)] = folded([again, first], ERRORS).values()

    assert row.sort == f"2026-11-20T21:05:59Z#{first.id}"
    assert (row.record["cause"], stamp.occurred_at) == ("something else", "2026-11-20T21:06:02Z")


def test_nobody_projects_what_nobody_knows() -> None:
    raised = occurrence(event("AlertRaised"))

    for unknown in (raised._replace(type="AlertForgotten"), raised._replace(version=2)):
        with pytest.raises(UnknownEvent):
            rows(unknown)
        with pytest.raises(UnknownEvent):
            Fold().add(unknown)


SPOILT = {
    "a field its type needs is missing": event("AlertRaised")["detail"]["data"]["alert"].keys() - {"rule_name"},
    "its key is not text": {"id": 7},
    "a time is none": {"raised_at": "0001-01-01T00:00:00+14:00"},
}


@pytest.mark.parametrize("change", SPOILT.values(), ids=SPOILT)
def test_no_row_is_built_of_an_event_that_cannot_be_decoded(change: Any) -> None:
    raised = occurrence(event("AlertRaised"))
    alert = raised.data["alert"]
    spoilt = alert | change if isinstance(change, dict) else {name: alert[name] for name in change}

    with pytest.raises((KeyError, ValueError, OverflowError)):
        folded([raised._replace(data={"alert": spoilt})])


def test_only_what_wins_is_decoded() -> None:
    spoilt = occurrence(event("AlertRaised"))._replace(data={"alert": {"id": "0123456789ab.0123456789ab"}})
    calmed = occurrence(event("AlertCalmed", 2))

    assert folded([spoilt, calmed], ALERTS) == one_after_the_other([calmed])


def test_an_item_of_an_old_version_is_projected_as_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Upcasters({("HealthChanged", 0): lambda data: {"health": data["was"]}})
    monkeypatch.setattr(projections, "UPCASTERS", steps)
    changed = Occurrence.of_item(stored("HealthChanged"))
    old = {**stored("HealthChanged"), "eventVersion": 0, "data": dumps({"was": changed.data["health"]})}

    assert Occurrence.of_item(old) == changed


def test_an_item_no_step_leads_from_is_known_by_nobody() -> None:
    for version in (0, 99):
        with pytest.raises(UnknownEvent):
            Occurrence.of_item({**stored("HealthChanged"), "eventVersion": version})


def stored(event_type: str) -> Item:
    detail = event(event_type)["detail"]
    return event_item(Event(**detail | {"occurred_at": from_iso(detail["occurred_at"])}))


def test_what_failed_is_not_in_the_store() -> None:
    assert set(MODELS) - set(REBUILT) == {ERRORS}


@pytest.mark.parametrize("event_type", SOURCED)
def test_an_event_and_its_item_are_the_same_occurrence(event_type: str) -> None:
    detail = event(event_type, 3)["detail"]
    sourced = Event(**detail | {"occurred_at": from_iso(detail["occurred_at"])})

    assert {field.name for field in fields(Event)} == detail.keys()
    assert Occurrence.of(sourced) == Occurrence.of_item(event_item(sourced)) == occurrence(event(event_type, 3))
