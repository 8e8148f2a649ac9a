"""Builds what queries need, once per execution environment. A caller is waiting, so everything has a deadline."""

from dataclasses import dataclass
from functools import cache, partial

from api.observability.queries.settings import QueriesSettings
from api.web.cursors import Cursors
from api.web.secrets import secret
from watchkeeper.aws import dynamodb_client
from watchkeeper.budgets import Deadline
from watchkeeper.dynamodb import Table
from watchkeeper.eventsourcing.read_models import ReadModels


@dataclass(frozen=True, slots=True)
class Container:
    settings: QueriesSettings
    models: ReadModels
    cursors: Cursors
    deadline: Deadline
    """The deadline of the current request."""

    def start_request(self) -> None:
        self.deadline.start(self.settings.budget.request_seconds)


@cache
def container() -> Container:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings, deadline = QueriesSettings.from_environment(), Deadline()
    budget = settings.budget
    table = Table(dynamodb_client(budget), settings.read_models_table, budget=budget, deadline=deadline)
    return Container(
        settings=settings,
        models=ReadModels(table),
        cursors=Cursors(partial(secret, settings.cursor_secret_arn, budget, deadline)),
        deadline=deadline,
    )
