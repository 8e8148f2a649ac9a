"""Rows of read models: the newest stays, whatever comes in whatever order; generations are changed by one at a time."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.event_store import following
from tests.integration.conftest import empty_cloud
from tests.integration.eventsourcing.talks import HISTORY, TALKS, project, shown
from tests.integration.faults import Faults, lost
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Between, Table
from watchkeeper.errors import ConditionFailed, ItemNotFound, LimitExceeded, NoAnswer
from watchkeeper.eventsourcing.read_models import Generations, ReadModels, Row, Stamp, StoredRow, stamp_of
from watchkeeper.eventsourcing.store import Head

EVENTS = following(Head("talk:1"), "one", "two", "three")
STAMPS = [stamp_of(event) for event in EVENTS]


def row(text: str, sort: str = "talk:1", partition: str = "") -> Row:
    return Row(TALKS, partition, sort, {"text": text})


class TestRows:
    def test_a_row_is_read_as_it_was_written(self, models: ReadModels) -> None:
        record = {"text": "“ä”", "number": 7, "flag": True, "list": [1, None], "object": {"a": 1.5}}

        assert models.put(Row(TALKS, "", "talk:1", record), "1", STAMPS[0])

        assert models.view().get(TALKS, "talk:1") == StoredRow("talk:1", record, STAMPS[0])
        assert STAMPS[0] == Stamp(EVENTS[0].id, 1, "2026-11-20T21:05:12Z", "correlation")

    def test_a_row_that_is_not_there_is_not_found(self, models: ReadModels) -> None:
        with pytest.raises(ItemNotFound, match="no talk:1 in talks"):
            models.view().get(TALKS, "talk:1")

    def test_a_later_event_replaces_a_row_and_no_other_does(self, models: ReadModels) -> None:
        assert models.put(row("two"), "1", STAMPS[1])

        assert not models.put(row("two again"), "1", STAMPS[1])
        assert not models.put(row("one"), "1", STAMPS[0])
        assert models.view().get(TALKS, "talk:1").record == {"text": "two"}
        assert models.put(row("three"), "1", STAMPS[2])
        assert models.view().get(TALKS, "talk:1").record == {"text": "three"}

    def test_rows_are_read_in_order_and_within_bounds(self, models: ReadModels) -> None:
        for number in (3, 1, 2, 5, 4):
            models.put(row(str(number), sort=str(number), partition="p"), "1", STAMPS[0])
        models.put(row("elsewhere"), "1", STAMPS[0])
        view = models.view()

        def sorts(**how: object) -> list[str]:
            return [kept.sort for kept in view.rows(TALKS, "p", **how)]  # type: ignore[arg-type]

        assert sorts() == list("12345")
        assert sorts(descending=True, page_size=2) == list("54321")
        assert sorts(between=Between("2", "3")) == list("23")
        assert list(view.rows("another", "p")) == []

    def test_a_row_says_when_it_may_go(self, models: ReadModels) -> None:
        models.put(replace(row("short"), expires_at=1_800_000_000), "1", STAMPS[0])
        models.put(row("long", sort="talk:2"), "1", STAMPS[0])

        items = Table(aws.dynamodb_client(), table_name("read-models")).scan()
        assert {item["sk"]: item.get("expires_at") for item in items} == {"talk:1": 1_800_000_000, "talk:2": None}

    def test_a_row_that_is_too_large_is_refused(self, models: ReadModels) -> None:
        with pytest.raises(LimitExceeded):
            models.put(row("x" * 410_000), "1", STAMPS[0])

    def test_an_answer_that_is_lost_is_not_taken_for_an_older_row(self, models: ReadModels, faults: Faults) -> None:
        with faults.injected(lambda send: lost(send) if send.number == 0 else None), pytest.raises(NoAnswer):
            models.put(row("one"), "1", STAMPS[0])

        assert models.view().get(TALKS, "talk:1").record == {"text": "one"}
        assert not models.put(row("one"), "1", STAMPS[0])


class TestGenerations:
    def test_a_model_that_was_never_rebuilt_has_the_first(self, models: ReadModels) -> None:
        assert models.generations() == {}
        assert models.generations()[TALKS] == Generations("1", ("1",), None)

    def test_they_are_kept_as_they_are_changed(self, models: ReadModels) -> None:
        after = Generations("2", ("2", "3"), {"events": 7})

        assert models.change(TALKS, Generations(), after) == after

        assert models.generations() == {TALKS: after}
        assert models.generations()["others"] == Generations()

    def test_those_of_one_model_are_changed_without_those_of_another(self, models: ReadModels) -> None:
        for model in ("latest-talks", TALKS, "size"):
            models.change(model, Generations(), Generations("2"))

        models.change(TALKS, Generations("2"), Generations())

        assert models.generations() == dict.fromkeys(("latest-talks", "size"), Generations("2"))

    def test_of_two_who_change_them_one_does(self, models: ReadModels) -> None:
        for generation in "23":
            before = models.generations()[TALKS]
            changed = models.change(TALKS, before, Generations(generation))
            with pytest.raises(ConditionFailed):
                models.change(TALKS, before, Generations("9"))
            assert models.generations() == {TALKS: changed}

    def test_a_view_reads_those_there_were_when_it_began(self, models: ReadModels) -> None:
        models.put(row("old"), "1", STAMPS[0])
        models.put(row("new"), "2", STAMPS[0])
        view = models.view()

        models.change(TALKS, Generations(), Generations("2"))

        assert view.get(TALKS, "talk:1").record == {"text": "old"}
        assert models.view().get(TALKS, "talk:1").record == {"text": "new"}

    def test_only_earlier_generations_of_the_model_are_deleted(self, models: ReadModels) -> None:
        for generation in ("1", "2", "3", "10", "11"):
            for one in (row("x"), row("y", partition=HISTORY), Row("talks-too", "", "x", {})):
                models.put(one, generation, STAMPS[0])
        models.change(TALKS, Generations(), Generations("11"))

        left: dict[str, set[str]] = {}
        for generation in ("1", "3", "11"):
            assert models.delete_before(TALKS, generation) is None, "it is one page"
            items = Table(aws.dynamodb_client(), table_name("read-models")).scan()
            left[generation] = {str(item["pk"]) for item in items}

        others = {"READ-MODELS", *(f"talks-too#{generation}#" for generation in ("1", "2", "3", "10", "11"))}
        newest = {"talks#11#", "talks#11#history"}
        some = {"talks#3#", "talks#3#history", "talks#10#", "talks#10#history", *newest}
        every = {"talks#1#", "talks#1#history", "talks#2#", "talks#2#history", *some}
        assert left == {"1": others | every, "3": others | some, "11": others | newest}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(places=st.lists(st.integers(0, 11), max_size=30))
def test_whatever_comes_twice_or_late_the_rows_are_those_of_the_order(places: list[int]) -> None:
    events = [event for talk in ("a", "b", "c") for event in following(Head(talk), *"1234")]
    with pytest.MonkeyPatch.context() as patch, empty_cloud(patch):
        models = ReadModels(Table(aws.dynamodb_client(), table_name("read-models")))
        for place in places:
            project(models, events[place])

        told = [events[place] for place in sorted(set(places))]
        last = {event.aggregate_id: event for event in told}
        assert shown(models) == {
            **{talk: {"text": event.data["text"], "count": event.sequence} for talk, event in last.items()},
            **{f"{event.aggregate_id}#{event.sequence:05}": {"text": event.data["text"]} for event in told},
        }
