"""A client of the HTTP API, like any other."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import requests

Json = dict[str, Any]


class Api:
    def __init__(self, url: str, token: str | None = None) -> None:
        """A client with the access token of a person."""
        self._url = f"{url}/api/v1"
        self._session = requests.Session()
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, headers: Mapping[str, str] | None = None, **parameters: Any) -> requests.Response:
        """Whatever the answer is; `path` counts from /api/v1/."""
        return self._session.get(f"{self._url}/{path}", params=parameters, headers=headers, timeout=30)

    def at(self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> requests.Response:
        """The same person's request to a URL the API gave out."""
        return self._session.request(method, url, headers=headers, timeout=30, allow_redirects=False)

    def preflight(self, path: str, origin: str) -> requests.Response:
        asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        return self._session.options(f"{self._url}/{path}", headers=asked, timeout=30)

    def read(self, path: str, **parameters: Any) -> Any:
        """What the kernel watch knows; `path` counts from /api/v1/kernel/."""
        answer = self.get(f"kernel/{path}", **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, path: str, **parameters: Any) -> Iterator[list[Json]]:
        cursor: dict[str, str] = {}
        while True:
            page = self.read(path, **parameters, **cursor)
            yield page["items"]
            if page["cursor"] is None:
                return
            cursor = {"cursor": page["cursor"]}

    def items(self, path: str, **parameters: Any) -> list[Json]:
        """Those of all pages."""
        return [item for page in self.pages(path, limit=100, **parameters) for item in page]

    def mails(self, message_id: str) -> list[Json]:
        found: list[Json] = self.read(f"discussions/{segment(message_id)}")["items"]
        return found

    def sources(self) -> dict[str, Json]:
        return {source["name"]: source for source in self.read("freshness")["sources"]}

    def close(self) -> None:
        self._session.close()


def segment(name: str) -> str:
    """A Message-ID or an address as one segment of a path."""
    return quote(name, safe="")
