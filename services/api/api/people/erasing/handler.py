"""``erase``: removes what belonged to a deleted batch, or to a person who left, as named in a message."""

from collections.abc import Mapping
from typing import Any

from api.people.erasing.container import eraser
from api.people.erasing.eraser import Eraser
from watchkeeper.budgets import WORKERS
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.errors import WatchkeeperError
from watchkeeper.logs import logger
from watchkeeper.messages import Form, Forms, Work, checked, each_message, work_of

FORMS: Forms = {
    "batch": Form({"user": str, "batch": str}),
    "person": Form({"user": str}),
}

MARGIN_SECONDS = 5 * WORKERS.batch_seconds + WORKERS.call_seconds
"""With less time left, no step is started: the longest one queries items, removes them in four batches, and is followed
by the message that hands over the rest."""


class _OutOfTime(WatchkeeperError):
    """There is no time left for another step."""


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    return each_message(
        event,
        context,
        lambda body: _do(checked(work_of(body), FORMS), eraser(), context),
        ready=eraser,
        margin_seconds=MARGIN_SECONDS,
    )


def _do(work: Work, erasing: Eraser, context: LambdaContext) -> None:
    def in_time() -> None:
        if context.get_remaining_time_in_millis() / 1000 < MARGIN_SECONDS:
            raise _OutOfTime("the rest is left to another message")

    try:
        if work["task"] == "batch":
            erasing.erase_batch(work["user"], work["batch"], in_time)
        else:
            erasing.erase_person(work["user"], in_time)
    except _OutOfTime:
        erasing.work.send(work)
        logger.info("erasing is handed on", task=work["task"])
    else:
        logger.info("erasing done", task=work["task"])
