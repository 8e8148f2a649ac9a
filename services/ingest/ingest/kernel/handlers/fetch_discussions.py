"""``fetch-discussions``: a schedule queues one message per list; each message has its list read."""

from collections.abc import Mapping
from typing import Any

from ingest.kernel.container import LORE, Container, container
from ingest.kernel.handlers.forms import Form, Forms, Work, watched
from ingest.kernel.handlers.work import attempt, each_message, hand_out
from ingest.work import measure, read_source
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.metrics import WEEKS_COUNTED

FORMS: Forms = {
    "discussions": Form({"list": str, "mode": str}),
    "statistics": Form({"weeks": list}),
}


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    if "Records" in event:
        return each_message(event, context, FORMS, lambda work: _do(work, container(), context))
    kernel = container()
    works: list[Work] = [{"task": "discussions", "list": name} for name in kernel.settings.lists]
    return hand_out(event, context, kernel.discussions_queue, works)


def _do(work: Work, kernel: Container, context: LambdaContext) -> None:
    if work["task"] == "statistics":
        measure(WEEKS_COUNTED, len(work["weeks"]), context)
        kernel.week_counter().count_mails(work["weeks"])
    else:
        name = watched(work["list"], kernel.settings.lists)
        attempt(work, kernel.discussions_queue, context, lambda: _read(name, work["mode"], kernel, context))


def _read(name: str, mode: str, kernel: Container, context: LambdaContext) -> bool:
    sync = kernel.discussion_sync()
    return read_source(LORE, name, kernel.progress, context, lambda current: sync.read(name, mode, current))
