"""``publish-changes``: stream records of the tables become events on the bus, as described in ``ingest.changes``."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from ingest.changes import answered
from ingest.kernel.use_cases.publish_changes import publish_changes
from watchkeeper import aws, correlation
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.errors import ConfigurationError
from watchkeeper.events import EventBridgePublisher


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    return answered(event, context, lambda changes: publish_changes(changes, _publisher(), correlation.current()))


@cache
def _publisher() -> EventBridgePublisher:
    bus = os.environ.get("EVENT_BUS")
    if not bus:
        raise ConfigurationError("EVENT_BUS is not set")
    return EventBridgePublisher(aws.events_client(), bus, "kernel")
