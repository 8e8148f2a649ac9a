"""Builds what the public pages need, once per execution environment. A caller is waiting, so everything has a
deadline."""

from dataclasses import dataclass
from functools import cache

from api.ferments.sharing.settings import SharingSettings
from api.ferments.sharing.shared import Shared
from watchkeeper.aws import dynamodb_client
from watchkeeper.budgets import Deadline
from watchkeeper.clock import Clock, utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.ferments.repository import FermentRepository
from watchkeeper.people.accounts import AccountRepository


@dataclass(frozen=True, slots=True)
class Container:
    settings: SharingSettings
    shared: Shared
    clock: Clock
    deadline: Deadline
    """The deadline of the current request."""

    def start_request(self) -> None:
        self.deadline.start(self.settings.budget.request_seconds)


@cache
def container() -> Container:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings, deadline = SharingSettings.from_environment(), Deadline()
    budget = settings.budget
    table = Table(dynamodb_client(budget), settings.people_table, budget=budget, deadline=deadline)
    return Container(settings, Shared(FermentRepository(table), AccountRepository(table)), utc_now, deadline)
