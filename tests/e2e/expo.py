"""The sample push service, as its operator sees it."""

from typing import Any

import requests

from tests.e2e.people import Json

SECONDS = 10


class Expo:
    def __init__(self, url: str) -> None:
        self._url = f"{url}/_control"

    def messages(self, token: str) -> list[Json]:
        """What was taken for a device."""
        taken = requests.get(f"{self._url}/messages", timeout=SECONDS).json()["messages"]
        return [message for message in taken if message["to"] == token]

    def receipts_take(self, seconds: float | None) -> None:
        self._post("receipts", {"seconds": seconds})

    def knows_no_more(self, token: str, where: str) -> None:
        """The app is gone from a device, as its `ticket` or its `receipt` says."""
        self._post("tokens", {"error": "DeviceNotRegistered", "where": where, "token": token})

    def start_over(self) -> None:
        self._post("reset", {})

    def _post(self, action: str, body: Any) -> None:
        requests.post(f"{self._url}/{action}", json=body, timeout=SECONDS).raise_for_status()
