"""The functions by name: their services and their logs."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from local import declared
from local.cloud import LocalCloud

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

PAUSE = 1.0


class UnknownFunction(Exception):
    """No service has a function of this name."""


def service_of(function: str) -> str:
    return declared.functions()[function]


def known(function: str) -> str:
    names = declared.functions()
    if function not in names:
        raise UnknownFunction(f"There is no function {function!r}; there are {', '.join(sorted(names))}.")
    return function


def log_lines(cloud: LocalCloud, function: str, last: int, follow: bool) -> Iterator[str]:
    """The last lines, oldest first, and then, if requested, new ones as they come."""
    told = _events(cloud, function, 0)
    yield from map(_line, told[-last:])
    while follow:
        time.sleep(PAUSE)
        newest = told[-1]["timestamp"] if told else 0
        fresh = [event for event in _events(cloud, function, newest) if event not in told]
        yield from map(_line, fresh)
        told += fresh


def _events(cloud: LocalCloud, function: str, since: int) -> "list[FilteredLogEventTypeDef]":
    pages = cloud.logs.get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{cloud.name(function)}", startTime=since
    )
    return sorted((event for page in pages for event in page["events"]), key=lambda event: event["timestamp"])


def _line(event: "FilteredLogEventTypeDef") -> str:
    moment = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return f"{moment:%H:%M:%S} {event['message'].rstrip()}"
