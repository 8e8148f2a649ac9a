"""Reading API Gateway events (HTTP API, payload 2.0), where that needs care."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

from watchkeeper.errors import WatchkeeperError

Event = Mapping[str, Any]

READING = ("GET", "HEAD")

MAX_BODY_BYTES = 64 * 1024
"""No request needs more; photos are uploaded to the bucket."""

_JSON = re.compile(r"application/(?:json|merge-patch\+json)\s*(?:;.*)?", re.IGNORECASE)
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class BodyTooLarge(WatchkeeperError):
    """The request's body is too long; the message tells the caller the limit."""


class UnsupportedMediaType(WatchkeeperError):
    """The request's body is not of type JSON."""


class MalformedBody(WatchkeeperError):
    """The request's body is not valid JSON."""


class ManyInBody(WatchkeeperError):
    """The request's body is a list, of which Powertools would use the first element and ignore the others."""


def method(event: Event) -> str:
    return str(event["requestContext"]["http"]["method"]).upper()


def as_get(event: Event) -> Event:
    """The event of the same request, made with ``GET``."""
    context = event["requestContext"]
    return {**event, "requestContext": {**context, "http": {**context["http"], "method": "GET"}}}


def with_checked_body(event: Event, longest: int = MAX_BODY_BYTES) -> Event:
    """The event with its body as JSON text, if its method has one.

    Raises ``BodyTooLarge``, ``UnsupportedMediaType``, ``MalformedBody`` and ``ManyInBody``.
    """
    if method(event) not in _WITH_BODY:
        return {**event, "body": None, "isBase64Encoded": False}
    octets = _body(event)
    if len(octets) > longest:
        raise BodyTooLarge(f"The body is longer than {longest} bytes.")
    if octets and not _JSON.fullmatch(header(event, "content-type").strip()):
        raise UnsupportedMediaType("not JSON")
    try:
        said = orjson.loads(octets) if octets else None
        text = orjson.dumps(said).decode() if octets else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        raise MalformedBody("not JSON") from error
    if isinstance(said, list):
        raise ManyInBody("is a list, not an object")
    headers = {name: value for name, value in (event.get("headers") or {}).items() if name.lower() != "content-type"}
    typed = headers | ({"content-type": "application/json"} if octets else {})
    return {**event, "headers": typed, "body": text, "isBase64Encoded": False}


def _body(event: Event) -> bytes:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode(errors="surrogatepass")
    try:
        return base64.b64decode(text)
    except binascii.Error as error:
        raise MalformedBody("not base64") from error


def header(event: Event, name: str) -> str:
    """A header by its lower-case name; empty if it was not sent."""
    headers = event.get("headers") or {}
    return str(headers.get(name) or next((text for key, text in headers.items() if key.lower() == name), ""))


def accepts_gzip(event: Event) -> bool:
    weights = dict(map(_weighted, header(event, "accept-encoding").lower().split(",")))
    return weights.get("gzip", weights.get("*", 0.0)) > 0.0


def is_match(event: Event, etag: str) -> bool:
    """Whether ``If-None-Match`` includes this entity tag, by weak comparison as RFC 9110 requires."""
    given = [tag.strip().removeprefix("W/") for tag in header(event, "if-none-match").split(",")]
    return "*" in given or etag in given


def with_one_segment(event: Event, pattern: re.Pattern[str]) -> Event:
    """The event with the match of the pattern's named group percent-encoded in its path, as a single segment.

    HTTP APIs decode every escape in a path except ``%25``, so a name's slashes arrive as slashes.
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
