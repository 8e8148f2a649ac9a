"""Lines of the API's access log, as facts of the requests that were refused."""

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
"""Who is not let in there is told of as ``SignInFailed``, with the reason."""
_LINES = "DATA_MESSAGE"


class DeliveryUnreadable(WatchkeeperError):
    """What the function was invoked with is no delivery of CloudWatch Logs."""


@dataclass(frozen=True, slots=True)
class Line:
    id: str
    """The log event's own: the same line keeps it when it is delivered again."""
    at: datetime
    status: int
    route: str


@dataclass(frozen=True, slots=True)
class Delivery:
    lines: list[Line] = field(default_factory=list)
    unreadable: int = 0


def delivery_of(event: Mapping[str, Any]) -> Delivery:
    """Raises ``DeliveryUnreadable``. Lines that are none of the access log's are counted, and left."""
    lines: list[Line] = []
    unreadable = 0
    for told in _log_events(event):
        try:
            lines.append(_line(told))
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            unreadable += 1
    return Delivery(lines, unreadable)


def refusals(lines: list[Line]) -> Iterator[DomainEvent]:
    """One fact for each status and route, known by the lines it is made of: the same delivery tells the same again."""
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
    """None of a message that only asks whether somebody is there."""
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
