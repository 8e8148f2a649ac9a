"""Requests that a proper client would not send: nothing is validated, quoted, or corrected."""

import json
from collections.abc import Sequence
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.e2e.people import Person

Header = tuple[str, str | bytes]


class Raw(NamedTuple):
    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def send(person: Person, method: str, path: str, headers: Sequence[Header] = (), body: bytes | None = None) -> Raw:
    """`path` counts from /api/v1/ and is sent unchanged."""
    place = urlsplit(person.url)
    connection = HTTPConnection(place.netloc, timeout=60)
    try:
        connection.putrequest(method, f"{place.path}/{path}", skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return Raw(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def signed(person: Person, *headers: Header) -> list[Header]:
    return [("Authorization", f"Bearer {person.tokens['access_token']}"), *headers]
