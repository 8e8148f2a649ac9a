"""``fetch-patches``: a schedule hands out one message a project; a message reads its project."""

from collections.abc import Mapping
from typing import Any

from ingest.kernel.container import PATCHWORK, Container, container
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
    for project in kernel.settings.projects:
        kernel.patches_queue.send({"task": "patches", "project": project, "mode": mode})
    return {"projects": list(kernel.settings.projects)}


def _do(work: Work, kernel: Container, context: LambdaContext) -> None:
    if work["task"] == "statistics":
        kernel.week_counter().count_patches(work["project"], work["weeks"])
    else:
        attempt(work, kernel.patches_queue, lambda: _read(work["project"], work["mode"], kernel, context))


def _read(project: str, mode: str, kernel: Container, context: LambdaContext) -> bool:
    name = f"{PATCHWORK}:{project}"
    with reading(name, PATCHWORK, kernel.progress, caller(context), utc_now) as current:
        return kernel.patch_sync().read(project, mode, current)
