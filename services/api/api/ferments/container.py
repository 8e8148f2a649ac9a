"""Builds clients, repositories and use cases, once per execution environment. A caller is waiting, so everything has a
deadline."""

from dataclasses import dataclass
from functools import cache, partial

from api.ferments.brewing import Brewing
from api.ferments.photos import Photos, PhotoStore
from api.ferments.reminding import Reminding
from api.ferments.settings import FermentsSettings
from api.ferments.timeline import Timeline
from api.web.cursors import Cursors
from api.web.secrets import secret
from watchkeeper.aws import dynamodb_client, s3_client, sqs_client
from watchkeeper.budgets import Deadline
from watchkeeper.dynamodb import Table
from watchkeeper.ferments.repository import FermentRepository
from watchkeeper.people.reminders import ReminderRepository
from watchkeeper.queues import SqsWorkQueue


@dataclass(frozen=True, slots=True)
class Container:
    settings: FermentsSettings
    table: Table
    ferments: FermentRepository
    brewing: Brewing
    timeline: Timeline
    photos: Photos
    reminding: Reminding
    cursors: Cursors
    deadline: Deadline
    """The deadline of the current request."""

    def start_request(self) -> None:
        self.deadline.start(self.settings.budget.request_seconds)


@cache
def container() -> Container:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings, deadline = FermentsSettings.from_environment(), Deadline()
    budget = settings.budget
    table = Table(dynamodb_client(budget), settings.people_table, budget=budget, deadline=deadline)
    ferments = FermentRepository(table)
    reminding = Reminding(ferments, ReminderRepository(table))
    erasures = SqsWorkQueue(partial(sqs_client, budget), settings.erasures_queue_url)
    objects = PhotoStore(partial(s3_client, budget), settings.photos_bucket, deadline)
    return Container(
        settings=settings,
        table=table,
        ferments=ferments,
        brewing=Brewing(ferments, reminding, erasures),
        timeline=Timeline(ferments),
        photos=Photos(ferments, objects),
        reminding=reminding,
        cursors=Cursors(partial(secret, settings.cursor_secret_arn, budget, deadline)),
        deadline=deadline,
    )
