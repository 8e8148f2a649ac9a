"""Batches, events and photos in the table of what people own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.faults import Faults
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.clock import to_iso
from watchkeeper.dynamodb import Table, Write
from watchkeeper.errors import ConditionFailed, ItemNotFound
from watchkeeper.ferments.models import Batch, BatchStatus, Event, EventKind, Photo, Stage, Timing
from watchkeeper.ferments.repository import (
    FermentRepository,
    changed_batch,
    deleted_batch,
    new_batch,
    new_event,
    new_photo,
    removed_event,
    removed_photo,
    unchanged_batch,
)
from watchkeeper.people.table import KEYS, STEP, swept

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
BATCH = Batch("01B", "ada", "Ginger", NOON, NOON)
EVENT = Event("01E", "01B", "ada", EventKind.NOTE, NOON, "Sour.")
PHOTO = Photo("01P", "01B", "ada", "image/png", NOON)
MOMENTS = st.integers(946_684_800, 2_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
TIMINGS = st.builds(Timing, st.none() | MOMENTS, st.none() | st.floats(0.5, 2000))


@pytest.fixture
def table(tables: None) -> Table:
    return Table(aws.dynamodb_client(), table_name("people"))


@pytest.fixture
def ferments(table: Table) -> FermentRepository:
    return FermentRepository(table)


def write(table: Table, *writes: Write) -> None:
    for one in writes:
        table.write([one], keys=KEYS)


class TestBatches:
    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        batch=st.builds(
            Batch,
            id=st.just("01B"),
            user=st.just("ada"),
            name=st.text(max_size=20),
            created_at=MOMENTS,
            updated_at=MOMENTS,
            stage=st.sampled_from(Stage),
            status=st.sampled_from(BatchStatus),
            status_since=st.none() | MOMENTS,
            stage1=TIMINGS,
            stage2=TIMINGS,
            water_ml=st.none() | st.integers(1, 10**6),
            sugar_g=st.none() | st.floats(0, 10**5),
            fruits=st.lists(st.text(min_size=1, max_size=5), max_size=3).map(tuple),
            temperature_c=st.none() | st.floats(-5, 60),
            bottle_count=st.none() | st.integers(0, 1000),
            notes=st.text(max_size=20),
            public=st.booleans(),
            public_note=st.text(max_size=20),
            photos=st.lists(st.sampled_from(["01P", "01Q"]), max_size=2).map(tuple),
            version=st.integers(1, 10**6),
        )
    )
    def test_a_batch_is_read_as_it_was_written(self, table: Table, ferments: FermentRepository, batch: Batch) -> None:
        table.put(new_batch(batch).item, keys=KEYS)

        assert ferments.batch("ada", "01B") == batch

    def test_a_batch_is_new_once(self, table: Table) -> None:
        write(table, new_batch(BATCH))

        with pytest.raises(ConditionFailed):
            write(table, new_batch(replace(BATCH, name="Fig")))

    def test_another_persons_batch_is_not_there(self, table: Table, ferments: FermentRepository) -> None:
        write(table, new_batch(BATCH))

        with pytest.raises(ItemNotFound):
            ferments.batch("ben", "01B")
        assert list(ferments.batches("ben")) == []

    def test_the_newest_comes_first_and_a_page_goes_on_where_one_ended(
        self, table: Table, ferments: FermentRepository
    ) -> None:
        write(table, *(new_batch(replace(BATCH, id=name)) for name in ("01A", "01B", "01C")))

        assert [batch.id for batch in ferments.batches("ada")] == ["01C", "01B", "01A"]
        assert [batch.id for batch in ferments.batches("ada", "01C")] == ["01B", "01A"]
        assert list(ferments.batches("ada", "01A")) == []

    def test_a_change_is_of_the_version_that_was_read(self, table: Table, ferments: FermentRepository) -> None:
        second, other = replace(BATCH, version=2, name="Fig"), replace(BATCH, version=2, name="Plum")
        write(table, new_batch(BATCH), changed_batch(second, was=1))

        with pytest.raises(ConditionFailed):
            write(table, changed_batch(other, was=1))
        assert ferments.batch("ada", "01B") == second


class TestDeletedBatches:
    @pytest.fixture(autouse=True)
    def deleted(self, table: Table) -> None:
        write(table, new_batch(replace(BATCH, public=True)), deleted_batch(BATCH, NOON))

    def test_they_say_since_when(self, table: Table) -> None:
        write(table, new_batch(replace(BATCH, id="01C")))
        write(table, deleted_batch(replace(BATCH, id="01C"), NOON.replace(microsecond=5)))

        item = table.get({"PK": "USER#ada", "SK": "BATCH#01C"})

        assert item is not None
        assert item["deleted_at"] == to_iso(NOON)

    def test_they_are_not_found_any_more(self, ferments: FermentRepository) -> None:
        assert ferments.is_deleted("ada", "01B")
        assert list(ferments.batches("ada")) == []
        with pytest.raises(ItemNotFound):
            ferments.batch("ada", "01B")
        with pytest.raises(ItemNotFound):
            ferments.public_batch("01B")

    @pytest.mark.parametrize(
        "late",
        [changed_batch(replace(BATCH, version=2), was=1), deleted_batch(BATCH, NOON), new_batch(BATCH)],
        ids=["changed", "deleted", "new"],
    )
    def test_they_are_not_written_any_more(self, table: Table, late: Write) -> None:
        with pytest.raises(ConditionFailed):
            write(table, late)

    def test_nothing_is_written_beside_them(self, table: Table, ferments: FermentRepository) -> None:
        with pytest.raises(ConditionFailed) as refused:
            table.write([new_event(EVENT), unchanged_batch(BATCH)], keys=KEYS)

        assert refused.value.failed == (1,)
        assert list(ferments.events("ada", "01B")) == []

    def test_they_are_removed_in_the_end_and_as_often_as_one_likes(
        self, table: Table, ferments: FermentRepository
    ) -> None:
        ferments.remove_deleted("ada", "01B")
        ferments.remove_deleted("ada", "01B")

        assert not ferments.is_deleted("ada", "01B")


def test_a_batch_that_is_not_deleted_is_not_removed(table: Table, ferments: FermentRepository) -> None:
    write(table, new_batch(BATCH))

    with pytest.raises(ConditionFailed):
        ferments.remove_deleted("ada", "01B")
    assert not ferments.is_deleted("ada", "01B")


class TestPublicBatches:
    def test_one_is_found_by_its_id_alone(self, table: Table, ferments: FermentRepository) -> None:
        shared = replace(BATCH, public=True)
        write(table, new_batch(shared))

        assert ferments.public_batch("01B") == shared

    def test_one_is_not_once_it_is_private_again(self, table: Table, ferments: FermentRepository) -> None:
        write(table, new_batch(replace(BATCH, public=True)), changed_batch(replace(BATCH, version=2), was=1))

        with pytest.raises(ItemNotFound):
            ferments.public_batch("01B")


class TestEvents:
    @pytest.fixture(autouse=True)
    def timeline(self, table: Table) -> None:
        names = ("01A", "01B", "01C")
        write(
            table,
            *(new_event(replace(EVENT, id=name)) for name in names),
            new_event(replace(EVENT, batch="01B2", id="01D")),
            new_event(replace(EVENT, batch="01A", id="01D")),
        )

    @pytest.mark.parametrize(
        ("after", "newest_first", "expected"),
        [
            (None, False, ["01A", "01B", "01C"]),
            (None, True, ["01C", "01B", "01A"]),
            ("01A", False, ["01B", "01C"]),
            ("01C", True, ["01B", "01A"]),
            ("01C", False, []),
            ("01A", True, []),
        ],
    )
    def test_they_are_those_of_one_batch_in_either_order(
        self, ferments: FermentRepository, after: str | None, newest_first: bool, expected: list[str]
    ) -> None:
        found = ferments.events("ada", "01B", after, newest_first=newest_first)

        assert [event.id for event in found] == expected

    def test_all_of_a_persons_are_found(self, ferments: FermentRepository) -> None:
        assert len(list(ferments.all_events("ada"))) == 5
        assert list(ferments.all_events("ben")) == []

    def test_one_is_removed_once(self, table: Table, ferments: FermentRepository) -> None:
        write(table, removed_event("ada", "01B", "01A"))

        with pytest.raises(ItemNotFound):
            ferments.event("ada", "01B", "01A")
        with pytest.raises(ConditionFailed):
            write(table, removed_event("ada", "01B", "01A"))

    def test_a_measurement_is_read_as_it_was_written(self, table: Table, ferments: FermentRepository) -> None:
        measured = replace(
            EVENT,
            id="01X",
            kind=EventKind.MEASUREMENT,
            text="",
            ph=0.0,
            temperature_c=-1.5,
            at=NOON - timedelta(days=9),
        )
        write(table, new_event(measured))

        assert ferments.event("ada", "01B", "01X") == measured


class TestPhotos:
    def test_they_are_those_of_one_batch(self, table: Table, ferments: FermentRepository) -> None:
        write(table, new_photo(PHOTO), new_photo(replace(PHOTO, batch="01B2")))

        assert list(ferments.photos("ada", "01B")) == [ferments.photo("ada", "01B", "01P")] == [PHOTO]

    def test_one_is_removed_once(self, table: Table, ferments: FermentRepository) -> None:
        write(table, new_photo(PHOTO), removed_photo(PHOTO))

        with pytest.raises(ItemNotFound):
            ferments.photo("ada", "01B", "01P")
        with pytest.raises(ConditionFailed):
            write(table, removed_photo(PHOTO))


def test_events_and_photos_are_the_children_of_their_batch(table: Table, ferments: FermentRepository) -> None:
    write(table, new_batch(BATCH), new_event(EVENT), new_photo(PHOTO), new_event(replace(EVENT, batch="01B2")))

    assert [item["SK"] for item in ferments.children("ada", "01B")] == ["EVENT#01B#01E", "PHOTO#01B#01P"]


def test_no_more_children_are_read_than_are_removed_at_once(
    faults: Faults, table: Table, ferments: FermentRepository
) -> None:
    table.batch_put((new_event(replace(EVENT, id=f"{number:03}")).item for number in range(150)), keys=KEYS)

    with faults.injected(lambda _: None, operation="Query"):
        assert list(swept(table, lambda: ferments.children("ada", "01B"))) == [100, 50]

    assert {send.body["Limit"] for send in faults.sends} == {STEP}
