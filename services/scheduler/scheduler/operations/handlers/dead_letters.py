"""``dead-letters``: an operator's function. It lists dead letters, shows one, and redrives or drops one or all of a
queue."""

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import orjson

from scheduler.operations.dead_letters import DeadLetterQueue, DeadLetters, Outcome
from scheduler.operations.errors import WrongRequest
from scheduler.operations.letters import encodable
from scheduler.operations.redriving import Machines, Redriver
from scheduler.operations.requests import Request
from scheduler.operations.streams import Streams
from watchkeeper import aws
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.errors import ConfigurationError


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    try:
        answer = _answer(Request.of(event), _dead_letters(), lambda: context.get_remaining_time_in_millis() / 1000)
    except WrongRequest as wrong:
        answer = {"error": str(wrong)}
    return encodable(answer)


def _answer(request: Request, letters: DeadLetters, seconds_left: Callable[[], float]) -> dict[str, Any]:
    match request:
        case Request(action="list", queue=str(queue)):
            found, more = letters.look(queue, request.limit, seconds_left)
            return {"queue": queue, "letters": found, "more": more}
        case Request(action="show", queue=str(queue), id=str(letter_id)):
            return {"letter": letters.show(queue, letter_id, seconds_left)}
        case Request(action="redrive", queue=str(queue)):
            return _settled("redriven", queue, letters.redrive(queue, request.id, seconds_left))
        case Request(action="drop", queue=str(queue)):
            return _settled("dropped", queue, letters.drop(queue, request.id, request.reason, seconds_left))
    return {"letters": letters.count()}


def _settled(what: str, queue: str, outcome: Outcome) -> dict[str, Any]:
    stopped = {"stopped": outcome.stopped} if outcome.stopped else {}
    return {
        "queue": queue,
        what: outcome.done,
        "failed": [{"id": letter_id, "reason": problem} for letter_id, problem in outcome.failed.items()],
        "more": outcome.more,
        **stopped,
    }


@cache
def _dead_letters() -> DeadLetters:
    """Settings: ``DEAD_LETTER_QUEUES``, a JSON object of queues by name, and ``REDRIVEN_FUNCTIONS``, separated by
    commas."""
    prefix = f"watchkeeper-{_setting('STAGE')}-"
    queues = {name: DeadLetterQueue(**urls) for name, urls in orjson.loads(_setting("DEAD_LETTER_QUEUES")).items()}
    known = frozenset(_setting("REDRIVEN_FUNCTIONS").split(","))
    work = {name: queue.queue for name, queue in queues.items() if queue.queue}
    arns = [queue.machine for queue in queues.values() if queue.machine]
    machines = Machines(aws.states_client(), {arn.rpartition(":")[2].removeprefix(prefix): arn for arn in arns})
    streams = Streams(aws.streams_client())
    redriver = Redriver(aws.sqs_client(), aws.functions_client(), streams, machines, prefix, known, work)
    return DeadLetters(aws.sqs_client(), queues, redriver.send, prefix)


def _setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(f"{name} is not set")
    return value
