"""Builds what the function needs, once per execution environment."""

from dataclasses import dataclass
from functools import cache

from api.observability.healthz.settings import HealthzSettings
from watchkeeper.aws import dynamodb_client
from watchkeeper.budgets import Deadline
from watchkeeper.dynamodb import Table
from watchkeeper.eventsourcing.read_models import ReadModels


@dataclass(frozen=True, slots=True)
class Container:
    settings: HealthzSettings
    models: ReadModels
    deadline: Deadline
    """The deadline of the current request."""

    def start_request(self) -> None:
        self.deadline.start(self.settings.budget.request_seconds)


@cache
def container() -> Container:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings, deadline = HealthzSettings.from_environment(), Deadline()
    budget = settings.budget
    table = Table(dynamodb_client(budget), settings.read_models_table, budget=budget, deadline=deadline)
    return Container(settings, ReadModels(table), deadline)
