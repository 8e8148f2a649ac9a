"""Events of the store on their way to the bus: in order, and none is lost or holds up another."""

from operator import attrgetter

from hypothesis import given
from hypothesis import strategies as st

from ingest.observability.stream import StreamedEvent, streamed_events
from ingest.observability.use_cases.publish_events import publish_events
from tests.fakes.event_stream import FakeBus, record, records
from tests.unit.ingest.observability.events import an_event
from watchkeeper.errors import DatabaseError, LimitExceeded

ONE, TWO = "metric:one", "metric:two"
EVENTS = [an_event(name, sequence) for sequence in range(1, 4) for name in (ONE, TWO)]


aggregate_of = attrgetter("aggregate_id")


class Aside:
    """Where events are set aside, if it is there."""

    def __init__(self, *, down: bool = False) -> None:
        self.kept: dict[str, Exception] = {}
        self.down = down

    def __call__(self, one: StreamedEvent, error: Exception) -> None:
        if self.down:
            raise DatabaseError("the queue is away")
        self.kept[one.named.id] = error


def test_all_events_are_told_in_their_order() -> None:
    bus, aside = FakeBus(), Aside()

    outcome = publish_events(streamed_events(records(EVENTS)), bus, aside)

    assert bus.told == EVENTS
    assert (outcome.published, outcome.failed, aside.kept) == (6, {}, {})


def test_records_that_come_reversed_are_told_as_those_in_order() -> None:
    bus = FakeBus()

    publish_events(streamed_events(records(EVENTS)[::-1]), bus, Aside())

    assert sorted(bus.told, key=aggregate_of) == sorted(EVENTS, key=aggregate_of)


def test_once_an_event_is_refused_all_of_its_aggregate_come_again_and_others_do_not() -> None:
    bus = FakeBus(refuses=[f"{ONE}/2"])

    outcome = publish_events(streamed_events(records(EVENTS)), bus, Aside())

    assert sorted(outcome.failed) == ["3", "5"]


def test_an_event_no_bus_takes_is_set_aside_and_holds_up_nobody() -> None:
    bus, aside = FakeBus(never_takes=[f"{ONE}/2"]), Aside()

    outcome = publish_events(streamed_events(records(EVENTS)), bus, aside)

    assert outcome.failed == {}
    assert [event.id for event in bus.told] == [event.id for event in EVENTS if event.id != f"{ONE}/2"]
    assert {event_id: type(error) for event_id, error in aside.kept.items()} == {f"{ONE}/2": LimitExceeded}


def test_an_event_nobody_can_read_is_set_aside_and_holds_up_nobody() -> None:
    bus, aside = FakeBus(), Aside()
    some = [record(event, place) for place, event in enumerate(EVENTS, 1)]
    some[2] = record(EVENTS[2], 3, data={"S": "{"})

    outcome = publish_events(streamed_events(some), bus, aside)

    assert outcome.failed == {}
    assert len(bus.told) == 5
    assert list(aside.kept) == [EVENTS[2].id]


def test_an_event_that_cannot_be_set_aside_comes_again() -> None:
    bus, aside = FakeBus(never_takes=[f"{ONE}/2"]), Aside(down=True)

    outcome = publish_events(streamed_events(records(EVENTS)), bus, aside)

    assert outcome.failed == {"3": "it could not be set aside: the queue is away"}


@given(
    refused=st.sets(st.integers(0, 29)),
    undeliverable=st.sets(st.integers(0, 29)),
    owners=st.lists(st.sampled_from("abc"), min_size=30, max_size=30),
)
def test_nothing_is_lost_and_order_holds_whatever_is_refused(
    refused: set[int], undeliverable: set[int], owners: list[str]
) -> None:
    """The stream is sent again from the first failure on, as Lambda does, until there is none. What was told of other
    aggregates by then is told twice."""
    events = [an_event(name, owners[:place].count(name) + 1) for place, name in enumerate(owners)]
    bus = FakeBus(
        refuses=[events[place].id for place in refused - undeliverable],
        never_takes=[events[place].id for place in undeliverable],
    )
    aside, left = Aside(), streamed_events(records(events))

    for _ in range(3):
        outcome = publish_events(left, bus, aside)
        left = [one for one in left if int(one.position) >= min(map(int, outcome.failed), default=100)]
        bus.refuses.clear()

    assert left == []
    assert {event.id for event in bus.told} | set(aside.kept) == {event.id for event in events}
    assert {events[place].id for place in undeliverable} == set(aside.kept)
    for name in "abc":
        told = [event.id for event in bus.told if event.id.startswith(f"{name}/")]
        assert list(dict.fromkeys(told)) == [event.id for event in events if event.id in told]
