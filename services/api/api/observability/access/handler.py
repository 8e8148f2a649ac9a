"""``watch-access``: CloudWatch Logs delivers lines of the API's access log; refused requests are published as facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from api.observability.access.refused_requests import delivery_of, refusals
from api.web.settings import Environment
from watchkeeper import aws
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.events import EventBridgePublisher
from watchkeeper.logs import logger
from watchkeeper.observability.facts import SOURCE


@dataclass(frozen=True, slots=True)
class AccessSettings(Environment):
    event_bus: str


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 -- Lambda's signature
    delivery = delivery_of(event)
    if delivery.unreadable:
        logger.warning("lines of the access log cannot be read", unreadable=delivery.unreadable)
    facts = list(refusals(delivery.lines))
    _publisher().publish(facts)
    return {"refusals": sum(one.data["count"] for one in facts), "unreadable": delivery.unreadable}


@cache
def _publisher() -> EventBridgePublisher:
    """Raises ``ConfigurationError`` without ``EVENT_BUS``."""
    return EventBridgePublisher(aws.events_client(), AccessSettings.from_environment().event_bus, SOURCE)
