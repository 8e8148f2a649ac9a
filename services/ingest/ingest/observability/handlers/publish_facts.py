"""``publish-facts``: publishes facts from the streams of ``progress`` and ``breakers``, by means of
``ingest.changes``."""

from collections.abc import Mapping
from typing import Any

from ingest.changes import answered
from ingest.observability.containers.publish_facts import fact_publisher
from ingest.observability.use_cases.publish_facts import publish_facts
from watchkeeper import correlation
from watchkeeper.entry import LambdaContext, entry_point


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    return answered(event, context, lambda changes: publish_facts(changes, fact_publisher(), correlation.current()))
