"""Queues that nobody sends to while a function looks into them."""

from typing import Any

import pytest
from moto.sqs.models import SQSBackend


@pytest.fixture(autouse=True)
def _nothing_comes_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long poll is answered at once."""
    receive = SQSBackend.receive_message

    def at_once(self: SQSBackend, queue: str, count: int, _: int, *arguments: Any, **named: Any) -> Any:
        return receive(self, queue, count, 0, *arguments, **named)

    monkeypatch.setattr(SQSBackend, "receive_message", at_once)
