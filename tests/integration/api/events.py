"""Events as an HTTP API sends them (payload 2.0)."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def http_get(url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    return http_request("GET", url, headers)


def http_request(method: str, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The event of a request; the URL is a path and a query, percent-encoded as a client sends them."""
    path, query = _path_and_query(url)
    parameters: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters.setdefault(name, []).append(value)
    event = {
        "version": "2.0",
        "routeKey": "ANY /api/v1/{proxy+}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {name.lower(): value for name, value in (headers or {}).items()},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "api.execute-api.us-east-1.amazonaws.com",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "ANY /api/v1/{proxy+}",
            "stage": "$default",
            "time": "10/Jul/2026:12:00:00 +0000",
            "timeEpoch": 1783684800000,
        },
        "isBase64Encoded": False,
    }
    if parameters:
        event["queryStringParameters"] = {name: ",".join(values) for name, values in parameters.items()}
    return event


def _path_and_query(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return _decoded(parts.path), parts.query


def _decoded(path: str) -> str:
    """An HTTP API decodes every escape but that of the per cent sign itself."""
    return "%25".join(unquote(part) for part in re.split("%25", path))
