"""Builds what signing in needs, once per execution environment; somebody waits for all it does."""

from dataclasses import dataclass
from functools import cache

from api.people.signin import cognito
from api.people.signin.cognito import CognitoSessions, CognitoSignIn, Pool
from api.people.signin.entering import Entrance
from api.people.signin.limits import Limits
from api.people.signin.settings import SignInSettings
from watchkeeper.aws import dynamodb_client, identity_client
from watchkeeper.budgets import Deadline
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table


@dataclass(frozen=True, slots=True)
class Container:
    settings: SignInSettings
    entrance: Entrance
    deadline: Deadline
    """Of the request that is being answered; it bounds the counting, which comes first."""

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
    entrance = Entrance(CognitoSignIn(pool), CognitoSessions(pool), Limits(counters, utc_now, pool.key))
    return Container(settings, entrance, deadline)
