"""Old versions of events become the newest as they are read; what is stored is never changed.

A step makes one version into the next, from what the event said to what it would say now. Steps are pure, and kept for
as long as there is an event of their version: for ever.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from watchkeeper.errors import WatchkeeperError
from watchkeeper.eventsourcing.event import Event

Data = Mapping[str, Any]
Step = Callable[[Data], Data]
Steps = Mapping[tuple[str, int], Step]
"""By the type of an event and the version a step starts from."""


class UnknownEvent(WatchkeeperError):
    """An event of a type or version that this release knows nothing of."""


class Upcasters:
    def __init__(self, steps: Steps | None = None) -> None:
        self._steps = dict(steps or {})

    def upcast(self, event: Event, newest: int) -> Event:
        """The event as its version ``newest``. Raises ``UnknownEvent`` for one that is newer, or that a step is missing
        for."""
        if event.version == newest:
            return event
        return replace(event, version=newest, data=self.upcast_data(event.type, event.version, event.data, newest))

    def upcast_data(self, event_type: str, version: int, data: Data, newest: int) -> Data:
        """What an event says, as ``upcast`` has it."""
        if version > newest:
            raise UnknownEvent(f"version {version} of {event_type} is newer than our {newest}")
        for older in range(version, newest):
            step = self._steps.get((event_type, older))
            if step is None:
                raise UnknownEvent(f"nobody knows how to read version {older} of {event_type}")
            data = step(data)
        return data
