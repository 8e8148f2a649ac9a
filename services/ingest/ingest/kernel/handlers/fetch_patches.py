"""``fetch-patches``: a schedule queues one message per project; each message has its project read."""

from collections.abc import Mapping
from typing import Any

from ingest.kernel.container import PATCHWORK, Container, container
from ingest.kernel.handlers.forms import Form, Forms, Work, watched
from ingest.kernel.handlers.work import attempt, each_message, hand_out
from ingest.work import measure, read_source
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.metrics import WEEKS_COUNTED

FORMS: Forms = {
    "patches": Form({"project": str, "mode": str}),
    "statistics": Form({"project": str, "weeks": list}),
}


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    if "Records" in event:
        return each_message(event, context, FORMS, lambda work: _do(work, container(), context))
    kernel = container()
    works: list[Work] = [{"task": "patches", "project": name} for name in kernel.settings.projects]
    return hand_out(event, context, kernel.patches_queue, works)


def _do(work: Work, kernel: Container, context: LambdaContext) -> None:
    if work["task"] == "statistics":
        measure(WEEKS_COUNTED, len(work["weeks"]), context)
        kernel.week_counter().count_patches(work["project"], work["weeks"])
    else:
        project = watched(work["project"], kernel.settings.projects)
        attempt(work, kernel.patches_queue, context, lambda: _read(project, work["mode"], kernel, context))


def _read(name: str, mode: str, kernel: Container, context: LambdaContext) -> bool:
    sync = kernel.patch_sync()
    return read_source(PATCHWORK, name, kernel.progress, context, lambda current: sync.read(name, mode, current))
