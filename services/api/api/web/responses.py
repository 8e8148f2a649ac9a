"""Completing every response: validators, compression, CORS and security headers."""

import base64
import gzip
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from api.web.problems import AnswerTooLarge
from api.web.requests import READING, Event, accepts_gzip, header, is_match, method

MAX_PLAIN_BYTES = 1024 * 1024
"""Longer bodies are sent as base64: as text, escaping in Lambda's JSON could double their size."""

MAX_BODY_BYTES = 4 * 1024 * 1024 + 256 * 1024
"""Lambda's limit is 6 MB, and base64 adds a third."""

_COMPRESSED = "-gzip"
_WORTH_COMPRESSING = 1024
_COMPRESSION = 3
"""A third of the time of level 6, for a few per cent more bytes."""

EXPOSED = "ETag, Link, Location, Retry-After, X-Correlation-Id"
"""Response headers that browsers expose to pages of other origins."""

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_VARIES_BY = "Accept-Encoding, Origin"
_NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'"

Answer = dict[str, Any]


def finished(answer: Answer, event: Event, *, correlation_id: str, origins: tuple[str, ...]) -> Answer:
    """The complete response. Raises ``AnswerTooLarge``."""
    headers = answer["headers"] | _ALWAYS | _cors(event, origins) | {"X-Correlation-Id": correlation_id}
    headers.setdefault("Content-Security-Policy", _NO_CONTENT_POLICY)
    headers["Vary"] = ", ".join([*filter(None, [headers.get("Vary")]), _VARIES_BY])
    body = (answer["body"] or "").encode()
    if answer["statusCode"] == HTTPStatus.OK and method(event) in READING:
        compress = accepts_gzip(event) and len(body) > _WORTH_COMPRESSING
        headers["ETag"] = _etag(headers.get("ETag"), body, compressed=compress)
        if is_match(event, headers["ETag"]):
            return _not_modified(headers)
        if compress:
            headers["Content-Encoding"] = "gzip"
            return _sent(answer, headers, gzip.compress(body, _COMPRESSION, mtime=0), binary=True)
    return _sent(answer, headers, body, binary=len(body) > MAX_PLAIN_BYTES)


def fits(body: bytes, event: Event) -> bool:
    """Whether ``finished`` accepts the body of a ``GET``, compressed or not."""
    if len(body) <= MAX_BODY_BYTES:
        return True
    return accepts_gzip(event) and len(gzip.compress(body, _COMPRESSION, mtime=0)) <= MAX_BODY_BYTES


def without_body(answer: Answer) -> Answer:
    """The response to ``HEAD``: the same as to ``GET``, without the body."""
    return answer | {"body": "", "isBase64Encoded": False}


def preflight_answer(allowed: tuple[str, ...]) -> Answer:
    """For ``OPTIONS``; the gateway adds the headers of its CORS configuration."""
    headers = {"Allow": ", ".join((*allowed, "OPTIONS")), "Cache-Control": "no-store"}
    return {"statusCode": HTTPStatus.NO_CONTENT.value, "headers": headers, "body": "", "cookies": []}


def _sent(answer: Answer, headers: dict[str, str], body: bytes, *, binary: bool) -> Answer:
    if len(body) > MAX_BODY_BYTES:
        raise AnswerTooLarge
    text = base64.b64encode(body) if binary else body
    return answer | {"headers": headers, "body": text.decode(), "isBase64Encoded": binary}


def _not_modified(headers: dict[str, str]) -> Answer:
    headers.pop("Content-Type", None)
    return {"statusCode": 304, "headers": headers, "body": "", "isBase64Encoded": False, "cookies": []}


def _etag(given: str | None, body: bytes, *, compressed: bool) -> str:
    """A strong validator: the one the route set, or a digest of the body. It differs between the compressed and the
    plain form."""
    known = given.strip('"') if given else sha256(body).hexdigest()[:32]
    return f'"{known}{_COMPRESSED if compressed else ""}"'


def version_named(etag: str) -> str:
    """The version in a route's ``ETag``, compressed or not."""
    return etag.strip().strip('"').removesuffix(_COMPRESSED)


def _cors(event: Event, origins: tuple[str, ...]) -> dict[str, str]:
    allowed = "*" if "*" in origins else header(event, "origin")
    if allowed != "*" and allowed not in origins:
        return {}
    return {"Access-Control-Allow-Origin": allowed, "Access-Control-Expose-Headers": EXPOSED}
