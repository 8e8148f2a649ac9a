"""A wire without a network: what is sent into it, and what comes back instead of a server's answer."""

import io
import json
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, urlsplit

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

JSON = "application/json"


class Wire:
    """Stands in for the one place where requests hands a request to a connection."""

    def __init__(self) -> None:
        self.sent: list[requests.PreparedRequest] = []
        self._answers: list[tuple[int, bytes, dict[str, str]] | str] = []

    def say(self, body: object, status: int = 200, times: int = 1, headers: Mapping[str, str] | None = None) -> None:
        """JSON, unless it is a text or octets already; the last thing said is said for ever."""
        octets = (
            body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        )
        self._answers += [(status, octets, {"Content-Type": JSON, **(headers or {})})] * times

    def break_off(self) -> None:
        """As urllib3 does it: with the whole URL in the text."""
        self._answers.append("broken")

    def standing_in(self) -> Callable[..., requests.Response]:
        """What takes the place of ``HTTPAdapter.send``."""

        def send(adapter: object, request: requests.PreparedRequest, **_: object) -> requests.Response:
            return self.send(request)

        return send

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        self.sent.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, str):
            url = urlsplit(str(request.url))
            raise requests.ConnectionError(f"Max retries exceeded with url: {url.path}?{url.query} {request.headers}")
        return _response(request, *answer)

    def queries(self) -> list[dict[str, str]]:
        return [
            {name: values[0] for name, values in parse_qs(urlsplit(str(one.url)).query).items()} for one in self.sent
        ]


def _response(
    request: requests.PreparedRequest, status: int, octets: bytes, headers: dict[str, str]
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict(headers)
    response.url = str(request.url)
    response.request = request
    response.raw = urllib3.HTTPResponse(io.BytesIO(octets), headers=headers, status=status, preload_content=False)
    return response
