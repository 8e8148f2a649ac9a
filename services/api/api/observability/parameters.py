"""Path parameters of commands and queries."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

RuleId = Annotated[str, Path(min_length=1, max_length=64, description="The `id` of an alert rule")]
AlertId = Annotated[str, Path(min_length=1, max_length=64, description="The `id` of an alert")]
SecurityEventId = Annotated[str, Path(min_length=1, max_length=100, description="The `id` of a security event")]
