"""``publish-facts``: stream records of ``progress`` and ``breakers`` become facts on the bus, as ``ingest.changes`` has
it."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from ingest.changes import answered
from ingest.observability.use_cases.publish_facts import publish_facts
from watchkeeper import aws, correlation
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.errors import ConfigurationError
from watchkeeper.events import EventBridgePublisher
from watchkeeper.observability.facts import SOURCE


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    return answered(event, context, lambda changes: publish_facts(changes, _publisher(), correlation.current()))


@cache
def _publisher() -> EventBridgePublisher:
    bus = os.environ.get("EVENT_BUS")
    if not bus:
        raise ConfigurationError("EVENT_BUS is not set")
    return EventBridgePublisher(aws.events_client(), bus, SOURCE)
