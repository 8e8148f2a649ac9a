"""What an API Gateway event (HTTP API, payload 2.0) says, where it takes care to read it right."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

Event = Mapping[str, Any]

READING = ("GET", "HEAD")
"""The methods of every resource."""


def method(event: Event) -> str:
    return str(event["requestContext"]["http"]["method"]).upper()


def as_get(event: Event) -> Event:
    """The event of the same request, made with ``GET``."""
    context = event["requestContext"]
    return {**event, "requestContext": {**context, "http": {**context["http"], "method": "GET"}}}


def header(event: Event, name: str) -> str:
    """A header by its lower-case name; empty when it was not sent."""
    headers = event.get("headers") or {}
    return str(headers.get(name) or next((text for key, text in headers.items() if key.lower() == name), ""))


def accepts_gzip(event: Event) -> bool:
    weights = dict(map(_weighted, header(event, "accept-encoding").lower().split(",")))
    return weights.get("gzip", weights.get("*", 0.0)) > 0.0


def is_match(event: Event, etag: str) -> bool:
    """Whether ``If-None-Match`` names this entity; weak comparison, as RFC 9110 wants it here."""
    given = [tag.strip().removeprefix("W/") for tag in header(event, "if-none-match").split(",")]
    return "*" in given or etag in given


def with_one_segment(event: Event, pattern: re.Pattern[str]) -> Event:
    """The event with what a named group of the pattern matches percent-encoded in its path: one segment then.

    An HTTP API decodes every escape of a path but ``%25``, so a name's slashes arrive as slashes.
    """
    path = event.get("rawPath", "")
    match = pattern.search(path)
    if not match or not match.lastgroup:
        return event
    start, end = match.span(match.lastgroup)
    return {**event, "rawPath": path[:start] + quote(path[start:end], safe="") + path[end:]}


def _weighted(coding: str) -> tuple[str, float]:
    name, _, parameter = coding.partition(";")
    weight = parameter.strip().removeprefix("q=") or "1"
    try:
        return name.strip(), float(weight)
    except ValueError:
        return name.strip(), 0.0
