"""Turns lines of the API's access log into facts about refused requests."""

import base64
import gzip
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from watchkeeper import correlation
from watchkeeper.errors import WatchkeeperError
from watchkeeper.events import DomainEvent
from watchkeeper.observability.facts import RequestRefused, fact

UNAUTHENTICATED = 401
REFUSED = frozenset({UNAUTHENTICATED, 403, 429})
SIGNING_IN = "/api/v1/auth/"
"""Failed sign-ins are reported separately, as ``SignInFailed`` with the reason."""
_LINES = "DATA_MESSAGE"


class DeliveryUnreadable(WatchkeeperError):
    """The invocation's payload is not a delivery from CloudWatch Logs."""


@dataclass(frozen=True, slots=True)
class Line:
    id: str
    """The id of the log event, which stays the same when it is redelivered."""
    at: datetime
    status: int
    route: str


@dataclass(frozen=True, slots=True)
class Delivery:
    lines: list[Line] = field(default_factory=list)
    unreadable: int = 0


def delivery_of(event: Mapping[str, Any]) -> Delivery:
    """Raises ``DeliveryUnreadable``. Lines that cannot be parsed are counted and skipped."""
    lines: list[Line] = []
    unreadable = 0
    for told in _log_events(event):
        try:
            lines.append(_line(told))
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            unreadable += 1
    return Delivery(lines, unreadable)


def refusals(lines: list[Line]) -> Iterator[DomainEvent]:
    """One fact for each status and route. Its id is derived from its lines, so a redelivery yields the same facts."""
    groups: dict[tuple[int, str], list[Line]] = {}
    for line in lines:
        if _is_refusal(line):
            groups.setdefault((line.status, line.route), []).append(line)
    for (status, route), group in groups.items():
        yield fact(
            RequestRefused(status, route, len(group)),
            cause="/".join(sorted(line.id for line in group)),
            occurred_at=max(line.at for line in group),
            correlation_id=correlation.current(),
        )


def _is_refusal(line: Line) -> bool:
    return line.status in REFUSED and not (line.status == UNAUTHENTICATED and SIGNING_IN in line.route)


def _log_events(event: Mapping[str, Any]) -> list[Any]:
    """Empty for a control message, which only tests the subscription."""
    try:
        delivered = orjson.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"], validate=True)))
        return list(delivered["logEvents"]) if delivered["messageType"] == _LINES else []
    except (KeyError, TypeError, ValueError, EOFError, OSError, zlib.error) as error:
        raise DeliveryUnreadable(f"no lines of a log: {type(error).__name__}") from error


def _line(told: Mapping[str, Any]) -> Line:
    said = orjson.loads(told["message"])
    return Line(
        id=str(told["id"]),
        at=datetime.fromtimestamp(told["timestamp"] / 1000, UTC),
        status=int(said["status"]),
        route=str(said["route"]),
    )
