"""Requests to a function as the gateway passes them on, from somebody who has signed in."""

import json as jsons
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.integration.api.conftest import Context, Reply, reply
from tests.integration.api.events import USER, claims_of, http_request
from watchkeeper.entry import Handler

OTHER = "c9f0f895-fb98-4b91-9d3a-1f2e3d4c5b6a"
"""Another person."""


@dataclass(frozen=True)
class Asker:
    handler: Handler
    prefix: str
    """What paths count from."""
    user: str = USER
    groups: tuple[str, ...] = ()

    def __call__(self, method: str, path: str, json: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """``json`` is the body to be; text is sent as it is."""
        body = json if json is None or isinstance(json, str) else jsons.dumps(json)
        typed = {} if body is None else {"Content-Type": "application/json"}
        claims = claims_of(self.user, self.groups) if self.user else {}
        event = http_request(method, self.prefix + path, typed | dict(headers or {}), body=body, claims=claims)
        return reply(self.handler(event, Context()))

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        return self("GET", path, headers=headers)

    def post(self, path: str, json: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        return self("POST", path, json, headers)

    def patch(self, path: str, json: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        return self("PATCH", path, json, headers)

    def delete(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        return self("DELETE", path, headers=headers)

    def as_(self, user: str) -> "Asker":
        """The same requests by another person; by nobody, if the name is empty."""
        return Asker(self.handler, self.prefix, user, self.groups)
