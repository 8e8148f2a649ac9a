"""Parameters of lists, in every context."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

Limit = Annotated[int, Query(ge=1, le=100, description="How many items to answer with at most")]
Cursor = Annotated[
    str | None, Query(max_length=8192, description="Where to go on: the `cursor` of the page before, unchanged")
]
