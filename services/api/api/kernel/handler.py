"""The function's entry. What it needs is built on import: a wrong environment fails the deployment, not a reader,
and Lambda gives a start more processor than a request."""

# ruff: noqa: E402 -- the garbage collector's pause must come before the imports it is for
import gc

gc.disable()  # Nothing that is loaded here is garbage, and searching it over and over takes a tenth of the start.

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api.app import answer
from api.container import container
from watchkeeper.entry import entry_point

_origins = container().settings.cors_origins

gc.freeze()
gc.enable()


@entry_point
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    container().start_request()
    return answer(event, context, origins=_origins)
