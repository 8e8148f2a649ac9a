"""Upcasting: old versions of events are converted to the newest as they are read; what is stored is never changed.

A step converts the data of one version to the next. Steps are pure functions, and are kept for as long as there are
events of their version: for ever.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from watchkeeper.errors import HistoryError
from watchkeeper.eventsourcing.event import Event

Data = Mapping[str, Any]
Step = Callable[[Data], Data]
Steps = Mapping[tuple[str, int], Step]
"""By event type and the version that a step starts from."""


class UnknownEvent(HistoryError):
    """An event of a type or version that this release does not know."""


class Upcasters:
    def __init__(self, steps: Steps | None = None) -> None:
        self._steps = dict(steps or {})

    def upcast(self, event: Event, newest: int) -> Event:
        """The event in version ``newest``. Raises ``UnknownEvent`` if its version is newer, or a step is missing."""
        if event.version == newest:
            return event
        return replace(event, version=newest, data=self.upcast_data(event.type, event.version, event.data, newest))

    def upcast_data(self, event_type: str, version: int, data: Data, newest: int) -> Data:
        """Like ``upcast``, for an event's data alone."""
        if version > newest:
            raise UnknownEvent(f"version {version} of {event_type} is newer than our {newest}")
        for older in range(version, newest):
            step = self._steps.get((event_type, older))
            if step is None:
                raise UnknownEvent(f"nobody knows how to read version {older} of {event_type}")
            data = step(data)
        return data
