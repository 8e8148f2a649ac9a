"""Events as an HTTP API sends them (payload 2.0)."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def http_get(url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    return http_request("GET", url, headers)


USER = "8f14e45f-ceea-467f-a0e6-8f5a6b7c1d2e"


def claims_of(user: str = USER, groups: tuple[str, ...] = (), token_use: str = "access") -> dict[str, str]:
    """Of a token, as the authorizer hands them over: as texts."""
    named = {"cognito:groups": f"[{' '.join(groups)}]"} if groups else {}
    return {"sub": user, "token_use": token_use, "client_id": "client", "username": user, **named}


def http_request(
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    body: str | None = None,
    claims: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The event of a request; the URL is a path and a query, percent-encoded as a client sends them. Without other
    claims it is one of a person who has signed in."""
    path, query = _path_and_query(url)
    parameters: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters.setdefault(name, []).append(value)
    event: dict[str, Any] = {
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
    claimed = claims_of() if claims is None else claims
    if claimed:
        event["requestContext"]["authorizer"] = {"jwt": {"claims": dict(claimed), "scopes": None}}
    if body is not None:
        event["body"] = body
    if parameters:
        event["queryStringParameters"] = {name: ",".join(values) for name, values in parameters.items()}
    return event


def _path_and_query(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return _decoded(parts.path), parts.query


def _decoded(path: str) -> str:
    """An HTTP API decodes every escape but that of the per cent sign itself."""
    return "%25".join(unquote(part) for part in re.split("%25", path))
