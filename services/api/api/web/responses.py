"""The last touch of every answer: validators, compression, CORS and what browsers must know."""

import base64
import gzip
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from api.web.problems import ALLOW, AnswerTooLarge
from api.web.requests import Event, accepts_gzip, header, is_match

MAX_PLAIN_BYTES = 1024 * 1024
"""Longer bodies travel as base64: as text, Lambda's JSON would escape them to up to twice their size."""

MAX_BODY_BYTES = 4 * 1024 * 1024 + 256 * 1024
"""Lambda lets 6 MB through, which base64 has grown by a third."""

_WORTH_COMPRESSING = 1024
_COMPRESSION = 3
"""A third of the time of level 6, for a few per cent more octets."""

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding, Origin",
}
_NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'"

Answer = dict[str, Any]


def finished(answer: Answer, event: Event, *, correlation_id: str, origins: tuple[str, ...]) -> Answer:
    """The answer as it leaves. Raises ``AnswerTooLarge``."""
    headers = answer["headers"] | _ALWAYS | _cors(event, origins) | {"X-Correlation-Id": correlation_id}
    headers.setdefault("Content-Security-Policy", _NO_CONTENT_POLICY)
    body = (answer["body"] or "").encode()
    if answer["statusCode"] == HTTPStatus.OK:
        compress = accepts_gzip(event) and len(body) > _WORTH_COMPRESSING
        headers["ETag"] = _etag(body, compressed=compress)
        if is_match(event, headers["ETag"]):
            return _not_modified(headers)
        if compress:
            headers["Content-Encoding"] = "gzip"
            return _sent(answer, headers, gzip.compress(body, _COMPRESSION, mtime=0), binary=True)
    return _sent(answer, headers, body, binary=len(body) > MAX_PLAIN_BYTES)


def without_body(answer: Answer) -> Answer:
    """What ``HEAD`` is answered with: all that ``GET`` is, but the body."""
    return answer | {"body": "", "isBase64Encoded": False}


def preflight_answer() -> Answer:
    """For ``OPTIONS``, to which the gateway adds what its CORS configuration says."""
    headers = {"Allow": ALLOW, "Cache-Control": "no-store"}
    return {"statusCode": HTTPStatus.NO_CONTENT.value, "headers": headers, "body": "", "cookies": []}


def _sent(answer: Answer, headers: dict[str, str], body: bytes, *, binary: bool) -> Answer:
    if len(body) > MAX_BODY_BYTES:
        raise AnswerTooLarge
    text = base64.b64encode(body) if binary else body
    return answer | {"headers": headers, "body": text.decode(), "isBase64Encoded": binary}


def _not_modified(headers: dict[str, str]) -> Answer:
    headers.pop("Content-Type", None)
    return {"statusCode": 304, "headers": headers, "body": "", "isBase64Encoded": False, "cookies": []}


def _etag(body: bytes, *, compressed: bool) -> str:
    """A strong validator: it tells the compressed octets from the plain ones."""
    return f'"{sha256(body).hexdigest()[:32]}{"-gzip" if compressed else ""}"'


def _cors(event: Event, origins: tuple[str, ...]) -> dict[str, str]:
    allowed = "*" if "*" in origins else header(event, "origin")
    if allowed != "*" and allowed not in origins:
        return {}
    return {"Access-Control-Allow-Origin": allowed, "Access-Control-Expose-Headers": "ETag, Link, X-Correlation-Id"}
