"""``fetch-discussions``: a schedule hands out one message a list; a message reads its list."""

from collections.abc import Mapping
from typing import Any

from ingest.kernel.container import LORE, Container, container
from ingest.kernel.handlers.work import LambdaContext, Work, attempt, caller, each_message, logger, metrics
from ingest.kernel.reading import RECENT, reading
from watchkeeper.clock import utc_now


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    if "Records" in event:
        return each_message(event, context, lambda work: _do(work, container(), context))
    return _hand_out(str(event.get("mode", RECENT)), container())


def _hand_out(mode: str, kernel: Container) -> dict[str, Any]:
    for name in kernel.settings.lists:
        kernel.discussions_queue.send({"task": "discussions", "list": name, "mode": mode})
    return {"lists": list(kernel.settings.lists)}


def _do(work: Work, kernel: Container, context: LambdaContext) -> None:
    if work["task"] == "statistics":
        kernel.week_counter().count_mails(work["weeks"])
    else:
        attempt(work, kernel.discussions_queue, lambda: _read(work["list"], work["mode"], kernel, context))


def _read(list_name: str, mode: str, kernel: Container, context: LambdaContext) -> bool:
    with reading(f"{LORE}:{list_name}", LORE, kernel.progress, caller(context), utc_now) as current:
        return kernel.discussion_sync().read(list_name, mode, current)
