"""``dead-letters``: an operator's function. ``{"action": "list"}`` counts, with ``"queue"`` shows some letters of it;
``{"action": "redrive", "queue": ...}`` sends them again."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
from aws_lambda_powertools import Logger

from scheduler.operations.dead_letters import DeadLetterQueue, DeadLetters
from watchkeeper import aws
from watchkeeper.errors import ConfigurationError, WatchkeeperError

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 -- Lambda's signature
    try:
        return _answer(event.get("action"), event.get("queue"), _dead_letters())
    except ConfigurationError:
        raise
    except WatchkeeperError as error:
        return {"error": str(error)}


def _answer(action: object, queue: str | None, letters: DeadLetters) -> dict[str, Any]:
    match action, queue:
        case "list", None:
            return {"letters": letters.count()}
        case "list", str(name):
            return {"letters": [{"id": one["id"], "body": one["body"]} for one in letters.look(name)]}
        case "redrive", str(name):
            moved = letters.redrive(name)
            logger.info("dead letters sent again", queue=name, letters=moved)
            return {"redriven": moved}
    return {"error": 'give {"action": "list"}, {"action": "list", "queue": ...} or {"action": "redrive", "queue": ...}'}


@cache
def _dead_letters() -> DeadLetters:
    configured = os.environ.get("DEAD_LETTER_QUEUES")
    if not configured:
        raise ConfigurationError("DEAD_LETTER_QUEUES is not set")
    queues = {name: DeadLetterQueue(**urls) for name, urls in orjson.loads(configured).items()}
    return DeadLetters(aws.sqs_client(), queues)
