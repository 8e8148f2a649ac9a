"""``refresh-discussions``: once a week, hands out the discussions that may have gone on unseen."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from ingest.kernel.container import container
from ingest.kernel.handlers.work import LambdaContext, logger, metrics


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 -- Lambda's signature
    threads = container().discussion_refresh().start()
    metrics.add_metric(name="ThreadsAskedFor", unit=MetricUnit.Count, value=threads)
    logger.info("refresh handed out", threads=threads)
    return {"threads": threads}
