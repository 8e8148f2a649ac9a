"""Builds what signing in needs, once per execution environment. A caller is waiting, so everything has a deadline."""

from dataclasses import dataclass
from functools import cache, partial
from uuid import uuid4

from api.people.signin import cognito, telling
from api.people.signin.cognito import CognitoSessions, CognitoSignIn, Pool
from api.people.signin.entering import Entrance
from api.people.signin.limits import Limits
from api.people.signin.settings import SignInSettings
from api.people.signin.telling import Telling
from watchkeeper.aws import dynamodb_client, events_client, identity_client
from watchkeeper.budgets import Deadline
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.events import EventBridgePublisher, EventPublisher
from watchkeeper.observability.facts import SOURCE


@dataclass(frozen=True, slots=True)
class Container:
    settings: SignInSettings
    entrance: Entrance
    deadline: Deadline
    """The deadline of the current request; it limits the counting, which comes first."""

    def start_request(self) -> None:
        self.deadline.start(self.settings.budget.request_seconds)


@cache
def container() -> Container:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings, deadline = SignInSettings.from_environment(), Deadline()
    pool = Pool(
        identity_client(cognito.BUDGET),
        identity_client(settings.budget),
        settings.user_pool_id,
        settings.user_pool_client_id,
    )
    client = dynamodb_client(settings.budget)
    counters = Table(client, settings.sign_in_table, budget=settings.budget, deadline=deadline)
    limits = Limits(counters, utc_now, pool.key)
    entrance = Entrance(CognitoSignIn(pool), CognitoSessions(pool), limits, refusals_told_to(settings.event_bus))
    return Container(settings, entrance, deadline)


def refusals_told_to(bus: str) -> Telling:
    deadline = Deadline()
    return Telling(partial(_publisher, bus, deadline), deadline, utc_now, lambda: uuid4().hex)


def _publisher(bus: str, deadline: Deadline) -> EventPublisher:
    return EventBridgePublisher(events_client(telling.BUDGET), bus, SOURCE, deadline=deadline)
