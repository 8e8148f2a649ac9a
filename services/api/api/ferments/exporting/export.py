"""The use case: everything a person has, in the order of batches, events, reminders, devices."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from api.ferments.exporting import table
from watchkeeper.ferments.models import Batch, Event
from watchkeeper.ferments.repository import FermentRepository
from watchkeeper.people.devices import DeviceRepository
from watchkeeper.people.reminders import ReminderRepository


@dataclass(frozen=True, slots=True)
class Export:
    ferments: FermentRepository
    reminders: ReminderRepository
    devices: DeviceRepository

    def write(self, user: str, file: IO[bytes]) -> None:
        """As comma-separated values, read row by row as they are written."""
        table.write(self._rows(user), file)

    def _rows(self, user: str) -> Iterator[table.Row]:
        there: set[str] = set()
        yield from table.of_batches(self._noted(user, there))
        yield from table.of_events(self._events_of(user, there))
        yield from table.of_reminders(self.reminders.of_user(user))
        yield from table.of_devices(self.devices.of_user(user))

    def _noted(self, user: str, there: set[str]) -> Iterator[Batch]:
        for batch in self.ferments.batches(user):
            there.add(batch.id)
            yield batch

    def _events_of(self, user: str, there: set[str]) -> Iterator[Event]:
        """Excludes the events of deleted batches, which exist until they are removed."""
        return (event for event in self.ferments.all_events(user) if event.batch in there)
