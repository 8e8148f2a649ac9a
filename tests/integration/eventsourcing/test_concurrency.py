"""Many writers of one aggregate: nothing is lost, nothing is done twice, and nobody waits for ever."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier, Lock

import pytest
import stamina

from tests.contracts.event_store import AT
from tests.fakes.turtle import CAUSE, Turtle
from tests.integration.faults import Faults, every, lost
from watchkeeper.errors import NoAnswer
from watchkeeper.eventsourcing.repository import ATTEMPTS, EventSourcedRepository
from watchkeeper.eventsourcing.store import DynamoDBEventStore

ID = "turtle:1"
WRITERS = 16
WALKS = 2
"""Of each writer."""


@pytest.fixture
def no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


@pytest.fixture
def turtles(store: DynamoDBEventStore) -> EventSourcedRepository[Turtle]:
    return EventSourcedRepository(store, Turtle, lambda: AT)


@dataclass
class Race:
    """Everybody begins at once; how often somebody decided is counted."""

    turtles: EventSourcedRepository[Turtle]
    decisions: int = 0

    def run(self, writers: int, walks: int, *, copies: int = 1) -> None:
        barrier, lock = Barrier(writers * copies), Lock()

        def write(writer: int) -> None:
            barrier.wait()
            for number in range(walks):
                name = f"{writer % writers}-{number}"

                def decide(turtle: Turtle, name: str = name) -> None:
                    with lock:
                        self.decisions += 1
                    turtle.walk(1, name)
                    turtle.walk(2, name)

                self._walk(decide, name)

        with ThreadPoolExecutor(writers * copies) as pool:
            list(pool.map(write, range(writers * copies)))

    def _walk(self, decide: object, name: str) -> None:
        while True:
            try:
                self.turtles.execute(ID, decide, cause=CAUSE, command_id=name)  # type: ignore[arg-type]
            except NoAnswer:
                continue
            return

    def check(self, store: DynamoDBEventStore, writers: int, walks: int) -> None:
        events = list(store.read(ID))
        who = [str(event.data["who"]) for event in events]
        wanted = [f"{writer}-{number}" for writer in range(writers) for number in range(walks)]
        assert [event.sequence for event in events] == list(range(1, 2 * len(wanted) + 1))
        assert sorted(who[::2]) == sorted(wanted), "each command once"
        assert who[::2] == who[1::2], "both of its events together"
        for writer in range(writers):
            own = [name for name in who[::2] if name.startswith(f"{writer}-")]
            assert own == [f"{writer}-{number}" for number in range(walks)]
        turtle = self.turtles.get(ID)
        assert (turtle.version, turtle.steps) == (len(events), 3 * len(wanted))


def test_sixteen_writers_lose_nothing_and_leave_no_gap(
    store: DynamoDBEventStore, turtles: EventSourcedRepository[Turtle]
) -> None:
    race = Race(turtles)

    race.run(WRITERS, WALKS)

    race.check(store, WRITERS, WALKS)
    assert race.decisions > WRITERS * WALKS, "those who lost decided anew"


def test_every_command_sent_by_two_at_once_is_done_once(
    store: DynamoDBEventStore, turtles: EventSourcedRepository[Turtle], no_pauses: None
) -> None:
    race = Race(turtles)

    race.run(4, WALKS, copies=2)

    race.check(store, 4, WALKS)


def test_writers_whose_answers_are_lost_do_nothing_twice(
    store: DynamoDBEventStore, turtles: EventSourcedRepository[Turtle], faults: Faults, no_pauses: None
) -> None:
    race = Race(turtles)

    with faults.injected(every(3, lost), operation="TransactWriteItems"):
        race.run(4, WALKS)

    race.check(store, 4, WALKS)


def test_more_commands_than_a_head_remembers(
    store: DynamoDBEventStore, turtles: EventSourcedRepository[Turtle], no_pauses: None
) -> None:
    race = Race(turtles)

    race.run(2, 33)
    again = race.turtles.execute(ID, lambda turtle: turtle.walk(100), cause=CAUSE, command_id="0-0")

    race.check(store, 2, 33)
    assert again.steps == 3 * 66
