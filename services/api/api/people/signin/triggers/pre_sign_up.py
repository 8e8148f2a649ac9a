"""The function's entry: it confirms a new address as a user."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api.people.signin.challenges import confirm
from watchkeeper.entry import entry_point


@entry_point
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return confirm(event)
