"""Builds what the people routes need, once per execution environment. A caller is waiting, so everything has a
deadline."""

from dataclasses import dataclass
from functools import cache, partial

from api.people.account import UserPool
from api.people.settings import PeopleSettings
from api.web.cursors import Cursors
from api.web.secrets import secret
from watchkeeper.aws import dynamodb_client, identity_client, sqs_client
from watchkeeper.budgets import Deadline
from watchkeeper.dynamodb import Table
from watchkeeper.people.accounts import AccountRepository
from watchkeeper.people.devices import DeviceRepository
from watchkeeper.people.reminders import ReminderRepository
from watchkeeper.queues import SqsWorkQueue, WorkQueue


@dataclass(frozen=True, slots=True)
class Container:
    settings: PeopleSettings
    table: Table
    accounts: AccountRepository
    devices: DeviceRepository
    reminders: ReminderRepository
    users: UserPool
    erasures: WorkQueue
    cursors: Cursors
    deadline: Deadline
    """The deadline of the current request."""

    def start_request(self) -> None:
        self.deadline.start(self.settings.budget.request_seconds)


@cache
def container() -> Container:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings, deadline = PeopleSettings.from_environment(), Deadline()
    budget = settings.budget
    table = Table(dynamodb_client(budget), settings.people_table, budget=budget, deadline=deadline)
    return Container(
        settings=settings,
        table=table,
        accounts=AccountRepository(table),
        devices=DeviceRepository(table),
        reminders=ReminderRepository(table),
        users=UserPool(identity_client(budget), settings.user_pool_id, deadline=deadline),
        erasures=SqsWorkQueue(partial(sqs_client, budget), settings.erasures_queue_url),
        cursors=Cursors(partial(secret, settings.cursor_secret_arn, budget, deadline)),
        deadline=deadline,
    )
