"""``refresh-discussions``: once a week, queues discussions that may have continued unnoticed."""

from collections.abc import Mapping
from typing import Any

from ingest.kernel.container import container
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.logs import logger
from watchkeeper.metrics import THREADS_ASKED_FOR, measure


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 -- Lambda's signature
    threads = container().discussion_refresh().start()
    measure(THREADS_ASKED_FOR, threads, function=context.function_name)
    logger.info("refresh handed out", threads=threads)
    return {"threads": threads}
