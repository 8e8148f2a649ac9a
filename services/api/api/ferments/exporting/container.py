"""Builds what an export needs, once per execution environment."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from api.ferments.exporting.export import Export
from api.ferments.exporting.settings import ExportSettings
from api.ferments.exporting.store import ExportStore
from api.ferments.identifiers import new_id
from watchkeeper.aws import dynamodb_client, s3_client
from watchkeeper.budgets import Deadline
from watchkeeper.clock import Clock, utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.ferments.repository import FermentRepository
from watchkeeper.people.devices import DeviceRepository
from watchkeeper.people.reminders import ReminderRepository


@dataclass(frozen=True, slots=True)
class Container:
    settings: ExportSettings
    table: Table
    export: Export
    store: ExportStore
    clock: Clock
    new_id: Callable[[], str]
    deadline: Deadline
    """The deadline of the current request."""

    def start_request(self) -> None:
        self.deadline.start(self.settings.budget.request_seconds)


@cache
def container() -> Container:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings, deadline = ExportSettings.from_environment(), Deadline()
    budget = settings.budget
    table = Table(dynamodb_client(budget), settings.people_table, budget=budget, deadline=deadline)
    return Container(
        settings=settings,
        table=table,
        export=Export(FermentRepository(table), ReminderRepository(table), DeviceRepository(table)),
        store=ExportStore(partial(s3_client, budget), settings.photos_bucket, deadline=deadline),
        clock=utc_now,
        new_id=new_id,
        deadline=deadline,
    )
