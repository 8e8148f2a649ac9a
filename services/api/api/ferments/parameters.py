"""Parameters of the ferments watch's routes: their types, limits and documentation."""

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import AfterValidator

from api.ferments.identifiers import FORM, is_id
from watchkeeper.errors import ItemNotFound
from watchkeeper.ferments.models import BatchStatus


def _possible(text: str) -> str:
    """A malformed id is treated like an unknown one."""
    if not is_id(text):
        raise ItemNotFound("no id")
    return text


_FORM_TOLD = {"pattern": FORM}

BatchId = Annotated[str, Path(description="The batch's id", json_schema_extra=_FORM_TOLD), AfterValidator(_possible)]
EventId = Annotated[str, Path(description="The event's id", json_schema_extra=_FORM_TOLD), AfterValidator(_possible)]
PhotoId = Annotated[str, Path(description="The photo's id", json_schema_extra=_FORM_TOLD), AfterValidator(_possible)]

StageWanted = Annotated[
    Literal["1", "2"] | None, Query(alias="stage", description="Only batches in the first, or in the second stage")
]
Statuses = Annotated[
    list[BatchStatus] | None,
    Query(
        alias="status",
        max_length=10,
        description="Only batches in one of these statuses, repeated or comma-separated. Default: all but archived",
    ),
]
Order = Annotated[Literal["asc", "desc"], Query(description="Oldest or newest first")]
