"""Redriving: sending a letter back to where it failed."""

import json
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from scheduler.operations.errors import NotSent
from scheduler.operations.letters import Kind, Letter
from scheduler.operations.streams import Streams
from watchkeeper import sqs
from watchkeeper.clock import from_iso, to_iso
from watchkeeper.correlation import ATTRIBUTE
from watchkeeper.dead_letters import FIRST_SENT_AT
from watchkeeper.errors import DatabaseError
from watchkeeper.translation import translated, understood

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient


class Redriver:
    def __init__(
        self,
        client: "SQSClient",
        functions: "LambdaClient",
        streams: Streams,
        machines: "Machines",
        prefix: str,
        known: Collection[str],
        queues: Mapping[str, str],
    ) -> None:
        """Only ``known`` functions are invoked, and messages sent only to ``queues``, given by name."""
        self._client = client
        self._functions = functions
        self._streams = streams
        self._machines = machines
        self._prefix = prefix
        self._known = known
        self._queues = queues

    def send(self, letter: Letter, queue_url: str | None) -> None:
        """Redrive it under its correlation id. Raises ``NotSent`` with the reason."""
        try:
            match letter.kind:
                case Kind.WORK if queue_url:
                    sqs.send(self._client, queue_url, _first_attempt(letter), _cause(letter) | _first_sent(letter))
                case Kind.EVENT if url := self._queues.get(letter.target or ""):
                    sqs.send(self._client, url, json.dumps(letter.work, separators=(",", ":")), _cause(letter))
                case Kind.INVOCATION | Kind.SCHEDULE:
                    self._invoke(letter, letter.work)
                case Kind.PROJECTION:
                    self._machines.start(letter)
                case Kind.CHANGES:
                    for event in self._streams.events(letter.work):
                        self._invoke(letter, event)
                case _:
                    raise NotSent("letters of this kind cannot be redriven; inspect it, and drop it with a reason")
        except DatabaseError as error:
            raise NotSent(str(error)) from error

    def _invoke(self, letter: Letter, payload: object) -> None:
        """Asynchronously, as originally: if it fails again, it comes back as a new letter."""
        if letter.function not in self._known:
            raise NotSent(
                f"{letter.function or 'nothing'} is not a function that can be invoked again; "
                "inspect it, and drop it with a reason"
            )
        if not isinstance(payload, Mapping):
            raise NotSent("a function's payload must be a JSON object, which this is not; drop it with a reason")
        with translated("Invoke failed"):
            answer = self._functions.invoke(
                FunctionName=f"{self._prefix}{letter.function}",
                InvocationType="Event",
                Payload=json.dumps({**_cause(letter), **payload}).encode(),
            )
        with understood("Invoke failed"):
            if answer["StatusCode"] != HTTPStatus.ACCEPTED:
                raise ValueError("nothing says that it was taken")


class Machines:
    """State machines, by name, without project and stage."""

    def __init__(self, client: Any, machines: Mapping[str, str]) -> None:
        """``client`` is a Step Functions client; ``machines`` are ARNs by name."""
        self._client = client
        self._machines = machines

    def start(self, letter: Letter) -> None:
        """Start an execution with the letter's event as input, named after the letter. Express workflows run at least
        once; conditional writes make them idempotent.

        Raises ``NotSent`` and ``DatabaseError``.
        """
        machine = self._machines.get(letter.function or "")
        if machine is None or not isinstance(letter.work, Mapping):
            raise NotSent("it is not an event that a state machine can be started with; drop it with a reason")
        failed = "StartExecution failed"
        with translated(failed):
            answer = self._client.start_execution(stateMachineArn=machine, name=_execution(letter), input=letter.body)
        with understood(failed):
            if not answer["executionArn"]:
                raise ValueError("nothing says that it was started")


def _execution(letter: Letter) -> str:
    """Letter ids are UUIDs, which are valid in execution names."""
    return f"redrive-{letter.id}"


def _cause(letter: Letter) -> dict[str, str]:
    """The correlation id, where functions look for it."""
    return {ATTRIBUTE: letter.correlation_id} if letter.correlation_id else {}


def _first_sent(letter: Letter) -> dict[str, str]:
    """So that it stays known however often the work fails."""
    try:
        return {FIRST_SENT_AT: to_iso(from_iso(letter.sent_at or ""))}
    except (OverflowError, ValueError):
        return {}


def _first_attempt(letter: Letter) -> str:
    """The original message without its count of attempts, which would make it fail again immediately."""
    work: Any = letter.work
    if not isinstance(work, Mapping) or "attempt" not in work:
        return letter.body
    return json.dumps({name: value for name, value in work.items() if name != "attempt"}, separators=(",", ":"))
