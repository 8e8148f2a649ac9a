"""The function's entry: it checks an answer."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api.people.signin.challenges import verify
from api.people.signin.codes import Codes
from api.people.signin.settings import required
from watchkeeper.aws import dynamodb_client
from watchkeeper.budgets import PEOPLE
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.entry import entry_point

(_table,) = required("SIGN_IN_TABLE")
_codes = Codes(Table(dynamodb_client(PEOPLE), _table, budget=PEOPLE), utc_now)


@entry_point
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return verify(event, redeem=_codes.redeem)
