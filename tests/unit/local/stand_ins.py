"""A stage whose AWS answers as a test specifies, and records the requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError


@dataclass
class Client:
    """An answer for each operation: itself, one after the other if it is a list, raised if it is an error, or what a
    function of the request gives."""

    answers: Mapping[str, Any]
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    meta = SimpleNamespace(region_name="us-east-1")

    def __getattr__(self, operation: str) -> Any:
        if operation not in self.answers:
            raise AssertionError(f"nobody expected {operation}")
        return lambda **request: self._answer(operation, request)

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **request: self._answer(operation, request))

    def _answer(self, operation: str, request: dict[str, Any]) -> Any:
        self.asked.append((operation, request))
        answer = self.answers[operation]
        if callable(answer):
            answer = answer(**request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def requests(self, operation: str) -> list[dict[str, Any]]:
        return [request for asked, request in self.asked if asked == operation]


@dataclass
class FakeStage:
    clients: dict[str, Client]
    stage: str = "dev"

    def name(self, thing: str) -> str:
        return f"watchkeeper-{self.stage}-{thing}"

    def client(self, service: str) -> Any:
        return self.clients[service]


def refusal(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message or code}}, "Operation")


NO_STACK = refusal("ValidationError", "Stack with id x does not exist")
