"""Rebuilds read models from the event store, with the stage's function ``rebuild-read-model``."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from local.letters import plain
from local.stages import Stage, StageRefused, asking
from watchkeeper.observability.projections import REBUILT

FUNCTION = "rebuild-read-model"
STORE = "event-store"
ALL = "all"
SECONDS = 45
"""How long the function works each time: its caller does not wait for ever, and gets the progress."""


class RebuildRefused(Exception):
    """There is no such model, or the function could not continue, and says why."""


def chosen(model: str) -> tuple[str, ...]:
    """Raises `RebuildRefused`."""
    if model != ALL and model not in REBUILT:
        raise RebuildRefused(f"There is no read model {model!r} to rebuild; there are {', '.join(REBUILT)}, and {ALL}.")
    return REBUILT if model == ALL else (model,)


def rebuilt(stage: Stage, model: str, *, leave_out: bool = False) -> Iterator[str]:
    """Rebuild it, and report the progress, until it is done: each invocation of the function continues where the last
    one ended. Raises `RebuildRefused`, including when some events cannot be read and `leave_out` is not set, and
    `StageRefused`."""
    stored = _stored(stage)
    done = False
    while not done:
        progress = _ask(stage, model, leave_out)
        done = bool(progress["done"])
        yield f"{model}: {_told(progress, stored)}"
        if progress.get("stopped"):
            raise RebuildRefused(
                f"{model} is read as before: {progress['unreadable']:,} events cannot be read, and the log of "
                f"{FUNCTION} names them. Run it again with a release that reads them, or without them: LEAVE_OUT=1."
            )


def _stored(stage: Stage) -> int:
    """About how many items the store has; 0 if the caller has no permission to know."""
    try:
        with asking(stage):
            return int(stage.client("dynamodb").describe_table(TableName=stage.name(STORE))["Table"]["ItemCount"])
    except StageRefused:
        return 0


def _told(progress: Mapping[str, Any], stored: int) -> str:
    unreadable = progress.get("unreadable", 0)
    counts = f"{progress['events']:,} events read{_of_all(progress, stored)}, {progress['rows']:,} rows written"
    left_out = f", {unreadable:,} events cannot be read" if unreadable else ""
    switched = ", switched over" if progress["switched"] else ""
    return f"{counts}{left_out}{switched}{', done' if progress['done'] else ''}"


def _of_all(progress: Mapping[str, Any], stored: int) -> str:
    """How many items there are to read, until all are read. DynamoDB counts them every six hours: a count that is
    lower than what has been read is left out."""
    is_read = progress["switched"] or progress.get("stopped")
    return "" if is_read or not stored or stored < progress["events"] else f" of about {stored:,} items"


def _ask(stage: Stage, model: str, leave_out: bool) -> Mapping[str, Any]:
    request = json.dumps({"model": model, "seconds": SECONDS, "leave_out": leave_out}).encode()
    with asking(stage):
        answer = stage.client("lambda").invoke(FunctionName=stage.name(FUNCTION), Payload=request)
        found: Any = json.loads(answer["Payload"].read() or "null")
    if answer.get("FunctionError"):
        said = found or {}
        raise RebuildRefused(f"{FUNCTION} failed: {said.get('errorType')}: {plain(said.get('errorMessage'))}")
    if "error" in found:
        raise RebuildRefused(plain(found["error"]))
    progress: Mapping[str, Any] = found
    return progress
