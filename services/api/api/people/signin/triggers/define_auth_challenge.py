"""The function's entry: it decides the next step of a sign-in."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api.people.signin.challenges import define
from watchkeeper.entry import entry_point


@entry_point
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return define(event)
