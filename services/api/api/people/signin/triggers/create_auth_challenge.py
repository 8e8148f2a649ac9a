"""The function's entry: it creates and mails a code. Its dependencies are built on import, which does not count towards
the five seconds Cognito waits."""

import secrets
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api.people.signin.challenges import create
from api.people.signin.codes import Codes
from api.people.signin.mailer import BUDGET, Mailer
from api.people.signin.settings import required
from watchkeeper.aws import dynamodb_client, mail_client
from watchkeeper.budgets import PEOPLE
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.entry import entry_point

_table, _sender = required("SIGN_IN_TABLE", "MAIL_FROM")
_codes = Codes(Table(dynamodb_client(PEOPLE), _table, budget=PEOPLE), utc_now)
_mailer = Mailer(mail_client(BUDGET), _sender)
_new_id = partial(secrets.token_urlsafe, 16)


@entry_point
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return create(event, new_id=_new_id, issue=_codes.issue, send=_mailer.send)
