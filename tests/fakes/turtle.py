"""An aggregate for tests: a turtle that walks, and refuses to walk backwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from watchkeeper.errors import WatchkeeperError
from watchkeeper.eventsourcing.aggregate import AggregateRoot, EventData
from watchkeeper.eventsourcing.event import Cause

CAUSE = Cause("correlation", "cause", "somebody")


class Backwards(WatchkeeperError):
    """Turtles do not."""


@dataclass(frozen=True, slots=True)
class Walked(EventData):
    type: ClassVar[str] = "Walked"
    version: ClassVar[int] = 3

    steps: int
    who: str

    def encoded(self) -> dict[str, Any]:
        return {"steps": self.steps, "who": self.who}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(int(data["steps"]), str(data["who"]))


class Turtle(AggregateRoot):
    kind = "turtle"
    events = (Walked,)
    snapshot_every = 5
    snapshot_version = 2

    def __init__(self, aggregate_id: str) -> None:
        super().__init__(aggregate_id)
        self.steps = 0
        self.walks: list[str] = []

    def walk(self, steps: int, who: str = "") -> None:
        if steps < 0:
            raise Backwards
        if steps:
            self.record(Walked(steps, who))

    def apply(self, data: EventData) -> None:
        if isinstance(data, Walked):
            self.steps += data.steps
            self.walks.append(data.who)

    def state(self) -> dict[str, Any]:
        return {"steps": self.steps, "walks": self.walks}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.steps, self.walks = state["steps"], list(state["walks"])
